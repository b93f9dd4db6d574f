import assert from "node:assert/strict";
import { after, beforeEach, describe as suite, test } from "node:test";
import { otherTab } from "./support/tab.js";
import * as callbox from "../src/sdk.js";
import { formatPairingLink } from "../src/pairing.js";
import { codeOf } from "./support/phone.js";
import { talking } from "./support/view.js";
import type { CallView } from "../src/view.js";
import type { VoipEvent, VoipEventData, VoipEventName } from "../src/voipevents.js";

function event<Name extends VoipEventName>(eventName: Name, data: VoipEventData[Name]): VoipEvent {
  return { eventName, roomId: "r1", groupId: "r1", data } as VoipEvent;
}

/** This tab after it has started, beside another one that is in a call or in none. */
async function beside(view: CallView | undefined): Promise<void> {
  await callbox.start();
  otherTab.say({ k: "view", view });
  otherTab.heard.length = 0;
}

// A call in another tab is watched for as long as it runs.
after(async () => beside(undefined));

suite("how the page was entered", () => {
  test("getPluginOnloadOptions is how it was loaded, without the fragment", () => {
    assert.deepEqual(callbox.getPluginOnloadOptions(), { path: "/call", query: { roomId: "r1", customQuery: "a b" } });
  });
  test("getPluginEnterOptions follows pushState, getPluginOnloadOptions does not", () => {
    history.pushState(null, "", `${callbox.CALL_PAGE_PATH}?roomId=r2`);
    assert.deepEqual(callbox.getPluginEnterOptions(), { path: "/", query: { roomId: "r2" } });
    assert.deepEqual(callbox.getPluginOnloadOptions().query, { roomId: "r1", customQuery: "a b" });
  });
});

suite("takePairingLink", () => {
  const link = { sn: "door-1", dkt: "A".repeat(43), secret: "A".repeat(22), endpoints: ["wss://door.example/signal"] };
  for (const [name, text, want] of [
    ["a link", formatPairingLink(link), link],
    ["what is none", "secret", "invalid"],
    ["nothing", "", "invalid"],
  ] as const) {
    test(`takes ${name} out of the address, at once and for good`, () => {
      history.pushState(null, "", `/call?roomId=r2#pair=${text}`);
      assert.deepEqual(callbox.takePairingLink(), want);
      assert.equal(location.href, "http://localhost/call?roomId=r2");
      assert.equal(callbox.takePairingLink(), undefined);
    });
  }
  test("leaves another fragment as it is", () => {
    history.pushState(null, "", "/call#top");
    assert.equal(callbox.takePairingLink(), undefined);
    assert.equal(location.href, "http://localhost/call#top");
  });
});

suite("onVoipEvent", () => {
  beforeEach(async () => beside(undefined));
  test("hears what events() logs, in order, also of a call in another tab", () => {
    const heard: VoipEvent[] = [];
    const before = callbox.events().length;
    const off = callbox.onVoipEvent((e) => heard.push(e));
    const told = [event("joinedRoomByCaller", {}), event("startVoip", { timeLimit: 60 }), event("hangUpVoip", { cause: "hangup", origin: "timeLimit", keepTime: 60, status: "endByListener" })];
    for (const e of told) otherTab.say({ k: "event", event: e });
    off();
    assert.deepEqual(heard, told);
    const logged = callbox.events().slice(before);
    assert.deepEqual(
      logged.map(({ at, ...e }) => ({ ...e, timed: !Number.isNaN(Date.parse(at)) })),
      told.map((e) => ({ ...e, timed: true })),
    );
  });
  test("hears nothing after it was taken away", () => {
    const heard: VoipEvent[] = [];
    const off = callbox.onVoipEvent((e) => heard.push(e));
    off();
    off();
    otherTab.say({ k: "event", event: event("busy", { cause: "busy" }) });
    assert.deepEqual(heard, []);
  });
  test("a listener that throws stops neither the others nor the log", (t) => {
    const thrown: unknown[] = [];
    const report = t.mock.fn((error: unknown) => thrown.push(error));
    Object.defineProperty(globalThis, "reportError", { value: report, configurable: true });
    const heard: string[] = [];
    const error = new Error("of the app");
    const offs = [
      callbox.onVoipEvent(() => {
        throw error;
      }),
      callbox.onVoipEvent((e) => heard.push(e.eventName)),
    ];
    otherTab.say({ k: "event", event: event("finishVoip", { keepTime: 3 }) });
    for (const off of offs) off();
    assert.deepEqual([heard, thrown], [["finishVoip"], [error]]);
    assert.equal(callbox.events().at(-1)?.eventName, "finishVoip");
  });
});

suite("arguments that are none", () => {
  const none = undefined as never;
  const link = { sn: "door-1", dkt: "CRFZQaU4cVWkyh7ORVhYEfwFt99lXGi5oDhoF69j_7s", secret: "AAAAAAAAAAAAAAAAAAAAAA", endpoints: ["https://door.example"] };
  for (const [name, call, code] of [
    ["callDevice", async () => callbox.callDevice(none), "badArgument"],
    ["pair", async () => callbox.pair(none, "Anna"), "pairLinkInvalid"],
    ["pair, with what takePairingLink says of a bad link", async () => callbox.pair("invalid" as never, "Anna"), "pairLinkInvalid"],
    ["pair with an object that is no link", async () => callbox.pair({} as never, "Anna"), "pairLinkInvalid"],
    ["pair with null", async () => callbox.pair(null as never, "Anna"), "pairLinkInvalid"],
    ["pair with a link whose secret is too short", async () => callbox.pair({ ...link, secret: "AA" }, "Anna"), "pairLinkInvalid"],
    ["pair with endpoints that are none", async () => callbox.pair({ ...link, endpoints: 7 as never }, "Anna"), "pairLinkInvalid"],
    ["pair with a key that is none", async () => callbox.pair({ ...link, dkt: "x" }, "Anna"), "pairLinkInvalid"],
    ["getIotBindContactList", async () => callbox.getIotBindContactList(null), undefined],
    ["forgetDevice", async () => callbox.forgetDevice(none), "notPaired"],
    ["sendData", async () => callbox.sendData(none), "badArgument"],
    ["sendData of nothing", async () => callbox.sendData({} as never), "badArgument"],
    ["sendData with another right", async () => callbox.sendData({ payload: 1, right: "auto" as never }), "badArgument"],
    ["setUIConfig", async () => callbox.setUIConfig(none), "badArgument"],
    ["setCustomBtnText", async () => callbox.setCustomBtnText(none), "badArgument"],
    ["setVoipEndPagePath", async () => callbox.setVoipEndPagePath(none), "badArgument"],
    ["openCallPage", async () => callbox.openCallPage(none), "badArgument"],
    ["setSpeaker without a call", async () => callbox.setSpeaker(false), "noCall"],
  ] as const) {
    test(`${name}: ${code ?? "done"}`, async () => {
      await beside(undefined);
      if (code === undefined) await call();
      else assert.equal(await codeOf(call()), code);
    });
  }
  for (const name of ["onVoipEvent", "onCall", "onDevices", "onData"] as const) {
    test(`${name} takes functions only`, () => {
      assert.throws(() => callbox[name](none), { name: "CallboxError", code: "badArgument" });
    });
  }
});

suite("forceHangUpVoip", () => {
  test("of no call is noCall, and says nothing", async () => {
    await beside(undefined);
    assert.equal(await codeOf(callbox.forceHangUpVoip()), "noCall");
    assert.equal(await codeOf(callbox.forceHangUpVoip("r1")), "noCall");
    assert.deepEqual(otherTab.heard, []);
  });
  for (const [name, roomId] of [["with its id", "r1"], ["without an id", undefined]] as const) {
    test(`of the call in another tab, ${name}, asks that tab, as the app`, async () => {
      await beside(talking);
      assert.equal(callbox.currentCall()?.here, false);
      await callbox.forceHangUpVoip(roomId);
      assert.deepEqual(otherTab.heard, [{ k: "hangUp", roomId: "r1", origin: "forceFromApp" }]);
    });
  }
  test("hangUp asks as the person", async () => {
    await beside(talking);
    await callbox.hangUp();
    assert.deepEqual(otherTab.heard, [{ k: "hangUp", roomId: "r1", origin: "manual" }]);
  });
  test("of another room leaves the call in the other tab alone", async () => {
    await beside(talking);
    assert.equal(await codeOf(callbox.forceHangUpVoip("r2")), "noCall");
    assert.deepEqual(otherTab.heard, []);
  });
  test("of a call that has ended is noCall", async () => {
    await beside({ ...talking, phase: "ended", end: { cause: "hangup", origin: "manual" } });
    assert.equal(await codeOf(callbox.forceHangUpVoip("r1")), "noCall");
    assert.deepEqual(otherTab.heard, []);
  });
});
