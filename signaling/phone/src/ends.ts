/** How a call ends in the machine of call.ts: from this side, by the device's word, and when both cross. */
import { causes, type End } from "./causes.js";
import { keepTime, times, type CallEvent, type CallState, type Effect, type LeaveType, type MachineEvent, type Step } from "./state.js";

/** Ends the call from this side: media stops first, then the device is told. */
export function leave(s: CallState, end: End, now: number): Step {
  const type = farewell(s);
  if (type === undefined) return finish(s, end, false, now);
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

/** What tells the device of an end of ours; undefined: it holds nothing of the room, so there is nothing to tell. */
function farewell(s: CallState): LeaveType | undefined {
  if (s.accepted) return "bye";
  if (s.isCaller) return s.phase === "inviting" ? undefined : "cancel";
  // Once the offer may be out its accept may cross: then only a cancel counts as a hang-up.
  return s.phase === "offering" || s.phase === "ringing" ? "cancel" : "reject";
}

/** The end that a person's hang-up stands for. */
export function hangUpEnd(s: CallState, origin: NonNullable<End["origin"]>): End {
  if (s.accepted) return { cause: "hangup", origin };
  return { cause: s.isCaller ? "cancelled" : "rejected", origin };
}

export function breach(s: CallState, now: number): Step {
  return leave(s, { cause: "badRequest" }, now);
}

/** After this side's own end: the device's word, when it comes at once, is the one that counts. */
export function leaving(s: CallState, e: CallEvent, now: number): Step {
  const own = s.end ?? { cause: "hangup" };
  switch (e.t) {
    case "cancel":
      return s.isCaller ? [s, []] : conclude(s, e.end, true, now);
    case "bye":
    case "reject":
      return conclude(s, e.end, true, now);
    case "accept": // it crossed our cancel, which now counts as a hang-up
      if (own.cause !== hangUpEnd(s, "manual").cause) return [s, []];
      return [{ ...s, end: { ...own, cause: "hangup" } }, []];
    case "leaveAcked":
      return conclude(s, own, false, now);
    case "timer":
      return e.name === "leave" ? conclude(s, own, false, now) : [s, []];
    default:
      return [s, []];
  }
}

/** The call is over at once. */
export function finish(s: CallState, end: End, byDevice: boolean, now: number): Step {
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
      { do: "emit", event: endEvent(end, s.isCaller), data: endData(end, s.isCaller, byDevice, kept) },
      { do: "finish", keepTime: kept },
    ],
  ];
}

/** The event that ends a call. A failed join has a name of its own at each end: of who called, and who was called. */
export function endEvent(end: End, isCaller: boolean): MachineEvent {
  return end.cause === "joinFailed" && !isCaller ? "joinFailListener" : causes[end.cause];
}

/** The data of the event that ends a call: the plug-in's members, with cause and detail besides. */
function endData(end: End, isCaller: boolean, byDevice: boolean, kept: number): Readonly<Record<string, unknown>> {
  const data = { cause: end.cause, ...(end.detail === undefined ? {} : { detail: end.detail }) };
  const role = byDevice === isCaller ? "Listener" : "Caller";
  switch (causes[end.cause]) {
    case "hangUpVoip":
      return { ...data, keepTime: kept, status: `endBy${role}`, origin: end.origin ?? "other" };
    case "cancelVoip":
    case "rejectVoip":
      return { ...data, status: byDevice ? "other" : (end.origin ?? "manual") };
    case "abortVoip":
      return { ...data, keepTime: kept, status: `abortBy${role}`, error: { errMsg: end.detail ?? "unknown" } };
    case "joinFailCaller":
      return { ...data, errMsg: "joinFailed", message: "media never connected" };
    case "timeout":
      return { ...data, status: "other" };
    case "busy":
      return data;
  }
}

const clearAll: readonly Effect[] = (["answer", "ring", "connect", "reconnect", "restart", "tick", "warning"] as const).map(
  (name) => ({ do: "clear", name }) as const,
);
