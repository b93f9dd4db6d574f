// Says of every token of the shared vectors what the Go code says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { issueToken, loadKey, MAX_LIFE, thumbprint, TokenError, verifyToken } from "../token.mjs";

const vectors = JSON.parse(readFileSync(new URL("../../../../signaling/testdata/tokens.json", import.meta.url), "utf8"));
const { issuers, sn, dkt, phone, roomId, roomType, now } = vectors;
const call = { issuers, sn, dkt, phone, roomId, roomType, now };

function judge(token, other = {}) {
  try {
    verifyToken(token, { ...call, ...other });
    return "";
  } catch (err) {
    if (err instanceof TokenError) return err.reason;
    throw err;
  }
}

test("the vectors", () => {
  assert.ok(vectors.tokens.length > 60);
  for (const { name, token, refused } of vectors.tokens) assert.equal(judge(token), refused, name);
});

const key = loadKey(vectors.private);
const claims = { iss: "https://maker.example", sn, sub: "user-17", roomId, roomType, callerName: "Anna", jkt: phone, dkt, now };

test("what is issued is good", () => {
  assert.equal(judge(issueToken(key, claims)), "");
  assert.equal(judge(issueToken(key, { ...claims, timeLimit: 60, nonce: "bm9uY2U", rights: ["call", "unlock"], life: MAX_LIFE })), "");
  assert.equal(judge(issueToken(key, claims), { phone: dkt }), "holder");
  assert.equal(judge(issueToken(key, claims), { now: now + 121 }), "expired");
  const [a, b] = [issueToken(key, claims), issueToken(key, claims)];
  assert.notEqual(a.split(".")[1], b.split(".")[1], "two tokens have the same jti");
});

test("what no device accepts is not issued", () => {
  for (const bad of [{ life: MAX_LIFE + 1 }, { life: 0 }, { sn: "a b" }, { roomId: "a/b" }, { callerName: "" }, { callerName: "a\u202eb" },
    { jkt: "x" }, { dkt: undefined }, { timeLimit: 0 }, { roomType: "text" }, { sub: "" }, { rights: "call" }, { nonce: 7 }, { sub: "x".repeat(257) }]) {
    assert.throws(() => issueToken(key, { ...claims, ...bad }), TokenError, JSON.stringify(bad));
  }
});

test("thumbprints are those of the device", () => {
  const { kty, crv, x, y } = vectors.private;
  assert.equal(thumbprint({ y, x, kty, crv }).length, 43);
});
