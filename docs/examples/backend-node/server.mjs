// A small backend that lets its users call their devices: it knows who may call which
// device, and signs a call token for each call.
//
//   GET  /.well-known/jwks.json   the public keys, for the devices' signaling.issuers
//   POST /token                   {deviceSn, dkt, jkt, roomId, roomType, nonce?} -> {token}
//   POST /broker-login            a phone's proof of its key -> {password}
//
// It speaks plain HTTP on the loopback address: put it behind your own HTTPS server.

import { execFileSync } from "node:child_process";
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { LoginError, MAX_AGE, Mosquitto, verifyLogin } from "./login.mjs";
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
 *   For logins, broker: {url (of POST /broker-login, as phones see it), brokers (their WebSocket
 *   URLs, as the devices' phone_brokers), page (the origin of the call page), phones (by jkt: the serial numbers whose status it may read)}.
 * @param keys private JWKs; the first signs.
 * @param mosquitto where the logins are written; without it none is given.
 */
export function createBackend(config, keys, log = () => {}, mosquitto = undefined) {
  const key = loadKey(keys[0]);
  const set = JSON.stringify(publicSet(keys));
  if (mosquitto && !config.broker.brokers?.length) throw new Error("config: broker.brokers must list the brokers' WebSocket URLs for which logins are given");

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

  const seen = new Map(); // the requests for logins that were taken, until they are too old
  async function login(request) {
    const { jkt, user, nonce, iat } = verifyLogin(await text(request), { audience: config.broker.url, brokers: config.broker.brokers });
    const now = Date.now() / 1000;
    for (const [id, end] of seen) if (end < now) seen.delete(id);
    const id = `${jkt} ${nonce}`;
    if (seen.has(id)) throw new Refused(403, "seen");
    seen.set(id, iat + MAX_AGE);
    // Every phone may log in: a phone that is not paired yet must, and over the broker nobody
    // can ring who is no contact. Put your own rule here if your phones are known to you.
    const devices = Object.hasOwn(config.broker.phones, jkt) ? config.broker.phones[jkt] : [];
    const password = mosquitto.login(user, devices);
    log(`login for ${user}`);
    return password;
  }

  return createServer((request, response) => {
    const answer = (status, value) => {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      const page = config.broker ? { "access-control-allow-origin": config.broker.page, vary: "origin" } : {};
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...page });
      response.end(text);
    };
    const fail = (err) => {
      if (!(err instanceof Refused)) log(`cannot answer: ${err.stack}`);
      answer(err.status ?? 500, { error: err.code ?? "internal" });
    };
    if (mosquitto && request.method === "POST" && request.url === "/broker-login") {
      login(request).then(
        (password) => answer(200, { password }),
        (err) => fail(err instanceof LoginError ? new Refused(403, err.reason) : err),
      );
      return;
    }
    if (request.method === "GET" && request.url === "/.well-known/jwks.json") return answer(200, set);
    if (request.method !== "POST" || request.url !== "/token") return answer(404, { error: "notFound" });
    token(request).then((text) => answer(200, { token: text }), fail);
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

async function text(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Refused(413, "tooLarge");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function body(request) {
  const sent = await text(request);
  try {
    const wish = JSON.parse(sent);
    if (typeof wish === "object" && wish !== null) return wish;
  } catch {
    // said below
  }
  throw new Refused(400, "badRequest");
}

// needed reads a file of the backend's own, or ends it and says how the file is made.
function needed(file, how) {
  try {
    return readFileSync(file);
  } catch (error) {
    console.error(`cannot read ${file}: ${error.code}; make it: ${how}`);
    process.exit(1);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const config = JSON.parse(needed(process.env.CONFIG ?? "config.json", "cp config.example.json config.json").toString());
  const keys = JSON.parse(needed(process.env.KEYS ?? "keys.json", "npm run key").toString());
  const port = Number(process.env.PORT ?? 8080);
  const { broker } = config;
  const mosquitto = broker && new Mosquitto({
    ...broker, secret: needed(broker.secret, `head -c 32 /dev/urandom > ${broker.secret}`), reload: () => execFileSync(broker.reload[0], broker.reload.slice(1)),
  });
  createBackend(config, keys, console.log, mosquitto).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
}
