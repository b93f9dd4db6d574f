import type { JsonObject } from "./ijson.js";
import { open, type PeerKey } from "./jws.js";
import type { malformed, unknownType} from "./message.js";
import { deviceAddress, parseBody, parseEnvelope, phoneAddress, type DeviceBody, type Envelope } from "./message.js";
import type { Way } from "./way.js";

export type Body = DeviceBody | typeof unknownType | typeof malformed;

/** A message of the device, for this phone. Its body may still break the rules. */
export interface Verified {
  readonly envelope: Envelope;
  readonly body: Body;
}

/** Why a message is dropped without a word. */
export type Fault = "signature" | "malformed" | "from" | "to" | "tkt" | "jwk";

/** What the phone verifies of every message (docs/protocol.md section 4), up to what its room has to judge. */
export async function verify(text: string, peer: PeerKey | undefined, sn: string, jkt: string, via?: Way): Promise<Verified | Fault> {
  const payload: JsonObject | undefined = peer && (await open(text, peer));
  if (!payload || !peer) return "signature";
  const envelope = parseEnvelope(payload);
  if (!envelope) return "malformed";
  if (envelope.from !== deviceAddress(sn)) return "from";
  if (envelope.to !== phoneAddress(jkt)) return "to";
  if (envelope.tkt !== jkt) return "tkt";
  const { jwk } = envelope;
  if (jwk && (jwk.x !== peer.jwk.x || jwk.y !== peer.jwk.y)) return "jwk";
  return { envelope: { ...envelope, via }, body: parseBody(envelope.t, payload) };
}
