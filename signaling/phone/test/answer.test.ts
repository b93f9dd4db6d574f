/** answer and reject of the SDK, for a call that rings in another tab. */
import assert from "node:assert/strict";
import { after, describe as suite, test } from "node:test";
import { otherTab } from "./support/tab.js";
import * as callbox from "../src/sdk.js";
import { codeOf } from "./support/phone.js";
import type { CallView } from "../src/view.js";

const incoming: CallView = {
  phase: "incoming",
  isCaller: false,
  roomId: "r1",
  dkt: "d",
  deviceName: "Front door",
  roomType: "voice",
  elapsed: 0,
  remaining: undefined,
  mic: true,
  camera: false,
  problems: [],
  remote: undefined,
  end: undefined,
  endedByDevice: false,
};

async function beside(view: CallView | undefined): Promise<void> {
  await callbox.start();
  otherTab.say({ k: "view", view });
  otherTab.heard.length = 0;
}

// A call in another tab is watched for as long as it runs.
after(async () => beside(undefined));

for (const what of ["answer", "reject"] as const) {
  suite(what, () => {
    test("asks the tab in which it rings, with or without the id", async () => {
      await beside(incoming);
      assert.deepEqual([callbox.currentCall()?.phase, callbox.currentCall()?.here], ["incoming", false]);
      await callbox[what]();
      await callbox[what]("r1");
      assert.deepEqual(otherTab.heard, [{ k: what, roomId: "r1" }, { k: what, roomId: "r1" }]);
    });
    const nothing: readonly (readonly [string, CallView | undefined, string | undefined])[] = [
      ["of another room", incoming, "r2"],
      ["of a call that is answered", { ...incoming, phase: "talking" }, "r1"],
      ["of a call that has ended", { ...incoming, phase: "ended" }, undefined],
      ["of no call", undefined, undefined],
    ];
    for (const [name, view, roomId] of nothing) {
      test(`${name} is noCall, and says nothing`, async () => {
        await beside(view);
        assert.equal(await codeOf(callbox[what](roomId)), "noCall");
        assert.deepEqual(otherTab.heard, []);
      });
    }
  });
}
