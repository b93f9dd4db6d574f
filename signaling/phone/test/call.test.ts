import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { begin, isEarly, keepTime, step, times, type CallEvent, type CallState, type Effect, type Phase } from "../src/call.js";
import { causes, details, origins, type Cause, type End } from "../src/causes.js";

const sdp = "v=0";
const challenge: CallEvent = { t: "challenge", id: "c", nonce: "n", epoch: 3, iceServers: [] };
const offerReady: CallEvent = { t: "offerReady", sdp };
const ringing: CallEvent = { t: "ringing", sdp: undefined, ringTimeout: 30 };
const accept: CallEvent = { t: "accept", sdp, timeLimit: undefined };
const start: CallEvent = { t: "start", timeLimit: undefined };
const hangUp: CallEvent = { t: "hangUp", origin: "manual" };
const timer = (name: "answer" | "ring" | "connect" | "reconnect" | "restart" | "leave" | "tick"): CallEvent => ({ t: "timer", name });
const needRestart = (generation: number, iceServers: readonly RTCIceServer[] = []): CallEvent => ({ t: "needRestart", generation, iceServers });
const bye = (end: End): CallEvent => ({ t: "bye", end });

/** Runs events from a fresh call; times may stand between them, in milliseconds. */
function run(events: readonly (CallEvent | number)[], asked?: number): { state: CallState; all: Effect[]; last: readonly Effect[] } {
  let [state, effects] = begin("video", asked);
  const all = [...effects];
  let now = 0;
  for (const event of events) {
    if (typeof event === "number") {
      now += event;
      continue;
    }
    [state, effects] = step(state, event, now);
    all.push(...effects);
  }
  return { state, all, last: effects };
}

const emitted = (effects: readonly Effect[]): string[] => effects.flatMap((e) => (e.do === "emit" ? [e.event] : e.do === "finish" ? ["finish"] : e.do === "failed" ? ["failed"] : []));
const does = (effects: readonly Effect[], what: Effect["do"]): boolean => effects.some((e) => e.do === what);
/** The phases of an own call; rungcall.test.ts has those of a device's. */
type OwnPhase = Exclude<Phase, "incoming" | "preparing">;
const path: Readonly<Record<Exclude<OwnPhase, "ended" | "leaving" | "reconnecting">, readonly CallEvent[]>> = {
  inviting: [],
  offering: [challenge, offerReady],
  ringing: [challenge, offerReady, ringing],
  connecting: [challenge, offerReady, ringing, accept],
  talking: [challenge, offerReady, ringing, accept, start],
};
const reconnecting: readonly CallEvent[] = [...path.talking, { t: "lost" }];
const leaving: readonly CallEvent[] = [...path.talking, hangUp];
const phases = { ...path, reconnecting, leaving, ended: [...leaving, timer("leave")] } as const;

/** What each event leads to in each phase. "-": nothing changes. */
const table: Readonly<Record<string, { event: CallEvent; to: Readonly<Record<OwnPhase, OwnPhase | "-">> }>> = {
  challenge: { event: challenge, to: { inviting: "offering", offering: "-", ringing: "-", connecting: "-", talking: "-", reconnecting: "-", leaving: "-", ended: "-" } },
  ringing: { event: ringing, to: { inviting: "-", offering: "ringing", ringing: "-", connecting: "-", talking: "-", reconnecting: "-", leaving: "-", ended: "-" } },
  accept: { event: accept, to: { inviting: "-", offering: "connecting", ringing: "connecting", connecting: "-", talking: "-", reconnecting: "-", leaving: "-", ended: "-" } },
  start: { event: start, to: { inviting: "-", offering: "-", ringing: "-", connecting: "talking", talking: "-", reconnecting: "-", leaving: "-", ended: "-" } },
  reject: { event: { t: "reject", end: { cause: "busy" } }, to: { inviting: "ended", offering: "ended", ringing: "ended", connecting: "-", talking: "-", reconnecting: "-", leaving: "ended", ended: "-" } },
  bye: { event: bye({ cause: "hangup", origin: "timeLimit" }), to: { inviting: "ended", offering: "ended", ringing: "ended", connecting: "ended", talking: "ended", reconnecting: "ended", leaving: "ended", ended: "-" } },
  hangUp: { event: hangUp, to: { inviting: "ended", offering: "leaving", ringing: "leaving", connecting: "leaving", talking: "leaving", reconnecting: "leaving", leaving: "-", ended: "-" } },
  breach: { event: { t: "breach" }, to: { inviting: "ended", offering: "leaving", ringing: "leaving", connecting: "leaving", talking: "leaving", reconnecting: "leaving", leaving: "-", ended: "-" } },
  mediaFailed: { event: { t: "mediaFailed" }, to: { inviting: "ended", offering: "leaving", ringing: "leaving", connecting: "leaving", talking: "leaving", reconnecting: "leaving", leaving: "-", ended: "-" } },
  lost: { event: { t: "lost" }, to: { inviting: "-", offering: "-", ringing: "-", connecting: "-", talking: "reconnecting", reconnecting: "-", leaving: "-", ended: "-" } },
  flowing: { event: { t: "flowing" }, to: { inviting: "-", offering: "-", ringing: "-", connecting: "-", talking: "-", reconnecting: "talking", leaving: "-", ended: "-" } },
  "a larger epoch": { event: { t: "epoch", epoch: 4 }, to: { inviting: "-", offering: "ended", ringing: "ended", connecting: "ended", talking: "ended", reconnecting: "ended", leaving: "-", ended: "-" } },
  "the same epoch": { event: { t: "epoch", epoch: 3 }, to: { inviting: "-", offering: "-", ringing: "-", connecting: "-", talking: "-", reconnecting: "-", leaving: "-", ended: "-" } },
  "an invite unanswered": { event: { t: "unanswered", type: "invite" }, to: { inviting: "ended", offering: "-", ringing: "-", connecting: "-", talking: "-", reconnecting: "-", leaving: "-", ended: "-" } },
  "an offer unanswered": { event: { t: "unanswered", type: "offer" }, to: { inviting: "-", offering: "leaving", ringing: "-", connecting: "-", talking: "-", reconnecting: "-", leaving: "-", ended: "-" } },
  leaveAcked: { event: { t: "leaveAcked" }, to: { inviting: "-", offering: "-", ringing: "-", connecting: "-", talking: "-", reconnecting: "-", leaving: "ended", ended: "-" } },
  "timer answer": { event: timer("answer"), to: { inviting: "ended", offering: "leaving", ringing: "-", connecting: "-", talking: "-", reconnecting: "-", leaving: "-", ended: "-" } },
  "timer ring": { event: timer("ring"), to: { inviting: "leaving", offering: "leaving", ringing: "leaving", connecting: "-", talking: "-", reconnecting: "-", leaving: "-", ended: "-" } },
  "timer connect": { event: timer("connect"), to: { inviting: "-", offering: "-", ringing: "-", connecting: "leaving", talking: "-", reconnecting: "-", leaving: "-", ended: "-" } },
  "timer reconnect": { event: timer("reconnect"), to: { inviting: "-", offering: "-", ringing: "-", connecting: "-", talking: "-", reconnecting: "leaving", leaving: "-", ended: "-" } },
  "timer leave": { event: timer("leave"), to: { inviting: "-", offering: "-", ringing: "-", connecting: "-", talking: "-", reconnecting: "-", leaving: "ended", ended: "-" } },
};

suite("the table", () => {
  for (const [name, { event, to }] of Object.entries(table)) {
    test(name, () => {
      for (const phase of Object.keys(phases) as OwnPhase[]) {
        const before = run(phases[phase]).state;
        assert.equal(before.phase, phase);
        const [after] = step(before, event, 5000);
        const expected = to[phase] === "-" ? phase : to[phase];
        // Before the offer nothing is known at the device, so leaving is over at once.
        assert.equal(after.phase, phase === "inviting" && expected === "leaving" ? "ended" : expected, phase);
      }
    });
  }
});

suite("a call", () => {
  test("goes its way with the plug-in's events", () => {
    const { all } = run([...path.talking, 1000, timer("tick"), 1000, timer("tick"), 500, bye({ cause: "hangup", origin: "timeLimit" })]);
    assert.deepEqual(emitted(all), ["joinedRoomByCaller", "ringing", "hangOnVoip", "startVoip", "calling", "calling", "hangUpVoip", "finish"]);
    const end = all.find((e) => e.do === "emit" && e.event === "hangUpVoip");
    assert.deepEqual(end?.do === "emit" && end.data, { cause: "hangup", keepTime: 3, status: "endByListener", origin: "timeLimit" });
  });
  test("media opens only at accept, and the answer is set once", () => {
    const early = run([challenge, offerReady, { ...ringing, sdp }]);
    assert.ok(does(early.all, "setAnswer") && !does(early.all, "openMedia"));
    const later = run([challenge, offerReady, { ...ringing, sdp }, accept]);
    assert.ok(does(later.last, "openMedia") && !does(later.last, "setAnswer"));
    assert.ok(does(run(path.connecting).last, "setAnswer"));
  });
  test("ringing may be left out", () => {
    assert.equal(run([challenge, offerReady, accept, start]).state.phase, "talking");
  });
  test("another answer in accept than in ringing is a breach", () => {
    const { state } = run([challenge, offerReady, { ...ringing, sdp: "v=0 other" }, accept]);
    assert.deepEqual([state.phase, state.end?.cause], ["leaving", "badRequest"]);
  });
  const limits: readonly (readonly [number | undefined, number | undefined, boolean])[] = [
    [undefined, undefined, true],
    [undefined, 60, true],
    [60, 60, true],
    [60, 30, true],
    [60, 60.1, false],
    [60, undefined, false],
    [1e-10, 0.001, true],
  ];
  for (const [asked, effective, right] of limits) {
    test(`asked ${String(asked)}, effective ${String(effective)}: ${right ? "taken" : "a breach"}`, () => {
      const { state } = run([challenge, offerReady, { ...accept, timeLimit: effective }], asked);
      assert.equal(state.phase, right ? "connecting" : "leaving");
      const started = run([...path.connecting.slice(0, 3), { ...accept, timeLimit: asked }, { t: "start", timeLimit: effective ?? undefined }], asked);
      if (effective !== undefined) assert.equal(started.state.phase, right ? "talking" : "leaving");
    });
  }
  test("the ring time is the device's and 2 s", () => {
    const ring = run(path.ringing).last.find((e) => e.do === "timer" && e.name === "ring");
    assert.equal(ring?.do === "timer" && ring.ms, 32_000);
    const long = run([challenge, offerReady, { ...ringing, ringTimeout: 2 ** 31 }]).last.find((e) => e.do === "timer");
    assert.ok(long?.do === "timer" && long.ms < 2 ** 31);
    assert.deepEqual([times.connect, times.reconnect, times.ring], [22_000, 32_000, 62_000]);
  });
  test("who gives up ringing cancels, who ends a talk says bye", () => {
    const cancel = run([...path.ringing, hangUp]).last.find((e) => e.do === "sendLeave");
    assert.deepEqual(cancel, { do: "sendLeave", type: "cancel", end: { cause: "cancelled", origin: "manual" } });
    const end = run([...path.talking, hangUp]).last.find((e) => e.do === "sendLeave");
    assert.deepEqual(end, { do: "sendLeave", type: "bye", end: { cause: "hangup", origin: "manual" } });
    const nobody = run([...path.ringing, timer("ring")]).last.find((e) => e.do === "sendLeave");
    assert.equal(nobody?.do === "sendLeave" && nobody.end.cause, "timeout");
  });
  test("media stops before the device is told", () => {
    const order = run([...path.talking, hangUp]).last.map((e) => e.do);
    assert.ok(order.indexOf("closeMedia") < order.indexOf("sendLeave"));
  });
  test("an unsigned-off attempt fails and has no events", () => {
    for (const event of [hangUp, timer("answer"), { t: "reject", end: { cause: "needNonce" } } as const]) {
      assert.deepEqual(emitted(run([event]).all), ["failed"]);
    }
  });
  test("the tick stays on the second", () => {
    const { last } = run([...path.talking, 1030, timer("tick")]);
    assert.deepEqual(last[0], { do: "timer", name: "tick", ms: 970 });
  });
  test("keepTime counts from start", () => {
    const { state } = run([...path.connecting, 9000, start]);
    assert.deepEqual([keepTime(state, 9000), keepTime(state, 69_400), keepTime(run(path.ringing).state, 99)], [0, 60, 0]);
  });
});

suite("ends that cross", () => {
  test("the device's bye wins over our own", () => {
    const { all, state } = run([...leaving, bye({ cause: "hangup", origin: "timeLimit" })]);
    assert.deepEqual(state.end, { cause: "hangup", origin: "timeLimit" });
    assert.equal(all.filter((e) => e.do === "finish").length, 1);
    assert.equal(all.filter((e) => e.do === "sendLeave").length, 1);
  });
  test("an accept that crosses our cancel makes it a hang-up", () => {
    const { state } = run([...path.ringing, hangUp, accept, { t: "leaveAcked" }]);
    assert.deepEqual(state.end, { cause: "hangup", origin: "manual" });
  });
  test("a reject that crosses our cancel counts", () => {
    assert.equal(run([...path.ringing, hangUp, { t: "reject", end: { cause: "rejected" } }]).state.end?.cause, "rejected");
  });
  test("nothing is sent after an end", () => {
    const { last } = run([...leaving, timer("leave"), accept, start, { t: "lost" }, hangUp, bye({ cause: "busy" })]);
    assert.deepEqual(last, []);
  });
});

suite("reconnecting", () => {
  const restarts = (effects: readonly Effect[]): number[] => effects.flatMap((e) => (e.do === "restartIce" ? [e.generation] : []));
  const restarted = (generation: number): CallEvent => ({ t: "restarted", generation, sdp });
  test("a lost connection is restarted at once, then 2 s after the answer at the soonest", () => {
    assert.deepEqual(restarts(run(reconnecting).all), [1]);
    const soon = run([...reconnecting, 1000, restarted(1), 500, { t: "lost" }]);
    assert.deepEqual(restarts(soon.all), [1]);
    assert.deepEqual(soon.last, [{ do: "timer", name: "restart", ms: 1500 }]);
    assert.deepEqual(restarts(run([...reconnecting, restarted(1), 500, { t: "lost" }, 1500, timer("restart")]).all), [1, 2]);
    assert.deepEqual(restarts(run([...reconnecting, restarted(1), 2000, { t: "up" }]).all), [1, 2]);
  });
  test("one at a time: a newer offer would make the answer void that is on its way", () => {
    const waiting = [...reconnecting, 3000, { t: "up" } as const, 3000, { t: "lost" } as const];
    assert.deepEqual(restarts(run(waiting).all), [1]);
    assert.ok(does(run([...waiting, restarted(1)]).last, "setRestartAnswer"));
  });
  test("one without an answer is given up after 10 s, for a new one", () => {
    assert.deepEqual(run(reconnecting).last.slice(-1), [{ do: "timer", name: "answer", ms: 10_000 }]);
    assert.deepEqual(restarts(run([...reconnecting, 10_000, timer("answer")]).all), [1, 2]);
    assert.deepEqual(restarts(run([...reconnecting, restarted(1), { t: "flowing" }, 10_000, timer("answer")]).all), [1]);
    assert.deepEqual(restarts(run([...path.talking, needRestart(1), 10_000, timer("answer")]).all), [1, 2]);
  });
  test("the device may ask, once per generation", () => {
    const asked = [...path.talking, needRestart(1)];
    assert.deepEqual(restarts(run(asked).all), [1]);
    assert.deepEqual(restarts(run([...asked, 5000, needRestart(1)]).all), [1]);
    assert.deepEqual(restarts(run([...asked, 5000, needRestart(2)]).all), [1, 2]);
    assert.equal(run(asked).state.phase, "talking");
  });
  test("the servers that the device named last are used", () => {
    const [first, fresh, stale] = [["turn:first"], ["turn:fresh"], ["turn:stale"]].map((urls) => [{ urls }]);
    const used = (events: readonly (CallEvent | number)[]): unknown[] =>
      run([{ ...challenge, iceServers: first }, ...path.talking.slice(1), ...events] as CallEvent[]).all.flatMap((e) => (e.do === "restartIce" ? [e.iceServers] : []));
    assert.deepEqual(used([needRestart(1)]), [first]);
    assert.deepEqual(used([needRestart(1, fresh), 5000, needRestart(1, stale), restarted(1), 5000, { t: "lost" }]), [fresh, fresh]);
    assert.deepEqual(used([{ t: "lost" }, 500, needRestart(2, fresh), 1500, timer("restart")]), [first, fresh]);
  });
  test("only the answer to the newest offer is taken", () => {
    const two = [...reconnecting, 3000, needRestart(2)];
    assert.ok(!does(run([...two, restarted(1)]).last, "setRestartAnswer"));
    assert.ok(does(run([...two, restarted(2)]).last, "setRestartAnswer"));
  });
  test("it ends after 32 s", () => {
    const { state } = run([...reconnecting, 32_000, timer("reconnect")]);
    assert.deepEqual(state.end, { cause: "aborted", detail: "mediaLost" });
  });
  test("talk time goes on meanwhile", () => {
    assert.equal(keepTime(run([...reconnecting, 5000, { t: "flowing" }]).state, 10_000), 10);
  });
});

suite("early messages", () => {
  test("start before accept, and what follows, is kept", () => {
    for (const phase of ["inviting", "offering", "ringing"] as const) assert.ok(isEarly(run(path[phase]).state, start), phase);
    for (const phase of ["connecting", "talking"] as const) assert.ok(!isEarly(run(path[phase]).state, start), phase);
    assert.ok(!isEarly(run(path.ringing).state, bye({ cause: "busy" })));
  });
});

test("every end has its event, once, as the last", () => { // states.test.ts has their data
  for (const cause of Object.keys(causes) as Cause[]) {
    for (const end of [{ cause }, ...origins.map((origin) => ({ cause, origin })), ...details.map((detail) => ({ cause, detail }))]) {
      const { all } = run([...path.talking, 4200, bye(end)]);
      const events = emitted(all).slice(-2);
      assert.deepEqual(events, [causes[cause], "finish"]);
    }
  }
});

test("random histories hold the invariants", () => {
  const events: readonly CallEvent[] = [
    challenge, offerReady, ringing, { ...ringing, sdp }, accept, { ...accept, timeLimit: 5 }, start, hangUp,
    ...Object.values(table).map(({ event }) => event),
    timer("tick"), timer("restart"), { t: "up" }, needRestart(9), { t: "restarted", generation: 1, sdp },
  ];
  let seed = 12345;
  const random = (n: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % n;
  };
  for (let round = 0; round < 5_000; round++) {
    let [state, effects] = begin("video", random(2) === 0 ? undefined : 10);
    let now = 0;
    const all = [...effects];
    for (let i = 0; i < 14; i++) {
      now += random(4000);
      const before = state;
      const event = events[random(events.length)];
      if (!event) throw new Error("no event");
      [state, effects] = step(state, event, now);
      all.push(...effects);
      if (before.phase === "ended") assert.deepEqual(effects, []);
      if (before.accepted) assert.ok(state.accepted);
      assert.ok(state.generation >= before.generation);
    }
    const count = (what: Effect["do"]): number => all.filter((e) => e.do === what).length;
    const finals = emitted(all).filter((e) => Object.values<string>(causes).includes(e)).length;
    const ended = state.phase === "ended" ? 1 : 0;
    assert.equal(count("finish") + count("failed"), ended);
    assert.equal(finals, count("finish"));
    assert.ok(count("sendLeave") <= 1 && count("openMedia") <= 1 && count("joined") <= 1);
    if (count("openMedia") > 0) assert.ok(emitted(all).includes("hangOnVoip"));
    if (ended) assert.ok(count("closeMedia") >= 1);
    const opened = all.findIndex((e) => e.do === "openMedia");
    const closed = all.findIndex((e) => e.do === "closeMedia");
    if (opened >= 0 && closed >= 0) assert.ok(opened < closed, "media opens again after its end");
  }
});
