/** That each event carries what its type says, and nothing else; those of whole calls are looked at in each test of them (support/phone.ts). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as suite, test } from "node:test";
import { begin, step, type CallEvent } from "../src/call.js";
import { wantMembers } from "./support/events.js";

suite("what events carry", () => {
  const { ends } = JSON.parse(readFileSync(new URL("../../../testdata/states.json", import.meta.url), "utf8")) as {
    readonly ends: readonly { readonly event: string; readonly data: Readonly<Record<string, unknown>> }[];
  };
  test("at an end", () => {
    for (const { event, data } of ends) wantMembers(event, data);
    assert.deepEqual([...new Set(ends.map(({ event }) => event))].sort(), ["abortVoip", "busy", "cancelVoip", "hangUpVoip", "joinFailCaller", "joinFailListener", "rejectVoip", "timeout"]);
  });
  test("before it", () => {
    const seen = new Set<string>();
    const play = (isCaller: boolean, timeLimit: number | undefined, ringTimeout: number | undefined): void => {
      const events: readonly CallEvent[] = [
        { t: "mediaReady" },
        { t: "challenge", id: "c", nonce: "n", epoch: 3, iceServers: [], ringTimeout },
        { t: "pickUp" },
        { t: "mediaReady" },
        { t: "offerReady", sdp: "v=0" },
        { t: "ringing", sdp: undefined, ringTimeout },
        { t: "accept", sdp: "v=0", timeLimit },
        { t: "flowing" },
        { t: "start", timeLimit },
        { t: "timer", name: "tick" },
        { t: "timer", name: "warning" },
      ];
      let [state] = begin("video", undefined, isCaller ? undefined : { query: timeLimit === undefined ? undefined : "door=1" });
      let now = 1000;
      for (const event of events) {
        const [next, effects] = step(state, event, now);
        state = next;
        now += event.t === "start" ? 5000 : 0;
        for (const effect of effects) {
          if (effect.do !== "emit") continue;
          seen.add(effect.event);
          wantMembers(effect.event, effect.data);
        }
      }
    };
    for (const isCaller of [true, false]) {
      play(isCaller, 14, 30);
      play(isCaller, undefined, undefined);
    }
    assert.deepEqual([...seen].sort(), ["calling", "hangOnVoip", "joinedRoomByCaller", "limitWarning", "ringing", "startVoip"]);
  });
});
