import { base64url, fromBase64url, fromUtf8, utf8 } from "./encoding.js";
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
const es256 = { name: "ECDSA", hash: "SHA-256" } as const;
/** Longest message, in bytes of JWS text (docs/protocol.md section 3). */
export const maxMessage = 32 * 1024;

/** Makes a P-256 key whose private half never leaves WebCrypto. */
export async function generateKey(): Promise<OwnKey> {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const jwk: PublicJwk = { kty: "EC", crv: "P-256", x, y };
  return { privateKey: pair.privateKey, jwk, jkt: await thumbprint(jwk) };
}

/** RFC 7638 SHA-256 thumbprint, base64url: of the members in the order of their names. */
export async function thumbprint({ crv, kty, x, y }: PublicJwk): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(JSON.stringify({ crv, kty, x, y })))));
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

/** Signs a payload: the compact JWS of docs/protocol.md section 3. WebCrypto's signature is the one of RFC 7518, 3.4: R and S, 32 bytes each. */
export async function sign(key: OwnKey, payload: object, typ = messageType): Promise<string> {
  const input = [{ alg: "ES256", typ, kid: key.jkt }, payload].map((part) => base64url(utf8(JSON.stringify(part)))).join(".");
  return `${input}.${base64url(new Uint8Array(await crypto.subtle.sign(es256, key.privateKey, utf8(input))))}`;
}

/** The payload of a message whose signature has not been looked at yet. */
export function peek(text: string, typ = messageType): JsonObject | undefined {
  return split(text, typ)?.payload;
}

/** Verifies a message by the one key that may have signed it; its payload, or undefined. */
export async function open(text: string, by: PeerKey, typ = messageType): Promise<JsonObject | undefined> {
  const parts = split(text, typ);
  if (parts?.kid !== by.jkt) return undefined;
  return (await crypto.subtle.verify(es256, by.publicKey, parts.signature, utf8(parts.input))) ? parts.payload : undefined;
}

interface Parts {
  readonly kid: string;
  readonly payload: JsonObject;
  readonly signature: Uint8Array<ArrayBuffer>;
  /** What is signed. */
  readonly input: string;
}

/** Takes a compact JWS apart: canonical parts, the exact header, a 64-byte signature, an object. */
function split(text: string, typ: string): Parts | undefined {
  if (text.length > maxMessage) return undefined;
  const [head, body, tail, ...more] = text.split(".");
  if (head === undefined || body === undefined || tail === undefined || more.length > 0) return undefined;
  const [header, payload, signature] = [fromBase64url(head), fromBase64url(body), fromBase64url(tail)];
  if (!header || !payload || signature?.length !== 64) return undefined;
  try {
    const h = parseIJSON(fromUtf8(header));
    const p = parseIJSON(fromUtf8(payload));
    if (!isObject(h) || !isObject(p) || Object.keys(h).length !== 3) return undefined;
    if (h["alg"] !== "ES256" || h["typ"] !== typ || typeof h["kid"] !== "string") return undefined;
    return { kid: h["kid"], payload: p, signature, input: `${head}.${body}` };
  } catch {
    return undefined;
  }
}
