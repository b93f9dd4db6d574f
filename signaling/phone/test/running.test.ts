/** The phone that runs in a tab: what the browser, the other tabs and the devices make it do. */
import assert from "node:assert/strict";
import { before, beforeEach, describe as suite, test } from "node:test";
import { happens, locks, look, media, network, page, registered, storedDevices, unregistered } from "./support/page.js";
import * as callbox from "../src/sdk.js";
import { running } from "../src/running.js";
import { Tabs, type TabMessage } from "../src/tabs.js";
import { calm, until } from "./support/clock.js";
import { globals } from "./support/browser.js";
import { FakeDevice } from "./support/device.js";
import { codeOf } from "./support/phone.js";
import { talking } from "./support/view.js";
import { ring } from "./support/ring.js";

let device: FakeDevice;
/** The other tab: it holds the connections only while a test lets it. */
const other = { inCall: false, heard: [] as TabMessage[] };
const otherTab = new Tabs({
  holding: () => undefined,
  mayRelease: () => !other.inCall,
  message: (message) => other.heard.push(message),
});

before(async () => {
  device = await FakeDevice.make();
  network.device = device;
  storedDevices.set(device.key.jkt, { sn: device.sn, dkt: device.key.jkt, jwk: device.key.jwk, name: device.name, endpoints: ["ws://127.0.0.1:8080/signal"] });
});

/** What runs in this tab. */
function here(): NonNullable<typeof running> {
  return running ?? assert.fail("the SDK does not run");
}

/** This tab holds the connections and is connected, and its device has said what it may do. */
beforeEach(async () => {
  other.inCall = false;
  otherTab.release();
  await callbox.start();
  await here().tabs.hold();
  await until(() => here().phone.devices()[0]?.rights !== undefined && here().phone.devices()[0]?.state === "up", "connected");
  await calm();
  other.heard.length = 0;
});

/** The device has been asked so often what this phone may do. */
function asked(): number {
  return device.all("ping").length;
}

/** The other tab holds the connections, in a call. */
async function callInOtherTab(): Promise<void> {
  await otherTab.hold();
  other.inCall = true;
  otherTab.post({ k: "view", view: talking });
}

suite("two tabs", () => {
  test("a tab that is idle gives the connections away, and takes them back for a call of its own", async () => {
    await otherTab.hold();
    assert.deepEqual([here().tabs.holds, here().phone.devices()[0]?.state], [false, "closed"]);
    const call = codeOf(callbox.callDevice({ roomType: "voice" }));
    await until(() => here().phone.busy, "the call");
    assert.deepEqual([here().tabs.holds, otherTab.holds], [true, false]);
    await callbox.hangUp();
    assert.equal(await call, "cancelled");
  });
  test("a tab in a call keeps them, and gives them away after it", async () => {
    const call = codeOf(callbox.callDevice({ roomType: "voice" }));
    await until(() => here().phone.busy, "the call");
    assert.equal(await codeOf(otherTab.hold()), "otherTab");
    assert.deepEqual([here().tabs.holds, here().phone.busy], [true, true]);
    await callbox.hangUp();
    assert.equal(await call, "cancelled");
    await otherTab.hold();
    assert.equal(here().tabs.holds, false);
  });
  test("beside a call in another tab nothing is asked for that needs the connections", async () => {
    await callInOtherTab();
    const before = media.asked;
    const call = codeOf(callbox.callDevice({ roomType: "voice" }));
    const begins = until(() => here().phone.busy, "the call").then(() => "the call begins", () => "nothing comes of it");
    assert.equal(await Promise.race([call, begins]), "otherTab");
    assert.equal(await codeOf(callbox.pair(device.link(), "Anna")), "otherTab");
    for (const set of [callbox.setMic, callbox.setCamera, callbox.setSpeaker]) assert.equal(await codeOf(set(false)), "otherTab");
    assert.deepEqual([media.asked - before, here().tabs.holds, callbox.currentCall()?.here], [0, false, false]);
  });
  test("a tab that crashed in its call is noticed, however long the call was", async (t) => {
    await callInOtherTab();
    // Every 2 s, which are 10 ms here.
    const real = setTimeout;
    t.mock.method(globalThis, "setTimeout", (then: () => void, ms?: number) => real(then, ms === 2000 ? 10 : ms));
    otherTab.post({ k: "view", view: talking });
    const before = locks.asked;
    await until(() => locks.asked >= before + 3, "it looks again and again");
    assert.equal(callbox.currentCall()?.roomId, "r1");
    locks.free();
    await until(() => here().tabs.holds, "the connections are here");
    assert.notEqual(callbox.currentCall()?.here, false);
  });
  test("one that has ended its call is not watched", async (t) => {
    await callInOtherTab();
    const real = setTimeout;
    t.mock.method(globalThis, "setTimeout", (then: () => void, ms?: number) => real(then, ms === 2000 ? 10 : ms));
    otherTab.post({ k: "view", view: { ...talking, phase: "ended" } });
    const before = locks.asked;
    await calm();
    await calm();
    assert.equal(locks.asked, before);
  });
});

suite("what happens to the window", () => {
  test("it is closed: the call is told before the connections go", (t) => {
    const held: boolean[] = [];
    t.mock.method(here().phone, "unload", () => held.push(here().tabs.holds && here().phone.devices()[0]?.state === "up"));
    happens("pagehide");
    assert.deepEqual([held, here().tabs.holds], [[true], false]);
    assert.ok(other.heard.some(({ k }) => k === "released"));
  });
  test("it comes back from the browser's memory: it is loaded anew, and only then", () => {
    const before = page.reloads;
    happens("pageshow", { persisted: false });
    assert.equal(page.reloads, before);
    happens("pageshow", { persisted: true });
    assert.equal(page.reloads, before + 1);
  });
  for (const [name, event] of [
    ["the network is back", () => { happens("online"); }],
    ["the person looks at it again", () => { look(true); }],
  ] as const) {
    test(`${name}: a device that was lost is connected at once`, async () => {
      device.socket.cut();
      // The first pause is over after at most 1.5 s; this takes far less.
      await until(() => here().phone.devices()[0]?.state === "down", "down");
      const before = network.sockets.length;
      event();
      assert.equal(network.sockets.length, before + 1);
    });
  }
  test("it is hidden: nothing is tried", async (t) => {
    const hurry = t.mock.method(here().phone, "hurry");
    const refresh = t.mock.method(here().rights, "refresh");
    look(false);
    await calm();
    assert.deepEqual([hurry.mock.callCount(), refresh.mock.callCount()], [0, 0]);
    look(true);
  });
  test("the person looks at it again: the device is asked what this phone may do", async () => {
    const before = asked();
    look(true);
    await until(() => asked() > before, "asked");
  });
  test("the person looks at it again: the connections are taken if they are free", async () => {
    here().tabs.release();
    await calm();
    assert.equal(here().tabs.holds, false);
    look(true);
    await until(() => here().tabs.holds, "the connections are here");
  });
});

suite("what this phone may do", () => {
  test("is asked again after a call, which may have changed it", async () => {
    const { room } = await ring(device);
    await until(() => callbox.currentCall()?.phase === "incoming", "incoming");
    const before = asked();
    await device.send(room, "cancel", { cause: "cancelled" });
    await until(() => callbox.events().some((e) => e.eventName === "finishVoip" && e.roomId === room), "finishVoip");
    await until(() => asked() > before, "asked");
  });
  test("is asked again after a call that failed: the phone may have been removed", async () => {
    const before = asked();
    const call = codeOf(callbox.callDevice({ roomType: "voice" }));
    await until(() => here().phone.busy, "the call");
    await callbox.hangUp();
    assert.equal(await call, "cancelled");
    await until(() => asked() > before, "asked");
  });
  test("getIotBindContactList asks each time, and status 1 is the right to be called", async () => {
    for (const [rights, status] of [[["call", "beCalled"], 1], [["call"], 0], [["beCalled"], 1], [[], 0]] as const) {
      device.rights = rights;
      const before = asked();
      const { contact_list: list } = await callbox.getIotBindContactList({ sn: device.sn });
      assert.deepEqual(list.map((c) => [c.dkt, c.status, c.rights]), [[device.key.jkt, status, rights]]);
      assert.equal(asked(), before + 1);
    }
    device.rights = ["call", "beCalled"];
    await callbox.getIotBindContactList();
  });
  test("getIotBindContactList: a device that has removed this phone does not call it, whatever it said before", async () => {
    await here().phone.learn(device.key.jkt, undefined);
    device.rights = undefined; // it does not say
    const { contact_list: list } = await callbox.getIotBindContactList();
    assert.deepEqual(list.map((c) => [c.status, c.removed, c.rights]), [[0, true, ["call", "beCalled"]]]);
    device.rights = ["call", "beCalled"];
    assert.equal((await callbox.getIotBindContactList()).contact_list[0]?.status, 1);
  });
});

suite("forgetDevice", () => {
  const scope = (): string => `http://localhost/push/${device.key.jkt}/`;
  test("takes the browser's subscription back, and leaves that of another device", async () => {
    registered.push(scope(), `http://localhost/push/${"B".repeat(43)}/`);
    globals({ Notification: { permission: "granted" } });
    await callbox.forgetDevice(device.key.jkt);
    assert.deepEqual([unregistered, storedDevices.size], [[scope()], 0]);
    assert.ok(other.heard.some(({ k }) => k === "devices"));
  });
});
