/**
 * The call machine of the phone: pure. Events in, effects out; no clock, no
 * promise, no browser. Time comes in as `now`, milliseconds of any steady clock.
 * session.ts carries the effects out and turns what they lead to into events.
 *
 * A call that the device makes begins with its ring, which the phone answers by an
 * invite at once and in silence. Only the challenge shows that the ring is not an
 * old one played again: with it the phone alerts.
 */
import { breach, finish, hangUpEnd, leave, leaving } from "./ends.js";
import type { RoomType } from "./options.js";
import { aborted, timerMs, times, type CallEvent, type CallState, type Effect, type Phase, type Step, type TimerName } from "./state.js";
import { begins, lost, restart, tick, warning } from "./talking.js";

export { keepTime, times, warnings, type CallEvent, type CallState, type Effect, type Phase, type TimerName } from "./state.js";

/** A new call and its first effects. `rung`: the device makes it. */
export function begin(roomType: RoomType, asked: number | undefined, rung?: { readonly query: string | undefined }): Step {
  return [
    {
      phase: "inviting",
      isCaller: rung === undefined,
      roomType,
      asked,
      query: rung?.query,
      joined: false,
      iceServers: [],
      earlySdp: undefined,
      accepted: false,
      limit: undefined,
      startedAt: undefined,
      warned: undefined,
      epoch: undefined,
      generation: 0,
      unanswered: false,
      restartedAt: undefined,
      end: undefined,
      endedByDevice: false,
    },
    [{ do: "sendInvite" }, { do: "timer", name: "answer", ms: times.answer }],
  ];
}

const beforeOffer: readonly Phase[] = ["inviting", "incoming", "preparing"];
const beforeAccept: readonly Phase[] = [...beforeOffer, "offering", "ringing"];

/** Reports whether an event comes too early for the state and must be kept until the state changes. */
export function isEarly(s: CallState, e: CallEvent): boolean {
  switch (e.t) {
    case "start":
    case "needRestart":
    case "restarted":
      return beforeAccept.includes(s.phase);
    case "ringing":
    case "accept":
      return beforeOffer.includes(s.phase);
    default:
      return false;
  }
}

/** The next state and what is to be done about it. An event that means nothing in a state changes nothing. */
export function step(s: CallState, e: CallEvent, now: number): Step {
  if (s.phase === "ended") return [s, []];
  if (s.phase === "leaving") return leaving(s, e, now);
  switch (e.t) {
    case "challenge":
      if (s.phase !== "inviting") return [s, []];
      return challenged(s, e);
    case "pickUp":
      if (s.phase !== "incoming") return [s, []];
      return [{ ...s, phase: "preparing" }, [{ do: "prepare" }]];
    case "mediaReady":
      if (s.phase !== "preparing") return [s, []];
      return offers(s);
    case "decline":
      if (s.isCaller || !beforeOffer.includes(s.phase)) return [s, []];
      return leave(s, e.end, now);
    case "offerReady":
      if (s.phase !== "offering") return [s, []];
      return [
        s,
        [
          { do: "sendOffer", sdp: e.sdp },
          { do: "clear", name: "answer" },
          // In a call of the device the time of its ring is running already.
          ...(s.isCaller ? [ring(undefined)] : []),
        ],
      ];
    case "ringing":
      if (s.phase !== "offering") return [s, []];
      return [
        { ...s, phase: "ringing", earlySdp: e.sdp },
        [
          ring(e.ringTimeout),
          // The callee's person has been told of the ringing, and has answered.
          ...(s.isCaller ? [{ do: "emit", event: "ringing", data: e.ringTimeout === undefined ? {} : { ringTimeout: e.ringTimeout } } as const] : []),
          ...(e.sdp === undefined ? [] : [{ do: "setAnswer", sdp: e.sdp } as const]),
        ],
      ];
    case "accept":
      if (s.phase !== "offering" && s.phase !== "ringing") return [s, []];
      if (!limitHolds(s, e.timeLimit) || (s.earlySdp !== undefined && s.earlySdp !== e.sdp)) return breach(s, now);
      return [
        { ...s, phase: "connecting", accepted: true, limit: e.timeLimit },
        [
          { do: "clear", name: "answer" },
          { do: "clear", name: "ring" },
          { do: "timer", name: "connect", ms: times.connect },
          { do: "emit", event: "hangOnVoip", data: {} },
          ...(s.earlySdp === undefined ? [{ do: "setAnswer", sdp: e.sdp } as const] : []),
          { do: "openMedia" },
        ],
      ];
    case "start": {
      if (s.phase !== "connecting") return [s, []];
      const limit = e.timeLimit ?? s.limit;
      return limitHolds(s, limit) ? begins(s, limit, now) : breach(s, now);
    }
    case "reject":
      return s.accepted ? [s, []] : finish(s, e.end, true, now);
    case "cancel":
      if (s.isCaller) return [s, []]; // a device cancels only calls that it made itself
      return finish(s, s.accepted ? { cause: "hangup", origin: "other" } : e.end, true, now);
    case "bye":
      return finish(s, e.end, true, now);
    case "epoch":
      if (s.epoch === undefined || e.epoch <= s.epoch) return [s, []];
      return finish(s, aborted("restarted"), true, now);
    case "unanswered":
      if (s.phase === "inviting" && e.type === "invite") return finish(s, aborted("unreachable"), false, now);
      return s.phase === "offering" && e.type === "offer" ? leave(s, aborted("unreachable"), now) : [s, []];
    case "mediaFailed":
      return leave(s, { cause: "joinFailed" }, now);
    case "breach":
      return breach(s, now);
    case "lost":
      return talks(s) ? lost(s, now) : [s, []];
    case "up":
      return s.phase === "reconnecting" ? lost(s, now) : [s, []];
    case "flowing":
      if (s.phase !== "reconnecting") return [s, []];
      return [{ ...s, phase: "talking" }, [{ do: "clear", name: "reconnect" }, { do: "clear", name: "restart" }]];
    case "needRestart":
      if (!talks(s) || e.generation <= s.generation) return [s, []];
      return restart(e.iceServers.length > 0 ? { ...s, iceServers: e.iceServers } : s, now);
    case "restarted":
      if (e.generation !== s.generation || !talks(s)) return [s, []];
      return [{ ...s, unanswered: false, restartedAt: now }, [{ do: "setRestartAnswer", sdp: e.sdp }]];
    case "hangUp":
      return leave(s, hangUpEnd(s, e.origin), now);
    case "timer":
      return timer(s, e.name, now);
    default:
      e.t satisfies "leaveAcked";
      return [s, []];
  }
}

/** The device is there: an own call goes on, one of the device rings. */
function challenged(s: CallState, e: Extract<CallEvent, { t: "challenge" }>): Step {
  const next: CallState = { ...s, joined: true, epoch: e.epoch, iceServers: e.iceServers };
  if (s.isCaller) {
    const [offering, effects] = offers(next);
    return [offering, [{ do: "joined" }, { do: "emit", event: "joinedRoomByCaller", data: {} }, ...effects]];
  }
  const { roomType, query } = s;
  const { ringTimeout } = e;
  const data = { isCaller: false, roomType, ...(ringTimeout === undefined ? {} : { ringTimeout }), ...(query === undefined ? {} : { query }) };
  return [
    { ...next, phase: "incoming" },
    [{ do: "joined" }, { do: "clear", name: "answer" }, ring(ringTimeout), { do: "emit", event: "ringing", data }],
  ];
}

function offers(s: CallState): Step {
  return [
    { ...s, phase: "offering" },
    [
      { do: "timer", name: "answer", ms: times.answer + times.slack },
      { do: "makeOffer", iceServers: s.iceServers },
    ],
  ];
}

/** The timer of a ring that the device ends after so many seconds. */
function ring(seconds: number | undefined): Effect {
  return { do: "timer", name: "ring", ms: seconds === undefined ? times.ring : timerMs(seconds) + times.slack };
}

function timer(s: CallState, name: TimerName, now: number): Step {
  switch (name) {
    case "answer":
      if (s.phase === "inviting") return finish(s, aborted("unreachable"), false, now);
      if (s.phase === "offering") return leave(s, { cause: "joinFailed" }, now);
      return s.unanswered && talks(s) ? restart(s, now) : [s, []];
    case "ring":
      return s.accepted ? [s, []] : leave(s, { cause: "timeout" }, now);
    case "connect":
      return s.phase === "connecting" ? leave(s, { cause: "joinFailed" }, now) : [s, []];
    case "reconnect":
      return s.phase === "reconnecting" ? leave(s, aborted("mediaLost"), now) : [s, []];
    case "restart":
      return talks(s) ? restart(s, now) : [s, []];
    case "tick":
      return tick(s, now);
    case "warning":
      return warning(s, now);
    default:
      name satisfies "leave";
      return [s, []];
  }
}

function talks(s: CallState): boolean {
  return s.phase === "talking" || s.phase === "reconnecting";
}

/** The effective limit is never more than the asked one. */
function limitHolds(s: CallState, limit: number | undefined): boolean {
  // The device rounds up to whole milliseconds.
  return s.asked === undefined || (limit !== undefined && limit <= s.asked + 0.001);
}
