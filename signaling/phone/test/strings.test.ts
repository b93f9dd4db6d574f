import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { clockTime, endKey, errorKey, fill, languageOf, linkKey, problemKey, stateKey, tables, type StringKey } from "../page/strings.js";
import { causes, details, origins, type Cause } from "../src/causes.js";
import type { ErrorCode } from "../src/errors.js";

const has = (key: string): void => {
  for (const [language, table] of Object.entries(tables)) {
    const text: unknown = table[key as StringKey];
    assert.ok(typeof text === "string" && text !== "", `${language} has no ${key}`);
  }
};

suite("words", () => {
  test("both languages have the same keys and the same parts", () => {
    assert.deepEqual(Object.keys(tables.zh).sort(), Object.keys(tables.en).sort());
    for (const key of Object.keys(tables.en) as StringKey[]) {
      const parts = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(([part]) => part).sort();
      assert.deepEqual(parts(tables.zh[key]), parts(tables.en[key]), key);
      if (key !== "appName") assert.match(tables.zh[key], /\p{Script=Han}/u, key);
    }
  });
  test("every end has its words", () => {
    for (const cause of Object.keys(causes) as Cause[]) {
      for (const endedByDevice of [true, false]) {
        has(endKey({ end: { cause }, endedByDevice }));
        for (const origin of origins) has(endKey({ end: { cause, origin }, endedByDevice }));
        for (const detail of details) has(endKey({ end: { cause, detail }, endedByDevice }));
      }
    }
    has(endKey({ end: undefined, endedByDevice: false }));
    assert.equal(endKey({ end: { cause: "hangup", origin: "timeLimit" }, endedByDevice: true }), "end_timeLimit");
    assert.equal(endKey({ end: { cause: "hangup", origin: "manual" }, endedByDevice: true }), "end_manualDevice");
    assert.equal(endKey({ end: { cause: "hangup", origin: "manual" }, endedByDevice: false }), "end_manual");
  });
  test("every failure has its words", () => {
    const codes: Readonly<Record<ErrorCode, true>> = {
      badArgument: true, insecureContext: true, unsupportedBrowser: true, notPaired: true, ambiguousDevice: true, pairLinkInvalid: true,
      pairRefused: true, deviceKeyChanged: true, callInProgress: true, otherTab: true, unreachable: true, cancelled: true, noCall: true,
      forbidden: true, unsupported: true, badRequest: true, needNonce: true, noHandler: true, aborted: true,
      mediaUnavailable: true, storage: true, pushUnsupported: true, pushInstall: true, pushDenied: true, pushCertificate: true, pushOff: true,
      pushService: true, pushFailed: true,
    };
    for (const code of Object.keys(codes) as ErrorCode[]) has(errorKey(code));
  });
  test("every state has its words", () => {
    for (const state of ["down", "connecting", "up", "keyChanged", "unsupported", "closed"] as const) has(linkKey(state));
    for (const phase of ["preparing", "inviting", "offering", "ringing", "connecting", "talking", "reconnecting", "leaving", "ended"] as const) has(stateKey(phase));
    for (const problem of ["micDenied", "micMissing", "micFailed", "cameraDenied", "cameraMissing", "cameraFailed"] as const) has(problemKey(problem));
  });
  test("the language follows the browser's", () => {
    assert.deepEqual(["zh", "zh-CN", "ZH-TW", "en-US", "de", "", "zhx"].map(languageOf), ["zh", "zh", "zh", "en", "en", "en", "en"]);
  });
  test("parts are put in as they are", () => {
    assert.equal(fill("{name}: {other}", { name: "$& {name}" }), "$& {name}: {other}");
  });
  test("times", () => {
    assert.deepEqual([0, 5, 65.9, 3599, 3600, 36_061, -1].map(clockTime), ["0:00", "0:05", "1:05", "59:59", "1:00:00", "10:01:01", "0:00"]);
  });
});

suite("the words of a device's call", () => {
  test("its ends, seen from who was called", () => {
    const key = (cause: Cause, endedByDevice: boolean): StringKey => endKey({ end: { cause }, endedByDevice, isCaller: false });
    assert.deepEqual(
      [key("cancelled", true), key("timeout", true), key("timeout", false), key("rejected", false), key("answeredElsewhere", true)],
      ["end_missed", "end_missed", "end_missed", "end_declined", "end_answeredElsewhere"],
    );
    for (const cause of Object.keys(causes) as Cause[]) for (const by of [true, false]) has(key(cause, by));
  });
  test("once it is answered, it connects", () => {
    assert.deepEqual([stateKey("offering", false), stateKey("ringing", false), stateKey("ringing", true)], ["state_connecting", "state_connecting", "state_ringing"]);
    has(stateKey("incoming", false));
  });
});
