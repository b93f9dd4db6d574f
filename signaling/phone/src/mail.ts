import type { Clock } from "./clock.js";
import { randomId } from "./encoding.js";
import { Inbox } from "./inbox.js";
import { sign, type OwnKey } from "./jws.js";
import { deviceAddress, phoneAddress, protocolVersion, type Envelope, type SentType } from "./message.js";
import { Outbox, type Delivery } from "./outbox.js";

/** The part of a link that rooms use. */
export interface Carrier {
  readonly state: string;
  send(text: string): boolean;
  suspect(): void;
}

/** A signed message, ready to be sent. */
export interface Letter {
  readonly id: string;
  readonly text: string;
}

export interface PostOptions {
  readonly id?: string;
  /** Milliseconds until it expires. */
  readonly life: number;
  /** The id that this message answers. */
  readonly ref?: string | undefined;
  /** Carries the phone's public key: before the device has verified an offer. */
  readonly withKey?: boolean;
  readonly done?: (how: Delivery) => void;
}

/** Lives of messages in milliseconds. */
export const lives = { first: 10_000, rest: 30_000 } as const;

/** One room's post: signing, delivery, acknowledgements and duplicates. */
export class Mail {
  readonly roomId: string;
  readonly #key: OwnKey;
  readonly #to: { readonly sn: string; readonly dkt: string };
  readonly #carrier: Carrier;
  readonly #outbox: Outbox;
  readonly #inbox = new Inbox();
  #closed = false;

  constructor(
    key: OwnKey,
    to: { readonly sn: string; readonly dkt: string },
    roomId: string,
    clock: Clock,
    carrier: Carrier,
    options: { readonly suspicious: boolean },
  ) {
    this.#key = key;
    this.#to = to;
    this.roomId = roomId;
    this.#carrier = carrier;
    this.#outbox = new Outbox(
      clock,
      carrier.state === "up",
      (text) => {
        carrier.send(text);
      },
      () => {
        if (options.suspicious) carrier.suspect();
      },
    );
  }

  /** Signs a message and sends it until it is answered. */
  async post(type: SentType, members: object, options: PostOptions): Promise<Letter> {
    const letter = await this.compose(type, members, options);
    this.dispatch(letter, options);
    return letter;
  }

  /** Signs a message. */
  async compose(type: SentType, members: object, options: Pick<PostOptions, "id" | "ref" | "withKey"> = {}): Promise<Letter> {
    const id = options.id ?? randomId();
    const text = await sign(this.#key, {
      v: protocolVersion,
      t: type,
      id,
      from: phoneAddress(this.#key.jkt),
      to: deviceAddress(this.#to.sn),
      tkt: this.#to.dkt,
      roomId: this.roomId,
      ...(options.ref === undefined ? {} : { ref: options.ref }),
      ...(options.withKey ? { jwk: this.#key.jwk } : {}),
      ...members,
    });
    return { id, text };
  }

  /** Sends a signed message until it is answered. */
  dispatch(letter: Letter, options: Pick<PostOptions, "life" | "done">): void {
    if (this.#closed) return;
    this.#outbox.send({ ...letter, life: options.life, done: options.done ?? (() => undefined) });
  }

  /** Sends a signed message once, now, if the link is up: for a page that is being closed. */
  sendNow(letter: Letter): void {
    this.#carrier.send(letter.text);
  }

  /** Stops sending a message. */
  drop(id: string | undefined): void {
    if (id !== undefined) this.#outbox.drop(id);
  }

  /** Books a verified message in. True: it is new; a duplicate gets its old answer again. */
  arrive(envelope: Envelope, text: string): boolean {
    const arrival = this.#inbox.arrive(envelope.id, text);
    switch (arrival.kind) {
      case "forged":
        return false;
      case "duplicate":
        if (envelope.t === "ack") return false;
        if (arrival.answer === undefined) void this.ack(envelope);
        else this.#carrier.send(arrival.answer);
        return false;
      case "new":
        if (envelope.ref !== undefined) this.#outbox.settle(envelope.ref);
        return true;
    }
  }

  /** Books a first copy of a signed message in, which came on the data channel. */
  arriveOnChannel(id: string): boolean {
    return this.#inbox.arrive(id, undefined).kind === "new";
  }

  /** Another message of ours has answered a received one: its duplicates get that. */
  answered(id: string, text: string): void {
    this.#inbox.answered(id, text);
  }

  /** Acknowledges a message; its duplicates get the same bytes. */
  async ack(envelope: Envelope, members: object = {}): Promise<void> {
    const { text } = await this.compose("ack", members, { ref: envelope.id });
    this.#inbox.answered(envelope.id, text);
    this.#carrier.send(text);
  }

  up(): void {
    this.#outbox.up();
  }

  down(): void {
    this.#outbox.down();
  }

  close(): void {
    this.#closed = true;
    this.#outbox.clear();
  }
}
