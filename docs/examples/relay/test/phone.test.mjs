import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Phone, encode, newId } from "../phone.mjs";

const golden = JSON.parse(readFileSync(new URL("../../../../signaling/testdata/messages.json", import.meta.url), "utf8"));
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const privateKey = ({ kty, crv, x, y, d }) => crypto.subtle.importKey("jwk", { kty, crv, x, y, d }, ecdsa, false, ["sign"]);
const keys = Object.fromEntries(await Promise.all(Object.entries(golden.keys).map(async ([name, k]) => [name, await privateKey(k.jwk)])));
const { kty, crv, x, y } = golden.keys.device.jwk;
const jwk = { kty, crv, x, y };

function phone() {
  const sent = [];
  const { d: _, ...own } = golden.keys.phone.jwk;
  const p = new Phone({ privateKey: keys.phone, jwk: own, jkt: golden.keys.phone.jkt }, { sn: golden.sn, dkt: golden.keys.device.jkt }, (text) => sent.push(text));
  return { p, sent };
}

async function signed(members = {}, { header = {}, key = keys.device } = {}) {
  const body = { v: 1, t: "ring", id: newId(), from: `d.${golden.sn}`, to: golden.keys.phone.address, tkt: golden.keys.phone.jkt, roomId: "room", jwk, ...members };
  const head = { alg: "ES256", typ: "callbox-msg+jws", kid: golden.keys.device.jkt, ...header };
  const input = [head, body].map((part) => encode(new TextEncoder().encode(JSON.stringify(part)))).join(".");
  return `${input}.${encode(await crypto.subtle.sign(ecdsa, key, new TextEncoder().encode(input)))}`;
}

test("the device's golden messages are taken, and nobody else's", async () => {
  const { p } = phone();
  assert.equal(await p.receive(await signed()), true); // it has shown its key
  for (const { name, signed: text } of golden.messages) {
    const { from, t } = JSON.parse(Buffer.from(text.split(".")[1], "base64url"));
    if (t === "hello") continue; // of direct
    assert.equal(await p.receive(text), from === `d.${golden.sn}`, name);
  }
});

test("what is not the device's word is dropped", async () => {
  const stranger = golden.keys.stranger;
  for (const [name, members, how] of [
    ["another key", {}, { key: keys.stranger }],
    ["another key, named so", { jwk: { kty, crv, x: stranger.jwk.x, y: stranger.jwk.y } }, { key: keys.stranger, header: { kid: stranger.jkt } }],
    ["another key in it", { jwk: { kty, crv, x: stranger.jwk.x, y: stranger.jwk.y } }, { key: keys.stranger }],
    ["another algorithm", {}, { header: { alg: "none" } }],
    ["a token", {}, { header: { typ: "callbox-token+jws" } }],
    ["a header too many", {}, { header: { crit: ["x"] } }],
    ["another device", { from: "d.other" }],
    ["another phone", { to: stranger.address }],
    ["another phone's key", { tkt: stranger.jkt }],
    ["another version", { v: 2 }],
    ["no key, before any was shown", { jwk: undefined }],
  ]) {
    const { p, sent } = phone();
    p.onMessage = () => assert.fail(name);
    assert.equal(await p.receive(await signed(members, how)), false, name);
    assert.equal(sent.length, 0, name);
  }
  const { p } = phone();
  const good = await signed();
  for (const text of ["", "..", "hello", good.slice(0, -4), `${good}.x`, good.replace(/^[^.]*/, "e30")]) assert.equal(await p.receive(text), false, text);
});

test("the same message again has no second effect, and gets the same answer", async () => {
  const { p, sent } = phone();
  let heard = 0;
  p.onMessage = () => heard++;
  const text = await signed();
  for (let i = 0; i < 3; i++) await p.receive(text);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(heard, 1);
  assert.equal(sent.length, 3);
  assert.equal(new Set(sent).size, 1);
});

test("a message is sent again until it is answered", async () => {
  const { p, sent } = phone();
  const word = await p.say("bye", "room", { cause: "hangup" });
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.deepEqual(sent, [word.text, word.text]);
  await p.receive(await signed({ t: "ack", ref: word.id }));
  await word.answered;
  const before = sent.length;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(sent.length, before);
});
