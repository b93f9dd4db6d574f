/** Phones whose call has got somewhere. */
import assert from "node:assert/strict";
import type { CallOptions } from "../../src/options.js";
import { until } from "./clock.js";
import { FakeDevice } from "./device.js";
import { answerSdp } from "./leg.js";
import { Rig } from "./phone.js";

/** A paired phone whose call has got as far as its offer. */
export async function offered(options: Partial<CallOptions> = {}): Promise<{ rig: Rig; device: FakeDevice; room: string }> {
  const device = await FakeDevice.make();
  const rig = await Rig.paired(device);
  const { roomId, groupId } = await rig.phone.call({ roomType: "video", ...options });
  assert.equal(roomId, groupId);
  await until(() => device.all("offer").length > 0, "offer");
  await until(() => rig.phone.session?.phase === "offering", "offering");
  return { rig, device, room: roomId };
}

/** A paired phone that talks. */
export async function talking(options: Partial<CallOptions> = {}): Promise<{ rig: Rig; device: FakeDevice; room: string }> {
  const all = await offered(options);
  const { rig, device, room } = all;
  const { timeLimit } = options;
  await device.answer(room, "ringing", { sdp: answerSdp(), ringTimeout: 60, nonce: "n" });
  await device.answer(room, "accept", { sdp: answerSdp(), ...(timeLimit === undefined ? {} : { timeLimit }) });
  await device.send(room, "start", timeLimit === undefined ? {} : { timeLimit });
  rig.leg.channel = true;
  await until(() => rig.phone.session?.phase === "talking", "talking");
  return all;
}
