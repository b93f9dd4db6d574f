/** What the phone is made of, and what it shows of its devices. */
import { CallboxError } from "./errors.js";
import type { Brokers } from "./brokers.js";
import type { Clock } from "./clock.js";
import type { OpenSocket } from "./direct.js";
import type { Json } from "./ijson.js";
import type { OwnKey } from "./jws.js";
import type { MakeLeg } from "./leg.js";
import type { OwnMedia } from "./media.js";
import type { Right } from "./rights.js";
import type { DeviceRecord, Store } from "./store.js";
import type { VoipEvent } from "./voipevents.js";
import type { LinkState } from "./way.js";

export interface PhoneParts {
  readonly store: Store;
  readonly openSocket: OpenSocket;
  readonly clock: Clock;
  readonly makeLeg: MakeLeg;
  /** Own media for one call; `ended` is called when a track ends by itself. */
  readonly makeMedia: (ended: () => void) => OwnMedia;
  /** Gets the script for brokers, when a device has one. */
  readonly openBrokers: (key: OwnKey) => Promise<Brokers>;
  /** Where the page itself was loaded from: tried after a device's own endpoints, unless it only has a broker. */
  readonly pageEndpoint?: string | undefined;
  readonly events: PhoneEvents;
}

export interface PhoneEvents {
  voip(event: VoipEvent): void;
  callChanged(): void;
  devicesChanged(): void;
  data(payload: Json): boolean;
  /** The connection to a device is there, or there again. */
  connected(dkt: string): void;
}

/** A paired device as a page shows it. */
export interface Device {
  /** Serial number: not unique by itself, 1 to 48 characters. */
  readonly sn: string;
  /** Thumbprint of the device's key (RFC 7638, SHA-256, base64url): names it. */
  readonly dkt: string;
  /** The name that the device gave itself when it was paired. */
  readonly name: string;
  /** State of the connection: `up` is reachable. */
  readonly state: LinkState;
  /** What this phone may do there, as the device said last; undefined: it has not said. */
  readonly rights: readonly Right[] | undefined;
  /** It is connected and does not answer this phone: as if it had removed it. */
  readonly removed: boolean;
}

/** What callDevice returns: the same value twice, under both of the plug-in's names. */
export interface CallResult {
  /** Names the call at both ends, in events, logs and records. */
  readonly roomId: string;
  /** The older name of roomId: always the same. */
  readonly groupId: string;
}

/** @throws CallboxError notPaired: there is no such device */
export function paired(device: DeviceRecord | undefined): DeviceRecord {
  if (!device) throw new CallboxError("notPaired", "this phone is not paired with that device");
  return device;
}
