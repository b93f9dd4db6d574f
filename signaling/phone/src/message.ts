import { isCause, isDetail, isOrigin, type Cause, type End } from "./causes.js";
import { byteLength, fromBase64url } from "./encoding.js";
import { isObject, type Json, type JsonObject } from "./ijson.js";
import { parseJwk, type PublicJwk } from "./jws.js";
import type { RoomType } from "./options.js";
import type { Way } from "./way.js";

/** Version of the protocol: callbox/1. */
export const protocolVersion = 1;

/** The message types that a phone sends. */
export type SentType =
  | "invite"
  | "offer"
  | "candidates"
  | "restart"
  | "data"
  | "cancel"
  | "reject"
  | "bye"
  | "pair"
  | "ping"
  | "push"
  | "ack";

/** What every message carries besides its own members. */
export interface Envelope {
  readonly v: number;
  readonly t: string;
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly tkt: string;
  readonly roomId: string;
  readonly ref: string | undefined;
  /** The sender's key, when the message carries it. */
  readonly jwk: PublicJwk | undefined;
  /** The way on which it came: nothing that it says itself. */
  readonly via?: Way | undefined;
}

/** What a device says first on a direct connection. */
export interface DeviceHello {
  readonly id: string;
  readonly from: string;
  readonly nonce: string;
  readonly sn: string;
  readonly jwk: PublicJwk;
  readonly epoch: number;
  readonly versions: readonly number[];
}

/** The members of each message of a device, checked. */
export type DeviceBody =
  | {
      readonly t: "challenge";
      readonly nonce: string;
      readonly epoch: number;
      readonly iceServers: readonly RTCIceServer[];
      readonly ringTimeout: number | undefined;
    }
  | {
      readonly t: "ringing";
      readonly sdp: string | undefined;
      readonly ringTimeout: number | undefined;
      readonly nonce: string | undefined;
    }
  | { readonly t: "accept"; readonly sdp: string; readonly timeLimit: number | undefined }
  | { readonly t: "start"; readonly timeLimit: number | undefined }
  | { readonly t: "candidates"; readonly candidates: readonly RTCIceCandidateInit[] }
  | { readonly t: "restarted"; readonly generation: number; readonly sdp: string }
  | { readonly t: "needRestart"; readonly generation: number; readonly iceServers: readonly RTCIceServer[] }
  | { readonly t: "reject"; readonly cause: Cause }
  | { readonly t: "cancel"; readonly cause: Cause }
  | { readonly t: "bye"; readonly end: End }
  | { readonly t: "data"; readonly nonce: string | undefined; readonly at: number | undefined; readonly payload: Json }
  | { readonly t: "ring"; readonly roomType: RoomType; readonly timeLimit: number | undefined; readonly query: string | undefined }
  | {
      readonly t: "paired";
      readonly jwk: PublicJwk;
      readonly name: string;
      readonly rights: readonly string[];
      readonly mac: string;
    }
  | { readonly t: "pong"; readonly nonce: string | undefined; readonly rights: readonly string[] | undefined }
  | Pushed
  | { readonly t: "ack"; readonly error: string | undefined; readonly nonce: string | undefined };

/** How a device wakes this phone. */
export interface Pushed {
  readonly t: "pushed";
  /** The applicationServerKey, base64url; undefined: the device does not push. */
  readonly key: string | undefined;
  /** For a change, good for 10 s. */
  readonly nonce: string | undefined;
  readonly subscribed: boolean;
  readonly error: string | undefined;
}

/** A verified message of a type that this phone knows. */
export interface DeviceMessage {
  readonly envelope: Envelope;
  readonly body: DeviceBody;
}

/** Longest free text of an invite or a ring, in bytes. */
export const maxQuery = 1024;

const roomPattern = /^[A-Za-z0-9._-]{1,128}$/;
const snPattern = /^[A-Za-z0-9_-]{1,48}$/;

/** Reports whether text may name a room. */
export function isRoomId(text: string): boolean {
  return roomPattern.test(text);
}

/** Reports whether text may be a device's serial number. */
export function isSn(text: string): boolean {
  return snPattern.test(text);
}

/** Reports whether value may name a message: 16 to 48 bytes of base64url. */
export function isId(value: unknown): value is string {
  if (typeof value !== "string" || value.length > 64) return false;
  const bytes = fromBase64url(value);
  return bytes !== undefined && bytes.length >= 16;
}

/** Reports whether text has the form of a SHA-256 thumbprint. */
export function isThumbprint(text: string): boolean {
  return text.length === 43 && fromBase64url(text) !== undefined;
}

/** Reports whether text may be a name: 1 to 64 code points, no control or format characters. */
export function isName(text: string): boolean {
  const points = Array.from(text).length;
  return points >= 1 && points <= 64 && text.trim() !== "" && !/[\p{Cc}\p{Cf}]/u.test(text);
}

/** A device's address. */
export function deviceAddress(sn: string): string {
  return `d.${sn}`;
}

/** A phone's address: its key. */
export function phoneAddress(jkt: string): string {
  return `p.${jkt}`;
}

/** Reads the envelope; undefined when a member is missing or of another type. */
export function parseEnvelope(payload: JsonObject): Envelope | undefined {
  const { v, t, id, from, to, tkt, roomId, groupId, ref } = payload;
  if (typeof v !== "number" || typeof t !== "string" || t === "" || !isId(id)) return undefined;
  if (typeof from !== "string" || typeof to !== "string" || typeof tkt !== "string" || !isThumbprint(tkt)) return undefined;
  if (groupId !== undefined && roomId !== undefined && groupId !== roomId) return undefined;
  const room = roomId ?? groupId;
  if (typeof room !== "string" || !isRoomId(room)) return undefined;
  if (ref !== undefined && !isId(ref)) return undefined;
  const jwk = parseJwk(payload["jwk"]);
  if (payload["jwk"] !== undefined && !jwk) return undefined;
  return { v, t, id, from, to, tkt, roomId: room, ref, jwk };
}

/** Reads a device's hello, whose signature is verified by the key that it carries or that is held. */
export function parseHello(payload: JsonObject): DeviceHello | undefined {
  const { v, t, id, from, nonce, sn, epoch, versions } = payload;
  const jwk = parseJwk(payload["jwk"]);
  if (v !== protocolVersion || t !== "hello" || !isId(id) || typeof from !== "string" || !jwk) return undefined;
  if (typeof nonce !== "string" || typeof sn !== "string" || !isSn(sn) || from !== deviceAddress(sn)) return undefined;
  if (!isCount(epoch) || !Array.isArray(versions)) return undefined;
  return { id, from, nonce, sn, jwk, epoch, versions: versions.filter((n): n is number => typeof n === "number") };
}

/** A message type this phone does not know; acknowledged and otherwise ignored. */
export const unknownType = "unknown";
/** A known type whose members break the rules: a breach. */
export const malformed = "malformed";

/** Reads the members of a message of type t; members that are not known are ignored. */
export function parseBody(t: string, p: JsonObject): DeviceBody | typeof unknownType | typeof malformed {
  switch (t) {
    case "challenge": {
      const { nonce, epoch } = p;
      const ringTimeout = optionalSeconds(p["ringTimeout"]);
      const iceServers = parseIceServers(p["iceServers"]);
      if (typeof nonce !== "string" || !isCount(epoch) || ringTimeout === null || !iceServers) return malformed;
      return { t, nonce, epoch, iceServers, ringTimeout };
    }
    case "ringing": {
      const sdp = optionalText(p["sdp"]);
      const nonce = optionalText(p["nonce"]);
      const ringTimeout = optionalSeconds(p["ringTimeout"]);
      if (sdp === null || nonce === null || ringTimeout === null) return malformed;
      return { t, sdp, nonce, ringTimeout };
    }
    case "accept": {
      const timeLimit = optionalSeconds(p["timeLimit"]);
      if (typeof p["sdp"] !== "string" || timeLimit === null) return malformed;
      return { t, sdp: p["sdp"], timeLimit };
    }
    case "start": {
      const timeLimit = optionalSeconds(p["timeLimit"]);
      return timeLimit === null ? malformed : { t, timeLimit };
    }
    case "candidates": {
      const candidates = parseCandidates(p["candidates"]);
      return candidates ? { t, candidates } : malformed;
    }
    case "restarted":
      if (!isCount(p["generation"]) || typeof p["sdp"] !== "string") return malformed;
      return { t, generation: p["generation"], sdp: p["sdp"] };
    case "needRestart": {
      const iceServers = parseIceServers(p["iceServers"]);
      return isCount(p["generation"]) && iceServers ? { t, generation: p["generation"], iceServers } : malformed;
    }
    case "reject":
    case "cancel":
      // A cause that a later version has made is still a no.
      if (typeof p["cause"] !== "string") return malformed;
      return { t, cause: isCause(p["cause"]) ? p["cause"] : t === "cancel" ? "cancelled" : "rejected" };
    case "bye": {
      const end = parseEnd(p);
      return end ? { t, end } : malformed;
    }
    case "data": {
      const nonce = optionalText(p["nonce"]);
      const at = p["at"];
      if (nonce === null || (at !== undefined && typeof at !== "number")) return malformed;
      return { t, nonce, at, payload: p["payload"] ?? null };
    }
    case "ring": {
      const { roomType } = p;
      const timeLimit = optionalSeconds(p["timeLimit"]);
      const query = optionalText(p["query"]);
      if ((roomType !== "voice" && roomType !== "video") || timeLimit === null || query === null) return malformed;
      if (query !== undefined && byteLength(query) > maxQuery) return malformed;
      return { t, roomType, timeLimit, query };
    }
    case "paired": {
      const jwk = parseJwk(p["jwk"]);
      const { name, rights, mac } = p;
      if (!jwk || typeof name !== "string" || !isName(name) || typeof mac !== "string" || !Array.isArray(rights)) return malformed;
      return { t, jwk, name, mac, rights: rights.filter((r): r is string => typeof r === "string") };
    }
    case "pong": {
      const nonce = optionalText(p["nonce"]);
      const { rights } = p;
      if (nonce === null || !(rights === undefined || Array.isArray(rights))) return malformed;
      return { t, nonce, rights: rights?.filter((r): r is string => typeof r === "string") };
    }
    case "pushed": {
      const key = optionalText(p["key"]);
      const nonce = optionalText(p["nonce"]);
      const error = optionalText(p["error"]);
      const { subscribed } = p;
      if (key === null || nonce === null || error === null || typeof subscribed !== "boolean") return malformed;
      return { t, key, nonce, subscribed, error };
    }
    case "ack": {
      const error = optionalText(p["error"]);
      const nonce = optionalText(p["nonce"]);
      return error === null || nonce === null ? malformed : { t, error, nonce };
    }
    default:
      return unknownType;
  }
}

/** Reads cause, origin and detail. What is not known is left out: the call is over all the same. */
export function parseEnd(p: JsonObject): End | undefined {
  const { cause, origin, detail } = p;
  if (typeof cause !== "string") return undefined;
  if (!isCause(cause)) return { cause: "aborted" };
  return {
    cause,
    ...(cause === "hangup" && isOrigin(origin) ? { origin } : {}),
    ...(cause === "aborted" && isDetail(detail) ? { detail } : {}),
  };
}

/** The candidates of a message: at most 40 objects of RTCIceCandidateInit's shape. */
export function parseCandidates(value: Json | undefined): RTCIceCandidateInit[] | undefined {
  if (!Array.isArray(value) || value.length > 40) return undefined;
  const list: RTCIceCandidateInit[] = [];
  for (const item of value as readonly Json[]) {
    if (!isObject(item) || typeof item["candidate"] !== "string") return undefined;
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = item;
    list.push({
      candidate,
      ...(typeof sdpMid === "string" ? { sdpMid } : {}),
      ...(isCount(sdpMLineIndex) ? { sdpMLineIndex } : {}),
      ...(typeof usernameFragment === "string" ? { usernameFragment } : {}),
    });
  }
  return list;
}

function parseIceServers(value: Json | undefined): RTCIceServer[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > 16) return undefined;
  const servers: RTCIceServer[] = [];
  for (const item of value as readonly Json[]) {
    if (!isObject(item)) return undefined;
    const { urls, username, credential } = item;
    const list = typeof urls === "string" ? [urls] : urls;
    if (!Array.isArray(list) || !list.every((u): u is string => typeof u === "string" && /^(stuns?|turns?):/i.test(u))) return undefined;
    servers.push({
      urls: list,
      ...(typeof username === "string" ? { username } : {}),
      ...(typeof credential === "string" ? { credential } : {}),
    });
  }
  return servers;
}

/** Reports whether value is a JSON number of whole, not negative value that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** undefined when absent, null when it breaks the rules: 0 < seconds <= 2^31. */
function optionalSeconds(value: Json | undefined): number | undefined | null {
  if (value === undefined) return undefined;
  return isSeconds(value) ? value : null;
}

/** Reports whether value is a time limit: a finite number, 0 < x <= 2^31 seconds. */
export function isSeconds(value: unknown): value is number {
  return typeof value === "number" && value > 0 && value <= 2 ** 31;
}

function optionalText(value: Json | undefined): string | undefined | null {
  if (value === undefined) return undefined;
  return typeof value === "string" ? value : null;
}
