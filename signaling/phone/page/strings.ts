/** Which words a person reads: the language, and the key of what has happened. */
import type { CurrentCall, Detail, ErrorCode, LinkState, MediaProblem } from "../src/sdk.js";
import { en, type StringKey } from "./strings.en.js";
import { zh } from "./strings.zh.js";

export type { StringKey } from "./strings.en.js";

export const tables = { en, zh } as const;
export type Language = keyof typeof tables;

/** The language for a browser's preference. */
export function languageOf(preferred: string): Language {
  return /^zh\b/i.test(preferred) ? "zh" : "en";
}

/** Puts `{name}` parts into a text. */
export function fill(text: string, parts: Readonly<Record<string, string>> = {}): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => parts[name] ?? whole);
}

/** The words for the end of a call. `isCaller` false: the device has made it. */
export function endKey(call: Pick<CurrentCall, "end" | "endedByDevice"> & Partial<Pick<CurrentCall, "isCaller">>): StringKey {
  const { end, isCaller = true, endedByDevice } = call;
  if (!end) return "end_other";
  if (!isCaller && (end.cause === "timeout" || (end.cause === "cancelled" && endedByDevice))) return "end_missed";
  if (!isCaller && end.cause === "rejected" && !endedByDevice) return "end_declined";
  switch (end.cause) {
    case "hangup": {
      const origin = end.origin ?? "other";
      if (endedByDevice && (origin === "manual" || origin === "forceFromApp")) return "end_manualDevice";
      return `end_${origin}`;
    }
    case "aborted":
      return end.detail ? `end_${end.detail satisfies Detail}` : "end_aborted";
    default:
      return `end_${end.cause}`;
  }
}

/** The words for a failure of the SDK. */
export function errorKey(code: ErrorCode): StringKey {
  switch (code) {
    case "insecureContext":
      return "insecureTitle";
    case "unsupportedBrowser":
      return "browserTitle";
    case "cancelled":
    case "forbidden":
    case "unsupported":
    case "badRequest":
    case "needNonce":
    case "aborted":
    case "unreachable":
      return `end_${code}`;
    default:
      return `error_${code}`;
  }
}

export function linkKey(state: LinkState): StringKey {
  return `link_${state}`;
}

/** The words for what a call is doing. Once a person has answered here, it connects. */
export function stateKey(phase: CurrentCall["phase"], isCaller = true): StringKey {
  return !isCaller && (phase === "offering" || phase === "ringing") ? "state_connecting" : `state_${phase}`;
}

export function problemKey(problem: MediaProblem): StringKey {
  return problem;
}

/** Seconds as 0:05, 12:34 or 1:02:03. */
export function clockTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${String(h)}:${two(m)}:${two(s)}` : `${String(m)}:${two(s)}`;
}
