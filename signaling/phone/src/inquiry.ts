/** One question to a device, outside of calls: a room of its own, and one answer. */
import type { Clock } from "./clock.js";
import { CallboxError } from "./errors.js";
import type { Mail } from "./mail.js";
import type { Envelope, SentType } from "./message.js";
import type { Phone } from "./phone.js";
import type { Room } from "./rooms.js";
import type { Body } from "./verify.js";

export interface Question<T> {
  readonly type: SentType;
  readonly members: object;
  /** What a message says that answers the question; undefined: it is not the answer. */
  answer(type: Envelope["t"], body: Body): { readonly is: T } | CallboxError | undefined;
}

/** Life of a question in milliseconds. */
const life = 10_000;

/** Asks a device. @throws CallboxError notPaired, unreachable, and what the question's answer gives */
export async function inquire<T>(phone: Pick<Phone, "ask">, dkt: string, question: Question<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    phone.ask(dkt, (mail, clock) => new Inquiry(mail, clock, question, resolve, reject));
  });
}

class Inquiry<T> implements Room {
  #id = "";

  constructor(
    private readonly mail: Mail,
    clock: Clock,
    private readonly question: Question<T>,
    private readonly resolve: (answer: T) => void,
    private readonly reject: (error: CallboxError) => void,
  ) {
    // Not the letter's own life, which stands still while the connection is lost.
    clock.after(life, () => {
      reject(new CallboxError("unreachable", "the device did not answer"));
      mail.close();
    });
    void mail.compose(question.type, question.members, { withKey: true }).then((letter) => {
      this.#id = letter.id;
      mail.dispatch(letter, { life });
    });
  }

  receive(envelope: Envelope, body: Body, text: string): void {
    if (envelope.ref !== this.#id) return;
    const answer = this.question.answer(envelope.t, body);
    if (answer === undefined || !this.mail.arrive(envelope, text)) return;
    if (answer instanceof CallboxError) this.reject(answer);
    else this.resolve(answer.is);
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
