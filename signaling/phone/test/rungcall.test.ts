/** The machine of a call that the device makes. */
import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { begin, isEarly, step, times, type CallEvent, type CallState, type Effect, type Phase } from "../src/call.js";
import { causes, type Cause } from "../src/causes.js";

const sdp = "v=0";
const challenge: CallEvent = { t: "challenge", id: "c", nonce: "n", epoch: 3, iceServers: [{ urls: ["stun:a"] }], ringTimeout: 30 };
const pickUp: CallEvent = { t: "pickUp" };
const mediaReady: CallEvent = { t: "mediaReady" };
const offerReady: CallEvent = { t: "offerReady", sdp };
const ringing: CallEvent = { t: "ringing", sdp: undefined, ringTimeout: 20 };
const accept: CallEvent = { t: "accept", sdp, timeLimit: undefined };
const start: CallEvent = { t: "start", timeLimit: undefined };
const hangUp: CallEvent = { t: "hangUp", origin: "manual" };
const timer = (name: "answer" | "ring" | "connect" | "reconnect" | "leave"): CallEvent => ({ t: "timer", name });
const cancel = (cause: Cause): CallEvent => ({ t: "cancel", end: { cause } });

function run(events: readonly CallEvent[], asked?: number): { state: CallState; all: Effect[]; last: readonly Effect[] } {
  let [state, effects] = begin("video", asked, { query: "door=1" });
  const all = [...effects];
  for (const event of events) {
    [state, effects] = step(state, event, 0);
    all.push(...effects);
  }
  return { state, all, last: effects };
}

const emitted = (effects: readonly Effect[]): string[] => effects.flatMap((e) => (e.do === "emit" ? [e.event] : e.do === "finish" ? ["finish"] : e.do === "failed" ? ["failed"] : []));
const told = (effects: readonly Effect[]): unknown[] => effects.flatMap((e) => (e.do === "sendLeave" ? [e.type, e.end] : []));
const dataOf = (effects: readonly Effect[], name: string): unknown => effects.flatMap((e) => (e.do === "emit" && e.event === name ? [e.data] : []))[0];

const answered = [challenge, pickUp, mediaReady, offerReady];
const phases: Readonly<Record<Phase, readonly CallEvent[]>> = {
  inviting: [],
  incoming: [challenge],
  preparing: [challenge, pickUp],
  offering: answered,
  ringing: [...answered, ringing],
  connecting: [...answered, accept],
  talking: [...answered, accept, start],
  reconnecting: [...answered, accept, start, { t: "lost" }],
  leaving: [...answered, accept, start, hangUp],
  ended: [...answered, accept, start, hangUp, timer("leave")],
};

/** In which order the columns of the table stand. */
const columns = ["inviting", "incoming", "preparing", "offering", "ringing", "connecting", "talking", "reconnecting", "leaving", "ended"] as const;
type Row = readonly [CallEvent, ...(Phase | "-")[]];

/** What each event leads to in each phase. "-": nothing changes. */
const table: Readonly<Record<string, Row>> = {
  challenge: [challenge, "incoming", "-", "-", "-", "-", "-", "-", "-", "-", "-"],
  pickUp: [pickUp, "-", "preparing", "-", "-", "-", "-", "-", "-", "-", "-"],
  mediaReady: [mediaReady, "-", "-", "offering", "-", "-", "-", "-", "-", "-", "-"],
  decline: [{ t: "decline", end: { cause: "busy" } }, "leaving", "leaving", "leaving", "-", "-", "-", "-", "-", "-", "-"],
  ringing: [ringing, "-", "-", "-", "ringing", "-", "-", "-", "-", "-", "-"],
  accept: [accept, "-", "-", "-", "connecting", "connecting", "-", "-", "-", "-", "-"],
  start: [start, "-", "-", "-", "-", "-", "talking", "-", "-", "-", "-"],
  "cancel, answered elsewhere": [cancel("answeredElsewhere"), "ended", "ended", "ended", "ended", "ended", "ended", "ended", "ended", "ended", "-"],
  reject: [{ t: "reject", end: { cause: "badRequest" } }, "ended", "ended", "ended", "ended", "ended", "-", "-", "-", "ended", "-"],
  bye: [{ t: "bye", end: { cause: "aborted", detail: "unknownRoom" } }, "ended", "ended", "ended", "ended", "ended", "ended", "ended", "ended", "ended", "-"],
  hangUp: [hangUp, "leaving", "leaving", "leaving", "leaving", "leaving", "leaving", "leaving", "leaving", "-", "-"],
  breach: [{ t: "breach" }, "leaving", "leaving", "leaving", "leaving", "leaving", "leaving", "leaving", "leaving", "-", "-"],
  mediaFailed: [{ t: "mediaFailed" }, "leaving", "leaving", "leaving", "leaving", "leaving", "leaving", "leaving", "leaving", "-", "-"],
  lost: [{ t: "lost" }, "-", "-", "-", "-", "-", "-", "reconnecting", "-", "-", "-"],
  "a larger epoch": [{ t: "epoch", epoch: 4 }, "-", "ended", "ended", "ended", "ended", "ended", "ended", "ended", "-", "-"],
  "an invite unanswered": [{ t: "unanswered", type: "invite" }, "ended", "-", "-", "-", "-", "-", "-", "-", "-", "-"],
  "an offer unanswered": [{ t: "unanswered", type: "offer" }, "-", "-", "-", "leaving", "-", "-", "-", "-", "-", "-"],
  leaveAcked: [{ t: "leaveAcked" }, "-", "-", "-", "-", "-", "-", "-", "-", "ended", "-"],
  "timer answer": [timer("answer"), "ended", "-", "-", "leaving", "-", "-", "-", "-", "-", "-"],
  "timer ring": [timer("ring"), "leaving", "leaving", "leaving", "leaving", "leaving", "-", "-", "-", "-", "-"],
  "timer connect": [timer("connect"), "-", "-", "-", "-", "-", "leaving", "-", "-", "-", "-"],
  "timer leave": [timer("leave"), "-", "-", "-", "-", "-", "-", "-", "-", "ended", "-"],
};

suite("the table of a device's call", () => {
  for (const [name, [event, ...to]] of Object.entries(table)) {
    test(name, () => {
      for (const [i, phase] of columns.entries()) {
        const before = run(phases[phase]).state;
        assert.equal(before.phase, phase);
        const [after] = step(before, event, 5000);
        assert.equal(after.phase, to[i] === "-" ? phase : to[i], phase);
      }
    });
  }
});

suite("a device's call", () => {
  test("is silent until the challenge, and alerts then with all that the page needs", () => {
    const { all } = run([]);
    assert.deepEqual(all.map((e) => e.do), ["sendInvite", "timer"]);
    const { last } = run([challenge]);
    assert.deepEqual(emitted(last), ["ringing"]);
    assert.deepEqual(dataOf(last, "ringing"), { isCaller: false, roomType: "video", ringTimeout: 30, query: "door=1" });
    assert.ok(last.some((e) => e.do === "joined"));
  });
  test("goes its way with the callee's events", () => {
    const { all } = run([...phases.talking, { t: "bye", end: { cause: "hangup", origin: "manual" } }]);
    assert.deepEqual(emitted(all), ["ringing", "hangOnVoip", "startVoip", "hangUpVoip", "finish"]);
    assert.deepEqual(dataOf(all, "hangUpVoip"), { cause: "hangup", keepTime: 0, status: "endByCaller", origin: "manual" });
  });
  test("opens microphone and camera only when the person answers, and offers with the challenge's servers", () => {
    assert.ok(!run([challenge]).all.some((e) => e.do === "prepare" || e.do === "makeOffer"));
    assert.deepEqual(run([challenge, pickUp]).last, [{ do: "prepare" }]);
    const offer = run([challenge, pickUp, mediaReady]).last.find((e) => e.do === "makeOffer");
    assert.deepEqual(offer, { do: "makeOffer", iceServers: [{ urls: ["stun:a"] }] });
  });
  test("rings for the device's time and 2 s, also while it is being answered", () => {
    const rings = (effects: readonly Effect[]): number[] => effects.flatMap((e) => (e.do === "timer" && e.name === "ring" ? [e.ms] : []));
    assert.deepEqual(rings(run(answered).all), [32_000]);
    assert.deepEqual(rings(run([{ ...challenge, ringTimeout: undefined }]).all), [times.ring]);
    assert.ok(!run(answered).all.some((e) => e.do === "clear" && e.name === "ring"));
    assert.ok(run([...answered, accept]).last.some((e) => e.do === "clear" && e.name === "ring"));
  });
  test("is declined by reject; once the offer may be out by cancel, which an accept makes a hang-up", () => {
    assert.deepEqual(told(run([challenge, hangUp]).last), ["reject", { cause: "rejected", origin: "manual" }]);
    assert.deepEqual(told(run([challenge, pickUp, hangUp]).last), ["reject", { cause: "rejected", origin: "manual" }]);
    const crossed = run([...answered, hangUp, accept, { t: "leaveAcked" }]);
    assert.deepEqual(told(crossed.all), ["cancel", { cause: "rejected", origin: "manual" }]);
    assert.deepEqual(crossed.state.end, { cause: "hangup", origin: "manual" });
    assert.deepEqual(told(run([...answered, accept, hangUp]).last), ["bye", { cause: "hangup", origin: "manual" }]);
    assert.deepEqual(told(run([challenge, timer("ring")]).last), ["reject", { cause: "timeout" }]);
  });
  for (const [cause, event] of [["cancelled", "cancelVoip"], ["answeredElsewhere", "cancelVoip"], ["timeout", "timeout"]] as const) {
    test(`the device gives up: ${cause}`, () => {
      const { all, state } = run([challenge, cancel(cause)]);
      assert.deepEqual(emitted(all), ["ringing", event, "finish"]);
      assert.deepEqual(dataOf(all, event), { cause, status: "other" });
      assert.ok(state.endedByDevice);
    });
  }
  test("a cancel that crosses the accept is a hang-up", () => {
    assert.deepEqual(run([...answered, accept, cancel("cancelled")]).state.end, { cause: "hangup", origin: "other" });
  });
  test("what the person said: rejectVoip by who", () => {
    const { all } = run([challenge, { t: "hangUp", origin: "forceFromApp" }, { t: "leaveAcked" }]);
    assert.deepEqual(dataOf(all, "rejectVoip"), { cause: "rejected", status: "forceFromApp" });
  });
  test("media that never connects is the listener's failure", () => {
    const { all } = run([...answered, accept, timer("connect"), timer("leave")]);
    assert.equal(emitted(all).at(-2), "joinFailListener");
  });
  test("an end before the challenge is nobody's business", () => {
    const ends: readonly (readonly CallEvent[])[] = [
      [{ t: "bye", end: { cause: "aborted", detail: "unknownRoom" } }],
      [timer("answer")],
      [cancel("cancelled")],
      [{ t: "decline", end: { cause: "busy" } }, timer("leave")],
      [{ t: "breach" }, { t: "leaveAcked" }],
    ];
    for (const events of ends) assert.deepEqual(emitted(run(events).all), ["failed"]);
  });
  test("the limit is at most the ring's", () => {
    assert.equal(run([...answered, { ...accept, timeLimit: 60 }], 60).state.phase, "connecting");
    for (const timeLimit of [61, undefined]) {
      const { state, last } = run([...answered, { ...accept, timeLimit }], 60);
      assert.deepEqual([state.phase, told(last)], ["leaving", ["cancel", { cause: "badRequest" }]]);
    }
  });
  test("start and accept that come early are kept", () => {
    for (const phase of ["inviting", "incoming", "preparing"] as const) {
      for (const event of [start, accept, ringing]) assert.ok(isEarly(run(phases[phase]).state, event), `${phase} ${event.t}`);
    }
    assert.ok(!isEarly(run([challenge]).state, cancel("cancelled")));
  });
});

test("random histories of a device's call hold the invariants", () => {
  const events: readonly CallEvent[] = [...Object.values(table).map(([event]) => event), offerReady, { ...ringing, sdp }, pickUp, mediaReady, accept, start, { t: "flowing" }];
  let seed = 4711;
  const random = (n: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return (seed >> 8) % n;
  };
  const reached = new Set<Phase>();
  for (let round = 0; round < 5_000; round++) {
    let [state, effects] = begin("video", undefined, { query: undefined });
    const all = [...effects];
    for (let i = 0; i < 16; i++) {
      const before = state;
      const event = events[random(events.length)];
      if (!event) throw new Error("no event");
      // A way through, so that not every history ends at once.
      const [next] = random(2) === 0 ? [event] : [phases.talking[i] ?? event];
      [state, effects] = step(state, next, i * 1000);
      all.push(...effects);
      reached.add(state.phase);
      if (before.phase === "ended") assert.deepEqual(effects, []);
      if (before.joined) assert.ok(state.joined);
    }
    const count = (what: Effect["do"]): number => all.filter((e) => e.do === what).length;
    const names = emitted(all);
    const finals = names.filter((e) => Object.values<string>(causes).includes(e) || e === "joinFailListener").length;
    assert.equal(count("finish") + count("failed"), state.phase === "ended" ? 1 : 0);
    assert.equal(finals, count("finish"));
    assert.ok(count("sendLeave") <= 1 && count("prepare") <= 1 && count("joined") <= 1 && count("sendInvite") === 1);
    assert.ok(!names.includes("joinedRoomByCaller") && !names.includes("joinFailCaller"));
    if (names.length > 0 && names[0] !== "failed") assert.equal(names[0], "ringing");
    if (count("makeOffer") > 0) assert.ok(count("prepare") === 1);
  }
  assert.equal(reached.size, columns.length);
});
