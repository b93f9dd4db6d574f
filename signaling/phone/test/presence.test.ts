/** Presences and broker endpoints: what the Go tests read too, and what devices write into pairing codes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as suite, test } from "node:test";
import { generateKey } from "../src/jws.js";
import { brokerEndpoint } from "../src/pairing.js";
import { readPresence, readWill } from "../src/presence.js";
import { presence } from "./support/broker.js";

const golden = JSON.parse(readFileSync(new URL("../../../testdata/status.json", import.meta.url), "utf8")) as readonly {
  readonly name: string;
  readonly address: string;
  readonly dkt: string;
  readonly text: string;
  readonly state: string;
  readonly epoch: number;
}[];

suite("presence", () => {
  for (const g of golden) {
    test(`golden: ${g.name}`, async () => {
      const got = await readPresence(g.text, g.address.replace(/^d\./, ""), g.dkt);
      if (g.state !== "") assert.deepEqual(got, { state: g.state, epoch: g.epoch, supported: true });
      else if (g.name === "by another key") assert.equal(got, "otherKey");
      else assert.equal(got, undefined);
      assert.equal(readWill(g.text), g.name === "the last will" ? 7 : undefined);
    });
  }
  test("its members are checked", async () => {
    const key = await generateKey();
    const read = async (change: object): Promise<unknown> => readPresence(await presence(key, "door-1", change), "door-1", key.jkt);
    assert.deepEqual(await read({ versions: [2] }), { state: "idle", epoch: 7, supported: false });
    for (const change of [{ v: 2 }, { epoch: -1 }, { epoch: "7" }, { state: "offline" }, { jwk: undefined }, { from: "d.door-2" }]) {
      assert.equal(await read(change), undefined, JSON.stringify(change));
    }
    // Another key may say so for this serial number only.
    const other = await generateKey();
    assert.equal(await readPresence(await presence(other, "door-1"), "door-1", key.jkt), "otherKey");
    assert.equal(await readPresence(await presence(other, "door-1", { jwk: key.jwk }), "door-1", key.jkt), undefined);
    assert.equal(await readPresence(await presence(other, "door-2"), "door-1", key.jkt), undefined);
  });
  test("a will is an object that says offline", () => {
    assert.equal(readWill('{"epoch":3,"state":"offline","more":1}'), 3);
    for (const bad of ["", "offline", "[]", '{"state":"offline"}', '{"state":"idle","epoch":3}', '{"state":"offline","epoch":-1}', `{"state":"offline","epoch":1,"x":"${"x".repeat(256)}"}`]) {
      assert.equal(readWill(bad), undefined, bad.slice(0, 40));
    }
  });
});

suite("endpoints of brokers", () => {
  const good: Readonly<Record<string, readonly [url: string, prefix: string]>> = {
    "mqtt+wss://broker.example/mqtt": ["wss://broker.example/mqtt", "callbox/1"],
    "mqtt+ws://127.0.0.1:9001": ["ws://127.0.0.1:9001/", "callbox/1"],
    "mqtt+wss://broker.example:8084/mqtt?prefix=acme/doors": ["wss://broker.example:8084/mqtt", "acme/doors"],
    "mqtt+wss://b/mqtt?site=7&prefix=a.b/c-d_e": ["wss://b/mqtt?site=7", "a.b/c-d_e"],
  };
  for (const [endpoint, [url, prefix]] of Object.entries(good)) {
    test(endpoint, () => {
      assert.deepEqual(brokerEndpoint(endpoint), { endpoint, url, prefix });
    });
  }
  for (const bad of ["wss://broker.example/mqtt", "mqtt+tcp://b", "mqtt://b", "mqtt+wss:", "mqtt+wss://me:secret@b/", "mqtt+wss://b/?prefix=", "mqtt+wss://b/?prefix=a/%2B", "mqtt+wss://b/?prefix=a/%23", "mqtt+wss://b/?prefix=a//b", "mqtt+wss://b/?prefix=a/b/c/d/e/f", "xmqtt+wss://b"]) {
    test(`${bad} is none`, () => {
      assert.equal(brokerEndpoint(bad), undefined);
    });
  }
});
