import type { End } from "./causes.js";
import { randomId } from "./encoding.js";
import { lives, type Letter, type Mail } from "./mail.js";
import type { DeviceBody, Envelope } from "./message.js";
import type { CallOptions } from "./options.js";
import type { LeaveType } from "./state.js";
import type { Way } from "./way.js";

/** What becomes of the letters of a call. */
export interface LetterEvents {
  unanswered(type: "invite" | "offer"): void;
}

/** The signed messages that one call sends, and what answers them. */
export class Letters {
  readonly #mail: Mail;
  readonly #events: LetterEvents;
  /** The device's ring that this call answers. */
  readonly #ring: Envelope | undefined;
  #invite: Letter | undefined;
  #challenge: { readonly id: string; readonly nonce: string; readonly via: Way | undefined } | undefined;
  #offerId: string | undefined;
  #restartId: string | undefined;
  #leaveId: string | undefined;
  /** Signed beforehand: there is no time for it when the page is closed. */
  #farewell: { readonly letter: Letter; readonly type: "cancel" | "bye" } | undefined;
  /** The call is being left or over: what is signed later is not sent. */
  #closing = false;

  constructor(mail: Mail, ring: Envelope | undefined, events: LetterEvents) {
    this.#mail = mail;
    this.#ring = ring;
    this.#events = events;
  }

  /** Asks to call, or answers the device's ring. */
  async invite(options: CallOptions): Promise<void> {
    const members = this.#ring === undefined ? wish(options) : answer(options);
    const letter = await this.#mail.compose("invite", members, { ref: this.#ring?.id, withKey: true });
    if (this.#closing) return;
    this.#invite = letter;
    if (this.#ring) this.#mail.answered(this.#ring.id, letter.text);
    this.#mail.dispatch(letter, {
      life: lives.first,
      via: this.#ring?.via,
      done: (how) => {
        if (how === "expired") this.#events.unanswered("invite");
      },
    });
  }

  /** A challenge came. False: it is not the first; each copy of the invite has got one. */
  challenged({ id, via }: Envelope, nonce: string): boolean {
    if (this.#challenge) return false;
    this.#challenge = { id, nonce, via };
    return true;
  }

  async offer(sdp: string): Promise<void> {
    const id = randomId();
    const members = { nonce: this.#challenge?.nonce, invite: this.#invite?.text, sdp };
    const letter = await this.#mail.compose("offer", members, { id, ref: this.#challenge?.id, withKey: true });
    if (this.#closing) return; // it would ring after its own cancel
    this.#offerId = id;
    this.#mail.dispatch(letter, {
      life: lives.first,
      via: this.#challenge?.via,
      done: (how) => {
        if (how === "expired") this.#events.unanswered("offer");
      },
    });
    await this.signFarewell("cancel");
  }

  async restart(generation: number, sdp: string): Promise<void> {
    const letter = await this.#mail.compose("restart", { generation, sdp });
    if (this.#closing) return;
    this.dropRestart();
    this.#restartId = letter.id;
    this.#mail.dispatch(letter, { life: lives.rest });
  }

  /** A newer restart is being made. */
  dropRestart(): void {
    this.#mail.drop(this.#restartId);
  }

  async leave(type: LeaveType, end: End, first: (id: string) => void): Promise<void> {
    const id = randomId();
    this.#leaveId = id;
    this.close();
    first(id);
    // It goes on being sent after this call's last event: the device should hear of it.
    const done = (): void => {
      this.#mail.close();
    };
    const members = type === "bye" ? end : { cause: end.cause };
    const ring = type === "reject" ? this.#ring : undefined;
    const letter = await this.#mail.post(type, members, { id, ref: ring?.id, via: ring?.via, withKey: type !== "bye", life: lives.rest, done });
    if (ring) this.#mail.answered(ring.id, letter.text);
  }

  /** Signs what is sent if the page is closed. */
  async signFarewell(type: "cancel" | "bye"): Promise<void> {
    const members = type === "bye" ? { cause: "hangup", origin: "unloadCallPage" } : { cause: "cancelled" };
    const letter = await this.#mail.compose(type, members, { withKey: type === "cancel" });
    // Signatures finish in any order: a cancel must not take the place of a bye.
    if (type === "bye" || !this.#farewell) this.#farewell = { letter, type };
  }

  /** Sends it. `first` gets the frame for the data channel. */
  sendFarewell(first: (frame: string) => void): void {
    if (!this.#farewell || this.#closing) return;
    const { letter, type } = this.#farewell;
    if (type === "bye") first(JSON.stringify({ t: "bye", id: letter.id, cause: "hangup", origin: "unloadCallPage" }));
    this.#mail.sendNow(letter);
  }

  isOffer(ref: string | undefined): boolean {
    return ref !== undefined && ref === this.#offerId;
  }

  isLeave(ref: string): boolean {
    return ref === this.#leaveId;
  }

  /** `ref` stands on every answer: of the invite or of the offer. */
  answers(t: DeviceBody["t"], ref: string | undefined): boolean {
    const isInvite = ref !== undefined && ref === this.#invite?.id;
    switch (t) {
      case "challenge":
        return isInvite;
      case "ringing":
      case "accept":
        return this.isOffer(ref);
      case "reject":
        return isInvite || this.isOffer(ref);
      default:
        return true;
    }
  }

  /** Stops what is still being sent, but for the last word. */
  close(): void {
    this.#closing = true;
    this.#mail.end(this.#leaveId);
  }
}

function wish(options: CallOptions): object {
  const video = options.roomType === "video";
  return {
    roomType: options.roomType,
    ...(options.timeLimit === undefined ? {} : { timeLimit: options.timeLimit }),
    enableCallerCamera: video && options.enableCallerCamera !== false,
    enableListenerCamera: video && options.enableListenerCamera !== false,
    ...(options.customQuery === undefined ? {} : { query: options.customQuery }),
    ...(options.payload === undefined ? {} : { payload: options.payload }),
    ...(options.token === undefined ? {} : { token: options.token }),
  };
}

/** The members of an invite that answers a ring: what the device has said it wants. */
function answer({ roomType, timeLimit }: CallOptions): object {
  return { roomType, ...(timeLimit === undefined ? {} : { timeLimit }) };
}
