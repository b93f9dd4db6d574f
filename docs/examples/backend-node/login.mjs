// Logins at the broker for phones: what a phone proves before it gets one, and how
// Mosquitto learns of it. Nothing but Node's own crypto. docs/mqtt.md is the guide.

import { createHmac, createPublicKey, pbkdf2Sync, randomBytes, verify } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { decode, parseObject, thumbprint } from "./token.mjs";

export const TYP = "callbox-login+jws";
export const MAX_SIZE = 4096; // bytes of a request
export const MAX_AGE = 300; // seconds that the phone's clock may be off, and that a request is good

/** Why a login is refused; `reason` is one word of signaling/testdata/logins.json. */
export class LoginError extends Error {
  constructor(reason, message) {
    super(message);
    this.name = "LoginError";
    this.reason = reason;
  }
}

/**
 * Returns what a phone asks for, or throws a LoginError: {jkt, user, broker, nonce, iat}.
 * `audience` is the URL of this backend, letter for letter; `brokers` are the WebSocket URLs
 * of the brokers for which it gives logins; now is in seconds.
 */
export function verifyLogin(text, { audience, brokers, now = Date.now() / 1000 }) {
  if (Buffer.byteLength(text) > MAX_SIZE) throw new LoginError("tooLarge", `the request has more than ${MAX_SIZE} bytes`);
  const parts = text.split(".");
  let header, claims, signature;
  try {
    if (parts.length !== 3) throw new Error(`it has ${parts.length} parts`);
    [header, claims] = parts.slice(0, 2).map((part) => parseObject(decode(part)));
    signature = decode(parts[2]);
  } catch (err) {
    throw new LoginError("malformed", `it is no request for a login: ${err.message}`);
  }
  const { v, from, aud, iat, nonce, broker, jwk } = claims;
  const right = Object.keys(header).sort().join() === "alg,kid,typ" && header.alg === "ES256" && header.typ === TYP && signature.length === 64 &&
    v === 1 && typeof jwk === "object" && jwk !== null && Object.keys(jwk).sort().join() === "crv,kty,x,y" && jwk.kty === "EC" && jwk.crv === "P-256" &&
    Number.isSafeInteger(iat) && [aud, nonce, broker].every((s) => typeof s === "string" && s !== "");
  if (!right) throw new LoginError("malformed", "it is no request for a login");
  // The user name is made of the key that has signed: nobody asks for somebody else.
  const jkt = thumbprint(jwk);
  if (header.kid !== jkt || from !== `p.${jkt}`) throw new LoginError("key", "the key is not the one that the request names");
  let good = false;
  try {
    const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
    good = verify("sha256", Buffer.from(`${parts[0]}.${parts[1]}`), key, signature);
  } catch {
    // no point of the curve
  }
  if (!good) throw new LoginError("signature", "the signature is wrong");
  if (aud !== audience) throw new LoginError("audience", `it is for ${aud}`);
  // A pairing code can name any broker: a password of ours is not for that one to see.
  if (!brokers.some((url) => new URL(url).href === broker)) throw new LoginError("broker", `it is for the broker ${broker}`);
  if (Math.abs(now - iat) > MAX_AGE) throw new LoginError("time", "it is not of now; is the phone's clock right?");
  return { jkt, user: from, broker, nonce, iat };
}

/**
 * The logins of phones in Mosquitto's password file and ACL. The other lines of both
 * files, those of the devices among them, stay as they are.
 */
export class Mosquitto {
  /**
   * @param passwords, acl the two files.
   * @param prefix of the topics.
   * @param secret from which the passwords are made: a phone that asks again gets the same.
   * @param reload is called when a file has changed: Mosquitto reads them again at SIGHUP.
   */
  constructor({ passwords, acl, prefix = "callbox/1", secret, reload }) {
    Object.assign(this, { passwords, acl, prefix, secret, reload });
  }

  /** Makes sure that the user can log in and read the status of these devices; returns the password. */
  login(user, devices) {
    const password = createHmac("sha256", this.secret).update(user).digest("base64url");
    const lines = (file) => (existsSync(file) ? readFileSync(file, "utf8").split("\n").filter((line) => line !== "") : []);
    const [passwords, acl] = [lines(this.passwords), lines(this.acl)];
    const topics = devices.map((sn) => `topic read ${this.prefix}/d.${sn}/status`);
    const changed = [];
    if (!passwords.some((line) => line.startsWith(`${user}:`))) {
      changed.push([this.passwords, [...passwords, `${user}:${hash(password)}`]]);
    }
    const [before, own, after] = section(acl, `user ${user}`);
    if (own.slice(1).join("\n") !== topics.join("\n")) {
      changed.push([this.acl, [...before, ...after, ...(topics.length > 0 ? [`user ${user}`, ...topics] : [])]]);
    }
    for (const [file, text] of changed) replace(file, text);
    if (changed.length > 0) this.reload();
    return password;
  }
}

/** The lines before, of and after the section of an ACL that begins with a line. */
function section(lines, first) {
  const start = lines.indexOf(first);
  if (start < 0) return [lines, [], []];
  const length = lines.slice(start + 1).findIndex((line) => !line.startsWith("topic "));
  const end = length < 0 ? lines.length : start + 1 + length;
  return [lines.slice(0, start), lines.slice(start, end), lines.slice(end)];
}

/** What mosquitto_passwd writes: PBKDF2 with SHA-512. The password has 256 random bits, so few rounds do. */
function hash(password) {
  const [rounds, salt] = [101, randomBytes(12)];
  return `$7$${rounds}$${salt.toString("base64")}$${pbkdf2Sync(password, salt, rounds, 64, "sha512").toString("base64")}`;
}

/** A broker that reads half a file sends everybody in the other half away. */
function replace(file, lines) {
  writeFileSync(`${file}.new`, `${lines.join("\n")}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
