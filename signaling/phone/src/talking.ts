/** What a talk does in the machine of call.ts: it counts, it warns before its limit, it is brought back when media is lost. */
import { keepTime, timerMs, times, warnings, type CallState, type Effect, type Step } from "./state.js";

/** The talk begins. */
export function begins(s: CallState, limit: number | undefined, now: number): Step {
  const next: CallState = { ...s, phase: "talking", limit, startedAt: now };
  return [
    next,
    [
      { do: "clear", name: "connect" },
      { do: "timer", name: "tick", ms: 1000 },
      ...nextWarning(next, now),
      { do: "emit", event: "startVoip", data: limit === undefined ? {} : { timeLimit: limit } },
    ],
  ];
}

/** A second of talk has passed. */
export function tick(s: CallState, now: number): Step {
  if (s.startedAt === undefined) return [s, []];
  return [
    s,
    [
      { do: "timer", name: "tick", ms: 1000 - ((now - s.startedAt) % 1000) },
      { do: "emit", event: "calling", data: { keepTime: keepTime(s, now) } },
    ],
  ];
}

/** The timer of the next warning has come. A limit that no timer can hold is waited for in steps. */
export function warning(s: CallState, now: number): Step {
  const due = dueWarning(s);
  if (!due) return [s, []];
  if (now < due.at) return [s, nextWarning(s, now)];
  const next: CallState = { ...s, warned: due.secondsLeft };
  return [next, [...nextWarning(next, now), { do: "emit", event: "limitWarning", data: { secondsLeft: due.secondsLeft } }]];
}

function nextWarning(s: CallState, now: number): readonly Effect[] {
  const due = dueWarning(s);
  return due ? [{ do: "timer", name: "warning", ms: timerMs(Math.max(0, due.at - now) / 1000) }] : [];
}

/** The next warning that the limit leaves room for, and when it is due. */
function dueWarning(s: CallState): { readonly secondsLeft: number; readonly at: number } | undefined {
  const { limit, startedAt, warned = Infinity } = s;
  if (limit === undefined || startedAt === undefined) return undefined;
  const secondsLeft = warnings.find((w) => w < limit && w < warned);
  return secondsLeft === undefined ? undefined : { secondsLeft, at: startedAt + (limit - secondsLeft) * 1000 };
}

/** Media is lost, or still lost. A restart without an answer yet is being repeated: a newer one would make its answer void. */
export function lost(s: CallState, now: number): Step {
  const [next, effects] = s.unanswered ? [s, []] : restart(s, now);
  if (s.phase === "reconnecting") return [next, effects];
  return [{ ...next, phase: "reconnecting" }, [{ do: "timer", name: "reconnect", ms: times.reconnect }, ...effects]];
}

/** Offers new ICE credentials, 2 s after the last ones or their answer: sooner, it waits for that time to pass. */
export function restart(s: CallState, now: number): Step {
  const wait = s.restartedAt === undefined ? 0 : s.restartedAt + times.restartPause - now;
  if (wait > 0) return [s, [{ do: "timer", name: "restart", ms: wait }]];
  const generation = s.generation + 1;
  return [
    { ...s, unanswered: true, restartedAt: now, generation },
    [
      { do: "restartIce", generation, iceServers: s.iceServers },
      { do: "timer", name: "answer", ms: times.answer },
    ],
  ];
}
