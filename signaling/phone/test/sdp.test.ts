import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { checkAnswer, isUsable } from "../src/sdp.js";
import { answerSdp } from "./support/leg.js";

const rules = { roomType: "video", allowLoopback: false } as const;
const good = answerSdp();
const otherPrint = Array.from({ length: 32 }, () => "AA").join(":");

suite("answers", () => {
  test("a right one passes", () => {
    const checked = checkAnswer(good, rules);
    assert.equal(checked.sdp, good);
    assert.match(checked.fingerprint, /^sha-256 00:01:/);
    checkAnswer(good.replaceAll("\r\n", "\n"), rules);
    checkAnswer(answerSdp(["audio", "application"]), { ...rules, roomType: "voice" });
    checkAnswer(good, { ...rules, fingerprint: checked.fingerprint });
  });
  test("the same fingerprint twice is one", () => {
    const line = /a=fingerprint.*/.exec(good)?.[0] ?? "";
    checkAnswer(good.replace("a=mid:1", `${line.toLowerCase().replace("sha-256", "SHA-256")}\r\na=mid:1`), rules);
  });
  test("a rejected section is skipped", () => {
    const sdp = good.replace("m=video 9 ", "m=video 0 ").replace("BUNDLE 0 1 2", "BUNDLE 0 2");
    checkAnswer(sdp, rules);
    checkAnswer(sdp, { ...rules, roomType: "voice" });
  });
  const candidate = "a=candidate:1 1 udp 2130706431 192.168.1.5 5000 typ host";
  const refused: Readonly<Record<string, string>> = {
    "no SDP": "hello",
    "two fingerprints": good.replace("a=mid:1", `a=fingerprint:sha-256 ${otherPrint}\r\na=mid:1`),
    "no fingerprint": good.replace(/a=fingerprint.*\r\n/, ""),
    "sha-1": good.replace("sha-256", "sha-1"),
    "a short fingerprint": good.replace(":1F\r\n", "\r\n"),
    "no BUNDLE": good.replace(/a=group.*\r\n/, ""),
    "media outside the BUNDLE": good.replace("BUNDLE 0 1 2", "BUNDLE 0 2"),
    "no rtcp-mux": good.replace("a=rtcp-mux\r\n", ""),
    "setup actpass": good.replace("a=setup:active", "a=setup:actpass"),
    "no setup": good.replaceAll("a=setup:active\r\n", ""),
    "41 candidates": good.replace("a=mid:0", `${Array.from({ length: 41 }, () => candidate).join("\r\n")}\r\na=mid:0`),
    "over 16 KiB": good + `a=x:${"y".repeat(17_000)}\r\n`,
    "all rejected": good.replaceAll(/(m=\w+) 9 /g, "$1 0 "),
    "an unknown kind": good.replace("m=video", "m=text"),
  };
  for (const [name, sdp] of Object.entries(refused)) {
    test(`${name} is refused`, () => {
      assert.notEqual(sdp, good);
      assert.throws(() => checkAnswer(sdp, rules));
    });
  }
  test("video in a voice room is refused", () => {
    assert.throws(() => checkAnswer(good, { ...rules, roomType: "voice" }), /voice room/);
  });
  test("another fingerprint in a restart is refused", () => {
    const { fingerprint } = checkAnswer(good, rules);
    assert.throws(() => checkAnswer(answerSdp(undefined, otherPrint), { ...rules, fingerprint }), /fingerprint changed/);
  });
  test("candidates that may not be used are taken out", () => {
    const bad = candidate.replace("192.168.1.5", "127.0.0.1");
    const sdp = good.replace("a=mid:0", `${candidate}\r\n${bad}\r\na=mid:0`);
    const kept = checkAnswer(sdp, rules).sdp;
    assert.ok(kept.includes(candidate) && !kept.includes(bad));
    assert.ok(checkAnswer(sdp, { ...rules, allowLoopback: true }).sdp.includes(bad));
  });
});

suite("candidates", () => {
  const line = (address: string, transport = "udp"): string => `candidate:1 1 ${transport} 2130706431 ${address} 5000 typ host`;
  for (const address of ["192.168.1.5", "8.8.8.8", "fe80::1", "2001:db8::1", "::ffff:10.0.0.1", "a1b2-c3.local"]) {
    test(`${address} is used`, () => {
      assert.ok(isUsable(line(address), false));
    });
  }
  for (const address of ["0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "0:0:0:0:0:0:0:0", "ff02::1", "::ffff:0.0.0.0", "::ffff:224.0.0.1", "evil.example.com", "1.2.3", "1.2.3.400"]) {
    test(`${address} is not`, () => {
      assert.ok(!isUsable(line(address), true));
    });
  }
  for (const address of ["127.0.0.1", "127.9.9.9", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"]) {
    test(`${address} only where loopback is allowed`, () => {
      assert.ok(!isUsable(line(address), false));
      assert.ok(isUsable(line(address), true));
    });
  }
  test("TCP and nonsense are not used, an empty one is", () => {
    assert.ok(!isUsable(line("1.2.3.4", "tcp"), false));
    assert.ok(!isUsable("candidate:1 1 udp x 1.2.3.4 5 typ host", false));
    assert.ok(!isUsable("hello", false));
    assert.ok(isUsable("", false));
    assert.ok(isUsable(line("1.2.3.4", "UDP"), false));
  });
});
