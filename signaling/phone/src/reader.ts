/** Reads the device's verified messages of one call and turns them into events of its machine. */
import type { CallEvent, CallState } from "./state.js";
import type { DoorstepData } from "./doorstep.js";
import type { Json } from "./ijson.js";
import type { Letters } from "./letters.js";
import type { Mail } from "./mail.js";
import { malformed, unknownType, type DeviceBody, type Envelope } from "./message.js";
import type { RoomType } from "./options.js";
import { checkAnswer } from "./sdp.js";
import type { Copy, Talk } from "./talk.js";

export interface ReaderParts {
  readonly mail: Mail;
  readonly letters: Letters;
  readonly doorstep: DoorstepData;
  readonly roomType: RoomType;
  readonly allowLoopback: () => boolean;
  readonly state: () => CallState;
  readonly talk: () => Talk | undefined;
  readonly apply: (event: CallEvent) => void;
  /** In a call of the device: may this phone alert? */
  readonly mayAlert: () => boolean;
  /** The device's own data; false: nobody handles it. */
  readonly data: (payload: Json) => boolean;
}

type Data = Extract<DeviceBody, { readonly t: "data" }>;

/** Data that may wait for the `ringing` that it has overtaken. */
const maxEarly = 8;

export class Reader {
  readonly #parts: ReaderParts;
  /** Of the device's DTLS certificate, from its first SDP on. */
  #fingerprint: string | undefined;
  #early: (readonly [Envelope, Data])[] = [];

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  receive(envelope: Envelope, body: DeviceBody | typeof unknownType | typeof malformed, text: string): void {
    const { mail, letters, apply } = this.#parts;
    if (!mail.arrive(envelope, text)) return;
    if (body === malformed || envelope.v !== 1) {
      apply({ t: "breach" });
      return;
    }
    if (body === unknownType) {
      void mail.ack(envelope);
      return;
    }
    if (body.t === "ack") {
      this.#acked(envelope.ref, body.error, body.nonce);
      return;
    }
    if (!letters.answers(body.t, envelope.ref)) {
      apply({ t: "breach" });
      return;
    }
    if (letters.isOffer(envelope.ref)) this.#parts.talk()?.trickle.start();
    if (body.t === "data") {
      this.#data(envelope, body);
      return;
    }
    // The offer is the answer to a challenge; the device sends no challenge again.
    if (body.t !== "challenge") void mail.ack(envelope);
    this.#body(body, envelope);
  }

  /** The first copy of a message. The channel is open only when the answer came in `ringing`, so accept may leave it out. */
  copy(frame: Copy): void {
    const sdp = frame.t === "accept" ? (frame.sdp ?? this.#parts.state().earlySdp) : "";
    if (sdp === undefined || !this.#parts.mail.arriveOnChannel(frame.id)) return;
    this.#body(frame.t === "accept" ? { ...frame, sdp } : frame);
  }

  /** The answer without the candidates that may not be used. */
  clean(sdp: string): string {
    const { roomType, allowLoopback } = this.#parts;
    return checkAnswer(sdp, { roomType, allowLoopback: allowLoopback() }).sdp;
  }

  /** What a message says; `envelope` is undefined for a first copy on the data channel. */
  #body(body: DeviceBody, envelope?: Envelope): void {
    const { letters, doorstep, talk, apply } = this.#parts;
    switch (body.t) {
      case "challenge":
        if (envelope && this.#parts.mayAlert() && letters.challenged(envelope, body.nonce)) apply({ ...body, id: envelope.id });
        return;
      case "ringing":
        doorstep.rings(body.nonce);
        if (body.sdp === undefined || this.#sdpHolds(body.sdp)) apply({ t: "ringing", sdp: body.sdp, ringTimeout: body.ringTimeout });
        for (const [envelope, data] of this.#early.splice(0)) this.#data(envelope, data);
        return;
      case "accept":
      case "restarted":
        if (this.#sdpHolds(body.sdp)) apply(body);
        return;
      case "candidates":
        talk()?.trickle.came(body.candidates, this.#parts.allowLoopback());
        return;
      case "start":
      case "needRestart":
        apply(body);
        return;
      case "reject":
      case "cancel":
        apply({ t: body.t, end: { cause: body.cause } });
        return;
      case "bye":
        apply({ t: "bye", end: body.end });
        return;
      default: // a second ring in the room of the first, or an answer that belongs to no call
    }
  }

  /** The maker's data before the talk: good for the nonce of `ringing`, and at its time. */
  #data(envelope: Envelope, body: Data): void {
    const { mail, doorstep } = this.#parts;
    const { phase } = this.#parts.state();
    if (!doorstep.rang && (phase === "inviting" || phase === "offering")) {
      if (this.#early.length < maxEarly) this.#early.push([envelope, body]);
      return;
    }
    const error = !doorstep.holds(body.nonce, body.at) ? "badRequest" : this.#parts.data(body.payload) ? undefined : "noHandler";
    void mail.ack(envelope, error === undefined ? {} : { error });
  }

  #sdpHolds(sdp: string): boolean {
    const { roomType, allowLoopback } = this.#parts;
    try {
      this.#fingerprint = checkAnswer(sdp, { roomType, fingerprint: this.#fingerprint, allowLoopback: allowLoopback() }).fingerprint;
      return true;
    } catch {
      this.#parts.apply({ t: "breach" });
      return false;
    }
  }

  #acked(ref: string | undefined, error: string | undefined, nonce: string | undefined): void {
    const { letters, doorstep, talk, apply } = this.#parts;
    if (ref === undefined) return;
    if (letters.isOffer(ref)) talk()?.trickle.start();
    if (letters.isLeave(ref)) apply({ t: "leaveAcked" });
    doorstep.acked(ref, error, nonce);
  }
}
