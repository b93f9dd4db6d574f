import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe as suite, test } from "node:test";
import { base64url, fromBase64url, randomId, utf8 } from "../src/encoding.js";
import { CallboxError } from "../src/errors.js";
import { parseIJSON } from "../src/ijson.js";
import { generateKey, importPeer, open, parseJwk, sign, thumbprint } from "../src/jws.js";
import { isName, isSn, parseBody, parseEnvelope, parseHello } from "../src/message.js";
import { checkOptions, type CallOptions } from "../src/options.js";
import { checkPairingMac, formatPairingLink, pairingMac, parsePairingLink, socketUrl, type PairingLink } from "../src/pairing.js";
import { tokenRoom } from "../src/token.js";
import { forge } from "./support/device.js";

suite("I-JSON", () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"x":{"b":[{"c":0,"c":0}]}}', '"\\ud800"', '{"\\udc00":1}', "{a:1}", "", "1 2"]) {
    test(`refuses ${text}`, () => {
      assert.throws(() => parseIJSON(text), SyntaxError);
    });
  }
  for (const text of ['{"a":{"a":1},"b":[{"a":1},{"a":2}]}', '{"a":"{\\"a\\":1,\\"a\\":2}"}', '"\\ud83d\\ude00"', "[]", "null", '{"a":"a","b":"a"}']) {
    test(`takes ${text}`, () => {
      assert.deepEqual(parseIJSON(text), JSON.parse(text));
    });
  }
});

suite("base64url", () => {
  test("is canonical", () => {
    for (const bad of ["AA==", "A", "AB", "AAB", "A A", "+/", "AA\n"]) assert.equal(fromBase64url(bad), undefined, bad);
    for (const n of [0, 1, 2, 3, 16, 64]) {
      const bytes = crypto.getRandomValues(new Uint8Array(n));
      assert.deepEqual(fromBase64url(base64url(bytes)), bytes);
    }
  });
  test("ids have 128 bits", () => {
    assert.equal(fromBase64url(randomId())?.length, 16);
    assert.notEqual(randomId(), randomId());
  });
});

suite("signatures", () => {
  const encode = (value: unknown): string => base64url(utf8(JSON.stringify(value)));

  test("the thumbprint is RFC 7638's", async () => {
    const { jwk, jkt } = await generateKey();
    const canonical = `{"crv":"P-256","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(canonical)));
    assert.equal(jkt, base64url(digest));
    assert.equal(await thumbprint(jwk), jkt);
  });
  test("the private key cannot be read", async () => {
    const { privateKey } = await generateKey();
    assert.equal(privateKey.extractable, false);
    await assert.rejects(crypto.subtle.exportKey("jwk", privateKey));
  });
  test("a message opens only by its key, untouched", async () => {
    const own = await generateKey();
    const peer = await importPeer(own.jwk);
    const other = await importPeer((await generateKey()).jwk);
    assert.ok(peer && other);
    const text = await sign(own, { hello: 1 });
    assert.deepEqual(await open(text, peer), { hello: 1 });
    assert.equal(await open(text, other), undefined);
    assert.equal(await open(forge(text), peer), undefined);
    const [, body = "", tail = ""] = text.split(".");
    const head = (h: object): string => `${encode(h)}.${body}.${tail}`;
    const right = { alg: "ES256", typ: "callbox-msg+jws", kid: own.jkt };
    for (const [name, bad] of Object.entries({
      "alg none": head({ ...right, alg: "none" }),
      HS256: head({ ...right, alg: "HS256" }),
      "another typ": head({ ...right, typ: "JWT" }),
      "a jwk in the header": head({ ...right, jwk: own.jwk }),
      "a crit in the header": head({ ...right, crit: ["b64"] }),
      "no signature": `${text.split(".").slice(0, 2).join(".")}.`,
      padding: `${text}=`,
      "four parts": `${text}.e30`,
      "a long signature": `${text}AAAA`,
      "swapped body": `${text.split(".")[0] ?? ""}.${encode({ hello: 2 })}.${tail}`,
    })) {
      assert.equal(await open(bad, peer), undefined, name);
    }
  });
  test("a header with its members in another order is right too", async () => {
    const own = await generateKey();
    const peer = await importPeer(own.jwk);
    assert.ok(peer);
    const input = `${encode({ kid: own.jkt, typ: "callbox-msg+jws", alg: "ES256" })}.${encode({ a: 1 })}`;
    const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, own.privateKey, utf8(input));
    assert.deepEqual(await open(`${input}.${base64url(new Uint8Array(signature))}`, peer), { a: 1 });
  });
  test("a public key is exactly kty, crv, x, y", async () => {
    const { jwk } = await generateKey();
    assert.deepEqual(parseJwk({ ...jwk }), jwk);
    for (const bad of [{ ...jwk, d: jwk.x }, { ...jwk, crv: "P-384" }, { ...jwk, x: `${jwk.x}=` }, { ...jwk, y: "AA" }, null, [], "x"]) {
      assert.equal(parseJwk(bad), undefined);
    }
    assert.equal(await importPeer({ ...jwk, y: jwk.x }), undefined, "not a point of the curve");
  });
});

suite("messages", () => {
  const envelope = { v: 1, t: "ack", id: "A".repeat(22), from: "d.x", to: "p.y", tkt: "A".repeat(43), roomId: "r" };
  test("groupId is roomId's older name", () => {
    const rest = Object.fromEntries(Object.entries(envelope).filter(([name]) => name !== "roomId"));
    assert.equal(parseEnvelope({ ...rest, groupId: "g" })?.roomId, "g");
    assert.equal(parseEnvelope({ ...envelope, groupId: "r" })?.roomId, "r");
    assert.equal(parseEnvelope({ ...envelope, groupId: "g" }), undefined);
    assert.equal(parseEnvelope(rest), undefined);
  });
  test("an envelope has its members, in their types", () => {
    for (const name of ["v", "t", "id", "from", "to", "tkt", "roomId"]) {
      assert.equal(parseEnvelope({ ...envelope, [name]: null }), undefined, name);
    }
    for (const roomId of ["", "a b", "é", "x".repeat(129)]) assert.equal(parseEnvelope({ ...envelope, roomId }), undefined);
    assert.equal(parseEnvelope({ ...envelope, ref: 1 }), undefined);
  });
  test("names match exactly", () => {
    assert.equal(parseBody("accept", { SDP: "x" }), "malformed");
    assert.equal(parseEnvelope({ ...envelope, roomId: undefined as never, RoomId: "r" }), undefined);
  });
  const bodies: readonly (readonly [string, Readonly<Record<string, unknown>>, boolean])[] = [
    ["challenge", { nonce: "n", epoch: 1 }, true],
    ["challenge", { nonce: "n", epoch: 1.5 }, false],
    ["challenge", { nonce: "n", epoch: 1, ringTimeout: 0 }, false],
    ["challenge", { nonce: "n", epoch: 1, iceServers: [{ urls: "turn:t.example" }] }, true],
    ["challenge", { nonce: "n", epoch: 1, iceServers: [{ urls: ["https://t.example"] }] }, false],
    ["ringing", { ringTimeout: 60, nonce: "n" }, true],
    ["ringing", { ringTimeout: "60" }, false],
    ["accept", { sdp: "v=0" }, true],
    ["accept", {}, false],
    ["accept", { sdp: "v=0", timeLimit: 0 }, false],
    ["accept", { sdp: "v=0", timeLimit: 1e-10 }, true],
    ["accept", { sdp: "v=0", timeLimit: 2 ** 31 + 1 }, false],
    ["accept", { sdp: "v=0", timeLimit: null }, false],
    ["start", { timeLimit: "5" }, false],
    ["candidates", { candidates: [{ candidate: "" }] }, true],
    ["candidates", { candidates: ["x"] }, false],
    ["candidates", { candidates: Array.from({ length: 41 }, () => ({ candidate: "x" })) }, false],
    ["restarted", { generation: 1, sdp: "x" }, true],
    ["restarted", { generation: -1, sdp: "x" }, false],
    ["needRestart", { generation: 1 }, true],
    ["needRestart", { generation: 1, iceServers: [{ urls: ["turn:t.example"], username: "u", credential: "c" }] }, true],
    ["needRestart", { generation: 1, iceServers: [{ urls: ["https://t.example"] }] }, false],
    ["needRestart", { iceServers: [] }, false],
    ["bye", { cause: "aborted", detail: "shutdown" }, true],
    ["bye", {}, false],
  ];
  for (const [t, members, right] of bodies) {
    test(`${t} ${JSON.stringify(members).slice(0, 60)} is ${right ? "taken" : "refused"}`, () => {
      assert.equal(parseBody(t, members as never) !== "malformed", right);
    });
  }
  test("causes of a later version are still an end", () => {
    assert.deepEqual(parseBody("bye", { cause: "meteor" }), { t: "bye", end: { cause: "aborted" } });
    assert.deepEqual(parseBody("reject", { cause: "meteor" }), { t: "reject", cause: "rejected" });
    assert.equal(parseBody("teleport", {}), "unknown");
  });
  test("a device's hello names its own address", async () => {
    const { jwk } = await generateKey();
    const hello = { v: 1, t: "hello", id: "A".repeat(22), from: "d.a", nonce: "n", sn: "a", jwk: { ...jwk }, epoch: 0, versions: [1] };
    assert.equal(parseHello(hello)?.sn, "a");
    for (const bad of [{ from: "d.b" }, { sn: "a b" }, { epoch: "0" }, { versions: 1 }, { jwk: "x" }, { t: "ack" }]) {
      assert.equal(parseHello({ ...hello, ...bad }), undefined);
    }
  });
  test("names and serial numbers", () => {
    for (const good of ["Anna", "门口", "x".repeat(64), "😀".repeat(64)]) assert.ok(isName(good), good);
    for (const bad of ["", "  ", "x".repeat(65), "a\nb", "a\u202eb", "\u200b"]) assert.ok(!isName(bad));
    assert.ok(isSn("Az_09-") && !isSn("a.b") && !isSn("x".repeat(49)) && !isSn(""));
  });
});

const goldenToken = (JSON.parse(readFileSync(new URL("../../../testdata/tokens.json", import.meta.url), "utf8")) as { readonly tokens: readonly { readonly token: string }[] }).tokens[0]?.token ?? "";

suite("callDevice's arguments", () => {
  const refused: readonly unknown[] = [
    ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31 + 1, "60", null, true, 10n].map((timeLimit) => ({ roomType: "voice", timeLimit })),
    {},
    { roomType: "fax" },
    { roomType: "video", sn: 5 },
    { roomType: "video", enableCallerCamera: 1 },
    { roomType: "video", customQuery: "é".repeat(513) },
    { roomType: "video", payload: "x".repeat(4096) },
    { roomType: "video", payload: 10n },
    { roomType: "video", payload: () => 1 },
    ...[7, "", "hello", "a.e30.c", `a.${base64url(utf8('{"roomId":"a/b"}'))}.c`, `${goldenToken}.x`, goldenToken + "A".repeat(4096)].map((token) => ({ roomType: "video", token })),
  ];
  refused.forEach((options, i) => {
    test(`refuses number ${String(i)}`, () => {
      assert.throws(
        () => {
          checkOptions(options as CallOptions);
        },
        (e) => e instanceof CallboxError && e.code === "badArgument",
      );
    });
  });
  test("takes the rest", () => {
    for (const timeLimit of [0.001, 1e-10, 30, 2 ** 31]) checkOptions({ roomType: "voice", timeLimit });
    checkOptions({ roomType: "video", sn: "a", payload: { a: [1, null] }, customQuery: "x".repeat(1024), enableCallerCamera: false });
    checkOptions({ roomType: "video", token: goldenToken });
  });
  test("a token says for which room it is", () => {
    assert.equal(tokenRoom(goldenToken), "Zm9yLWV2ZXItb25lLWNhbGwtMQ");
    assert.equal(tokenRoom(`a.${base64url(utf8('{"groupId":"r1"}'))}.c`), "r1");
  });
});

suite("pairing", () => {
  const link: PairingLink = { sn: "door", dkt: "A".repeat(43), secret: base64url(new Uint8Array(16).fill(7)), endpoints: ["https://door.local:8443"] };

  test("a link goes there and back", () => {
    assert.deepEqual(parsePairingLink(formatPairingLink(link)), link);
  });
  test("a bad link is refused", () => {
    const bad = [{ sn: "a b" }, { dkt: "D" }, { secret: base64url(new Uint8Array(15)) }, { secret: "?" }, { endpoints: "x" }];
    for (const change of bad) assert.equal(parsePairingLink(formatPairingLink({ ...link, ...change } as PairingLink)), undefined);
    assert.equal(parsePairingLink("%%%"), undefined);
    assert.equal(parsePairingLink(base64url(new Uint8Array([255, 254]))), undefined);
  });
  test("endpoints that are no addresses are left out", () => {
    const read = parsePairingLink(formatPairingLink({ ...link, endpoints: ["javascript:alert(1)", "https://a", "x"] }));
    assert.deepEqual(read?.endpoints, ["https://a"]);
  });
  test("where an endpoint's socket is", () => {
    assert.equal(socketUrl("http://127.0.0.1:8080"), "ws://127.0.0.1:8080/signal");
    assert.equal(socketUrl("https://door.local/page/"), "wss://door.local/page/signal");
    assert.equal(socketUrl("wss://door.local/signal?x#y"), "wss://door.local/signal");
    for (const bad of ["ftp://a", "a", "https://u:p@a"]) assert.equal(socketUrl(bad), undefined);
  });
  test("the MAC is HMAC-SHA256 over label, thumbprints and name", async () => {
    const jkt = "P".repeat(43);
    for (const side of ["phone", "device"] as const) {
      const expected = createHmac("sha256", Buffer.from(link.secret, "base64url"))
        .update(`callbox/1 pair ${side}\0${jkt}\0${link.dkt}\0Ännas 手机`)
        .digest("base64url");
      assert.equal(await pairingMac(link, side, jkt, "Ännas 手机"), expected);
      assert.ok(await checkPairingMac(link, side, jkt, "Ännas 手机", expected));
      assert.ok(!(await checkPairingMac(link, side, jkt, "Anna", expected)));
      assert.ok(!(await checkPairingMac(link, side === "phone" ? "device" : "phone", jkt, "Ännas 手机", expected)));
      assert.ok(!(await checkPairingMac(link, side, jkt, "Ännas 手机", `${expected}=`)));
    }
  });
});
