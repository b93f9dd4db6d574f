// What a phone must prove for a login, and what Mosquitto then knows.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Mosquitto, verifyLogin } from "../login.mjs";
import { createBackend } from "../server.mjs";
import { makeKey } from "../token.mjs";

const vectors = JSON.parse(readFileSync(new URL("../../../../signaling/testdata/logins.json", import.meta.url), "utf8"));
const brokers = ["wss://broker.maker.example/mqtt"];
const dir = mkdtempSync(join(tmpdir(), "callbox-login-"));
after(() => rmSync(dir, { recursive: true }));

for (const v of vectors) {
  test(`request: ${v.name}`, () => {
    const read = () => verifyLogin(v.text, { audience: v.audience, brokers, now: v.now });
    if (v.reason === undefined) assert.deepEqual(read(), { jkt: v.jkt, user: `p.${v.jkt}`, broker: v.broker, nonce: v.nonce, iat: v.iat });
    else assert.throws(read, { name: "LoginError", reason: v.reason });
  });
}

function files(passwords = "", acl = "") {
  const own = mkdtempSync(join(dir, "m-"));
  const paths = { passwords: join(own, "passwords"), acl: join(own, "acl") };
  writeFileSync(paths.passwords, passwords);
  writeFileSync(paths.acl, acl);
  return paths;
}

test("a login is written once, beside what is there", () => {
  const paths = files("d.door-1:$7$x\n", "pattern write callbox/1/+/rx/%u\nuser p.other\ntopic read callbox/1/d.door-9/status\n");
  let reloads = 0;
  const m = new Mosquitto({ ...paths, secret: "s", reload: () => reloads++ });
  const password = m.login("p.me", ["door-1"]);
  assert.equal(m.login("p.me", ["door-1"]), password);
  assert.notEqual(m.login("p.you", []), password);
  assert.equal(reloads, 2);
  assert.match(readFileSync(paths.passwords, "utf8"), /^d\.door-1:\$7\$x\np\.me:\$7\$101\$\S+\np\.you:\$7\$101\$\S+\n$/);
  assert.equal(readFileSync(paths.acl, "utf8"), "pattern write callbox/1/+/rx/%u\nuser p.other\ntopic read callbox/1/d.door-9/status\nuser p.me\ntopic read callbox/1/d.door-1/status\n");
  m.login("p.me", ["door-1", "door-2"]);
  assert.match(readFileSync(paths.acl, "utf8"), /user p\.me\ntopic read callbox\/1\/d\.door-1\/status\ntopic read callbox\/1\/d\.door-2\/status\n$/);
  m.login("p.me", []);
  assert.doesNotMatch(readFileSync(paths.acl, "utf8"), /p\.me/);
});

test("over HTTP: one login for one proof", async () => {
  const good = vectors[0];
  const paths = files();
  const mosquitto = new Mosquitto({ ...paths, secret: "s", reload: () => {} });
  const broker = { url: good.audience, brokers, page: "https://call.maker.example", phones: { [good.jkt]: ["door-1"] } };
  const server = createBackend({ issuer: "x", devices: {}, users: {}, broker }, [makeKey("k")], () => {}, mosquitto).listen(0, "127.0.0.1");
  await once(server, "listening");
  const realNow = Date.now;
  Date.now = () => good.now * 1000;
  try {
    const ask = async (text) => fetch(`http://127.0.0.1:${server.address().port}/broker-login`, { method: "POST", body: text });
    const response = await ask(good.text);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("access-control-allow-origin"), broker.page);
    assert.deepEqual(await response.json(), { password: mosquitto.login(`p.${good.jkt}`, ["door-1"]) });
    assert.match(readFileSync(paths.acl, "utf8"), /topic read callbox\/1\/d\.door-1\/status/);
    for (const [text, status, error] of [[good.text, 403, "seen"], ["hello", 403, "malformed"], [vectors.find((v) => v.reason === "broker").text, 403, "broker"], ["x".repeat(9000), 413, "tooLarge"]]) {
      const answer = await ask(text);
      assert.deepEqual([answer.status, await answer.json()], [status, { error }]);
    }
  } finally {
    Date.now = realNow;
    server.close();
  }
});

test("a backend that does not say for which brokers does not start", () => {
  const mosquitto = new Mosquitto({ ...files(), secret: "s", reload: () => {} });
  assert.throws(() => createBackend({ issuer: "x", devices: {}, users: {}, broker: { url: "https://a", phones: {} } }, [makeKey("k")], () => {}, mosquitto), /broker\.brokers/);
});

const missing = spawnSync("mosquitto", ["-h"]).error ? "mosquitto is not installed" : false;

test("Mosquitto takes what is written, after a reload", { skip: missing }, async (t) => {
  const paths = files();
  const port = await freePort();
  const conf = join(dir, "mosquitto.conf");
  writeFileSync(conf, `user ${userInfo().username}\nlistener ${port} 127.0.0.1\nallow_anonymous false\nuse_username_as_clientid true\npassword_file ${paths.passwords}\nacl_file ${paths.acl}\n`);
  const broker = spawn("mosquitto", ["-c", conf], { stdio: "ignore" });
  t.after(async () => {
    broker.kill();
    await once(broker, "exit");
  });
  const m = new Mosquitto({ ...paths, secret: "s", reload: () => broker.kill("SIGHUP") });
  while ((await logIn(port, "p.me", "guess")) === undefined) await new Promise((next) => setTimeout(next, 20));
  const password = m.login("p.me", ["door-1"]);
  let code;
  for (const end = Date.now() + 5000; code !== 0 && Date.now() < end; ) code = await logIn(port, "p.me", password);
  assert.equal(code, 0);
  assert.notEqual(await logIn(port, "p.me", "guess"), 0);
});

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** The reason code of the CONNACK (MQTT 5, 3.2.2.2); undefined when nobody listens. */
async function logIn(port, user, password) {
  const text = (s) => Buffer.concat([Buffer.from([0, s.length]), Buffer.from(s)]);
  const rest = Buffer.concat([text("MQTT"), Buffer.from([5, 0xc2, 0, 30, 0]), text(user), text(user), text(password)]);
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    socket.write(Buffer.concat([Buffer.from([0x10, rest.length]), rest]));
    const [answer] = await once(socket, "data");
    return answer[0] === 0x20 ? answer[3] : -1;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
