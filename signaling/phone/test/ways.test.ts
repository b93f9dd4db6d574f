/** Calls over several ways: a broker alone, and a broker beside the direct connection. */
import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { generateKey, peek } from "../src/jws.js";
import { FakeBroker, presence } from "./support/broker.js";
import { calm, until } from "./support/clock.js";
import { FakeDevice, type FakeSocket } from "./support/device.js";
import { answerSdp } from "./support/leg.js";
import { Rig, codeOf } from "./support/phone.js";

const broker = "mqtt+wss://broker.example/mqtt";
const direct = "ws://127.0.0.1:8080/signal";

interface House {
  readonly device: FakeDevice;
  readonly broker: FakeBroker;
  readonly rig: Rig;
  /** The device's ends of the phone's connections. */
  readonly ends: (mqtt: boolean) => FakeSocket[];
}

async function house(endpoints: readonly string[] = [broker], change: (device: FakeDevice, b: FakeBroker) => Promise<void> | void = () => undefined): Promise<House> {
  const device = await FakeDevice.make();
  const b = new FakeBroker(device);
  await change(device, b);
  const rig = new Rig(device.openSocket);
  rig.dial = b.dial;
  await rig.store.put({ sn: device.sn, dkt: device.key.jkt, jwk: device.key.jwk, name: device.name, endpoints });
  await rig.phone.load();
  rig.phone.connect();
  return { device, broker: b, rig, ends: (mqtt) => device.sockets.filter((s) => (s.url === "mqtt") === mqtt && !s.closed) };
}

const state = ({ rig }: House): string => rig.phone.devices()[0]?.state ?? "";

async function talking(h: House): Promise<string> {
  const { rig, device } = h;
  const { roomId } = await rig.phone.call({ roomType: "voice" });
  await until(() => device.all("offer").length > 0, "offer");
  await until(() => rig.phone.session?.phase === "offering", "offering");
  const sdp = answerSdp(["audio", "application"]);
  await device.answer(roomId, "accept", { sdp });
  await device.send(roomId, "start");
  await until(() => rig.phone.session?.phase === "talking", "talking");
  return roomId;
}

suite("a broker alone", () => {
  test("a call runs, and nothing else is connected to", async () => {
    const h = await house();
    await until(() => state(h) === "up", "up");
    const room = await talking(h);
    h.rig.phone.hangUp("manual");
    await until(() => h.device.all("bye").length > 0, "bye");
    assert.equal(h.device.last("bye").roomId, room);
    assert.equal(h.ends(false).length, 0);
    assert.equal(h.device.all("hello").length, 0, "there is no hello over a broker");
    assert.deepEqual(h.rig.phone.brokers(), [{ url: "wss://broker.example/mqtt", state: "up", problem: undefined }]);
  });
  test("offline is shown, and a call may still be tried", async () => {
    const h = await house([broker], (_, b) => {
      b.will("door-1", 7);
    });
    await until(() => h.broker.clients.length > 0, "connected");
    await calm();
    assert.equal(state(h), "down");
    await h.rig.phone.call({ roomType: "voice" });
  });
  test("a device with another key is told before a call is tried", async () => {
    const other = await generateKey();
    const h = await house([broker], async (_, b) => {
      b.status("door-1", await presence(other, "door-1"));
    });
    await until(() => state(h) === "keyChanged", "key changed");
    assert.equal(await codeOf(h.rig.phone.call({ roomType: "voice" })), "deviceKeyChanged");
  });
  test("a device that does not answer is unreachable", async () => {
    const h = await house();
    h.device.deaf = true;
    await until(() => state(h) === "up", "up");
    const call = codeOf(h.rig.phone.call({ roomType: "voice" }));
    await until(() => h.device.all("invite").length > 0, "invite");
    h.rig.clock.pass(10_000);
    assert.equal(await call, "unreachable");
    assert.ok(!h.broker.client.ended, "the broker, whom others need, is not to be blamed");
  });
  test("a call survives the broker, and what was to be said is said when it is back", async () => {
    const h = await house();
    await until(() => state(h) === "up", "up");
    const room = await talking(h);
    h.broker.greet = "close";
    h.broker.cut();
    assert.equal(state(h), "down");
    h.rig.clock.pass(20_000);
    await calm();
    assert.equal(h.rig.phone.session?.phase, "talking");
    h.rig.phone.hangUp("manual");
    await calm();
    assert.equal(h.device.all("bye").length, 0);
    h.broker.greet = "up";
    h.rig.phone.hurry();
    await until(() => h.device.all("bye").length > 0, "bye");
    assert.equal(h.device.last("bye").roomId, room);
  });
  test("a device that has started anew ends the call", async () => {
    const h = await house([broker], async (d, b) => {
      b.status("door-1", await presence(d.key, "door-1"));
    });
    await until(() => state(h) === "up", "up");
    await talking(h);
    h.broker.will("door-1", 7);
    await calm();
    assert.equal(h.rig.phone.session?.phase, "talking");
    h.broker.status("door-1", await presence(h.device.key, "door-1", { epoch: 8 }));
    await until(() => h.rig.phone.session?.phase === "ended", "ended");
    assert.equal(h.rig.phone.view()?.end?.detail, "restarted");
  });
  test("a device calls", async () => {
    const h = await house();
    await until(() => state(h) === "up", "up");
    const me = (await h.rig.store.key()).jkt;
    const room = "cmluZw";
    h.device.phone = { ...(await h.rig.store.key()), publicKey: {} as CryptoKey };
    const ring = await h.device.compose(room, "ring", { roomType: "voice", jwk: h.device.key.jwk });
    h.broker.client.deliver(`callbox/1/p.${me}/rx/d.door-1`, ring);
    await until(() => h.device.all("invite").length > 0, "invite");
    await until(() => h.rig.phone.session?.phase === "incoming", "incoming");
    assert.equal(h.device.last("invite").roomId, room);
  });
  test("pairing works over it", async () => {
    const device = await FakeDevice.make();
    const b = new FakeBroker(device);
    const rig = new Rig(device.openSocket);
    rig.dial = b.dial;
    await rig.phone.load();
    rig.phone.connect();
    const made = await rig.phone.pair(device.link([broker]), "Anna");
    assert.equal(made.dkt, device.key.jkt);
    assert.deepEqual(rig.store.records.get(device.key.jkt)?.endpoints, [broker]);
    assert.ok(device.last("pair").payload["jwk"], "the device does not know the phone's key yet");
    await until(() => device.all("ack").length === 1, "the answer is acknowledged");
    rig.clock.pass(1000);
    await until(() => rig.phone.devices()[0]?.state === "up", "up");
    assert.equal(b.clients.length, 1, "one connection served both");
  });
  test("a stranger at the broker pairs nobody", async () => {
    const [device, stranger] = [await FakeDevice.make(), await FakeDevice.make()];
    const b = new FakeBroker(stranger); // it has our serial number, and another key
    const rig = new Rig(device.openSocket);
    rig.dial = b.dial;
    await rig.phone.load();
    stranger.pairing = device.link([broker]);
    const result = codeOf(rig.phone.pair(device.link([broker]), "Anna"));
    await until(() => stranger.all("pair").length > 0, "pair");
    await calm();
    rig.clock.pass(10_000);
    assert.equal(await result, "unreachable");
  });
  test("a script that cannot be fetched is fetched again", async () => {
    const h = await house([broker], (_, b) => {
      b.greet = "up";
    });
    await until(() => state(h) === "up", "up");
    const rig = new Rig(h.device.openSocket);
    let fails = true;
    const { openBrokers } = rig.parts;
    rig.parts.openBrokers = async (key) => {
      if (fails) throw new TypeError("Failed to fetch");
      return openBrokers(key);
    };
    rig.dial = h.broker.dial;
    await rig.store.put({ sn: h.device.sn, dkt: h.device.key.jkt, jwk: h.device.key.jwk, name: "x", endpoints: [broker] });
    await rig.phone.load();
    rig.phone.connect();
    await calm();
    assert.equal(rig.phone.devices()[0]?.state, "down");
    fails = false;
    rig.clock.pass(15_000);
    await until(() => rig.phone.devices()[0]?.state === "up", "up");
  });
});

suite("two ways", () => {
  const both = [direct, broker];
  /** Both are up. */
  async function ready(): Promise<House> {
    const h = await house(both);
    await until(() => h.ends(false).length > 0 && h.broker.clients.length > 0, "both ways");
    await until(() => h.device.all("hello").length > 0, "hello");
    await calm();
    return h;
  }

  test("the direct one is preferred", async () => {
    const h = await ready();
    await talking(h);
    assert.equal(h.ends(true).length, 0);
  });
  test("the broker takes over when the direct one breaks: what is not answered goes out again, in one room", async () => {
    const h = await ready();
    h.device.deaf = true;
    const call = h.rig.phone.call({ roomType: "voice" });
    await until(() => h.device.all("invite").length > 0, "invite");
    h.device.deaf = false;
    h.device.off = true;
    h.ends(false)[0]?.cut();
    const { roomId } = await call;
    assert.deepEqual(new Set(h.device.all("invite").map((m) => m.roomId)), new Set([roomId]));
    assert.equal(state(h), "up");
    assert.ok(h.ends(true).length > 0);
  });
  test("a dead direct connection is given up after two copies", async () => {
    const h = await ready();
    const dead = h.ends(false)[0];
    assert.ok(dead);
    h.device.deaf = true;
    const call = h.rig.phone.call({ roomType: "voice" });
    await until(() => h.device.all("invite").length > 0, "invite");
    h.rig.clock.pass(500);
    assert.ok(!dead.closed);
    h.device.deaf = false;
    h.device.off = true;
    h.rig.clock.pass(1000);
    assert.ok(dead.closed);
    await call;
    assert.equal(h.ends(true).length, 1);
  });
  test("an answer goes the way its question came", async () => {
    const h = await ready();
    await talking(h);
    const me = (await h.rig.store.key()).jkt;
    const room = h.rig.phone.session?.roomId ?? "";
    await calm(); // what answers the call has been said
    const before = h.broker.client.published.length;
    const asked = await h.device.compose(room, "candidates", { candidates: [] });
    h.broker.client.deliver(`callbox/1/p.${me}/rx/d.door-1`, asked);
    await until(() => h.broker.client.published.length > before, "its ack");
    // The same bytes over the other way have no second effect, and are answered there.
    const acks = (): string[] => h.device.all("ack").flatMap((m) => (m.ref === peek(asked)?.["id"] ? [m.text] : []));
    await until(() => acks().length === 1, "the ack at the device");
    h.ends(false)[0]?.deliver(asked);
    await until(() => acks().length === 2, "the ack again");
    assert.equal(h.broker.client.published.length, before + 1);
    assert.equal(acks()[0], acks()[1]);
  });
  test("an offer goes the way its challenge came", async () => {
    const h = await ready();
    h.device.deaf = true;
    const call = h.rig.phone.call({ roomType: "voice" });
    await until(() => h.device.all("invite").length > 0, "invite");
    const me = (await h.rig.store.key()).jkt;
    const { roomId, id } = h.device.last("invite");
    h.device.deaf = false;
    const challenge = await h.device.compose(roomId, "challenge", { nonce: "n", epoch: 7, jwk: h.device.key.jwk }, id);
    h.broker.client.deliver(`callbox/1/p.${me}/rx/d.door-1`, challenge);
    await call;
    await until(() => h.device.all("offer").length > 0, "offer");
    assert.ok(h.broker.client.published.some((p) => p.text === h.device.last("offer").text));
  });
  test("the state is what is sure: the device's word beats a stranger at its old address", async () => {
    const stranger = await FakeDevice.make();
    const h = await house(both, async (d, b) => {
      b.status("door-1", await presence(d.key, "door-1"));
    });
    const rig = new Rig(stranger.openSocket);
    rig.dial = h.broker.dial;
    await rig.store.put({ sn: h.device.sn, dkt: h.device.key.jkt, jwk: h.device.key.jwk, name: "x", endpoints: both });
    await rig.phone.load();
    rig.phone.connect();
    const now = (): string => rig.phone.devices()[0]?.state ?? "";
    await until(() => now() === "up", "up");
    await calm();
    assert.equal(now(), "up");
    h.broker.will("door-1", 7);
    await until(() => now() === "keyChanged", "with nothing sure, the changed key is told");
  });
  test("without a broker its script is not asked for", async () => {
    const h = await house([direct]);
    await until(() => state(h) === "up", "up");
    h.rig.phone.hurry();
    await calm();
    assert.deepEqual(h.rig.phone.brokers(), []);
  });
  test("where the page comes from is no endpoint of a device that only has a broker", async () => {
    const device = await FakeDevice.make();
    const tried: string[][] = [];
    const b = new FakeBroker(device);
    for (const endpoints of [[broker], both, []]) {
      const urls = new Set<string>();
      const rig = new Rig((url) => {
        urls.add(url);
        return device.openSocket(url);
      });
      rig.dial = b.dial;
      rig.parts.pageEndpoint = "https://pages.example";
      await rig.store.put({ sn: device.sn, dkt: device.key.jkt, jwk: device.key.jwk, name: "x", endpoints });
      device.off = true;
      await rig.phone.load();
      rig.phone.connect();
      await calm();
      rig.clock.pass(1000);
      rig.phone.disconnect();
      tried.push([...urls]);
    }
    assert.deepEqual(tried, [[], [direct, "wss://pages.example/signal"], ["wss://pages.example/signal"]]);
  });
  test("losing either way does not end a call", async () => {
    const h = await ready();
    const room = await talking(h);
    h.broker.cut();
    h.device.off = true;
    h.ends(false)[0]?.cut();
    await calm();
    assert.equal(h.rig.phone.session?.phase, "talking");
    h.rig.phone.hangUp("manual");
    await calm();
    h.rig.phone.hurry(); // the broker is back first
    await until(() => h.device.all("bye").some((m) => m.roomId === room), "bye");
  });
});

suite("an ended room", () => {
  test("sends its last word and nothing that was under way", async () => {
    const h = await house();
    await until(() => state(h) === "up", "up");
    const room = await talking(h);
    h.device.deaf = true;
    h.rig.leg.events.candidate({ candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host", sdpMid: "0" });
    h.rig.clock.pass(50);
    await until(() => h.device.all("candidates").length > 0, "candidates");
    h.rig.phone.hangUp("manual");
    await until(() => h.device.all("bye").length > 0, "bye");
    const before = h.device.all("candidates").length;
    h.rig.clock.pass(3000);
    await until(() => h.device.all("bye").length > 1, "bye again");
    assert.equal(h.device.all("candidates").length, before);
    assert.equal(h.device.last("bye").roomId, room);
  });
  test("that the device has ended sends nothing of its own any more", async () => {
    const h = await house();
    await until(() => state(h) === "up", "up");
    const room = await talking(h);
    h.device.acks = false;
    h.rig.leg.events.candidate({ candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host", sdpMid: "0" });
    h.rig.clock.pass(50);
    await until(() => h.device.all("candidates").length > 0, "candidates");
    await h.device.send(room, "bye", { cause: "hangup", origin: "manual" });
    await until(() => h.rig.phone.session?.phase === "ended", "ended");
    await calm();
    const before = h.device.received.length;
    h.rig.clock.pass(30_000);
    await calm();
    assert.equal(h.device.received.length, before);
  });
});
