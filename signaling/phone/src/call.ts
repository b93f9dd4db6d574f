/**
 * The call machine of the phone: pure. Events in, effects out; no clock, no
 * promise, no browser. Time comes in as `now`, milliseconds of any steady clock.
 * session.ts carries the effects out and turns what they lead to into events.
 */
import { causes, type Detail, type End, type Origin } from "./causes.js";
import type { RoomType } from "./options.js";

export type Phase =
  /** The invite is out; the device has not answered. */
  | "inviting"
  /** The device is there; the offer is being made or on its way. */
  | "offering"
  /** A person is being called. */
  | "ringing"
  /** Answered; media is being connected. */
  | "connecting"
  | "talking"
  /** Media is lost and being brought back. */
  | "reconnecting"
  /** This side has ended the call and gives the device a moment to say otherwise. */
  | "leaving"
  | "ended";

/** Times in milliseconds. The ring and connect times are the device's plus 2 s. */
export const times = {
  answer: 10_000,
  ring: 62_000,
  connect: 22_000,
  reconnect: 32_000,
  restartPause: 2_000,
  leave: 500,
  slack: 2_000,
} as const;

export type TimerName = "answer" | "ring" | "connect" | "reconnect" | "restart" | "leave" | "tick";

export interface CallState {
  readonly phase: Phase;
  readonly roomType: RoomType;
  /** Asked limit in seconds, undefined: none asked. */
  readonly asked: number | undefined;
  /** The device answered the invite, so callDevice has resolved and the events have begun. */
  readonly joined: boolean;
  /** The answer that travelled in `ringing`. */
  readonly earlySdp: string | undefined;
  readonly accepted: boolean;
  /** Effective limit in seconds, undefined: none. */
  readonly limit: number | undefined;
  /** When the talk began. */
  readonly startedAt: number | undefined;
  /** The largest epoch this call has seen of the device. */
  readonly epoch: number | undefined;
  /** ICE generation of the newest offer; 0 is the first. */
  readonly generation: number;
  /** When the newest restart was offered. */
  readonly restartedAt: number | undefined;
  readonly end: End | undefined;
  /** The device's word ended the call. */
  readonly endedByDevice: boolean;
}

export type CallEvent =
  | { readonly t: "challenge"; readonly epoch: number; readonly iceServers: readonly RTCIceServer[]; readonly nonce: string; readonly id: string }
  | { readonly t: "offerReady"; readonly sdp: string }
  | { readonly t: "mediaFailed" }
  | { readonly t: "ringing"; readonly sdp: string | undefined; readonly ringTimeout: number | undefined }
  | { readonly t: "accept"; readonly sdp: string; readonly timeLimit: number | undefined }
  | { readonly t: "start"; readonly timeLimit: number | undefined }
  | { readonly t: "reject"; readonly end: End }
  | { readonly t: "bye"; readonly end: End }
  | { readonly t: "needRestart"; readonly generation: number }
  | { readonly t: "restarted"; readonly generation: number; readonly sdp: string }
  | { readonly t: "epoch"; readonly epoch: number }
  | { readonly t: "unanswered"; readonly type: "invite" | "offer" }
  | { readonly t: "leaveAcked" }
  | { readonly t: "breach" }
  /** Media is lost, or a restart has failed. */
  | { readonly t: "lost" }
  /** Media flows again: packets arrive, which is more than a connected ICE says. */
  | { readonly t: "flowing" }
  /** The transport came back. */
  | { readonly t: "up" }
  | { readonly t: "hangUp"; readonly origin: Origin }
  | { readonly t: "timer"; readonly name: TimerName };

export type Effect =
  | { readonly do: "sendInvite" }
  | { readonly do: "makeOffer"; readonly iceServers: readonly RTCIceServer[] }
  | { readonly do: "sendOffer"; readonly sdp: string }
  | { readonly do: "setAnswer"; readonly sdp: string }
  | { readonly do: "openMedia" }
  | { readonly do: "closeMedia" }
  | { readonly do: "restartIce"; readonly generation: number }
  | { readonly do: "setRestartAnswer"; readonly sdp: string }
  | { readonly do: "sendLeave"; readonly type: "cancel" | "bye"; readonly end: End }
  | { readonly do: "timer"; readonly name: TimerName; readonly ms: number }
  | { readonly do: "clear"; readonly name: TimerName }
  | { readonly do: "joined" }
  | { readonly do: "failed"; readonly end: End }
  | { readonly do: "emit"; readonly event: VoipEventName; readonly data: Readonly<Record<string, unknown>> }
  /** The last effect of a call: endVoip and finishVoip follow from it. */
  | { readonly do: "finish"; readonly keepTime: number };

/** Names of the events that the machine itself emits: the plug-in's, and `ringing`. */
export type VoipEventName =
  | "joinedRoomByCaller"
  | "joinFailCaller"
  | "ringing"
  | "hangOnVoip"
  | "startVoip"
  | "calling"
  | "cancelVoip"
  | "rejectVoip"
  | "busy"
  | "timeout"
  | "hangUpVoip"
  | "abortVoip";

type Step = readonly [CallState, readonly Effect[]];

/** A new call and its first effects. */
export function begin(roomType: RoomType, asked: number | undefined): Step {
  return [
    {
      phase: "inviting",
      roomType,
      asked,
      joined: false,
      earlySdp: undefined,
      accepted: false,
      limit: undefined,
      startedAt: undefined,
      epoch: undefined,
      generation: 0,
      restartedAt: undefined,
      end: undefined,
      endedByDevice: false,
    },
    [{ do: "sendInvite" }, { do: "timer", name: "answer", ms: times.answer }],
  ];
}

/** Reports whether an event comes too early for the state and must be kept until the state changes. */
export function isEarly(s: CallState, e: CallEvent): boolean {
  const before = s.phase === "inviting" || s.phase === "offering" || s.phase === "ringing";
  switch (e.t) {
    case "start":
    case "needRestart":
    case "restarted":
      return before;
    case "ringing":
    case "accept":
      return s.phase === "inviting";
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
      return [
        { ...s, phase: "offering", joined: true, epoch: e.epoch },
        [
          { do: "joined" },
          { do: "emit", event: "joinedRoomByCaller", data: {} },
          { do: "timer", name: "answer", ms: times.answer + times.slack },
          { do: "makeOffer", iceServers: e.iceServers },
        ],
      ];
    case "offerReady":
      if (s.phase !== "offering") return [s, []];
      return [s, [{ do: "sendOffer", sdp: e.sdp }, { do: "clear", name: "answer" }, { do: "timer", name: "ring", ms: times.ring }]];
    case "ringing":
      if (s.phase !== "offering") return [s, []];
      return [
        { ...s, phase: "ringing", earlySdp: e.sdp },
        [
          { do: "timer", name: "ring", ms: e.ringTimeout === undefined ? times.ring : timerMs(e.ringTimeout) + times.slack },
          { do: "emit", event: "ringing", data: e.ringTimeout === undefined ? {} : { ringTimeout: e.ringTimeout } },
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
      if (!limitHolds(s, limit)) return breach(s, now);
      return [
        { ...s, phase: "talking", limit, startedAt: now },
        [
          { do: "clear", name: "connect" },
          { do: "timer", name: "tick", ms: 1000 },
          { do: "emit", event: "startVoip", data: limit === undefined ? {} : { timeLimit: limit } },
        ],
      ];
    }
    case "reject":
      if (s.accepted) return [s, []];
      return finish(s, e.end, true, now);
    case "bye":
      return finish(s, e.end, true, now);
    case "epoch":
      if (s.epoch === undefined || e.epoch <= s.epoch) return [s, []];
      return finish(s, aborted("restarted"), true, now);
    case "unanswered":
      if (s.phase === "inviting") return finish(s, aborted("unreachable"), false, now);
      if (s.phase !== "offering" || e.type !== "offer") return [s, []];
      return leave(s, aborted("unreachable"), now);
    case "mediaFailed":
      return leave(s, { cause: "joinFailed" }, now);
    case "breach":
      return breach(s, now);
    case "lost":
      if (s.phase !== "talking" && s.phase !== "reconnecting") return [s, []];
      return lost(s, now);
    case "up":
      return s.phase === "reconnecting" ? restart(s, now) : [s, []];
    case "flowing":
      if (s.phase !== "reconnecting") return [s, []];
      return [{ ...s, phase: "talking" }, [{ do: "clear", name: "reconnect" }, { do: "clear", name: "restart" }]];
    case "needRestart":
      if (s.phase !== "talking" && s.phase !== "reconnecting") return [s, []];
      return e.generation <= s.generation ? [s, []] : restart(s, now);
    case "restarted":
      if (e.generation !== s.generation || (s.phase !== "talking" && s.phase !== "reconnecting")) return [s, []];
      return [s, [{ do: "setRestartAnswer", sdp: e.sdp }]];
    case "hangUp":
      return leave(s, s.accepted ? { cause: "hangup", origin: e.origin } : { cause: "cancelled", origin: e.origin }, now);
    case "timer":
      return timer(s, e.name, now);
    case "leaveAcked":
      return [s, []];
    default:
      e satisfies never;
      return [s, []];
  }
}

function timer(s: CallState, name: TimerName, now: number): Step {
  switch (name) {
    case "answer":
      if (s.phase === "inviting") return finish(s, aborted("unreachable"), false, now);
      return s.phase === "offering" ? leave(s, { cause: "joinFailed" }, now) : [s, []];
    case "ring":
      return s.accepted ? [s, []] : leave(s, { cause: "timeout" }, now);
    case "connect":
      return s.phase === "connecting" ? leave(s, { cause: "joinFailed" }, now) : [s, []];
    case "reconnect":
      return s.phase === "reconnecting" ? leave(s, aborted("mediaLost"), now) : [s, []];
    case "restart":
      return s.phase === "reconnecting" || s.phase === "talking" ? restart(s, now) : [s, []];
    case "tick":
      if (s.startedAt === undefined) return [s, []];
      return [
        s,
        [
          { do: "timer", name: "tick", ms: 1000 - ((now - s.startedAt) % 1000) },
          { do: "emit", event: "calling", data: { keepTime: keepTime(s, now) } },
        ],
      ];
    case "leave":
      return [s, []];
    default:
      name satisfies never;
      return [s, []];
  }
}

/** After this side's own end: the device's word, when it comes at once, is the one that counts. */
function leaving(s: CallState, e: CallEvent, now: number): Step {
  const own = s.end ?? { cause: "hangup" };
  switch (e.t) {
    case "bye":
    case "reject":
      return conclude(s, e.end, true, now);
    case "accept": // it crossed our cancel, which now counts as a hang-up
      if (own.cause !== "cancelled") return [s, []];
      return [{ ...s, end: { ...own, cause: "hangup" } }, []];
    case "leaveAcked":
      return conclude(s, own, false, now);
    case "timer":
      return e.name === "leave" ? conclude(s, own, false, now) : [s, []];
    default:
      return [s, []];
  }
}

/** Ends the call from this side: media stops first, then the device is told. */
function leave(s: CallState, end: End, now: number): Step {
  // Until the offer the device holds nothing of the room, so there is nothing to tell.
  if (s.phase === "inviting") return finish(s, end, false, now);
  const type = s.accepted ? "bye" : "cancel";
  return [
    { ...s, phase: "leaving", end },
    [
      ...clearAll,
      { do: "closeMedia" },
      { do: "sendLeave", type, end },
      { do: "timer", name: "leave", ms: times.leave },
    ],
  ];
}

function breach(s: CallState, now: number): Step {
  return leave(s, { cause: "badRequest" }, now);
}

function finish(s: CallState, end: End, byDevice: boolean, now: number): Step {
  const [next, effects] = conclude(s, end, byDevice, now);
  return [next, [...clearAll, { do: "closeMedia" }, ...effects]];
}

function conclude(s: CallState, end: End, byDevice: boolean, now: number): Step {
  const next: CallState = { ...s, phase: "ended", end, endedByDevice: byDevice };
  if (!s.joined) return [next, [{ do: "clear", name: "leave" }, { do: "failed", end }]];
  const kept = keepTime(s, now);
  return [
    next,
    [
      { do: "clear", name: "leave" },
      { do: "emit", event: causes[end.cause], data: endData(end, byDevice, kept) },
      { do: "finish", keepTime: kept },
    ],
  ];
}

/** The data of the event that ends a call: the plug-in's members, with cause and detail besides. */
function endData(end: End, byDevice: boolean, kept: number): Readonly<Record<string, unknown>> {
  const data = { cause: end.cause, ...(end.detail === undefined ? {} : { detail: end.detail }) };
  switch (causes[end.cause]) {
    case "hangUpVoip":
      return { ...data, keepTime: kept, status: byDevice ? "endByListener" : "endByCaller", origin: end.origin ?? "other" };
    case "cancelVoip":
      return { ...data, status: byDevice ? "other" : (end.origin ?? "manual") };
    case "rejectVoip":
      return { ...data, status: byDevice ? "other" : "manual" };
    case "abortVoip":
      return {
        ...data,
        keepTime: kept,
        status: byDevice ? "abortByListener" : "abortByCaller",
        error: { errMsg: end.detail ?? "unknown" },
      };
    case "joinFailCaller":
      return { ...data, errMsg: "joinFailed", message: "media never connected" };
    case "busy":
    case "timeout":
      return data;
  }
}

function lost(s: CallState, now: number): Step {
  if (s.phase === "reconnecting") return restart(s, now);
  const [next, effects] = restart({ ...s, phase: "reconnecting" }, now);
  return [next, [{ do: "timer", name: "reconnect", ms: times.reconnect }, ...effects]];
}

/** Offers new ICE credentials, at most every 2 s: sooner, it waits for that time to pass. */
function restart(s: CallState, now: number): Step {
  const wait = s.restartedAt === undefined ? 0 : s.restartedAt + times.restartPause - now;
  if (wait > 0) return [s, [{ do: "timer", name: "restart", ms: wait }]];
  const generation = s.generation + 1;
  return [{ ...s, generation, restartedAt: now }, [{ do: "restartIce", generation }]];
}

/** The effective limit is never more than the asked one. */
function limitHolds(s: CallState, limit: number | undefined): boolean {
  // The device rounds up to whole milliseconds.
  return s.asked === undefined || (limit !== undefined && limit <= s.asked + 0.001);
}

/** Whole seconds of talk. */
export function keepTime(s: CallState, now: number): number {
  return s.startedAt === undefined ? 0 : Math.max(0, Math.round((now - s.startedAt) / 1000));
}

/** Milliseconds of a timer that a browser can hold: over 2^31-1 it would fire at once. */
function timerMs(seconds: number): number {
  return Math.min(Math.ceil(seconds * 1000), 2 ** 31 - 1 - times.slack);
}

function aborted(detail: Detail): End {
  return { cause: "aborted", detail };
}

const clearAll: readonly Effect[] = (["answer", "ring", "connect", "reconnect", "restart", "tick"] as const).map(
  (name) => ({ do: "clear", name }) as const,
);
