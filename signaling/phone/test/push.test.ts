/** Web Push: the questions to the device, and the browser's part. */
import assert from "node:assert/strict";
import { beforeEach, describe as suite, test } from "node:test";
import { base64url } from "../src/encoding.js";
import { askPush } from "../src/push.js";
import * as push from "../src/push.js";
import { until } from "./support/clock.js";
import { FakeDevice, textOf, type Received } from "./support/device.js";
import { FakePushBrowser } from "./support/pushbrowser.js";
import { codeOf, Rig } from "./support/phone.js";

/** What a device does about `push`, as docs/protocol.md says. */
class Book {
  key: string | undefined = base64url(new Uint8Array(65).fill(4));
  subscription: unknown;
  error: string | undefined;
  nonce = "nonce-1";
  asked = 0;
  /** Changes that came with the right nonce. */
  readonly changes: unknown[] = [];
  constructor(readonly device: FakeDevice) {
    device.onMessage = (message) => {
      if (message.t === "push") void this.#answer(message);
    };
  }
  async #answer({ roomId, id, payload }: Received): Promise<void> {
    this.asked += 1;
    let error: string | undefined;
    if (payload["subscription"] !== undefined || payload["remove"] === true) {
      error = this.error ?? (payload["nonce"] === this.nonce ? undefined : "badRequest");
      if (!error) {
        this.changes.push(payload["subscription"] ?? "remove");
        this.subscription = payload["subscription"];
      }
      this.nonce += "1";
    }
    const { key, nonce } = this;
    const subscribed = this.subscription !== undefined;
    await this.device.send(roomId, "pushed", { ...(key === undefined ? {} : { key, nonce }), subscribed, ...(error && { error }), jwk: this.device.key.jwk }, id);
  }
}

interface Scene {
  readonly rig: Rig;
  readonly device: FakeDevice;
  readonly book: Book;
  readonly opened: push.Opened;
  readonly dkt: string;
}

async function scene(): Promise<Scene> {
  const device = await FakeDevice.make();
  const rig = await Rig.paired(device);
  await until(() => device.phone !== undefined, "connected");
  device.acks = false; // it answers a push, and that is all
  const opened = { phone: rig.phone, tabs: { hold: async () => Promise.resolve(), tryHold: async () => Promise.resolve(true) } };
  return { rig, device, book: new Book(device), opened, dkt: device.key.jkt };
}

let browser: FakePushBrowser;
beforeEach(() => {
  browser = new FakePushBrowser();
});

suite("asking a device", () => {
  test("in a room of its own, with the phone's key", async () => {
    const { rig, device, book, dkt } = await scene();
    const answer = await askPush(rig.phone, dkt, {});
    assert.deepEqual([answer.key, answer.nonce, answer.subscribed, answer.error], [book.key, "nonce-1", false, undefined]);
    const asked = device.last("push");
    assert.ok(asked.payload["jwk"]);
    await askPush(rig.phone, dkt, {});
    assert.notEqual(device.last("push").roomId, asked.roomId);
  });
  test("that says nothing ends after 10 s, and its connection is kept", async () => {
    const { rig, device, dkt } = await scene();
    device.onMessage = () => undefined;
    const asked = codeOf(askPush(rig.phone, dkt, {}));
    await until(() => device.all("push").length === 1, "asked");
    rig.clock.pass(10_000);
    assert.equal(await asked, "unreachable");
    assert.equal(rig.phone.devices()[0]?.state, "up");
  });
  test("believes only the answer to the question", async () => {
    const { rig, device, book, dkt } = await scene();
    device.onMessage = (message) => {
      void (async () => {
        await device.send(message.roomId, "pushed", { subscribed: true, key: "another" }, "AAAAAAAAAAAAAAAAAAAAAA");
        await device.send(message.roomId, "pushed", { subscribed: true, key: book.key }, message.id);
      })();
    };
    assert.equal((await askPush(rig.phone, dkt, {})).key, book.key);
  });
  test("an answer that breaks the rules is refused", async () => {
    const { rig, device, dkt } = await scene();
    device.onMessage = ({ roomId, id }) => void device.send(roomId, "pushed", { subscribed: "yes" }, id);
    assert.equal(await codeOf(askPush(rig.phone, dkt, {})), "badRequest");
  });
  test("needs the device", async () => {
    const { rig, device, dkt } = await scene();
    assert.equal(await codeOf(askPush(rig.phone, "unknown", {})), "notPaired");
    device.socket.cut();
    assert.equal(await codeOf(askPush(rig.phone, dkt, {})), "unreachable");
  });
});

suite("subscribing", () => {
  test("leaves the browser's subscription with a fresh nonce", async () => {
    const { opened, book, dkt } = await scene();
    assert.deepEqual(await push.state(opened, dkt), { on: false, hindrance: undefined });
    await push.subscribe(opened, dkt, "sw.js", "granted");
    const [registration] = browser.registrations;
    assert.equal(registration?.scope, `https://door.example/box/push/${dkt}/`);
    assert.equal(registration.script, "https://door.example/box/sw.js");
    assert.deepEqual(book.changes, [registration.subscription?.toJSON()]);
    assert.equal(registration.subscription?.key, book.key);
    assert.deepEqual(await push.state(opened, dkt), { on: true, hindrance: undefined });
  });
  test("needs the person, the browser, the device and its push service", async () => {
    const { opened, book, dkt } = await scene();
    const subscribe = async (permission: NotificationPermission = "granted"): Promise<string> => codeOf(push.subscribe(opened, dkt, "sw.js", permission));
    assert.equal(await subscribe("denied"), "pushDenied");
    assert.equal(await subscribe("default"), "pushDenied");
    browser.permission = "denied";
    assert.equal(await subscribe(), "pushDenied");
    assert.deepEqual(await push.state(opened, dkt), { on: false, hindrance: "pushDenied" });
    browser.permission = "granted";
    for (const [failure, code] of [["SecurityError", "pushCertificate"], ["TypeError", "pushFailed"]] as const) {
      browser.registerFails = failure;
      assert.equal(await subscribe(), code);
    }
    browser.registerFails = undefined;
    for (const [failure, code] of [["NotAllowedError", "pushDenied"], ["AbortError", "pushFailed"]] as const) {
      browser.subscribeFails = failure;
      assert.equal(await subscribe(), code);
    }
    browser.subscribeFails = undefined;
    for (const [error, code] of [["forbidden", "pushService"], ["noHandler", "noHandler"], ["badRequest", "badRequest"], ["new", "badRequest"]] as const) {
      book.error = error;
      assert.equal(await subscribe(), code);
    }
    const { key } = book;
    book.key = undefined;
    assert.equal(await subscribe(), "pushOff");
    assert.deepEqual(await push.state(opened, dkt), { on: false, hindrance: "pushOff" });
    book.key = key;
    assert.deepEqual(browser.registrations, [], "what has failed leaves nothing behind");
    assert.deepEqual(await push.state(opened, dkt), { on: false, hindrance: undefined });
  });
  test("is not to be had everywhere", async () => {
    const { opened, dkt } = await scene();
    const why = async (userAgent: string, touch = 0, standalone = false): Promise<unknown> => {
      browser.hasPush = false;
      browser.agent = { userAgent, maxTouchPoints: touch, standalone };
      return (await push.state(opened, dkt)).hindrance;
    };
    assert.equal(await why("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", 5), "pushInstall");
    assert.equal(await why("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", 5), "pushInstall");
    assert.equal(await why("Mozilla/5.0 (iPhone; CPU iPhone OS 15_0 like Mac OS X)", 5, true), "pushUnsupported");
    assert.equal(await why("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"), "pushUnsupported");
    assert.equal(await codeOf(push.subscribe(opened, dkt, "sw.js", "granted")), "pushUnsupported");
  });
  test("of another tab is that tab's", async () => {
    const { opened, dkt } = await scene();
    const viewer = { ...opened, tabs: { ...opened.tabs, tryHold: async () => Promise.resolve(false) } };
    assert.equal(await codeOf(push.state(viewer, dkt)), "otherTab");
  });
});

suite("keeping it up", () => {
  test("nothing is left again while all is well, and nothing where nobody has asked for it", async () => {
    const { opened, book, dkt } = await scene();
    await push.renew(opened, dkt);
    assert.equal(book.asked, 0);
    await push.subscribe(opened, dkt, "sw.js", "granted");
    await push.renew(opened, dkt);
    assert.equal(book.changes.length, 1);
  });
  test("when the device has forgotten it", async () => {
    const { opened, book, dkt } = await scene();
    await push.subscribe(opened, dkt, "sw.js", "granted");
    book.subscription = undefined;
    await push.renew(opened, dkt);
    assert.deepEqual(book.changes[1], book.changes[0]);
  });
  test("when the device has another key", async () => {
    const { opened, book, dkt } = await scene();
    await push.subscribe(opened, dkt, "sw.js", "granted");
    book.key = base64url(new Uint8Array(65).fill(5));
    await push.renew(opened, dkt);
    assert.equal(browser.registrations[0]?.subscription?.key, book.key);
    assert.notDeepEqual(book.changes[1], book.changes[0]);
  });
  test("when the browser has lost it, or has another", async () => {
    const { opened, book, dkt } = await scene();
    await push.subscribe(opened, dkt, "sw.js", "granted");
    const [registration] = browser.registrations;
    assert.ok(registration);
    registration.forget();
    await push.renew(opened, dkt);
    assert.equal(book.changes.length, 2);
    registration.rotate();
    await push.renew(opened, dkt);
    assert.deepEqual(book.changes[2], registration.subscription?.toJSON());
    assert.notDeepEqual(book.changes[2], book.changes[1]);
  });
  test("not while the device does not push, and not against the person", async () => {
    const { opened, book, dkt } = await scene();
    await push.subscribe(opened, dkt, "sw.js", "granted");
    const { key } = book;
    book.key = undefined;
    book.subscription = undefined;
    await push.renew(opened, dkt);
    book.key = key;
    browser.permission = "default";
    await push.renew(opened, dkt);
    assert.equal(book.changes.length, 1);
    browser.permission = "granted";
    await push.renew(opened, dkt);
    assert.equal(book.changes.length, 2);
  });
});

suite("taking it back", () => {
  test("in the browser and with the device", async () => {
    const { opened, book, dkt } = await scene();
    await push.subscribe(opened, dkt, "sw.js", "granted");
    await push.unsubscribe(opened, dkt);
    assert.deepEqual([book.changes[1], browser.registrations.length, browser.stored.size], ["remove", 0, 0]);
    assert.deepEqual(await push.state(opened, dkt), { on: false, hindrance: undefined });
  });
  test("works without the device", async () => {
    const { opened, device, dkt } = await scene();
    await push.subscribe(opened, dkt, "sw.js", "granted");
    device.socket.cut();
    await push.unsubscribe(opened, dkt);
    assert.equal(browser.registrations.length, 0);
  });
  test("leaves other devices alone", async () => {
    const { opened, dkt } = await scene();
    await push.subscribe(opened, dkt, "sw.js", "granted");
    await browser.register("https://door.example/box/sw.js", { scope: "https://door.example/box/" });
    await push.unsubscribe(opened, dkt);
    assert.deepEqual(browser.registrations.map(({ scope }) => scope), ["https://door.example/box/"]);
  });
});

test("a push in an open page makes it doubt a connection on which the ring did not come", async () => {
  const { rig, device, opened, dkt } = await scene();
  await push.renew(opened, dkt);
  const socket = device.socket;
  browser.says({ callbox: "ring", dkt: "unknown", roomId: "a" });
  browser.says(null);
  await device.send("room-1", "ring", { roomType: "voice", jwk: device.key.jwk });
  await until(() => device.all("invite").length === 1, "the ring is answered");
  browser.says({ callbox: "ring", dkt, roomId: textOf(device.last("invite").payload["roomId"]) });
  assert.equal(socket.closed, false, "the ring is here");
  browser.says({ callbox: "ring", dkt, roomId: "room-2" });
  assert.equal(socket.closed, true);
  await until(() => {
    rig.clock.pass(500);
    return rig.phone.devices()[0]?.state === "up";
  }, "up again");
  assert.ok(rig.connected.length >= 2);
});
