import { randomId } from "../../src/encoding.js";
import { until } from "./clock.js";
import { FakeDevice, type Received } from "./device.js";
import { Rig } from "./phone.js";

/** A ring that a device has sent. */
export interface Rung {
  readonly room: string;
  readonly text: string;
}

/** The device rings the phone, which must have said hello. */
export async function ring(device: FakeDevice, members: object = {}, room = randomId(), change: object = {}): Promise<Rung> {
  await until(() => device.phone !== undefined && device.all("hello").length > 0, "hello");
  const text = await device.compose(room, "ring", { jwk: device.key.jwk, roomType: "video", ...members }, undefined, change);
  device.socket.deliver(text);
  return { room, text };
}

/** The invites of a room. */
export function invites(device: FakeDevice, room: string): Received[] {
  return device.all("invite").filter((m) => m.roomId === room);
}

/** A paired phone that alerts because its device calls. */
export async function alerting(members: object = {}): Promise<{ rig: Rig; device: FakeDevice; room: string; text: string }> {
  const device = await FakeDevice.make();
  const rig = await Rig.paired(device);
  const rung = await ring(device, members);
  await until(() => rig.phone.view()?.phase === "incoming", "incoming");
  return { rig, device, ...rung };
}
