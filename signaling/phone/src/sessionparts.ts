/** What one call is made of. */
import type { End } from "./causes.js";
import type { Clock } from "./clock.js";
import type { Json } from "./ijson.js";
import type { OwnKey } from "./jws.js";
import type { MakeLeg } from "./leg.js";
import type { Carrier } from "./mail.js";
import type { OwnMedia } from "./media.js";
import type { Envelope } from "./message.js";
import type { CallOptions } from "./options.js";
import type { VoipEvent } from "./voipevents.js";

export interface SessionParts {
  readonly key: OwnKey;
  readonly device: { readonly sn: string; readonly dkt: string; readonly name: string };
  readonly carrier: Carrier;
  readonly clock: Clock;
  readonly makeLeg: MakeLeg;
  readonly media: OwnMedia;
  /** Asked when an SDP or a candidate has come: by then the link has proved which way it goes. */
  readonly allowLoopback: () => boolean;
  readonly options: CallOptions;
  /** The device's ring that this call answers. */
  readonly ring?: Ring | undefined;
  readonly hooks: SessionHooks;
}

/** A verified ring of a device. */
export interface Ring {
  readonly envelope: Envelope;
  readonly text: string;
}

export interface SessionHooks {
  emit(event: VoipEvent): void;
  changed(): void;
  /** In a call of the device: the first challenge has come. May this phone alert? `later`: an own call to the device is under way. */
  mayAlert(): "yes" | "busy" | "later";
  /** The device answered the invite. */
  joined(): void;
  /** The attempt ended before the device answered. */
  failed(end: End): void;
  /** After the last event. */
  over(): void;
  /** The device's own data; false: nobody handles it. */
  data(payload: Json): boolean;
}
