import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { FakeDevice } from "./support/device.js";
import { until } from "./support/clock.js";
import { answerSdp } from "./support/leg.js";
import { Rig } from "./support/phone.js";

/** The seconds after the start at which the phone warns, and how many it says are left. */
async function warned(timeLimit: number | undefined, seconds: number, lose = false): Promise<(readonly [number, unknown])[]> {
  const device = await FakeDevice.make();
  const rig = await Rig.paired(device);
  const limit = timeLimit === undefined ? {} : { timeLimit };
  const { roomId } = await rig.phone.call({ roomType: "voice" });
  await until(() => device.all("offer").length > 0, "offer");
  await until(() => rig.phone.session?.phase === "offering", "offering");
  await device.answer(roomId, "accept", { sdp: answerSdp(["audio", "application"]), ...limit });
  await device.send(roomId, "start", limit);
  await until(() => rig.phone.session?.phase === "talking", "talking");
  const found: (readonly [number, unknown])[] = [];
  let seen = 0;
  for (let passed = 0.5; passed <= seconds; passed += 0.5) {
    rig.clock.pass(500);
    if (lose && passed === 10) rig.leg.events.lost();
    if (lose && passed === 12) rig.leg.events.flowing();
    const all = rig.events.filter((e) => e.eventName === "limitWarning");
    for (const { data } of all.slice(seen)) found.push([passed, data["secondsLeft"]]);
    seen = all.length;
  }
  return found;
}

suite("limitWarning", () => {
  const cases: readonly (readonly [string, number | undefined, number, readonly (readonly [number, number])[]])[] = [
    ["30 s and 10 s before the limit, once each", 60, 70, [[30, 30], [50, 10]]],
    ["of a limit with a fraction", 40.5, 45, [[10.5, 30], [30.5, 10]]],
    ["only the one that the limit leaves room for", 30, 35, [[20, 10]]],
    ["none when the limit is shorter", 10, 15, []],
    ["none without a limit", undefined, 60, []],
    ["none at once when the limit is longer than a timer can be", 2 ** 31, 60, []],
  ];
  for (const [name, limit, seconds, want] of cases) {
    test(name, async () => {
      assert.deepEqual(await warned(limit, seconds), want);
    });
  }
  test("a lost connection does not move it", async () => {
    assert.deepEqual(await warned(60, 70, true), [[30, 30], [50, 10]]);
  });
});
