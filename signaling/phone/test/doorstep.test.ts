import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { calm, until } from "./support/clock.js";
import { FakeDevice } from "./support/device.js";
import { Rig } from "./support/phone.js";

suite("the device's own data before the talk", () => {
  async function rings(): Promise<{ rig: Rig; device: FakeDevice; room: string }> {
    const device = await FakeDevice.make();
    const rig = await Rig.paired(device);
    const { roomId } = await rig.phone.call({ roomType: "video" });
    await until(() => device.all("offer").length > 0, "offer");
    await until(() => rig.phone.session?.phase === "offering", "offering");
    return { rig, device, room: roomId };
  }
  const errors = (device: FakeDevice): unknown[] => device.all("ack").map((m) => m.payload["error"] ?? "taken");
  test("is taken with the nonce of ringing and at its time; without a handler it is told", async () => {
    const { rig, device, room } = await rings();
    await device.answer(room, "ringing", { ringTimeout: 60, nonce: "first" });
    await until(() => rig.names.includes("ringing"), "ringing");
    rig.clock.pass(10_000);
    for (const [i, data] of [
      { nonce: "first", at: 8, payload: 1 },
      { nonce: "first", at: 10, payload: 2 },
      { nonce: "other", at: 10, payload: 3 },
      { nonce: "first", at: 4, payload: 4 },
      { at: 10, payload: 5 },
    ].entries()) {
      rig.takesData = i === 0;
      await device.send(room, "data", data);
      await until(() => device.all("ack").length === i + 2, "ack");
    }
    assert.deepEqual(errors(device), ["taken", "taken", "noHandler", "badRequest", "badRequest", "badRequest"]);
    assert.deepEqual(rig.data, [1, 2]);
  });
  test("that overtakes ringing waits for it", async () => {
    const { rig, device, room } = await rings();
    await device.send(room, "data", { nonce: "first", at: 0, payload: 1 });
    await calm();
    assert.deepEqual([rig.data, device.all("ack").length], [[], 0]);
    await device.answer(room, "ringing", { ringTimeout: 60, nonce: "first" });
    await until(() => device.all("ack").length === 2, "acks");
    assert.deepEqual(rig.data, [1]);
  });
});
