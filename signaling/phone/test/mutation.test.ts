/** Whatever comes from outside: no parser throws, and what it lets through is read the same way twice. The mutations are the same in every run. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as suite, test } from "node:test";
import { parseFrame } from "../src/channel.js";
import { isObject, type Json, type JsonObject } from "../src/ijson.js";
import { importPeer, open, parseJwk, peek, type PublicJwk } from "../src/jws.js";
import { parseBody, parseEnvelope, parseHello } from "../src/message.js";
import { brokerEndpoint, parsePairingLink, socketUrl } from "../src/pairing.js";
import { readPresence, readWill } from "../src/presence.js";
import { checkAnswer, isUsable } from "../src/sdp.js";
import { tokenRoom } from "../src/token.js";
import { readPush } from "../worker/notice.js";
import { answerSdp } from "./support/leg.js";

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../../testdata/${name}`, import.meta.url), "utf8"));
const golden = read("messages.json") as {
  readonly keys: Readonly<Record<"device" | "phone", { readonly jwk: PublicJwk; readonly jkt: string }>>;
  readonly messages: readonly { readonly signed: string; readonly payload: JsonObject }[];
};
const frames = (read("frames.json") as readonly { readonly frame: string }[]).map(({ frame }) => frame);
const statuses = (read("status.json") as readonly { readonly signed?: string; readonly text?: string }[]).map(({ signed, text }) => signed ?? text ?? "");
const { fragment } = read("pairing.json") as { readonly fragment: string };

/** Numbers from 0 to below n, the same in every run (mulberry32). */
function dice(seed: number): (n: number) => number {
  let a = seed;
  return (n) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const odd: readonly Json[] = [null, true, -1, 0, 1e300, 2 ** 53, "", "\u0000", "\ud800", "x".repeat(70_000), [], [[]], [null], {}, { a: {} }, "__proto__"];

/** A value with one thing in it changed. */
function changed(value: Json, roll: (n: number) => number): Json {
  if (Array.isArray(value) && value.length > 0 && roll(3) > 0) {
    const at = roll(value.length);
    return (value as readonly Json[]).map((one, i) => (i === at ? changed(one, roll) : one));
  }
  if (isObject(value) && Object.keys(value).length > 0 && roll(8) > 0) {
    const keys = Object.keys(value);
    const key = keys[roll(keys.length)] ?? "";
    const old = value[key] ?? null;
    switch (roll(4)) {
      case 0:
        return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
      case 1:
        return { ...value, [key.toUpperCase()]: old };
      default:
        return { ...value, [key]: changed(old, roll) };
    }
  }
  return odd[roll(odd.length)] ?? null;
}

/** A text with some of its characters taken away, doubled or replaced. */
function garbled(text: string, roll: (n: number) => number): string {
  let out = text;
  for (let n = 1 + roll(4); n > 0; n--) {
    const at = roll(out.length + 1);
    switch (roll(4)) {
      case 0:
        out = out.slice(0, at) + out.slice(at + 1 + roll(8));
        break;
      case 1:
        out = out.slice(0, at) + out.slice(Math.max(0, at - roll(40)));
        break;
      case 2:
        out = out.slice(0, at) + String.fromCharCode(roll(0x10000)) + out.slice(at + 1);
        break;
      default:
        out = out.slice(0, at) + (['"', "\\", "{", "}", "[", ".", ",", ":", "\r\n", "e", "-", "="][roll(12)] ?? "") + out.slice(at);
    }
  }
  return out;
}

/** Runs a parser on mutations of texts, and wants the same of each twice. */
function holds(texts: readonly string[], rounds: number, parse: (text: string) => unknown): void {
  texts.forEach((text, seed) => {
    const roll = dice(seed + 1);
    for (let i = 0; i < rounds; i++) {
      const bad = garbled(text, roll);
      let first: unknown;
      try {
        first = parse(bad);
      } catch (error) {
        assert.fail(`${JSON.stringify(bad).slice(0, 300)}: ${String(error)}`);
      }
      assert.deepEqual(parse(bad), first);
    }
  });
}

suite("no parser throws", () => {
  test("of what a device signs", () => {
    golden.messages.forEach(({ payload }, seed) => {
      const { t } = payload;
      assert.ok(typeof t === "string");
      const roll = dice(seed + 1);
      for (let i = 0; i < 400; i++) {
        let bad: Json = payload;
        for (let n = 1 + roll(3); n > 0; n--) bad = changed(bad, roll);
        if (!isObject(bad)) continue;
        try {
          parseEnvelope(bad);
          parseHello(bad);
          parseBody(t, bad);
          parseJwk(bad["jwk"]);
        } catch (error) {
          assert.fail(`${JSON.stringify(bad).slice(0, 300)}: ${String(error)}`);
        }
      }
    });
  });
  test("of frames of the data channel", () => {
    holds(frames, 400, parseFrame);
  });
  test("of signed texts, before their signature", () => {
    holds(golden.messages.map(({ signed }) => signed), 100, (text) => peek(text));
    holds(golden.messages.map(({ signed }) => signed), 50, tokenRoom);
  });
  test("of pairing links and addresses", () => {
    holds([fragment, `https://door.example/${fragment}`], 2000, parsePairingLink);
    const addresses = ["wss://door.local:8443/signal", "mqtt+wss://broker.example/mqtt?prefix=a/b", "ws://[::1]:9001/"];
    holds(addresses, 1000, socketUrl);
    holds(addresses, 1000, brokerEndpoint);
  });
  test("of last wills and pushes", () => {
    holds(['{"state":"offline","epoch":7}'], 2000, readWill);
    holds(['{"v":1,"t":"ring","roomId":"cm9vbS1mb3ItYS10ZXN0"}'], 2000, (text) => readPush({ text: () => text }));
  });
  test("of candidates", () => {
    holds(["candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0 ufrag abcd"], 2000, (text) => isUsable(text, false));
  });
  test("of answers, but by the error that says why", () => {
    holds([answerSdp(), answerSdp(["audio", "application"])], 1500, (text) => {
      try {
        return checkAnswer(text, { roomType: "video", allowLoopback: false });
      } catch (error) {
        assert.ok(error instanceof Error && !(error instanceof TypeError) && !(error instanceof RangeError), String(error));
        return error.message;
      }
    });
  });
  test("of presences and signatures", async () => {
    const { kty, crv, x, y } = golden.keys.device.jwk;
    const peer = await importPeer({ kty, crv, x, y });
    assert.ok(peer);
    const texts = [...statuses, ...golden.messages.map(({ signed }) => signed)].filter((text) => text !== "");
    for (const [seed, text] of texts.entries()) {
      const roll = dice(seed + 1);
      for (let i = 0; i < 15; i++) {
        const bad = garbled(text, roll);
        if (bad === text) continue;
        assert.equal(await open(bad, peer), undefined, "what was changed does not verify");
        await readPresence(bad, "door-1", golden.keys.device.jkt);
      }
    }
  });
});
