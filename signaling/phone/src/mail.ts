import type { Clock } from "./clock.js";
import { randomId } from "./encoding.js";
import { Inbox } from "./inbox.js";
import { sign, type OwnKey } from "./jws.js";
import { deviceAddress, phoneAddress, protocolVersion, type Envelope, type SentType } from "./message.js";
import { Outbox, type Delivery } from "./outbox.js";
import type { Way } from "./way.js";

/** The part of a link that rooms use. */
export interface Carrier {
  /** Messages can be sent. */
  readonly up: boolean;
  /** Sends one message: over that way, if it is up. */
  send(text: string, via?: Way): boolean;
  /** So many copies of a message were not answered; Infinity: media has stopped. */
  suspect(copies: number): void;
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
  /** The way on which that came: an answer goes the way its question came. */
  readonly via?: Way | undefined;
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
  #ended = false;
  #lastWord: string | undefined;

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
      carrier.up,
      (text, via) => {
        carrier.send(text, via);
      },
      (copies) => {
        if (options.suspicious) carrier.suspect(copies);
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
  dispatch(letter: Letter, options: Pick<PostOptions, "life" | "done" | "via">): void {
    if (this.#closed || (this.#ended && letter.id !== this.#lastWord)) return;
    this.#outbox.send({ ...letter, life: options.life, via: options.via, done: options.done ?? (() => undefined) });
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
        else this.#carrier.send(arrival.answer, envelope.via);
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
    this.#carrier.send(text, envelope.via);
  }

  /** The room is over: from now on only its last word is sent, if it has one, and what answers the other side. */
  end(lastWord: string | undefined): void {
    this.#ended = true;
    this.#lastWord = lastWord;
    this.#outbox.clear(lastWord);
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
