/** What becomes of a call, and how its end is told: the golden file that the Go phone's tests hold to, too. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as suite, test } from "node:test";
import { begin, isEarly, step, type CallEvent, type CallState, type Phase } from "../src/call.js";
import { causes, type End } from "../src/causes.js";
import { finish } from "../src/ends.js";

interface Golden {
  readonly phases: Readonly<Record<"caller" | "callee", Readonly<Record<string, Readonly<Partial<Record<Phase, Phase>>>>>>>;
  readonly ends: readonly {
    readonly end: End;
    readonly isCaller: boolean;
    readonly byDevice: boolean;
    readonly event: string;
    readonly data: unknown;
  }[];
}

const golden = JSON.parse(readFileSync(new URL("../../../testdata/states.json", import.meta.url), "utf8")) as Golden;

const sdp = "v=0";
const timer = (name: "answer" | "ring" | "connect" | "reconnect" | "restart" | "leave"): readonly CallEvent[] => [{ t: "timer", name }];
/** The golden file's names. An answer opens microphone and camera before the offer: the SDK waits for them, the Go phone has none. */
const events: Readonly<Record<string, readonly CallEvent[]>> = {
  challenge: [{ t: "challenge", id: "c", nonce: "n", epoch: 3, iceServers: [] }],
  pickUp: [{ t: "pickUp" }, { t: "mediaReady" }],
  decline: [{ t: "decline", end: { cause: "busy" } }],
  offerReady: [{ t: "offerReady", sdp }],
  ringing: [{ t: "ringing", sdp: undefined, ringTimeout: 30 }],
  accept: [{ t: "accept", sdp, timeLimit: undefined }],
  start: [{ t: "start", timeLimit: undefined }],
  reject: [{ t: "reject", end: { cause: "badRequest" } }],
  cancel: [{ t: "cancel", end: { cause: "answeredElsewhere" } }],
  bye: [{ t: "bye", end: { cause: "hangup", origin: "timeLimit" } }],
  hangUp: [{ t: "hangUp", origin: "manual" }],
  breach: [{ t: "breach" }],
  mediaFailed: [{ t: "mediaFailed" }],
  lost: [{ t: "lost" }],
  flowing: [{ t: "flowing" }],
  up: [{ t: "up" }],
  needRestart: [{ t: "needRestart", generation: 9, iceServers: [] }],
  restarted: [{ t: "restarted", generation: 1, sdp }],
  "a larger epoch": [{ t: "epoch", epoch: 4 }],
  "the same epoch": [{ t: "epoch", epoch: 3 }],
  "an invite unanswered": [{ t: "unanswered", type: "invite" }],
  "an offer unanswered": [{ t: "unanswered", type: "offer" }],
  leaveAcked: [{ t: "leaveAcked" }],
  "timer answer": timer("answer"),
  "timer ring": timer("ring"),
  "timer connect": timer("connect"),
  "timer reconnect": timer("reconnect"),
  "timer restart": timer("restart"),
  "timer leave": timer("leave"),
};

/** The state to which these events lead; what comes too early is not the machine's to take. */
function after(before: CallState, names: readonly string[], now: number): CallState {
  return names.flatMap((name) => events[name] ?? assert.fail(name)).reduce((state, event) => (isEarly(state, event) ? state : step(state, event, now)[0]), before);
}

function pathTo(phase: Phase, answer: readonly string[]): readonly string[] {
  const talk = [...answer, "accept", "start"];
  switch (phase) {
    case "inviting":
      return [];
    case "incoming":
      return ["challenge"];
    case "preparing":
      return assert.fail("the Go phone has no such phase");
    case "offering":
      return answer;
    case "ringing":
      return [...answer, "ringing"];
    case "connecting":
      return [...answer, "accept"];
    case "talking":
      return talk;
    case "reconnecting":
      return [...talk, "lost"];
    case "leaving":
      return [...talk, "hangUp"];
    case "ended":
      return [...talk, "hangUp", "timer leave"];
  }
}

for (const role of ["caller", "callee"] as const) {
  suite(`golden states of a ${role}`, () => {
    const caller = role === "caller";
    const [fresh] = begin("video", undefined, caller ? undefined : { query: undefined });
    const phases: readonly Phase[] = ["inviting", ...(caller ? [] : ["incoming" as const]), "offering", "ringing", "connecting", "talking", "reconnecting", "leaving", "ended"];
    test("each event is in the golden file, and no other", () => {
      assert.deepEqual(Object.keys(golden.phases[role]).sort(), Object.keys(events).sort());
    });
    for (const [name, to] of Object.entries(golden.phases[role])) {
      test(name, () => {
        const next = phases.map((phase) => {
          const before = after(fresh, pathTo(phase, caller ? ["challenge", "offerReady"] : ["challenge", "pickUp", "offerReady"]), 1000);
          assert.equal(before.phase, phase);
          return [phase, after(before, [name], 5000).phase];
        });
        assert.deepEqual(Object.fromEntries(next.filter(([before, now]) => before !== now)), to);
      });
    }
  });
}

suite("golden ends", () => {
  const talked = (isCaller: boolean): CallState => ({ ...begin("video", undefined, isCaller ? undefined : { query: undefined })[0], joined: true, startedAt: 1000 });
  for (const { end, isCaller, byDevice, event, data } of golden.ends) {
    const { cause, origin = "", detail = "" } = end;
    test(`${cause} ${origin}${detail} of a ${isCaller ? "caller" : "callee"}, by ${byDevice ? "the device" : "this phone"}`, () => {
      const [state, effects] = finish(talked(isCaller), end, byDevice, 5200);
      assert.deepEqual([state.phase, state.end, state.endedByDevice], ["ended", end, byDevice]);
      // The words of the end, and then the end of the call: nothing between, nothing after.
      assert.deepEqual(effects.slice(-2), [{ do: "emit", event, data }, { do: "finish", keepTime: 4 }]);
      assert.equal(effects.filter((e) => e.do === "emit").length, 1);
    });
  }
  test("each cause is there, at each side and by each", () => {
    for (const cause of Object.keys(causes)) assert.ok(golden.ends.filter(({ end }) => end.cause === cause).length >= 4, cause);
  });
});
