/**
 * A ring that this phone does not take: it is rejected, and that is all that its room does.
 * The device's acknowledgement names the rejection, and comes only while it rings: it
 * shows that the ring is not an old one played again.
 */
import type { Cause } from "./causes.js";
import { randomId } from "./encoding.js";
import { lives, type Mail } from "./mail.js";
import type { Envelope } from "./message.js";

export class Refusal {
  readonly roomId: string;
  readonly #mail: Mail;
  readonly #id = randomId();
  readonly #proved: () => void;

  constructor(mail: Mail, ring: Envelope, text: string, cause: Cause, proved: () => void) {
    this.#mail = mail;
    this.#proved = proved;
    this.roomId = mail.roomId;
    mail.arrive(ring, text);
    void this.#send(ring, cause);
  }

  async #send(ring: Envelope, cause: Cause): Promise<void> {
    const { text } = await this.#mail.post("reject", { cause }, { id: this.#id, ref: ring.id, via: ring.via, withKey: true, life: lives.rest });
    this.#mail.answered(ring.id, text);
  }

  receive(envelope: Envelope, _: unknown, text: string): void {
    if (!this.#mail.arrive(envelope, text)) return;
    if (envelope.t !== "ack") void this.#mail.ack(envelope);
    else if (envelope.ref === this.#id) this.#proved();
  }

  linkUp(): void {
    this.#mail.up();
  }

  linkDown(): void {
    this.#mail.down();
  }

  epoch(): void {
    // nothing of this room depends on it
  }

  forget(): void {
    this.#mail.close();
  }
}
