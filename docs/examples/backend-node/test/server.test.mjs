// Runs the backend and asks it over HTTP, as a phone's program does.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { createBackend } from "../server.mjs";
import { makeKey, thumbprint, verifyToken } from "../token.mjs";

const device = makeKey("device");
const phone = makeKey("phone");
const keys = [makeKey("new"), makeKey("old")];
const dkt = thumbprint(device);
const jkt = thumbprint(phone);
const wish = { deviceSn: "door-1", dkt, jkt, roomId: "Zm9yLWV2ZXItb25lLWNhbGwtMQ", roomType: "video" };
const config = {
  issuer: "https://maker.example",
  devices: { "door-1": { dkt }, "door-2": { dkt: jkt } },
  users: {
    [createHash("sha256").update("annas-secret").digest("hex")]: {
      sub: "user-17", name: "Anna", devices: { "door-1": { rights: ["call", "unlock"], timeLimit: 600 } },
    },
  },
};

let server;
let base;
before(async () => {
  server = createBackend(config, keys).listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close());

async function ask(body, secret = "annas-secret") {
  const response = await fetch(`${base}/token`, {
    method: "POST", headers: { authorization: `Bearer ${secret}` }, body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, ...(await response.json()) };
}

test("a user gets a token that the device accepts by the published keys", async () => {
  const set = await (await fetch(`${base}/.well-known/jwks.json`)).json();
  assert.deepEqual(set.keys.map((k) => k.kid), ["new", "old"]);
  assert.ok(set.keys.every((k) => k.d === undefined), "a private key is published");
  const { status, token } = await ask({ ...wish, nonce: "bm9uY2U" });
  assert.equal(status, 200);
  const claims = verifyToken(token, { issuers: { [config.issuer]: set }, sn: "door-1", dkt, phone: jkt, roomId: wish.roomId, roomType: "video" });
  assert.equal(claims.sub, "user-17");
  assert.equal(claims.callerName, "Anna");
  assert.equal(claims.timeLimit, 600);
  assert.equal(claims.nonce, "bm9uY2U");
  assert.deepEqual(claims.rights, ["call", "unlock"]);
});

test("everybody else gets none", async () => {
  for (const [name, answer, status, error] of [
    ["a stranger", await ask(wish, "guess"), 401, "notSignedIn"],
    ["nobody", await ask(wish, ""), 401, "notSignedIn"],
    ["a device of somebody else", await ask({ ...wish, deviceSn: "door-2", dkt: jkt }), 403, "notAllowed"],
    ["no device", await ask({ ...wish, deviceSn: "__proto__" }), 403, "notAllowed"],
    ["another device's key", await ask({ ...wish, dkt: jkt }), 409, "deviceKeyChanged"],
    ["no key of the phone", await ask({ ...wish, jkt: undefined }), 400, "badRequest"],
    ["a room that cannot be", await ask({ ...wish, roomId: "a/b" }), 400, "badRequest"],
    ["not JSON", await ask("hello"), 400, "badRequest"],
    ["null", await ask("null"), 400, "badRequest"],
    ["too much", await ask({ ...wish, x: "x".repeat(9000) }), 413, "tooLarge"],
  ]) {
    assert.deepEqual([answer.status, answer.error, answer.token], [status, error, undefined], name);
  }
  assert.equal((await fetch(`${base}/keys.json`)).status, 404);
});
