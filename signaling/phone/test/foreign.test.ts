/** What somebody else says in the device's place: a stranger with the device's serial number, or whoever carries the messages. */
import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { generateKey, sign } from "../src/jws.js";
import { FakeBroker, presence } from "./support/broker.js";
import { calm, until } from "./support/clock.js";
import { FakeDevice, forge } from "./support/device.js";
import { answerSdp } from "./support/leg.js";
import { Rig } from "./support/phone.js";

/** A phone whose call has got somewhere, over one transport. */
interface Scene {
  readonly rig: Rig;
  readonly device: FakeDevice;
  /** Another device with the same serial number, and a key of its own. */
  readonly stranger: FakeDevice;
  readonly room: string;
}

/** What a device says in a room; the answers to an offer name it. */
const words: Record<string, object> = {
  bye: { cause: "hangup", origin: "manual" },
  accept: { sdp: answerSdp() },
  ringing: { sdp: answerSdp(), ringTimeout: 60, nonce: "n" },
  reject: { cause: "busy" },
  cancel: { cause: "cancelled" },
  start: { timeLimit: 1 },
  candidates: { candidates: [{ candidate: "candidate:1 1 udp 1 192.0.2.66 6 typ host", sdpMid: "0" }] },
  needRestart: { generation: 1 },
  restarted: { generation: 1, sdp: answerSdp() },
  data: { payload: "open" },
  ring: { roomType: "video" },
  challenge: { nonce: "bm9uY2U", epoch: 7 },
};

/** Ways to say a word that no phone may take. */
const forgeries: Record<string, (s: Scene, room: string, t: string, members: object, ref: string) => Promise<string>> = {
  "by another key, which it carries": async (s, room, t, members, ref) =>
    s.stranger.compose(room, t, { ...members, jwk: s.stranger.key.jwk }, ref),
  "by another key, with the device's key inside": async (s, room, t, members, ref) =>
    s.stranger.compose(room, t, { ...members, jwk: s.device.key.jwk }, ref),
  "with the device's kid, by another key": async (s, room, t, members, ref) =>
    sign({ ...s.stranger.key, jkt: s.device.key.jkt }, await payload(s.device, room, t, members, ref)),
  "with one bit of the signature changed": async (s, room, t, members, ref) => forge(await s.device.compose(room, t, members, ref)),
  "by the device, for another phone": async (s, room, t, members, ref) => {
    const other = await generateKey();
    return s.device.compose(room, t, members, ref, { to: `p.${other.jkt}`, tkt: other.jkt });
  },
  "by the device, for another key of this phone's address": async (s, room, t, members, ref) =>
    s.device.compose(room, t, members, ref, { tkt: (await generateKey()).jkt }),
  "by the device, from another address": async (s, room, t, members, ref) => s.device.compose(room, t, members, ref, { from: "d.other" }),
};

async function payload(device: FakeDevice, room: string, t: string, members: object, ref: string): Promise<object> {
  const [, body = ""] = (await device.compose(room, t, members, ref)).split(".");
  return JSON.parse(Buffer.from(body, "base64url").toString()) as object;
}

const carriers: Record<string, string> = { direct: "ws://127.0.0.1:8080/signal", mqtt: "mqtt+wss://broker.example/mqtt" };

async function connected(endpoint: string): Promise<Omit<Scene, "room">> {
  const [device, stranger] = [await FakeDevice.make(), await FakeDevice.make()];
  const rig = new Rig(device.openSocket);
  const broker = new FakeBroker(device);
  rig.dial = broker.dial;
  rig.login = () => Promise.resolve({ password: "x" });
  broker.status(device.sn, await presence(device.key, device.sn));
  await rig.store.put({ sn: device.sn, dkt: device.key.jkt, jwk: device.key.jwk, name: device.name, endpoints: [endpoint] });
  await rig.phone.load();
  rig.phone.connect();
  return { rig, device, stranger };
}

/** The states of a call in which the words are said. */
const states: Record<string, (endpoint: string) => Promise<Scene>> = {
  offering: async (endpoint) => {
    const s = await connected(endpoint);
    const { roomId } = await s.rig.phone.call({ roomType: "video" });
    await until(() => s.rig.phone.session?.phase === "offering", "offering");
    await until(() => s.device.all("offer").length > 0, "offer");
    return { ...s, room: roomId };
  },
  talking: async (endpoint) => {
    const s = await connected(endpoint);
    const { roomId } = await s.rig.phone.call({ roomType: "video" });
    await until(() => s.device.all("offer").length > 0, "offer");
    await until(() => s.rig.phone.session?.phase === "offering", "offering");
    await s.device.answer(roomId, "ringing", { sdp: answerSdp(), ringTimeout: 60, nonce: "n" });
    await s.device.answer(roomId, "accept", { sdp: answerSdp() });
    await s.device.send(roomId, "start", {});
    s.rig.leg.channel = true;
    await until(() => s.rig.phone.session?.phase === "talking", "talking");
    await until(() => s.device.all("ack").length === 3, "each acknowledged");
    return { ...s, room: roomId };
  },
};

for (const [carrier, endpoint] of Object.entries(carriers)) {
  for (const [state, reach] of Object.entries(states)) {
    suite(`${carrier}, ${state}: nothing of this is taken`, () => {
      for (const [how, make] of Object.entries(forgeries)) {
        test(how, async () => {
          const s = await reach(endpoint);
          s.stranger.phone = s.device.phone;
          await calm();
          const before = snapshot(s);
          const offer = s.device.last("offer").id;
          for (const [t, members] of Object.entries(words)) {
            s.device.socket.deliver(await make(s, s.room, t, members, offer));
            await calm();
            assert.deepEqual(snapshot(s), before, t);
          }
          // The device itself is still heard.
          await s.device.answer(s.room, "reject", { cause: "busy" });
          await s.device.send(s.room, "bye", { cause: "hangup", origin: "manual" });
          await until(() => s.rig.phone.session === undefined || s.rig.phone.session.phase === "ended", "the device's own word");
        });
      }
      test("repeated from an earlier call of this device, word for word", async () => {
        const s = await reach(endpoint);
        await calm();
        const before = snapshot(s);
        for (const [t, members] of Object.entries(words)) {
          if (t === "ring") continue; // a ring makes a room of its own: rung.test.ts
          s.device.socket.deliver(await s.device.compose("an-earlier-room", t, members, "an-earlier-offer"));
          await calm();
          assert.deepEqual(snapshot(s), before, t);
        }
      });
    });
  }
}

/** All that a message could have changed. */
function snapshot(s: Scene): object {
  return {
    phase: s.rig.phone.session?.phase,
    view: s.rig.phone.view()?.phase,
    events: s.rig.names,
    data: s.rig.data.length,
    legs: s.rig.legs.length,
    // What the phone has said in the room: nothing is answered, and nothing acknowledged.
    said: s.device.received.filter((m) => m.roomId === s.room).map((m) => m.t),
  };
}
