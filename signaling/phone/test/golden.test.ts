/** The golden examples that the Go tests read too. */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe as suite, test } from "node:test";
import { parseFrame } from "../src/channel.js";
import { importPeer, open, thumbprint, type OwnKey, type PeerKey, type PublicJwk } from "../src/jws.js";
import { isSeconds, parseBody, parseEnvelope, parseHello } from "../src/message.js";
import { Mail } from "../src/mail.js";
import { checkPairingMac, pairingMac, parsePairingLink, type PairingLink } from "../src/pairing.js";
import { parseIJSON } from "../src/ijson.js";
import { FakeClock } from "./support/clock.js";

interface GoldenKey {
  readonly jwk: PublicJwk & { readonly d: string };
  readonly jkt: string;
  readonly address: string;
}
interface Golden {
  readonly sn: string;
  readonly keys: Readonly<Record<"device" | "phone" | "stranger", GoldenKey>>;
  readonly messages: readonly {
    readonly name: string;
    readonly from: "device" | "phone";
    readonly to: string;
    readonly signed: string;
    readonly payload: Readonly<Record<string, unknown>>;
  }[];
}

// The bundled tests lie in build/test.
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../../testdata/${name}`, import.meta.url), "utf8"));
const golden = read("messages.json") as Golden;
const invalid = read("invalid.json") as readonly { readonly name: string; readonly stage: string; readonly reason: string; readonly signed: string }[];
const frames = read("frames.json") as readonly { readonly name: string; readonly frame: string; readonly valid: boolean }[];
const limits = read("limits.json") as readonly { readonly json: string; readonly ms: number }[];
const pairing = read("pairing.json") as {
  readonly secret: string;
  readonly jkt: string;
  readonly dkt: string;
  readonly phoneName: string;
  readonly deviceName: string;
  readonly phoneMac: string;
  readonly deviceMac: string;
  readonly link: PairingLink;
  readonly fragment: string;
};
const nonce = read("nonce.json") as {
  readonly key: string;
  readonly jkt: string;
  readonly roomId: string;
  readonly inviteInput: string;
  readonly made: number;
  readonly nonce: string;
};

async function peer(name: keyof Golden["keys"]): Promise<PeerKey> {
  const { kty, crv, x, y } = golden.keys[name].jwk;
  const key = await importPeer({ kty, crv, x, y });
  assert.ok(key);
  return key;
}

async function phoneKey(): Promise<OwnKey> {
  const { jwk, jkt } = golden.keys.phone;
  const privateKey = await crypto.subtle.importKey("jwk", { ...jwk, ext: true }, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  const { kty, crv, x, y } = jwk;
  return { privateKey, jwk: { kty, crv, x, y }, jkt };
}

/** What the phone makes of a text: as phone.ts does. */
async function verdict(text: string, by: PeerKey): Promise<string> {
  const payload = await open(text, by);
  if (!payload) return "dropped";
  const envelope = parseEnvelope(payload);
  if (!envelope) return "dropped";
  const body = parseBody(envelope.t, payload);
  return typeof body === "string" ? body : "taken";
}

test("thumbprints", async () => {
  for (const { jwk, jkt } of Object.values(golden.keys)) {
    const { kty, crv, x, y } = jwk;
    assert.equal(await thumbprint({ kty, crv, x, y }), jkt);
  }
});

suite("golden messages", () => {
  for (const { name, from, signed, payload } of golden.messages) {
    test(name, async () => {
      const by = await peer(from);
      const opened = await open(signed, by);
      assert.deepEqual(opened, payload);
      assert.equal(await open(signed, await peer("stranger")), undefined);
      if (name === "hello of the device") {
        assert.equal(parseHello(opened)?.sn, golden.sn);
      } else if (from === "device") {
        assert.equal(await verdict(signed, by), "taken");
        assert.equal(parseEnvelope(opened)?.to, golden.keys.phone.address);
      }
    });
  }
  test("what the phone sends has the golden members", async () => {
    const key = await phoneKey();
    const carrier = { up: true, send: () => true, suspect: () => undefined };
    const mail = new Mail(key, { sn: golden.sn, dkt: golden.keys.device.jkt }, "room", new FakeClock(), carrier, { suspicious: false });
    for (const { name, from, payload } of golden.messages) {
      if (from !== "phone" || payload["t"] === "hello") continue;
      const { t, id, ref, jwk } = payload;
      const outer = ["v", "t", "id", "from", "to", "tkt", "roomId", "ref", "jwk"];
      const members = Object.fromEntries(Object.entries(payload).filter(([member]) => !outer.includes(member)));
      const { text } = await mail.compose(t as "ack", members, {
        id: id as string,
        ref: ref as string | undefined,
        withKey: jwk !== undefined,
      });
      const opened = await open(text, await peer("phone"));
      assert.deepEqual(opened, { ...payload, roomId: "room" }, name);
    }
  });
});

suite("golden refusals", () => {
  // Limits of what only a phone sends are checked where callDevice and pair are called.
  const phoneOnly = /^(query|payload over|name|roomType|timeLimit)/;
  for (const { name, stage, signed } of invalid) {
    if (stage === "values" || phoneOnly.test(name)) continue;
    test(name, async () => {
      for (const by of ["phone", "device"] as const) assert.notEqual(await verdict(signed, await peer(by)), "taken");
      if (stage === "key") assert.equal(await verdict(signed, await peer("phone")), "dropped");
    });
  }
});

suite("golden frames", () => {
  for (const { name, frame, valid } of frames) {
    test(name, () => {
      assert.equal(parseFrame(frame) !== undefined, valid);
    });
  }
});

suite("golden limits", () => {
  for (const { json, ms } of limits) {
    test(json, () => {
      assert.equal(isSeconds(parseIJSON(json)), ms > 0);
    });
  }
});

test("the golden pairing", async () => {
  const link = parsePairingLink(pairing.fragment.replace("#pair=", ""));
  assert.deepEqual(link, pairing.link);
  assert.ok(link);
  assert.equal(await pairingMac(link, "phone", pairing.jkt, pairing.phoneName), pairing.phoneMac);
  assert.ok(await checkPairingMac(link, "device", pairing.jkt, pairing.deviceName, pairing.deviceMac));
});

// The phone hands a nonce back as it came; this is the protocol's rule, written
// down a second time.
test("the golden nonce", () => {
  const made = Buffer.alloc(8);
  made.writeBigUInt64BE(BigInt(nonce.made));
  const invite = createHash("sha256").update(nonce.inviteInput).digest();
  const seal = createHmac("sha256", Buffer.from(nonce.key, "base64url")).update("callbox/1 challenge");
  for (const part of [Buffer.from(nonce.jkt), Buffer.from(nonce.roomId), invite, made]) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(part.length));
    seal.update(length).update(part);
  }
  assert.equal(Buffer.concat([made, seal.digest()]).toString("base64url"), nonce.nonce);
});
