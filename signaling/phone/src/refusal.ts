/** A ring that this phone does not take: it is rejected, and that is all that its room does. */
import type { Cause } from "./causes.js";
import { lives, type Mail } from "./mail.js";
import type { Envelope } from "./message.js";

export class Refusal {
  readonly roomId: string;
  readonly #mail: Mail;

  constructor(mail: Mail, ring: Envelope, text: string, cause: Cause) {
    this.#mail = mail;
    this.roomId = mail.roomId;
    mail.arrive(ring, text);
    void this.#send(ring, cause);
  }

  async #send(ring: Envelope, cause: Cause): Promise<void> {
    const { text } = await this.#mail.post("reject", { cause }, { ref: ring.id, via: ring.via, withKey: true, life: lives.rest });
    this.#mail.answered(ring.id, text);
  }

  receive(envelope: Envelope, _: unknown, text: string): void {
    if (this.#mail.arrive(envelope, text) && envelope.t !== "ack") void this.#mail.ack(envelope);
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
