import { dataError } from "./channel.js";
import type { Clock } from "./clock.js";
import { randomId } from "./encoding.js";
import { CallboxError } from "./errors.js";
import type { Json } from "./ijson.js";
import { lives, type Mail } from "./mail.js";

/** How far the seconds since `ringing` may be off, at both ends. */
const skew = 5;

/**
 * The maker's own data while it rings: signed, with the nonce of `ringing`, each
 * good once, and the seconds since `ringing` came.
 */
export class DoorstepData {
  readonly #clock: Clock;
  readonly #mail: Mail;
  readonly #waiting = new Map<string, (error: string | undefined) => void>();
  #nonce: string | undefined;
  /** Stands in all data of the device. */
  #theirs: string | undefined;
  #ringingAt = 0;

  constructor(clock: Clock, mail: Mail) {
    this.#clock = clock;
    this.#mail = mail;
  }

  /** `ringing` came. */
  rings(nonce: string | undefined): void {
    this.#ringingAt = this.#clock.now();
    this.#nonce = nonce;
    this.#theirs = nonce;
  }

  get rang(): boolean {
    return this.#theirs !== undefined;
  }

  /** Reports whether the nonce and the time of the device's data are right: not held back by who carries it. */
  holds(nonce: string | undefined, at: number | undefined): boolean {
    if (nonce === undefined || at === undefined || nonce !== this.#theirs) return false;
    return Math.abs((this.#clock.now() - this.#ringingAt) / 1000 - at) <= skew;
  }

  /** An ack came: it answers a message and may bring the next nonce. */
  acked(ref: string, error: string | undefined, nonce: string | undefined): void {
    if (nonce !== undefined) this.#nonce = nonce;
    this.#waiting.get(ref)?.(error);
    this.#waiting.delete(ref);
  }

  async send(payload: Json, right: string | undefined): Promise<void> {
    const nonce = this.#nonce;
    if (nonce === undefined) throw new CallboxError("noCall", "the answer to the last data is not here yet");
    this.#nonce = undefined;
    const id = randomId();
    const at = (this.#clock.now() - this.#ringingAt) / 1000;
    const answer = new Promise<string | undefined>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    await this.#mail.post("data", { nonce, at, ...(right === undefined ? {} : { right }), payload }, {
      id,
      life: lives.first,
      done: (how) => {
        if (how === "expired") this.acked(id, "unreachable", undefined);
      },
    });
    const error = await answer;
    if (error !== undefined) throw dataError(error);
  }

  stop(): void {
    for (const id of [...this.#waiting.keys()]) this.acked(id, "noCall", undefined);
  }
}
