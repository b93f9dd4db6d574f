import assert from "node:assert/strict";
import { beforeEach, describe as suite, test } from "node:test";
import "./support/tab.js";
import * as callbox from "../src/sdk.js";
import { codeOf } from "./support/phone.js";

/** The tab's storage; `full`: it takes nothing. */
const kept = new Map<string, string>();
let full = false;
const went: string[] = [];
Object.defineProperty(globalThis, "sessionStorage", {
  value: {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, text: string) => {
      if (full) throw new DOMException("", "QuotaExceededError");
      kept.set(name, text);
    },
    removeItem: (name: string) => kept.delete(name),
  },
});
Object.assign(location, { assign: (url: URL) => went.push(url.href) });

beforeEach(() => {
  full = false;
});

suite("setUIConfig", () => {
  test("is kept as it is, and the page hears of it", async () => {
    let heard = 0;
    const off = callbox.onCall(() => {
      heard += 1;
    });
    const ui = { callerUI: { cameraRotation: 90, objectFit: "contain" }, listenerUI: { aspectRatio: 4 / 3, horMirror: true }, handsFree: false } as const;
    await callbox.setUIConfig(ui);
    off();
    assert.deepEqual(callbox.pageSettings().ui, ui);
    assert.equal(heard, 1);
    assert.deepEqual(JSON.parse(kept.get("callbox.page") ?? ""), callbox.pageSettings());
  });
  test("btnText is the custom button's text", async () => {
    await callbox.setUIConfig({ btnText: "Gate" });
    assert.equal(callbox.pageSettings().button?.text, "Gate");
  });
  test("works where nothing can be stored", async () => {
    full = true;
    await callbox.setUIConfig({ handsFree: true });
    assert.equal(callbox.pageSettings().ui.handsFree, true);
  });
  for (const [name, config] of Object.entries<unknown>({
    "no object": "x",
    "null": null,
    "handsFree of another type": { handsFree: 1 },
    "a rotation between": { callerUI: { cameraRotation: 45 } },
    "a picture that is no object": { listenerUI: 3 },
    "a ratio of 0": { callerUI: { aspectRatio: 0 } },
    "a ratio that is no number": { callerUI: { aspectRatio: NaN } },
    "a mirror of another type": { callerUI: { horMirror: "yes" } },
    "an unknown fit": { listenerUI: { objectFit: "crop" } },
    "a button's text that is too long": { btnText: "x".repeat(41) },
  })) {
    test(`refuses ${name}, and changes nothing`, async () => {
      const before = callbox.pageSettings();
      assert.equal(await codeOf(callbox.setUIConfig(config as callbox.UIConfig)), "badArgument");
      assert.equal(callbox.pageSettings(), before);
    });
  }
});

suite("setCustomBtnText", () => {
  test("opens the door when nothing else is said", async () => {
    await callbox.setCustomBtnText("Open");
    assert.deepEqual(callbox.pageSettings().button, { text: "Open", data: { right: "unlock" } });
  });
  test("keeps what it sends when its text is set with the looks, and stays when they are set without", async () => {
    const light = { payload: { light: true } };
    await callbox.setCustomBtnText("Light", light);
    await callbox.setUIConfig({ btnText: "Licht", handsFree: true });
    assert.deepEqual(callbox.pageSettings().button, { text: "Licht", data: light });
    await callbox.setUIConfig({});
    assert.deepEqual(callbox.pageSettings().button, { text: "Licht", data: light });
    await callbox.setCustomBtnText("Gate");
    assert.deepEqual(callbox.pageSettings().button, { text: "Gate", data: { right: "unlock" } });
  });
  test("sends what the app says, without a right if it names none", async () => {
    await callbox.setCustomBtnText("Light", { payload: { light: true } });
    assert.deepEqual(callbox.pageSettings().button, { text: "Light", data: { payload: { light: true } } });
  });
  test("refuses another right, and a payload that is too long", async () => {
    assert.equal(await codeOf(callbox.setCustomBtnText("x", { right: "auto" } as unknown as callbox.CustomData)), "badArgument");
    assert.equal(await codeOf(callbox.setCustomBtnText("x", { payload: "x".repeat(5000) })), "badArgument");
    assert.equal(await codeOf(callbox.setCustomBtnText(7 as unknown as string)), "badArgument");
  });
});

suite("setVoipEndPagePath", () => {
  test("keeps an address on this origin", async () => {
    await callbox.setVoipEndPagePath({ key: "Call", url: "/list", options: "from=call", routeType: "reLaunch" });
    assert.deepEqual(callbox.pageSettings().end, { key: "Call", url: "http://localhost/list", options: "from=call", routeType: "reLaunch" });
  });
  for (const [name, page] of Object.entries<unknown>({
    "another origin": { key: "Call", url: "https://elsewhere.example/" },
    "a script": { key: "Call", url: "javascript:alert(1)" },
    "the plug-in's page of contacts": { key: "BindContact", url: "/list" },
    "no address": { key: "Call" , url: "http://[" },
    "an unknown way": { key: "Call", url: "/list", routeType: "navigateTo" },
    "options that are no text": { key: "Call", url: "/list", options: {} },
  })) {
    test(`refuses ${name}`, async () => {
      assert.equal(await codeOf(callbox.setVoipEndPagePath(page as callbox.EndPage)), "badArgument");
    });
  }
});

suite("openCallPage", () => {
  test("loads the call page, which takes the call once", async () => {
    await callbox.openCallPage({ roomType: "voice", customQuery: "a=1" });
    assert.deepEqual(went.splice(0), ["http://localhost/"]);
    assert.deepEqual(callbox.takeCallWish(), { roomType: "voice", customQuery: "a=1" });
    assert.equal(callbox.takeCallWish(), undefined);
  });
  test("a wish that is old is not taken", async (t) => {
    await callbox.openCallPage({ roomType: "voice" });
    const later = Date.now() + 16_000;
    t.mock.method(Date, "now", () => later);
    assert.equal(callbox.takeCallWish(), undefined);
    went.length = 0;
  });
  test("refuses what callDevice refuses, and goes nowhere", async () => {
    assert.equal(await codeOf(callbox.openCallPage({ roomType: "fax" } as unknown as callbox.CallOptions)), "badArgument");
    full = true;
    assert.equal(await codeOf(callbox.openCallPage({ roomType: "voice" })), "storage");
    assert.deepEqual(went, []);
  });
});

test("callPageShown needs a call", async () => {
  assert.equal(await codeOf(callbox.callPageShown()), "noCall");
});

test("getIotBindContactList refuses what is no serial number, and one that is not known", async () => {
  assert.deepEqual(await callbox.getIotBindContactList(), { contact_list: [] });
  assert.equal(await codeOf(callbox.getIotBindContactList({ sn: 7 } as unknown as { sn: string })), "badArgument");
  assert.equal(await codeOf(callbox.getIotBindContactList({ sn: "door-9" })), "notPaired");
});
