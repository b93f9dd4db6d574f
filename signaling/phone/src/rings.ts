/**
 * The calls that devices make, until this phone alerts. A ring is answered at once
 * by an invite, in silence; only the device's challenge shows that it is not an old
 * one played again (docs/protocol.md section 4).
 */
import type { Cause } from "./causes.js";
import type { Clock } from "./clock.js";
import type { OwnKey } from "./jws.js";
import type { Link } from "./link.js";
import { Mail } from "./mail.js";
import { protocolVersion, type Envelope } from "./message.js";
import type { CallOptions } from "./options.js";
import { Refusal } from "./refusal.js";
import type { Rooms } from "./rooms.js";
import type { Session } from "./session.js";
import type { Ring, SessionHooks } from "./sessionparts.js";
import type { DeviceRecord } from "./store.js";
import type { Verified } from "./verify.js";
import type { VoipEventData } from "./voipevents.js";

export interface RingsParts {
  readonly clock: Clock;
  readonly rooms: Rooms;
  readonly key: () => OwnKey;
  /** `calling`: an own call to that device is beginning, which wins over its ring. */
  readonly engagement: (dkt: string) => "free" | "busy" | "calling";
  readonly begin: (
    device: DeviceRecord,
    link: Link,
    ring: Ring,
    options: CallOptions,
    hooks: Pick<SessionHooks, "mayAlert" | "joined" | "failed">,
  ) => Session;
  /** A ring was refused as busy; it was one of now. */
  readonly missed: (roomId: string, data: VoipEventData["ringBusy"]) => void;
}

/** Rings that may wait for their challenge at once: more than that are old ones, played again. */
const maxSilent = 8;

export class Rings {
  readonly #parts: RingsParts;
  #silent = 0;

  constructor(parts: RingsParts) {
    this.#parts = parts;
  }

  /**
   * Takes a verified message that belongs to no room.
   * @returns the reason for which it is dropped, undefined: it is not
   */
  take(device: DeviceRecord, link: Link, message: Verified, text: string): string | undefined {
    const { envelope, body } = message;
    const { engagement, rooms } = this.#parts;
    // The id is taken by a room of another device.
    if (rooms.has(envelope.roomId)) return "unknownRoom";
    if (envelope.t === "cancel" || envelope.t === "bye") {
      // A ring's, of which this page has not heard: it need not come again.
      void this.#mail(device, link, envelope.roomId).ack(envelope);
      return "unknownRoom";
    }
    if (envelope.t !== "ring") return "unknownRoom";
    if (!envelope.jwk) return "jwk";
    const fault = envelope.v !== protocolVersion ? "unsupported" : typeof body === "string" || body.t !== "ring" ? "badRequest" : undefined;
    const state = engagement(device.dkt);
    if (state === "calling") return "glare"; // it is not acknowledged, so it comes again if the own call fails
    if (fault !== undefined || typeof body === "string" || body.t !== "ring") {
      this.#refuse(device, link, envelope, text, fault ?? "badRequest");
      return undefined;
    }
    const missed = (): void => {
      const { roomType, query } = body;
      this.#parts.missed(envelope.roomId, { dkt: device.dkt, deviceName: device.name, roomType, ...(query === undefined ? {} : { query }) });
    };
    if (state === "busy") {
      this.#refuse(device, link, envelope, text, "busy", missed);
      return undefined;
    }
    if (this.#silent >= maxSilent) return "full";
    this.#silent += 1;
    const options: CallOptions = {
      roomType: body.roomType,
      ...(body.timeLimit === undefined ? {} : { timeLimit: body.timeLimit }),
      ...(body.query === undefined ? {} : { customQuery: body.query }),
    };
    const session: Session = this.#parts.begin(device, link, { envelope, text }, options, {
      mayAlert: () => {
        const now = engagement(device.dkt);
        return now === "free" ? "yes" : now === "busy" ? "busy" : "later";
      },
      joined: () => {
        this.#silent -= 1;
      },
      failed: ({ cause }) => {
        this.#silent -= 1;
        rooms.retire(session);
        if (cause === "busy") missed(); // another call had begun before its challenge came
      },
    });
    return undefined;
  }

  #refuse(device: DeviceRecord, link: Link, envelope: Envelope, text: string, cause: Cause, proved = (): void => undefined): void {
    const { rooms } = this.#parts;
    const refusal = new Refusal(this.#mail(device, link, envelope.roomId), envelope, text, cause, proved);
    rooms.add(device.dkt, refusal);
    rooms.retire(refusal);
  }

  #mail(device: DeviceRecord, link: Link, roomId: string): Mail {
    return new Mail(this.#parts.key(), device, roomId, this.#parts.clock, link, { suspicious: false });
  }
}
