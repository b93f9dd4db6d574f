import type { Clock } from "./clock.js";
import { CallboxError } from "./errors.js";
import type { Mail } from "./mail.js";
import type { Envelope, Pushed } from "./message.js";
import type { Phone } from "./phone.js";
import type { Room } from "./rooms.js";
import type { Body } from "./verify.js";

/** Lives of the question and of its nonces, in milliseconds. */
const life = 10_000;

/** Asks a device how it wakes this phone, or changes that (docs/protocol.md section 3, Waking). @throws CallboxError notPaired, unreachable, badRequest */
export async function askPush(phone: Pick<Phone, "ask">, dkt: string, members: object): Promise<Pushed> {
  return new Promise((resolve, reject) => {
    phone.ask(dkt, (mail, clock) => new Inquiry(mail, clock, members, resolve, reject));
  });
}

/** The room of one question. */
class Inquiry implements Room {
  #id = "";

  constructor(
    private readonly mail: Mail,
    clock: Clock,
    members: object,
    private readonly resolve: (answer: Pushed) => void,
    private readonly reject: (error: CallboxError) => void,
  ) {
    // Not the letter's own life, which stands still while the connection is lost.
    clock.after(life, () => {
      reject(new CallboxError("unreachable", "the device did not answer"));
      mail.close();
    });
    void mail.compose("push", members, { withKey: true }).then((letter) => {
      this.#id = letter.id;
      mail.dispatch(letter, { life });
    });
  }

  receive(envelope: Envelope, body: Body, text: string): void {
    if (envelope.t !== "pushed" || envelope.ref !== this.#id || !this.mail.arrive(envelope, text)) return;
    if (typeof body !== "string" && body.t === "pushed") this.resolve(body);
    else this.reject(new CallboxError("badRequest", "the device's answer cannot be read"));
  }

  linkUp(): void {
    this.mail.up();
  }

  linkDown(): void {
    this.mail.down();
  }

  epoch(): void {
    // nothing of this room depends on it
  }

  forget(): void {
    this.mail.close();
  }
}
