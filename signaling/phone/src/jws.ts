import { CompactSign, calculateJwkThumbprint, compactVerify } from "jose";
import { fromBase64url, fromUtf8, utf8 } from "./encoding.js";
import { isObject, parseIJSON, type Json, type JsonObject } from "./ijson.js";

/** A public P-256 key as RFC 7517 writes it: exactly these members. */
export interface PublicJwk {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
}

/** An endpoint's own key. The private half cannot be read, only used. */
export interface OwnKey {
  readonly privateKey: CryptoKey;
  readonly jwk: PublicJwk;
  /** RFC 7638 SHA-256 thumbprint of jwk: 43 characters. */
  readonly jkt: string;
}

/** A peer's public key, ready to verify with. */
export interface PeerKey {
  readonly publicKey: CryptoKey;
  readonly jwk: PublicJwk;
  readonly jkt: string;
}

const messageType = "callbox-msg+jws";
/** Longest message, in bytes of JWS text (docs/protocol.md section 3). */
export const maxMessage = 32 * 1024;

/** Makes a P-256 key whose private half never leaves WebCrypto. */
export async function generateKey(): Promise<OwnKey> {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const jwk: PublicJwk = { kty: "EC", crv: "P-256", x, y };
  return { privateKey: pair.privateKey, jwk, jkt: await thumbprint(jwk) };
}

/** RFC 7638 SHA-256 thumbprint, base64url. */
export async function thumbprint(jwk: PublicJwk): Promise<string> {
  return calculateJwkThumbprint({ ...jwk }, "sha256");
}

/** Reads a public key: exactly kty, crv, x and y, canonical, or undefined. */
export function parseJwk(value: Json | undefined): PublicJwk | undefined {
  if (!isObject(value) || Object.keys(value).length !== 4) return undefined;
  const { kty, crv, x, y } = value;
  if (kty !== "EC" || crv !== "P-256" || typeof x !== "string" || typeof y !== "string") return undefined;
  if (fromBase64url(x)?.length !== 32 || fromBase64url(y)?.length !== 32) return undefined;
  return { kty, crv, x, y };
}

/** Imports a public key, or undefined when it is not a point of the curve. */
export async function importPeer(jwk: PublicJwk): Promise<PeerKey | undefined> {
  try {
    const publicKey = await crypto.subtle.importKey("jwk", { ...jwk }, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
    return { publicKey, jwk, jkt: await thumbprint(jwk) };
  } catch {
    return undefined;
  }
}

/** Signs a payload: the compact JWS of docs/protocol.md section 3. */
export async function sign(key: OwnKey, payload: object): Promise<string> {
  return new CompactSign(utf8(JSON.stringify(payload)))
    .setProtectedHeader({ alg: "ES256", typ: messageType, kid: key.jkt })
    .sign(key.privateKey);
}

/** The payload of a message whose signature has not been looked at yet. */
export function peek(text: string): JsonObject | undefined {
  return split(text)?.payload;
}

/** Verifies a message by the one key that may have signed it; its payload, or undefined. */
export async function open(text: string, by: PeerKey): Promise<JsonObject | undefined> {
  const parts = split(text);
  if (parts?.kid !== by.jkt) return undefined;
  try {
    await compactVerify(text, by.publicKey, { algorithms: ["ES256"] });
    return parts.payload;
  } catch {
    return undefined;
  }
}

/** Takes a compact JWS apart: canonical parts, the exact header, a 64-byte signature, an object. */
function split(text: string): { kid: string; payload: JsonObject } | undefined {
  if (text.length > maxMessage) return undefined;
  const [head, body, tail, ...more] = text.split(".");
  if (head === undefined || body === undefined || tail === undefined || more.length > 0) return undefined;
  const [header, payload, signature] = [fromBase64url(head), fromBase64url(body), fromBase64url(tail)];
  if (!header || !payload || signature?.length !== 64) return undefined;
  try {
    const h = parseIJSON(fromUtf8(header));
    const p = parseIJSON(fromUtf8(payload));
    if (!isObject(h) || !isObject(p) || Object.keys(h).length !== 3) return undefined;
    if (h["alg"] !== "ES256" || h["typ"] !== messageType || typeof h["kid"] !== "string") return undefined;
    return { kid: h["kid"], payload: p };
  } catch {
    return undefined;
  }
}
