/** Calls that a device makes, at the whole phone. */
import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { CallboxError } from "../src/errors.js";
import { calm, until } from "./support/clock.js";
import { FakeDevice, forge } from "./support/device.js";
import { answerSdp } from "./support/leg.js";
import { Rig, codeOf } from "./support/phone.js";
import { alerting, invites, ring } from "./support/ring.js";

type Talk = Awaited<ReturnType<typeof alerting>>;

/** The phone has answered; its offer is at the device. */
async function offered(members: object = {}): Promise<Talk> {
  const all = await alerting(members);
  all.rig.phone.answer();
  await until(() => all.device.all("offer").length > 0, "offer");
  return all;
}

async function talking(members: object = {}): Promise<Talk> {
  const all = await offered(members);
  const { rig, device, room } = all;
  await device.answer(room, "accept", { sdp: answerSdp() });
  await device.send(room, "start");
  rig.leg.channel = true;
  await until(() => rig.phone.session?.phase === "talking", "talking");
  return all;
}

/** A second paired device of a phone. */
async function another(rig: Rig): Promise<FakeDevice> {
  const device = await FakeDevice.make("gate-2", "Gate");
  const open = rig.sockets;
  open.set("ws://gate/signal", device.openSocket);
  await rig.store.put({ sn: device.sn, dkt: device.key.jkt, jwk: device.key.jwk, name: device.name, endpoints: ["ws://gate/signal"] });
  await rig.phone.load();
  await until(() => device.all("hello").length > 0, "hello");
  return device;
}

suite("a ring", () => {
  test("is answered by an invite at once and in silence", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    await until(() => device.all("hello").length > 0, "hello");
    device.deaf = true; // no challenge comes
    const { room, text } = await ring(device, { timeLimit: 60, query: "door=1" });
    await until(() => invites(device, room).length > 0, "invite");
    const { payload, ref } = invites(device, room)[0] ?? assert.fail();
    const claims = JSON.parse(Buffer.from(text.split(".")[1] ?? "", "base64url").toString()) as { id: string };
    assert.equal(ref, claims.id);
    assert.deepEqual([payload["roomType"], payload["timeLimit"]], ["video", 60]);
    assert.ok(payload["jwk"]);
    await calm();
    assert.deepEqual([rig.names, rig.phone.busy, rig.phone.view(), rig.legs.length], [[], false, undefined, 0]);
  });
  test("alerts with the challenge: the incoming call and its event", async () => {
    const { rig, room } = await alerting({ timeLimit: 60, query: "door=1" });
    const view = rig.phone.view();
    assert.deepEqual([view?.phase, view?.isCaller, view?.roomId, view?.deviceName, view?.roomType], ["incoming", false, room, "Front door", "video"]);
    assert.deepEqual(rig.names, ["ringing"]);
    assert.deepEqual(rig.events[0]?.data, { isCaller: false, roomType: "video", ringTimeout: 60, query: "door=1" });
    assert.ok(rig.phone.busy);
    assert.deepEqual([rig.legs.length, rig.medias[0]?.opened], [0, undefined], "nothing is opened before the answer");
  });
  test("answered: microphone and camera, offer, accept, start, bye", async () => {
    const { rig, device, room } = await talking({ roomType: "video" });
    assert.deepEqual(rig.medias[0]?.opened, { audio: true, video: true });
    assert.ok(device.offerHolds(room), "the offer carries the invite that answered the ring");
    rig.clock.pass(2000);
    await device.send(room, "bye", { cause: "hangup", origin: "manual" });
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.deepEqual(rig.names, ["ringing", "hangOnVoip", "startVoip", "calling", "calling", "hangUpVoip", "endVoip", "finishVoip"]);
    assert.deepEqual(rig.events.at(-3)?.data, { cause: "hangup", keepTime: 2, status: "endByCaller", origin: "manual" });
    assert.deepEqual(rig.events.at(-2)?.data, {
      keepTime: 2, callerName: "Front door", listenerName: "", roomType: "video", isCaller: false, businessType: 1,
    });
    assert.deepEqual(rig.events.at(-1)?.data, { keepTime: 2 });
    assert.deepEqual([rig.medias[0].closed, rig.leg.log.at(-1)], [true, "close"]);
  });
  test("of a voice call opens no camera", async () => {
    const { rig, device } = await offered({ roomType: "voice" });
    assert.deepEqual(rig.medias[0]?.opened, { audio: true, video: false });
    assert.equal(device.last("invite").payload["roomType"], "voice");
  });
  test("answered and hung up here", async () => {
    const { rig, device } = await talking();
    rig.phone.hangUp("manual");
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.deepEqual([device.last("bye").payload["cause"], rig.events.at(-3)?.data["status"]], ["hangup", "endByListener"]);
  });
  for (const [name, act, status] of [
    ["reject", (rig: Rig, room: string) => { rig.phone.reject(room); }, "manual"],
    ["hangUp", (rig: Rig) => { rig.phone.hangUp("forceFromApp"); }, "forceFromApp"],
  ] as const) {
    test(`declined by ${name}`, async () => {
      const { rig, device, room } = await alerting();
      act(rig, room);
      await until(() => rig.names.at(-1) === "finishVoip", "the end");
      const { payload, ref } = device.last("reject");
      assert.deepEqual([payload["cause"], ref !== undefined, payload["jwk"] !== undefined], ["rejected", true, true]);
      assert.deepEqual(rig.events.at(-3)?.data, { cause: "rejected", status });
      assert.deepEqual([rig.phone.busy, rig.medias[0]?.closed], [false, true]);
    });
  }
  for (const [cause, event] of [["cancelled", "cancelVoip"], ["answeredElsewhere", "cancelVoip"], ["timeout", "timeout"]] as const) {
    test(`the device gives up: ${cause}`, async () => {
      const { rig, device, room } = await alerting();
      await device.send(room, "cancel", { cause });
      await until(() => rig.names.at(-1) === "finishVoip", "the end");
      assert.deepEqual([rig.names, rig.events[1]?.data], [["ringing", event, "endVoip", "finishVoip"], { cause, status: "other" }]);
      await until(() => device.all("ack").length === 1, "the cancel is acknowledged");
      assert.equal(device.all("reject").length, 0);
    });
  }
  test("the device gives up while the browser asks for the camera", async () => {
    const { rig, device, room } = await alerting();
    let allow: () => void = () => undefined;
    const media = rig.medias[0] ?? assert.fail();
    media.open = async () => new Promise<void>((done) => { allow = done; });
    rig.phone.answer();
    assert.equal(rig.phone.view()?.phase, "preparing");
    await device.send(room, "cancel", { cause: "answeredElsewhere" });
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    allow();
    await calm();
    assert.ok(media.closed);
    assert.deepEqual([rig.legs.length, device.all("offer").length], [0, 0]);
  });
  test("nobody answers: it stops 2 s after the device, and tells it", async () => {
    const { rig, device } = await alerting();
    rig.clock.pass(61_900);
    assert.equal(rig.phone.view()?.phase, "incoming");
    rig.clock.pass(200);
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.equal(rig.names.at(-3), "timeout");
    assert.equal(device.last("reject").payload["cause"], "timeout");
  });
  test("answer and reject of no call, another one, or one that is answered already", async () => {
    const refused = async (act: () => void): Promise<string> => codeOf(Promise.resolve().then(act));
    const { rig } = await alerting();
    assert.equal(await refused(() => { rig.phone.answer("another"); }), "noCall");
    assert.equal(await refused(() => { rig.phone.reject("another"); }), "noCall");
    assert.equal(rig.phone.view()?.phase, "incoming");
    rig.phone.answer();
    assert.throws(() => { rig.phone.answer(); }, CallboxError);
    assert.throws(() => { rig.phone.reject(); }, CallboxError);
  });
  test("closing the page says nothing while it rings: it may be opened anew", async () => {
    const { rig, device } = await alerting();
    const before = device.received.length;
    rig.phone.unload();
    await calm();
    assert.equal(device.received.length, before);
  });
});

suite("a ring that comes again", () => {
  test("gets the same invite, and has no second effect", async () => {
    const { rig, device, room, text } = await alerting();
    device.socket.deliver(text);
    await until(() => invites(device, room).length === 2, "the invite again");
    const [first, second] = invites(device, room);
    assert.equal(first?.text, second?.text);
    await calm();
    assert.deepEqual(rig.names, ["ringing"]);
  });
  test("over a new connection rings on", async () => {
    const { rig, device, room, text } = await alerting();
    device.socket.cut();
    rig.clock.pass(500);
    await until(() => device.all("hello").length === 2, "hello");
    device.socket.deliver(text);
    await until(() => invites(device, room).length === 2, "the invite again");
    await calm();
    assert.deepEqual([rig.names, rig.phone.view()?.phase], [["ringing"], "incoming"]);
  });
  test("after its end rings nobody", async () => {
    const { rig, device, room, text } = await alerting();
    rig.phone.reject();
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    const before = rig.names.length;
    device.socket.deliver(text);
    await until(() => device.all("reject").length === 2, "the reject again");
    await calm();
    assert.deepEqual([invites(device, room).length, rig.names.length, rig.phone.busy], [1, before, false]);
  });
  test("after its life, to a phone that has forgotten it, rings nobody: no challenge comes", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    await until(() => device.all("hello").length > 0, "hello");
    device.deaf = true;
    const { room, text } = await ring(device);
    await until(() => invites(device, room).length === 1, "invite");
    await device.send(room, "bye", { cause: "aborted", detail: "unknownRoom", jwk: device.key.jwk }, invites(device, room)[0]?.id);
    await until(() => device.all("ack").length === 1, "ack");
    rig.clock.pass(121_000);
    device.socket.deliver(text);
    await until(() => invites(device, room).length === 2, "invite anew");
    rig.clock.pass(10_000);
    await calm();
    assert.deepEqual([rig.names, rig.phone.busy], [[], false]);
  });
  test("many old ones at once: eight wait for their challenge, the others are dropped", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    await until(() => device.all("hello").length > 0, "hello");
    device.deaf = true;
    for (let i = 0; i < 12; i++) await ring(device);
    await until(() => (rig.phone.dropped["full"] ?? 0) === 4 && device.all("invite").length === 8, "eight invites, four dropped");
    for (const { roomId, id } of device.all("invite")) {
      await device.send(roomId, "bye", { cause: "aborted", detail: "unknownRoom", jwk: device.key.jwk }, id);
    }
    const { room } = await ring(device);
    await until(() => invites(device, room).length > 0, "and room again when they are given up");
    assert.deepEqual(rig.names, []);
  });
});

suite("a ring that is not the device's", () => {
  test("is dropped: signature, to, tkt, from, key", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    await until(() => device.all("hello").length > 0, "hello");
    const stranger = await FakeDevice.make();
    stranger.phone = device.phone;
    const members = { jwk: device.key.jwk, roomType: "video" };
    device.socket.deliver(forge(await device.compose("r1", "ring", members)));
    device.socket.deliver(await device.compose("r2", "ring", members, undefined, { to: `p.${"A".repeat(43)}` }));
    device.socket.deliver(await device.compose("r3", "ring", members, undefined, { tkt: "A".repeat(43) }));
    device.socket.deliver(await device.compose("r4", "ring", members, undefined, { from: "d.other" }));
    device.socket.deliver(await device.compose("r5", "ring", { ...members, jwk: stranger.key.jwk }));
    device.socket.deliver(await device.compose("r6", "ring", { roomType: "video" })); // carries no key
    device.socket.deliver(await stranger.compose("r7", "ring", { ...members, jwk: stranger.key.jwk }));
    await until(() => Object.values(rig.phone.dropped).reduce((a, b) => a + b, 0) === 7, "seven dropped");
    assert.deepEqual(rig.phone.dropped, { signature: 2, to: 1, tkt: 1, from: 1, jwk: 2 });
    assert.equal(device.received.filter((m) => m.t !== "hello").length, 0);
  });
  for (const [name, members, cause] of [
    ["without a room type", { roomType: "hologram" }, "badRequest"],
    ["with a limit of nonsense", { timeLimit: -1 }, "badRequest"],
    ["with a query over 1 KiB", { query: "x".repeat(1025) }, "badRequest"],
    ["of another version", { v: 2 }, "unsupported"],
  ] as const) {
    test(`is told: ${name}`, async () => {
      const device = await FakeDevice.make();
      const rig = await Rig.paired(device);
      await ring(device, members);
      await until(() => device.all("reject").length === 1, "reject");
      assert.equal(device.last("reject").payload["cause"], cause);
      assert.deepEqual(rig.names, []);
    });
  }
});

suite("a ring at the wrong time", () => {
  test("during a talk is rejected as busy, by any device, and the talk goes on", async () => {
    const { rig, device } = await talking();
    const gate = await another(rig);
    const { room } = await ring(gate, { roomType: "voice", query: "door=2" });
    await until(() => gate.all("reject").length === 1, "reject");
    assert.deepEqual([gate.last("reject").roomId, gate.last("reject").payload["cause"], gate.all("invite").length], [room, "busy", 0]);
    const { room: own } = await ring(device);
    await until(() => rig.names.filter((name) => name === "ringBusy").length === 2, "both are told");
    assert.equal(rig.phone.session?.phase, "talking");
    assert.deepEqual(rig.events.slice(3), [
      { eventName: "ringBusy", roomId: room, groupId: room, data: { dkt: gate.key.jkt, deviceName: "Gate", roomType: "voice", query: "door=2" } },
      { eventName: "ringBusy", roomId: own, groupId: own, data: { dkt: device.key.jkt, deviceName: "Front door", roomType: "video" } },
    ]);
    assert.deepEqual(rig.names.slice(0, 3), ["ringing", "hangOnVoip", "startVoip"]);
  });
  test("that the device does not acknowledge is refused and not told: it may be an old one, played again", async () => {
    const { rig } = await talking();
    const gate = await another(rig);
    gate.deaf = true;
    const { room, text } = await ring(gate);
    await until(() => gate.all("reject").length === 1, "reject");
    gate.socket.deliver(text);
    await gate.send(room, "ack", {}, "bm9uZS1vZi10aGVzZS0x"); // of something else
    await gate.send(room, "cancel", { cause: "timeout" });
    await until(() => gate.all("ack").length > 0, "the cancel is acknowledged");
    await calm();
    assert.ok(!rig.names.includes("ringBusy"));
  });
  test("of a second device while the first rings is busy; a duplicate gets the same answer", async () => {
    const { rig } = await alerting();
    const gate = await another(rig);
    const { text } = await ring(gate);
    await until(() => gate.all("reject").length === 1, "reject");
    gate.socket.deliver(text);
    await until(() => gate.all("reject").length === 2, "reject again");
    assert.equal(gate.all("reject")[0]?.text, gate.all("reject")[1]?.text);
    assert.equal(rig.phone.view()?.deviceName, "Front door");
  });
  test("two silent ones: who is challenged first rings, the other gets busy", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    const gate = await another(rig);
    gate.deaf = true;
    const { room } = await ring(gate);
    await until(() => invites(gate, room).length > 0, "the gate's invite");
    await ring(device);
    await until(() => rig.phone.view()?.phase === "incoming", "incoming");
    await gate.send(room, "challenge", { nonce: "n", epoch: 7, jwk: gate.key.jwk, ringTimeout: 60 }, invites(gate, room)[0]?.id);
    await until(() => gate.all("reject").length === 1, "reject");
    assert.equal(gate.last("reject").payload["cause"], "busy");
    rig.clock.pass(500);
    assert.deepEqual([rig.names, rig.phone.view()?.deviceName], [["ringing", "ringBusy"], "Front door"]);
    assert.deepEqual([rig.events[1]?.roomId, rig.events[1]?.data], [room, { dkt: gate.key.jkt, deviceName: "Gate", roomType: "video" }]);
  });
  test("glare: the own call to the same device goes on, its ring is neither shown nor answered", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    await until(() => device.all("hello").length > 0, "hello");
    device.deaf = true;
    const own = rig.phone.call({ roomType: "video" });
    await until(() => device.all("invite").length > 0, "the own invite");
    const { room } = await ring(device);
    await until(() => rig.phone.dropped["glare"] === 1, "the ring is put aside");
    const mine = device.last("invite");
    await device.send(mine.roomId, "challenge", { nonce: "n", epoch: 7, jwk: device.key.jwk }, mine.id);
    assert.equal((await own).roomId, mine.roomId);
    device.deaf = false;
    await device.send(room, "cancel", { cause: "cancelled" });
    await until(() => device.all("ack").some((m) => m.roomId === room), "its cancel is acknowledged");
    assert.deepEqual([rig.names, rig.phone.view()?.roomId], [["joinedRoomByCaller"], mine.roomId]);
    assert.deepEqual([device.all("reject").length, invites(device, room).length], [0, 0]);
  });
  test("glare: when the own call fails, the ring that comes again rings", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    await until(() => device.all("hello").length > 0, "hello");
    device.deaf = true;
    const own = codeOf(rig.phone.call({ roomType: "video" }));
    await until(() => device.all("invite").length > 0, "the own invite");
    const { text } = await ring(device);
    await until(() => rig.phone.dropped["glare"] === 1, "the ring is put aside");
    rig.phone.hangUp("manual");
    assert.equal(await own, "cancelled");
    device.deaf = false;
    device.socket.deliver(text);
    await until(() => rig.phone.view()?.phase === "incoming", "incoming");
  });
  test("an own call while a device rings is refused", async () => {
    const { rig } = await alerting();
    assert.equal(await codeOf(rig.phone.call({ roomType: "voice" })), "callInProgress");
    assert.equal(rig.phone.view()?.phase, "incoming");
  });
});

suite("what the phone verifies in a device's call", () => {
  test("a challenge that answers another message ends it", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    await until(() => device.all("hello").length > 0, "hello");
    device.deaf = true;
    const { room } = await ring(device);
    await until(() => invites(device, room).length > 0, "invite");
    await device.send(room, "challenge", { nonce: "n", epoch: 7, jwk: device.key.jwk }, "x".repeat(24));
    await until(() => device.all("reject").length === 1, "reject");
    assert.equal(device.last("reject").payload["cause"], "badRequest");
    assert.deepEqual(rig.names, []);
  });
  test("a limit above the ring's ends it", async () => {
    const { rig, device, room } = await offered({ timeLimit: 60 });
    await device.answer(room, "accept", { sdp: answerSdp(), timeLimit: 61 });
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.equal(device.last("cancel").payload["cause"], "badRequest");
    assert.ok(!rig.leg.log.includes("open"));
  });
  test("a device that restarted rings no more", async () => {
    const { rig, device } = await alerting();
    device.epoch += 1;
    device.socket.cut();
    rig.clock.pass(500);
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.deepEqual([rig.events[1]?.eventName, rig.events[1]?.data["detail"]], ["abortVoip", "restarted"]);
  });
  test("another device cannot touch the room", async () => {
    const { rig, room } = await alerting();
    const gate = await another(rig);
    await gate.send(room, "cancel", { cause: "cancelled" });
    await until(() => rig.phone.dropped["unknownRoom"] === 1, "dropped");
    await ring(gate, {}, room);
    await until(() => rig.phone.dropped["unknownRoom"] === 2, "dropped");
    assert.equal(rig.phone.view()?.phase, "incoming");
    assert.equal(gate.all("ack").length, 0);
  });
});
