/** What became of a verified message. */
export type Arrival =
  | { readonly kind: "new" }
  /** The same bytes again: answer is to be sent again, when there was one. */
  | { readonly kind: "duplicate"; readonly answer: string | undefined }
  /** The same id with other bytes. */
  | { readonly kind: "forged" };

/** Ids that a room remembers. */
const memory = 512;

/**
 * A room's memory of what it has received, so that a duplicate has no second
 * effect. A first copy on the data channel has no signed bytes: the signed copy
 * that follows is a duplicate of it.
 */
export class Inbox {
  readonly #seen = new Map<string, { text: string | undefined; answer: string | undefined }>();

  arrive(id: string, text: string | undefined): Arrival {
    const before = this.#seen.get(id);
    if (!before) {
      if (this.#seen.size >= memory) this.#forgetOldest();
      this.#seen.set(id, { text, answer: undefined });
      return { kind: "new" };
    }
    if (text !== undefined && before.text !== undefined && before.text !== text) return { kind: "forged" };
    before.text ??= text;
    return { kind: "duplicate", answer: before.answer };
  }

  /** Keeps the bytes that answered a message, for its duplicates. */
  answered(id: string, answer: string): void {
    const entry = this.#seen.get(id);
    if (entry) entry.answer = answer;
  }

  #forgetOldest(): void {
    for (const id of this.#seen.keys()) {
      this.#seen.delete(id);
      return;
    }
  }
}
