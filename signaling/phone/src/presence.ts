/** What a device says of itself on its status topic (docs/mqtt.md, "Presence"). */
import { isObject, parseIJSON } from "./ijson.js";
import { importPeer, open, parseJwk, peek } from "./jws.js";
import { deviceAddress, isCount, protocolVersion } from "./message.js";

const statusType = "callbox-status+jws";

/** A presence that the device itself has signed. */
export interface Presence {
  readonly state: "idle" | "busy" | "dnd";
  readonly epoch: number;
  /** It speaks a version that this page speaks. */
  readonly supported: boolean;
}

/**
 * Reads a presence of the device with that serial number and key.
 * @returns `otherKey` when another key has signed it for this serial number; undefined when it is nothing to go by.
 */
export async function readPresence(text: string, sn: string, dkt: string): Promise<Presence | "otherKey" | undefined> {
  const jwk = parseJwk(peek(text, statusType)?.["jwk"]);
  const peer = jwk && (await importPeer(jwk));
  const payload = peer && (await open(text, peer, statusType));
  if (!payload) return undefined;
  const { v, from, state, epoch, versions } = payload;
  if (v !== protocolVersion || from !== deviceAddress(sn) || !isCount(epoch)) return undefined;
  if (state !== "idle" && state !== "busy" && state !== "dnd") return undefined;
  if (peer.jkt !== dkt) return "otherKey";
  return { state, epoch, supported: Array.isArray(versions) && versions.includes(protocolVersion) };
}

/** Reads the last will, which the broker says for a device that is gone: its epoch. Anybody could have said it. */
export function readWill(text: string): number | undefined {
  if (text.length > 256) return undefined;
  try {
    const will = parseIJSON(text);
    return isObject(will) && will["state"] === "offline" && isCount(will["epoch"]) ? will["epoch"] : undefined;
  } catch {
    return undefined;
  }
}
