// A small backend that lets its users call their devices: it knows who may call which
// device, and signs a call token for each call.
//
//   GET  /.well-known/jwks.json   the public keys, for the devices' signaling.issuers
//   POST /token                   {deviceSn, dkt, jkt, roomId, roomType, nonce?} -> {token}
//
// It speaks plain HTTP on the loopback address: put it behind your own HTTPS server.

import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { issueToken, loadKey, publicSet, TokenError } from "./token.mjs";

const MAX_BODY = 8192; // bytes; a request has some 400

/** What is wrong with a request: an HTTP status and a word for the phone's program. */
class Refused extends Error {
  constructor(status, code) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

/**
 * @param config issuer (the iss, as the devices' configuration calls it), users (by the
 *   SHA-256 of their API key in hex: {sub, name, devices}), devices (by serial number:
 *   {dkt}), and what a user may on a device: {rights, timeLimit}.
 * @param keys private JWKs; the first signs.
 */
export function createBackend(config, keys, log = () => {}) {
  const key = loadKey(keys[0]);
  const set = JSON.stringify(publicSet(keys));

  async function token(request) {
    const user = userOf(request, config.users);
    const wish = await body(request);
    const device = Object.hasOwn(config.devices, wish.deviceSn) ? config.devices[wish.deviceSn] : undefined;
    const grant = device && Object.hasOwn(user.devices, wish.deviceSn) ? user.devices[wish.deviceSn] : undefined;
    // One answer for both: who may not call a device need not learn whether there is one.
    if (!grant) throw new Refused(403, "notAllowed");
    // A phone that believes in another key speaks with another device.
    if (wish.dkt !== device.dkt) throw new Refused(409, "deviceKeyChanged");
    try {
      const text = issueToken(key, {
        iss: config.issuer, sn: wish.deviceSn, dkt: device.dkt, sub: user.sub, callerName: user.name,
        jkt: wish.jkt, roomId: wish.roomId, roomType: wish.roomType, nonce: wish.nonce,
        rights: grant.rights, timeLimit: grant.timeLimit,
      });
      log(`token for ${user.sub} to ${wish.deviceSn}, room ${wish.roomId}`);
      return text;
    } catch (err) {
      if (err instanceof TokenError) throw new Refused(400, "badRequest");
      throw err;
    }
  }

  return createServer((request, response) => {
    const answer = (status, value) => {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(text);
    };
    if (request.method === "GET" && request.url === "/.well-known/jwks.json") return answer(200, set);
    if (request.method !== "POST" || request.url !== "/token") return answer(404, { error: "notFound" });
    token(request).then(
      (text) => answer(200, { token: text }),
      (err) => {
        if (!(err instanceof Refused)) log(`cannot answer: ${err.stack}`);
        answer(err.status ?? 500, { error: err.code ?? "internal" });
      },
    );
  });
}

/** Who asks. Put your own way to know your users here. */
function userOf(request, users) {
  const [scheme, secret] = (request.headers.authorization ?? "").split(" ");
  if (scheme !== "Bearer" || !secret) throw new Refused(401, "notSignedIn");
  const hash = createHash("sha256").update(secret).digest();
  for (const [known, user] of Object.entries(users)) {
    const other = Buffer.from(known, "hex");
    if (other.length === hash.length && timingSafeEqual(other, hash)) return user;
  }
  throw new Refused(401, "notSignedIn");
}

async function body(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Refused(413, "tooLarge");
    chunks.push(chunk);
  }
  try {
    const wish = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    if (typeof wish === "object" && wish !== null) return wish;
  } catch {
    // said below
  }
  throw new Refused(400, "badRequest");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const config = JSON.parse(readFileSync(process.env.CONFIG ?? "config.json", "utf8"));
  const keys = JSON.parse(readFileSync(process.env.KEYS ?? "keys.json", "utf8"));
  const port = Number(process.env.PORT ?? 8080);
  createBackend(config, keys, console.log).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
}
