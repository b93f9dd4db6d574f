import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { offered, talking } from "./support/calls.js";
import { calm, until } from "./support/clock.js";
import { FakeDevice, frame } from "./support/device.js";
import { answerSdp } from "./support/leg.js";
import { Rig, codeOf } from "./support/phone.js";

suite("delivery in a call", () => {
  test("a duplicate gets the same ack and has no second effect", async () => {
    const { rig, device, room } = await offered();
    const text = await device.answer(room, "ringing", { ringTimeout: 60, nonce: "n" });
    await until(() => device.all("ack").length === 1, "ack");
    device.socket.deliver(text);
    await until(() => device.all("ack").length === 2, "ack again");
    const [first, second] = device.all("ack");
    assert.equal(first?.text, second?.text);
    assert.deepEqual(rig.names, ["joinedRoomByCaller", "ringing"]);
  });
  test("a start that overtakes its accept is kept", async () => {
    const { rig, device, room } = await offered();
    await device.send(room, "start");
    await calm();
    assert.equal(rig.phone.session?.phase, "offering");
    await device.answer(room, "accept", { sdp: answerSdp() });
    await until(() => rig.phone.session?.phase === "talking", "talking");
  });
  test("candidates wait for the device to verify the offer, and go in batches", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    device.acks = false;
    const { roomId } = await rig.phone.call({ roomType: "video" });
    await until(() => device.all("offer").length > 0, "offer");
    for (let i = 0; i < 3; i++) rig.leg.events.candidate({ candidate: `candidate:${String(i)} 1 udp 1 10.0.0.1 5 typ host`, sdpMid: "0" });
    rig.clock.pass(100);
    await calm();
    assert.equal(device.all("candidates").length, 0);
    await device.answer(roomId, "ringing", { ringTimeout: 60, nonce: "n" });
    await until(() => device.all("candidates").length === 1, "candidates");
    for (let i = 3; i < 5; i++) rig.leg.events.candidate({ candidate: `candidate:${String(i)} 1 udp 1 10.0.0.1 5 typ host`, sdpMid: "0" });
    rig.clock.pass(30);
    await until(() => device.all("candidates").length === 2, "more candidates");
    const sizes = device.all("candidates").map((m) => (m.payload["candidates"] as unknown[]).length);
    assert.deepEqual(sizes, [3, 2]);
  });
  test("the device's candidates are filtered and counted", async () => {
    const { rig, device, room } = await talking();
    const line = (ip: string): { candidate: string; sdpMid: string } => ({ candidate: `candidate:1 1 udp 1 ${ip} 5 typ host`, sdpMid: "0" });
    await device.send(room, "candidates", { candidates: [line("192.168.1.2"), line("0.0.0.0"), line("224.0.0.1"), { candidate: "" }] });
    await until(() => rig.leg.candidates.length > 0, "candidates");
    assert.deepEqual(rig.leg.candidates.map((c) => c.candidate), [line("192.168.1.2").candidate, ""]);
    for (let i = 0; i < 2; i++) await device.send(room, "candidates", { candidates: Array.from({ length: 30 }, () => line("192.168.1.2")) });
    await until(() => device.all("candidates").length + device.all("ack").length >= 6, "acks");
    assert.equal(rig.leg.candidates.length, 39);
  });
  test("copies on the data channel come first and count once", async () => {
    const { rig, device, room } = await offered();
    await device.answer(room, "ringing", { sdp: answerSdp(), ringTimeout: 60, nonce: "n" });
    await until(() => rig.names.includes("ringing"), "ringing");
    rig.leg.events.frame('{"t":"accept","id":"AAAAAAAAAAAAAAAAAAAAAA"}');
    rig.leg.events.frame('{"t":"start","id":"BBBBBBBBBBBBBBBBBBBBBA"}');
    assert.equal(rig.phone.session?.phase, "talking");
    await device.answer(room, "accept", { id: "AAAAAAAAAAAAAAAAAAAAAA", sdp: answerSdp() });
    await device.send(room, "start", { id: "BBBBBBBBBBBBBBBBBBBBBA" });
    await until(() => device.all("ack").length === 3, "both signed copies are acknowledged");
    assert.deepEqual(rig.names, ["joinedRoomByCaller", "ringing", "hangOnVoip", "startVoip"]);
    rig.leg.events.frame('{"t":"bye","id":"CCCCCCCCCCCCCCCCCCCCCA","cause":"hangup","origin":"manual"}');
    await device.send(room, "bye", { id: "CCCCCCCCCCCCCCCCCCCCCA", cause: "hangup", origin: "manual" });
    await until(() => device.all("ack").length === 4, "bye is acknowledged");
    assert.equal(rig.names.filter((n) => n === "hangUpVoip").length, 1);
  });
  test("a lost connection does not end the talk; what waits goes out when it is back", async () => {
    const { rig, device } = await talking();
    device.off = true;
    device.socket.cut();
    rig.clock.pass(60_000);
    await calm();
    assert.equal(rig.phone.session?.phase, "talking");
    device.off = false;
    rig.leg.events.lost();
    await calm();
    assert.equal(device.all("restart").length, 0);
    await until(() => {
      rig.phone.hurry();
      return device.all("restart").length > 0;
    }, "restart");
  });
  test("a device that restarted ends the call when it is back", async () => {
    const { rig, device } = await talking();
    device.epoch += 1;
    device.socket.cut();
    rig.clock.pass(500);
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.equal(rig.events.at(-3)?.data["detail"], "restarted");
  });
});

suite("media", () => {
  test("lost and brought back", async () => {
    const { rig, device, room } = await talking();
    rig.leg.events.lost();
    assert.equal(rig.phone.view()?.phase, "reconnecting");
    await until(() => device.all("restart").length === 1, "restart");
    const { payload, id } = device.last("restart");
    assert.equal(payload["generation"], 1);
    await device.send(room, "restarted", { generation: 1, sdp: answerSdp() }, id);
    await until(() => rig.leg.answers.length === 2, "the answer is set");
    rig.leg.events.flowing();
    assert.equal(rig.phone.view()?.phase, "talking");
  });
  test("fresh servers of the device are used for the restart that it asks for", async () => {
    const { rig, device, room } = await talking();
    const iceServers = [{ urls: ["turn:t.example"], username: "1800000000:room", credential: "c" }];
    await device.send(room, "needRestart", { generation: 1, iceServers });
    await until(() => device.all("restart").length === 1, "restart");
    assert.deepEqual(rig.leg.servers.at(-1), iceServers);
    assert.equal(rig.leg.log.at(-1), "restart");
    assert.equal(rig.phone.view()?.phase, "talking");
  });
  test("lost for good", async () => {
    const { rig } = await talking();
    rig.leg.events.lost();
    rig.clock.pass(32_000);
    rig.clock.pass(500);
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.equal(rig.events.at(-3)?.eventName, "abortVoip");
    assert.deepEqual(rig.events.at(-3)?.data["error"], { errMsg: "mediaLost" });
  });
  test("answered and never connected", async () => {
    const { rig, device, room } = await offered();
    await device.answer(room, "accept", { sdp: answerSdp() });
    await until(() => rig.phone.session?.phase === "connecting", "connecting");
    rig.clock.pass(22_000);
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.equal(rig.names.at(-3), "joinFailCaller");
    assert.equal(device.last("bye").payload["cause"], "joinFailed");
  });
  test("a call without the own camera does not open it", async () => {
    const { rig } = await offered({ enableCallerCamera: false });
    assert.deepEqual(rig.medias[0]?.opened, { audio: true, video: false });
    const voice = await offered({ roomType: "voice" });
    assert.deepEqual(voice.rig.medias[0]?.opened, { audio: true, video: false });
  });
});

suite("data", () => {
  test("while it rings: signed, with the nonce, once each", async () => {
    const { rig, device, room } = await offered();
    await device.answer(room, "ringing", { ringTimeout: 60, nonce: "first" });
    await until(() => rig.names.includes("ringing"), "ringing");
    rig.clock.pass(1500);
    device.deaf = true;
    const { session } = rig.phone;
    assert.ok(session);
    const result = codeOf(session.sendData({ open: true }, "unlock"));
    await until(() => device.all("data").length === 1, "data");
    const { payload, id } = device.last("data");
    assert.deepEqual([payload["nonce"], payload["at"], payload["right"], payload["payload"]], ["first", 1.5, "unlock", { open: true }]);
    assert.equal(await codeOf(session.sendData(1, undefined)), "noCall");
    await device.send(room, "ack", { error: "forbidden", nonce: "second" }, id);
    assert.equal(await result, "forbidden");
    const next = codeOf(session.sendData(2, undefined));
    await until(() => device.all("data").length === 2, "more data");
    assert.equal(device.last("data").payload["nonce"], "second");
    await device.send(room, "ack", {}, device.last("data").id);
    assert.equal(await next, "ok");
  });
  test("in the talk: on the data channel, both ways", async () => {
    const { rig } = await talking();
    const { session } = rig.phone;
    assert.ok(session);
    const result = codeOf(session.sendData({ a: 1 }, undefined));
    const sent = frame(rig.leg.frames.find((f) => f.includes('"data"')) ?? "");
    rig.leg.events.frame(JSON.stringify({ t: "dataAck", id: sent["id"] }));
    assert.equal(await result, "ok");
    rig.leg.events.frame('{"t":"data","id":"x","payload":[1]}');
    rig.takesData = false;
    rig.leg.events.frame('{"t":"data","id":"y","payload":2}');
    rig.leg.events.frame('{"t":"data","id":"y","payload":2}');
    assert.deepEqual(rig.data, [[1], 2]);
    assert.deepEqual(rig.leg.frames.slice(-2).map((f) => frame(f)), [{ t: "dataAck", id: "x" }, { t: "dataAck", id: "y", error: "noHandler" }]);
  });
  test("the device's info that overtakes start counts from then on", async () => {
    const { rig, device, room } = await offered();
    await device.answer(room, "accept", { sdp: answerSdp() });
    await until(() => rig.phone.session?.phase === "connecting", "connecting");
    rig.leg.channel = true;
    rig.leg.events.frame('{"t":"info","mic":false,"camera":true,"speaker":true,"quality":2}');
    assert.equal(rig.phone.view()?.remote, undefined);
    await device.send(room, "start", {});
    await until(() => rig.phone.session?.phase === "talking", "talking");
    assert.deepEqual(rig.phone.view()?.remote, { mic: false, camera: true, speaker: true, quality: 2 });
  });
  test("the device's info is shown", async () => {
    const { rig } = await talking();
    rig.leg.events.frame('{"t":"info","mic":true,"camera":false,"speaker":true,"quality":3}');
    assert.deepEqual(rig.phone.view()?.remote, { mic: true, camera: false, speaker: true, quality: 3 });
  });
});

suite("callPageOnShow", () => {
  test("names both ends, each time that the page says so, and only while there is a call", async () => {
    const { rig, device } = await talking();
    assert.equal(rig.phone.session?.shown(), true);
    const own = device.last("invite").payload["from"];
    assert.deepEqual(rig.events.at(-1)?.data, { callerId: own, listenerId: `d.${device.sn}` });
    assert.equal(rig.events.at(-1)?.eventName, "callPageOnShow");
    rig.phone.session.hangUp("manual");
    rig.clock.pass(500);
    assert.equal(rig.phone.session.shown(), false);
    assert.equal(rig.events.at(-1)?.eventName, "finishVoip");
  });
  test("not before the device has answered", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    device.deaf = true;
    const call = codeOf(rig.phone.call({ roomType: "voice" }));
    await until(() => rig.phone.session?.phase === "inviting", "inviting");
    assert.equal(rig.phone.session?.shown(), false);
    assert.deepEqual(rig.events, []);
    rig.phone.hangUp("manual");
    await call;
  });
});
