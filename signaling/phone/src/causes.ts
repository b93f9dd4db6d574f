/** The causes of an end: the same words at both ends, in events, log and records. */
export const causes = {
  hangup: "hangUpVoip",
  cancelled: "cancelVoip",
  answeredElsewhere: "cancelVoip",
  rejected: "rejectVoip",
  dnd: "rejectVoip",
  forbidden: "rejectVoip",
  unsupported: "rejectVoip",
  badRequest: "rejectVoip",
  needNonce: "rejectVoip",
  busy: "busy",
  timeout: "timeout",
  joinFailed: "joinFailCaller",
  aborted: "abortVoip",
} as const satisfies Record<string, string>;

export type Cause = keyof typeof causes;

/** How a hang-up came about; stands only beside `hangup`. */
export const origins = ["manual", "unloadCallPage", "forceFromApp", "other", "timeLimit"] as const;
export type Origin = (typeof origins)[number];

/** What broke a call off; stands only beside `aborted`. */
export const details = [
  "mediaLost",
  "deviceLost",
  "restarted",
  "revoked",
  "shutdown",
  "unreachable",
  "unknownRoom",
] as const;
export type Detail = (typeof details)[number];

/** The whole reason of an end. */
export interface End {
  readonly cause: Cause;
  readonly origin?: Origin;
  readonly detail?: Detail;
}

export function isCause(value: unknown): value is Cause {
  return typeof value === "string" && Object.hasOwn(causes, value);
}

export function isOrigin(value: unknown): value is Origin {
  return (origins as readonly unknown[]).includes(value);
}

export function isDetail(value: unknown): value is Detail {
  return (details as readonly unknown[]).includes(value);
}
