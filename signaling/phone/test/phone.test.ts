import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { offered, talking } from "./support/calls.js";
import { calm, until } from "./support/clock.js";
import { FakeDevice, forge, frame } from "./support/device.js";
import { answerSdp } from "./support/leg.js";
import { Rig, codeOf } from "./support/phone.js";

suite("pairing", () => {
  test("a link and the person's yes make an entry", async () => {
    const device = await FakeDevice.make();
    const rig = new Rig(device.openSocket);
    await rig.phone.load();
    const made = await rig.phone.pair(device.link(["https://door.local:8443"]), "Anna");
    assert.deepEqual([made.sn, made.dkt, made.name], [device.sn, device.key.jkt, "Front door"]);
    const record = rig.store.records.get(device.key.jkt);
    assert.deepEqual(record?.jwk, device.key.jwk);
    assert.equal(record.endpoints[0], "wss://door.local:8443/signal");
    assert.ok(!JSON.stringify(record).includes(device.pairing?.secret ?? ""), "the secret is not kept");
    const { payload } = device.last("pair");
    assert.equal(payload["name"], "Anna");
    await until(() => device.all("ack").length === 1, "the answer is acknowledged");
  });
  test("a device that does not know the secret is refused", async () => {
    const device = await FakeDevice.make();
    const rig = new Rig(device.openSocket);
    await rig.phone.load();
    const link = device.link();
    device.pairing = undefined;
    assert.equal(await codeOf(rig.phone.pair(link, "Anna")), "pairRefused");
    assert.equal(rig.store.records.size, 0);
  });
  test("an answer with a wrong MAC makes no entry", async () => {
    const device = await FakeDevice.make();
    const rig = new Rig(device.openSocket);
    await rig.phone.load();
    const link = device.link();
    device.deaf = true;
    const result = codeOf(rig.phone.pair(link, "Anna"));
    await until(() => device.all("pair").length > 0, "pair");
    const { roomId, id } = device.last("pair");
    await device.send(roomId, "paired", { jwk: device.key.jwk, name: "x", rights: [], mac: "A".repeat(43) }, id);
    assert.equal(await result, "badRequest");
    assert.equal(rig.store.records.size, 0);
  });
  test("a device that is off is unreachable after 10 s", async () => {
    const device = await FakeDevice.make();
    const rig = new Rig(device.openSocket);
    await rig.phone.load();
    device.off = true;
    const result = codeOf(rig.phone.pair(device.link(), "Anna"));
    await until(() => rig.clock.waiting > 0, "the attempt");
    rig.clock.pass(10_000);
    assert.equal(await result, "unreachable");
  });
  test("another key at the address is told", async () => {
    const [device, other] = [await FakeDevice.make(), await FakeDevice.make()];
    const rig = new Rig(other.openSocket);
    await rig.phone.load();
    assert.equal(await codeOf(rig.phone.pair(device.link(), "Anna")), "deviceKeyChanged");
    assert.equal(other.received.length, 0);
  });
  test("a known entry is never replaced, only given another address", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    await rig.phone.pair({ ...device.link(["wss://new.example"]), sn: device.sn }, "Anna");
    const record = rig.store.records.get(device.key.jkt);
    assert.equal(record?.name, "Front door");
    assert.deepEqual(record.endpoints, ["wss://new.example/signal", "wss://new.example", "ws://127.0.0.1:8080/signal"]);
  });
  test("a name that no contact may have is refused before anything is sent", async () => {
    const device = await FakeDevice.make();
    const rig = new Rig(device.openSocket);
    await rig.phone.load();
    assert.equal(await codeOf(rig.phone.pair(device.link(), "a\u202eb")), "badArgument");
    assert.equal(device.sockets.length, 0);
  });
});

suite("before a call", () => {
  test("a token goes into the invite, in the room that it names", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    const token = `a.${Buffer.from('{"roomId":"Zm9yLWV2ZXItb25lLWNhbGwtMQ"}').toString("base64url")}.c`;
    const call = rig.phone.call({ roomType: "voice", token });
    await until(() => device.all("invite").length > 0, "invite");
    const invite = device.last("invite");
    assert.equal(invite.roomId, "Zm9yLWV2ZXItb25lLWNhbGwtMQ");
    assert.equal(invite.payload["token"], token);
    rig.phone.hangUp("manual");
    await codeOf(call);
  });
  test("a wrong time limit sends nothing", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    await until(() => device.all("hello").length === 1, "hello");
    for (const timeLimit of [0, -5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32]) {
      assert.equal(await codeOf(rig.phone.call({ roomType: "voice", timeLimit })), "badArgument");
    }
    await calm();
    assert.equal(device.received.length, 1);
    assert.equal(rig.medias.length, 0);
  });
  test("devices that are unknown or fit twice", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    assert.equal(await codeOf(rig.phone.call({ roomType: "voice", sn: "x" })), "notPaired");
    const twin = await FakeDevice.make();
    await rig.store.put({ sn: twin.sn, dkt: twin.key.jkt, jwk: twin.key.jwk, name: "Twin", endpoints: [] });
    await rig.phone.load();
    assert.equal(await codeOf(rig.phone.call({ roomType: "voice", sn: twin.sn })), "ambiguousDevice");
  });
  test("a device that does not answer is unreachable after 10 s, without events", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    device.deaf = true;
    const result = codeOf(rig.phone.call({ roomType: "video" }));
    await until(() => device.all("invite").length > 0, "invite");
    rig.clock.pass(9_900);
    await until(() => device.all("invite").length === 5, "five copies");
    const copies = device.all("invite");
    assert.equal(new Set(copies.map((m) => m.text)).size, 1, "the same bytes");
    rig.clock.pass(100);
    assert.equal(await result, "unreachable");
    assert.deepEqual(rig.names, []);
    assert.ok(rig.medias[0]?.closed);
    assert.ok(!rig.phone.busy);
  });
  test("a device that is off, too", async () => {
    const device = await FakeDevice.make();
    device.off = true;
    const rig = await Rig.paired(device);
    const result = codeOf(rig.phone.call({ roomType: "video" }));
    await until(() => rig.legs.length > 0, "session");
    rig.clock.pass(10_000);
    assert.equal(await result, "unreachable");
  });
  for (const [cause, code] of [
    ["needNonce", "needNonce"], ["unsupported", "unsupported"], ["badRequest", "badRequest"],
    // No device says these to an invite: to an offer it does, and then they are events.
    ["forbidden", "aborted"], ["dnd", "aborted"], ["busy", "aborted"], ["rejected", "aborted"], ["timeout", "aborted"],
  ] as const) {
    test(`an invite refused with ${cause}`, async () => {
      const device = await FakeDevice.make();
      const rig = await Rig.paired(device);
      device.deaf = true;
      const result = codeOf(rig.phone.call({ roomType: "video" }));
      await until(() => device.all("invite").length > 0, "invite");
      const { roomId, id } = device.last("invite");
      await device.send(roomId, "reject", { cause, jwk: device.key.jwk }, id);
      assert.equal(await result, code);
      assert.deepEqual(rig.names, []);
    });
  }
  test("given up before the answer", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    device.deaf = true;
    const result = codeOf(rig.phone.call({ roomType: "video" }));
    await until(() => device.all("invite").length > 0, "invite");
    rig.phone.hangUp("manual");
    assert.equal(await result, "cancelled");
  });
  test("given up while the camera is opened", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    const result = codeOf(rig.phone.call({ roomType: "video" }));
    assert.equal(rig.phone.view()?.phase, "preparing");
    rig.phone.hangUp("manual");
    assert.equal(await result, "cancelled");
    assert.ok(rig.medias[0]?.closed);
    assert.equal(rig.legs.length, 0);
  });
  test("given up while the browser asks for the camera: at once, and what it opens later is closed", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    let allow: () => void = () => undefined;
    const { makeMedia } = rig.parts;
    rig.parts.makeMedia = (ended) => Object.assign(makeMedia(ended), { open: async () => new Promise<void>((done) => { allow = done; }) });
    const result = codeOf(rig.phone.call({ roomType: "video" }));
    rig.phone.hangUp("manual");
    assert.equal(await result, "cancelled");
    assert.deepEqual([rig.phone.busy, rig.medias[0]?.closed], [false, true]);
    rig.parts.makeMedia = makeMedia;
    const next = codeOf(rig.phone.call({ roomType: "video" }));
    allow(); // of the first call: it is not this one's answer
    assert.equal(await next, "ok");
    assert.deepEqual([rig.legs.length, device.all("invite").length], [1, 1]);
  });
  test("a browser that makes no connection ends the attempt, and the next may begin", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    const { makeLeg } = rig.parts;
    rig.parts.makeLeg = () => {
      throw new Error("no more connections");
    };
    await assert.rejects(rig.phone.call({ roomType: "voice" }), /no more connections/);
    assert.equal(rig.phone.busy, false);
    rig.parts.makeLeg = makeLeg;
    assert.equal(await codeOf(rig.phone.call({ roomType: "voice" })), "ok");
  });
  test("a changed key of the device stops the call", async () => {
    const [device, other] = [await FakeDevice.make(), await FakeDevice.make()];
    const rig = new Rig(other.openSocket);
    await rig.store.put({ sn: device.sn, dkt: device.key.jkt, jwk: device.key.jwk, name: "x", endpoints: ["ws://a"] });
    await rig.phone.load();
    assert.equal(await codeOf(rig.phone.call({ roomType: "video" })), "deviceKeyChanged");
    assert.equal(other.received.length, 0);
  });
});

suite("a call", () => {
  test("invite, challenge, offer, ringing, accept, start, bye", async () => {
    const { rig, device, room } = await talking({ timeLimit: 60, customQuery: "q", payload: { a: 1 } });
    const invite = device.last("invite").payload;
    assert.deepEqual([invite["timeLimit"], invite["query"], invite["payload"], invite["roomType"]], [60, "q", { a: 1 }, "video"]);
    assert.ok(device.offerHolds(room), "the offer carries the whole invite");
    assert.deepEqual(rig.leg.log.filter((l) => l !== "silence"), ["offer", "answer", "open"]);
    rig.clock.pass(3000);
    await device.send(room, "bye", { cause: "hangup", origin: "timeLimit" });
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.deepEqual(rig.names, ["joinedRoomByCaller", "ringing", "hangOnVoip", "startVoip", "calling", "calling", "calling", "hangUpVoip", "endVoip", "finishVoip"]);
    const end = rig.events.at(-3);
    assert.deepEqual(end?.data, { cause: "hangup", keepTime: 3, status: "endByListener", origin: "timeLimit" });
    assert.ok(rig.events.every((e) => e.roomId === room && e.groupId === room));
    assert.ok(rig.medias[0]?.closed && rig.leg.log.at(-1) === "close");
    // challenge has the offer as its answer; ringing, accept, start and bye are acknowledged
    await until(() => device.all("ack").length === 4, "acks");
    assert.equal(device.all("offer").length, 1);
  });
  for (const nth of ["first", "second"] as const) {
    test(`the ${nth} call is seen to begin once, and to end only at its end`, async () => {
      const device = await FakeDevice.make();
      const rig = await Rig.paired(device);
      const end = async (): Promise<void> => {
        rig.phone.hangUp("manual");
        await until(() => rig.names.at(-1) === "finishVoip" && !rig.phone.busy, "the end");
      };
      if (nth === "second") {
        await rig.phone.call({ roomType: "voice" });
        await end();
      }
      const seen: unknown[] = [];
      rig.parts.events.callChanged = () => {
        const phase = rig.phone.view()?.phase;
        if (phase !== seen.at(-1)) seen.push(phase);
      };
      const { roomId } = await rig.phone.call({ roomType: "voice" });
      await until(() => device.all("offer").some((m) => m.roomId === roomId), "offer");
      await device.answer(roomId, "ringing", { ringTimeout: 60, nonce: "n" });
      await until(() => seen.at(-1) === "ringing", "ringing");
      await end();
      assert.deepEqual(seen, ["preparing", "inviting", "offering", "ringing", "leaving", "ended"]);
    });
  }
  for (const [options, callerName, listenerName] of [
    [{}, "", "Front door"],
    [{ nickName: "Anna", deviceName: "Gate" }, "Anna", "Gate"],
  ] as const) {
    test(`its last two events, called as ${JSON.stringify(options)}`, async () => {
      const { rig, device, room } = await talking(options);
      rig.clock.pass(4000);
      await device.send(room, "bye", { cause: "hangup", origin: "manual" });
      await until(() => rig.names.at(-1) === "finishVoip", "the end");
      assert.deepEqual(rig.events.slice(-2), [
        { eventName: "endVoip", roomId: room, groupId: room, data: { keepTime: 4, callerName, listenerName, roomType: "video", isCaller: true, businessType: 2 } },
        { eventName: "finishVoip", roomId: room, groupId: room, data: { keepTime: 4 } },
      ]);
    });
  }
  test("the person hangs up", async () => {
    const { rig, device } = await talking();
    rig.phone.hangUp("manual");
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    const { payload } = device.last("bye");
    assert.deepEqual([payload["cause"], payload["origin"]], ["hangup", "manual"]);
    const copy = frame(rig.leg.frames.at(-1) ?? "");
    assert.deepEqual([copy["t"], copy["id"]], ["bye", device.last("bye").id]);
    assert.deepEqual(rig.events.at(-3)?.data["status"], "endByCaller");
    assert.equal(await codeOf(Promise.resolve().then(() => { rig.phone.hangUp("manual"); })), "noCall");
  });
  test("an unanswered bye ends the call after half a second and goes on being sent", async () => {
    const { rig, device } = await talking();
    device.deaf = true;
    rig.phone.hangUp("forceFromApp");
    await until(() => device.all("bye").length === 1, "bye");
    rig.clock.pass(500);
    assert.equal(rig.names.at(-1), "finishVoip");
    rig.clock.pass(1500);
    await until(() => device.all("bye").length === 3, "three copies");
  });
  test("cancel while it rings", async () => {
    const { rig, device, room } = await offered();
    await device.answer(room, "ringing", { ringTimeout: 60, nonce: "n" });
    await until(() => rig.names.includes("ringing"), "ringing");
    rig.phone.hangUp("manual");
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.deepEqual(device.last("cancel").payload["cause"], "cancelled");
    assert.equal(rig.names.at(-3), "cancelVoip");
  });
  test("a cancel while the offer is being signed: the offer is not sent after it", async () => {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    await rig.phone.call({ roomType: "video" });
    rig.phone.hangUp("manual"); // the offer is made, not signed
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    await calm();
    rig.clock.pass(5000);
    await calm();
    assert.equal(device.all("offer").length, 0);
    assert.equal(device.all("cancel").length, 1);
  });
  for (const [cause, event] of [["busy", "busy"], ["rejected", "rejectVoip"], ["timeout", "timeout"], ["dnd", "rejectVoip"], ["forbidden", "rejectVoip"]] as const) {
    test(`the device rejects: ${cause}`, async () => {
      const { rig, device, room } = await offered();
      await device.answer(room, "reject", { cause });
      await until(() => rig.names.at(-1) === "finishVoip", "the end");
      assert.equal(rig.names.at(-3), event);
    });
  }
  test("a second call while one is running is refused and disturbs nothing", async () => {
    const { rig, device } = await talking();
    assert.equal(await codeOf(rig.phone.call({ roomType: "voice" })), "callInProgress");
    assert.equal(device.all("invite").length, 1);
    assert.equal(rig.phone.session?.phase, "talking");
    assert.equal(await codeOf(Promise.resolve().then(() => { rig.phone.hangUp("forceFromApp", "another-room"); })), "noCall");
    assert.equal(rig.phone.session.phase, "talking");
  });
  test("closing the page says bye with what is signed already", async () => {
    const { rig, device } = await talking();
    await until(() => {
      rig.phone.unload(); // nothing goes out before it is signed
      return device.all("bye").length > 0;
    }, "bye");
    assert.equal(device.last("bye").payload["origin"], "unloadCallPage");
    assert.equal(frame(rig.leg.frames.at(-1) ?? "")["id"], device.last("bye").id);
  });
  test("closing the page while it rings cancels", async () => {
    const { rig, device, room } = await offered();
    await device.answer(room, "ringing", { ringTimeout: 60, nonce: "n" });
    await until(() => rig.names.includes("ringing"), "ringing");
    await until(() => {
      rig.phone.unload();
      return device.all("cancel").length > 0;
    }, "cancel");
  });
});

suite("what the phone verifies", () => {
  test("messages that are not the device's are dropped and counted", async () => {
    const { rig, device, room } = await talking();
    const bye = { cause: "hangup" };
    const other = await FakeDevice.make();
    other.phone = device.phone;
    const texts: Readonly<Record<string, string>> = {
      signature: forge(await device.compose(room, "bye", bye)),
      from: await device.compose(room, "bye", bye, undefined, { from: "d.other" }),
      to: await device.compose(room, "bye", bye, undefined, { to: `p.${"A".repeat(43)}` }),
      tkt: await device.compose(room, "bye", bye, undefined, { tkt: "A".repeat(43) }),
      malformed: await device.compose(room, "bye", bye, undefined, { groupId: "another" }),
      jwk: await device.compose(room, "bye", bye, undefined, { jwk: other.key.jwk }),
      unknownRoom: await device.compose("another", "bye", bye),
    };
    for (const text of Object.values(texts)) device.socket.deliver(text);
    device.socket.deliver(await other.compose(room, "bye", bye));
    await until(() => Object.values(rig.phone.dropped).reduce((a, b) => a + b, 0) === 8, "eight dropped");
    assert.deepEqual(rig.phone.dropped, { signature: 2, from: 1, to: 1, tkt: 1, malformed: 1, jwk: 1, unknownRoom: 1 });
    assert.equal(rig.phone.session?.phase, "talking");
  });
  const breaches: Readonly<Record<string, (device: FakeDevice, room: string) => Promise<string>>> = {
    "an accept with a wrong ref": async (d, room) => d.send(room, "accept", { sdp: answerSdp() }, "x".repeat(24)),
    "a ringing without a ref": async (d, room) => d.send(room, "ringing", { ringTimeout: 60, nonce: "n" }),
    "an accept without an SDP": async (d, room) => d.answer(room, "accept"),
    "two fingerprints": async (d, room) => d.answer(room, "accept", { sdp: answerSdp().replace("a=mid:1", `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => "AA").join(":")}\r\na=mid:1`) }),
    "another version": async (d, room) => d.send(room, "start", { v: 2 }),
    "a limit above the asked one": async (d, room) => d.answer(room, "accept", { sdp: answerSdp(), timeLimit: 61 }),
    "no limit though one was asked": async (d, room) => d.answer(room, "accept", { sdp: answerSdp() }),
  };
  for (const [name, act] of Object.entries(breaches)) {
    test(`${name} ends the call`, async () => {
      const { rig, device, room } = await offered({ timeLimit: 60 });
      await act(device, room);
      await until(() => rig.names.at(-1) === "finishVoip", "the end");
      assert.equal(rig.events.at(-3)?.data["cause"], "badRequest");
      await until(() => device.received.some((m) => (m.t === "cancel" || m.t === "bye") && m.payload["cause"] === "badRequest"), "the device is told");
      assert.ok(!rig.leg.log.includes("open"));
    });
  }
  test("video in the answer to a voice call ends it", async () => {
    const { rig, device, room } = await offered({ roomType: "voice" });
    await device.answer(room, "accept", { sdp: answerSdp() });
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.equal(rig.events.at(-3)?.data["cause"], "badRequest");
  });
  test("another fingerprint in a restart ends it", async () => {
    const { rig, device, room } = await talking();
    rig.leg.events.lost();
    await until(() => device.all("restart").length === 1, "restart");
    await device.send(room, "restarted", { generation: 1, sdp: answerSdp(undefined, Array.from({ length: 32 }, () => "AA").join(":")) }, device.last("restart").id);
    await until(() => rig.names.at(-1) === "finishVoip", "the end");
    assert.equal(rig.events.at(-3)?.data["cause"], "badRequest");
    assert.equal(rig.leg.answers.length, 1);
  });
  test("only the first challenge counts", async () => {
    const { rig, device, room } = await offered();
    await device.send(room, "challenge", { nonce: "other", epoch: 7 }, device.last("invite").id);
    await calm();
    assert.equal(device.all("offer").length, 1);
    assert.equal(rig.phone.session?.phase, "offering");
  });
});
