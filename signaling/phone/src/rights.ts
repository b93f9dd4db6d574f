/** What this phone may do at its devices: each is asked when it connects, and when something may have changed. */
import { randomId } from "./encoding.js";
import { CallboxError } from "./errors.js";
import { inquire } from "./inquiry.js";
import type { Phone } from "./phone.js";

/** A contact's rights (docs/protocol.md section 2). */
export type Right = "call" | "beCalled" | "auto" | "unlock";

const known: readonly string[] = ["call", "beCalled", "auto", "unlock"] satisfies readonly Right[];

export class Rights {
  readonly #phone: Pick<Phone, "ask" | "devices" | "learn">;
  /** The connected devices, each with its connection. */
  readonly #up = new Map<string, symbol>();

  constructor(phone: Pick<Phone, "ask" | "devices" | "learn">) {
    this.#phone = phone;
  }

  /** The devices or their states have changed. */
  look(): void {
    for (const { dkt, state } of this.#phone.devices()) {
      if (state !== "up") this.#up.delete(dkt);
      else if (!this.#up.has(dkt)) {
        this.#up.set(dkt, Symbol());
        void this.#refresh(dkt);
      }
    }
  }

  /** Asks all that are connected, and waits for their answers. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#up.keys()].map(async (dkt) => this.#refresh(dkt)));
  }

  async #refresh(dkt: string): Promise<void> {
    const connection = this.#up.get(dkt);
    try {
      const rights = await askRights(this.#phone, dkt);
      // An older device does not say.
      if (rights) await this.#phone.learn(dkt, rights);
    } catch (error) {
      if (!(error instanceof CallboxError)) throw error;
      if (error.code === "unreachable" && this.#up.get(dkt) === connection) await this.#phone.learn(dkt, undefined);
    }
  }
}

/** Asks one device. @throws CallboxError notPaired, unreachable */
export async function askRights(phone: Pick<Phone, "ask">, dkt: string): Promise<readonly Right[] | undefined> {
  const nonce = randomId();
  return inquire(phone, dkt, {
    type: "ping",
    members: { nonce },
    answer: (_, body) =>
      typeof body !== "string" && body.t === "pong" && body.nonce === nonce ? { is: body.rights?.filter((r): r is Right => known.includes(r)) } : undefined,
  });
}
