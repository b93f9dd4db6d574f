import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { Rights, askRights } from "../src/rights.js";
import { calm, until } from "./support/clock.js";
import { FakeDevice } from "./support/device.js";
import { Rig, codeOf } from "./support/phone.js";

/** A paired phone whose device is connected, and what asks for its rights. */
async function connected(): Promise<{ rig: Rig; device: FakeDevice; rights: Rights; dkt: string }> {
  const device = await FakeDevice.make();
  const rig = await Rig.paired(device);
  await until(() => rig.phone.devices()[0]?.state === "up", "up");
  return { rig, device, rights: new Rights(rig.phone), dkt: device.key.jkt };
}

suite("rights", () => {
  test("a device is asked once it is connected, and again only when it connects again", async () => {
    const { rig, device, rights, dkt } = await connected();
    assert.equal(rig.phone.devices()[0]?.rights, undefined);
    rights.look();
    rights.look();
    await until(() => rig.phone.devices()[0]?.rights !== undefined, "the answer");
    assert.deepEqual(rig.phone.devices()[0]?.rights, ["call", "beCalled"]);
    assert.deepEqual(rig.store.records.get(dkt)?.rights, ["call", "beCalled"]);
    await calm();
    assert.equal(device.all("ping").length, 1);
    device.socket.cut();
    rights.look();
    rig.clock.pass(15_000);
    await until(() => rig.phone.devices()[0]?.state === "up", "up again");
    rights.look();
    await until(() => device.all("ping").length === 2, "asked again");
  });
  test("what it says later counts, as far as it is known", async () => {
    const { rig, device, rights } = await connected();
    rights.look();
    await until(() => rig.phone.devices()[0]?.rights !== undefined, "the first answer");
    device.rights = ["unlock", "fly", "call"];
    await rights.refresh();
    assert.deepEqual(rig.phone.devices()[0]?.rights, ["unlock", "call"]);
    device.rights = [];
    await rights.refresh();
    assert.deepEqual(rig.phone.devices()[0]?.rights, []);
  });
  test("a device that does not say leaves what is known", async () => {
    const { rig, device, rights } = await connected();
    rights.look();
    await until(() => rig.phone.devices()[0]?.rights !== undefined, "the first answer");
    device.rights = undefined;
    await rights.refresh();
    assert.deepEqual(rig.phone.devices()[0]?.rights, ["call", "beCalled"]);
  });
  test("a connected device that does not answer has removed this phone, until it answers again", async () => {
    const { rig, device, rights } = await connected();
    device.deaf = true;
    rights.look();
    await until(() => device.all("ping").length > 0, "ping");
    rig.clock.pass(10_000);
    await until(() => rig.phone.devices()[0]?.removed === true, "removed");
    device.deaf = false;
    await rights.refresh();
    assert.equal(rig.phone.devices()[0]?.removed, false);
  });
  test("one whose connection was lost meanwhile has not", async () => {
    const { rig, device, rights } = await connected();
    device.deaf = true;
    rights.look();
    await until(() => device.all("ping").length > 0, "ping");
    device.off = true;
    device.socket.cut();
    rights.look();
    rig.clock.pass(10_000);
    await calm();
    assert.equal(rig.phone.devices()[0]?.removed, false);
  });
  test("an answer with another nonce is none", async () => {
    const { rig, device, dkt } = await connected();
    device.deaf = true;
    const asked = codeOf(askRights(rig.phone, dkt));
    await until(() => device.all("ping").length > 0, "ping");
    const { roomId, id } = device.last("ping");
    await device.send(roomId, "pong", { nonce: "x".repeat(22), jwk: device.key.jwk, rights: ["unlock"] }, id);
    await calm();
    rig.clock.pass(10_000);
    assert.equal(await asked, "unreachable");
  });
  test("one that is not connected is not asked", async () => {
    const { rig } = await connected();
    assert.equal(await codeOf(askRights(rig.phone, "another")), "notPaired");
    rig.phone.disconnect();
    assert.equal(await codeOf(askRights(rig.phone, rig.phone.devices()[0]?.dkt ?? "")), "unreachable");
  });
});
