// Call tokens of callbox/1: what a backend needs to sign them, and what a device looks
// at before it believes one. Nothing but Node's own crypto. docs/tokens.md is the guide.

import { createPrivateKey, createPublicKey, createHash, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";

export const TYP = "callbox-token+jws";
export const MAX_SIZE = 4096; // bytes of a token
export const MAX_LIFE = 600; // seconds from iat to exp
export const MAX_AHEAD = 60; // seconds that iat may be ahead of a device's clock

/** Why a token is refused; `reason` is one word of signaling/testdata/tokens.json. */
export class TokenError extends Error {
  constructor(reason, message) {
    super(message);
    this.name = "TokenError";
    this.reason = reason;
  }
}

// ---- Keys

/** A fresh private key as a JWK whose kid is today's date. */
export function makeKey(kid = new Date().toISOString().slice(0, 10)) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), kid };
}

/** Reads a private JWK that has a kid. */
export function loadKey(jwk) {
  if (jwk.kty !== "EC" || jwk.crv !== "P-256" || !jwk.d || !jwk.kid) throw new Error("the key must be a private P-256 JWK with a kid");
  return { kid: jwk.kid, privateKey: createPrivateKey({ key: jwk, format: "jwk" }) };
}

/** The public halves of private JWKs: the file that the device's signaling.issuers names. */
export function publicSet(jwks) {
  return { keys: jwks.map(({ kty, crv, x, y, kid }) => ({ kty, crv, x, y, kid, alg: "ES256", use: "sig" })) };
}

/** RFC 7638 thumbprint of a public P-256 JWK: a jkt. */
export function thumbprint({ crv, kty, x, y }) {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}

// ---- Signing

/**
 * Signs a token for one call. `claims` needs iss, sn, sub, roomId, roomType, callerName,
 * jkt and dkt; rights is ["call"] and life 120 s unless given; timeLimit (seconds) and
 * nonce may be. It throws rather than sign what no device would accept.
 */
export function issueToken(key, { iss, sn, sub, roomId, roomType, callerName, jkt, dkt, rights = ["call"], timeLimit, nonce, life = 120, now = Math.floor(Date.now() / 1000), jti = randomBytes(16).toString("base64url") }) {
  const claims = {
    iss, aud: `d.${sn}`, sub, jti, iat: now, exp: now + life, roomId, roomType,
    ...(timeLimit === undefined ? {} : { timeLimit }),
    callerName, rights, cnf: { jkt }, dkt,
    ...(nonce === undefined || nonce === "" ? {} : { nonce }),
  };
  checkClaims(claims);
  checkLife(claims);
  const input = `${encode({ alg: "ES256", typ: TYP, kid: key.kid })}.${encode(claims)}`;
  // ES256 is R and S, 32 bytes each (RFC 7518, 3.4), not the ASN.1 that OpenSSL writes.
  const signature = sign("sha256", Buffer.from(input), { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  const token = `${input}.${signature.toString("base64url")}`;
  if (token.length > MAX_SIZE) throw new TokenError("tooLarge", `the token has ${token.length} bytes, more than ${MAX_SIZE}`);
  return token;
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

// ---- Looking at one as a device does

/**
 * Returns the claims of a token, or throws a TokenError with the first reason for which
 * a device whose clock is right would refuse it, in the order in which it looks.
 * `issuers` are JWK Sets by iss; the rest is the call: sn, dkt, phone (jkt), roomId,
 * roomType, now. Whether the token was used before, only the device knows.
 */
export function verifyToken(text, { issuers, sn, dkt, phone, roomId, roomType, now = Date.now() / 1000 }) {
  if (Buffer.byteLength(text) > MAX_SIZE) throw new TokenError("tooLarge", `the token has more than ${MAX_SIZE} bytes`);
  const parts = text.split(".");
  if (parts.length !== 3) throw malformed(`it has ${parts.length} parts`);
  const [head, payload, signature] = parts.map(decode);
  const header = parseObject(head);
  if (Object.keys(header).sort().join() !== "alg,kid,typ" || header.alg !== "ES256" || header.typ !== TYP) throw malformed("its header");
  if (typeof header.kid !== "string" || header.kid === "" || Buffer.byteLength(header.kid) > 128) throw malformed("its kid");
  if (signature.length !== 64) throw malformed(`its signature has ${signature.length} bytes`);
  const claims = parseObject(payload);
  if (claims.groupId !== undefined) {
    const { groupId, roomId: newer = "" } = claims; // groupId is roomId's older name
    if (typeof groupId !== "string" || (newer !== "" && groupId !== "" && newer !== groupId)) throw malformed("roomId beside groupId");
    claims.roomId = newer || groupId;
  }
  checkClaims(claims);

  if (!Object.hasOwn(issuers, claims.iss)) throw new TokenError("issuer", `iss ${claims.iss} is not known`);
  const jwk = issuers[claims.iss].keys.find((k) => k.kid === header.kid);
  if (!jwk) throw new TokenError("key", `${claims.iss} has no key ${header.kid}`);
  const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
  if (!verify("sha256", Buffer.from(`${parts[0]}.${parts[1]}`), key, signature)) throw new TokenError("signature", "the signature is wrong");

  if (claims.aud !== `d.${sn}` || claims.dkt !== dkt) throw new TokenError("device", "it is for another device");
  if (claims.roomId !== roomId || claims.roomType !== roomType) throw new TokenError("room", "it is for another room");
  if (claims.cnf.jkt !== phone) throw new TokenError("holder", "it is for another phone");
  checkLife(claims);
  if (now >= claims.exp) throw new TokenError("expired", "it has expired");
  if (claims.iat - now > MAX_AHEAD) throw new TokenError("ahead", "it comes from the future");
  return claims;
}

function malformed(what) {
  return new TokenError("malformed", `it is no token: ${what}`);
}

/** Base64url without padding, in the one canonical form. */
export function decode(part) {
  const bytes = Buffer.from(part, "base64url");
  if (bytes.toString("base64url") !== part) throw malformed("it is not base64url");
  return bytes;
}

/** I-JSON (RFC 7493): UTF-8, one object, no member twice. */
export function parseObject(bytes) {
  let value;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
    checkIJSON(text);
  } catch {
    throw malformed("it is not I-JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed("it is no object");
  return value;
}

/** Throws when text, which is JSON, has a member twice in an object, or half of a character. */
function checkIJSON(text) {
  const open = []; // the names of each object that is open; null for an array
  let name = false; // a string here is a member's name
  for (const [lexeme] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/gs)) {
    if (lexeme === "{" || lexeme === "[") open.push(lexeme === "{" ? new Set() : null);
    else if (lexeme === "}" || lexeme === "]") open.pop();
    else if (lexeme.startsWith('"')) {
      const string = JSON.parse(lexeme);
      if (/\p{Cs}/u.test(string)) throw new Error("a surrogate stands alone");
      if (name && open.at(-1).has(string)) throw new Error(`${string} is there twice`);
      if (name) open.at(-1).add(string);
    }
    name = (lexeme === "{" || lexeme === ",") && open.at(-1) instanceof Set;
  }
}

function checkClaims(c) {
  const rules = {
    iss: isWord(c.iss),
    aud: typeof c.aud === "string" && /^d\.[A-Za-z0-9_-]{1,48}$/.test(c.aud),
    sub: isWord(c.sub),
    jti: isWord(c.jti),
    iat: isDate(c.iat),
    exp: isDate(c.exp),
    roomId: typeof c.roomId === "string" && /^[A-Za-z0-9._-]{1,128}$/.test(c.roomId),
    roomType: c.roomType === "voice" || c.roomType === "video",
    timeLimit: c.timeLimit === undefined || (typeof c.timeLimit === "number" && c.timeLimit > 0 && c.timeLimit <= 2 ** 31),
    callerName: isName(c.callerName),
    rights: c.rights === undefined || (Array.isArray(c.rights) && c.rights.length <= 16 && c.rights.every(isWord)),
    cnf: typeof c.cnf === "object" && c.cnf !== null && isThumbprint(c.cnf.jkt),
    dkt: isThumbprint(c.dkt),
    nonce: c.nonce === undefined || (typeof c.nonce === "string" && Buffer.byteLength(c.nonce) <= 256),
  };
  for (const [claim, ok] of Object.entries(rules)) if (!ok) throw malformed(`claim ${claim}`);
}

function checkLife({ iat = 0, exp = 0 }) {
  if (exp <= iat || exp - iat > MAX_LIFE) throw new TokenError("life", `exp must be after iat, and at most ${MAX_LIFE} s`);
}

const controls = /[\p{Cc}\p{Cf}]/u;
const isWord = (s) => typeof s === "string" && s !== "" && Buffer.byteLength(s) <= 256 && !controls.test(s);
const isName = (s) => typeof s === "string" && s.trim() !== "" && [...s].length <= 64 && !controls.test(s);
const isDate = (n) => n === undefined || (typeof n === "number" && n >= 0 && n <= 253402300799);
const isThumbprint = (s) => typeof s === "string" && s.length === 43 && Buffer.from(s, "base64url").toString("base64url") === s && Buffer.from(s, "base64url").length === 32;
