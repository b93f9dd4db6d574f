/**
 * The causes of an end, each with the event that it comes with: the same words at
 * both ends, in events, log and records (docs/causes.md).
 */
export const causes = {
  /** One side ended the call; an {@link Origin} stands beside it. */
  hangup: "hangUpVoip",
  /** The caller gave up while it rang. */
  cancelled: "cancelVoip",
  /** Another phone answered the device's call first. */
  answeredElsewhere: "cancelVoip",
  /** The call was declined. */
  rejected: "rejectVoip",
  /** Do not disturb is on. */
  dnd: "rejectVoip",
  /** The device knows this phone and does not allow the call. */
  forbidden: "rejectVoip",
  /** The two sides speak different versions of the protocol. */
  unsupported: "rejectVoip",
  /** A value in a message breaks the rules. */
  badRequest: "rejectVoip",
  /** The device's clock is not set: the call token must carry the device's nonce. */
  needNonce: "rejectVoip",
  /** The other side is in another call. */
  busy: "busy",
  /** Nobody answered. */
  timeout: "timeout",
  /** Answered, but picture and sound never connected; at the end that was called the event is `joinFailListener`. */
  joinFailed: "joinFailCaller",
  /** The call broke off; a {@link Detail} may stand beside it. */
  aborted: "abortVoip",
} as const satisfies Record<string, string>;

/** Why a call ended: a key of {@link causes}. */
export type Cause = keyof typeof causes;

/**
 * How a hang-up came about: a person pressed it (`manual`), the call page was closed,
 * the app ended it, the other side did (`other`), or the limit was reached.
 */
export const origins = ["manual", "unloadCallPage", "forceFromApp", "other", "timeLimit"] as const;
/** How a hang-up came about, one of {@link origins}; stands beside the cause `hangup`, and beside `cancelled` and `rejected` at the side that acted. */
export type Origin = (typeof origins)[number];

/**
 * What broke a call off: media did not come back in time, the device lost a part that
 * it needs, was restarted, took away this phone's trust, was shut down, does not
 * answer, or knows nothing of the call.
 */
export const details = [
  "mediaLost",
  "deviceLost",
  "restarted",
  "revoked",
  "shutdown",
  "unreachable",
  "unknownRoom",
] as const;
/** What broke a call off, one of {@link details}; stands only beside the cause `aborted`. */
export type Detail = (typeof details)[number];

/** The whole reason of an end. */
export interface End {
  /** Why, in one word. */
  readonly cause: Cause;
  /** Beside `hangup`, and beside `cancelled` and `rejected` at the side that acted: how it came about. */
  readonly origin?: Origin;
  /** Beside `aborted`, when it is known: what broke it off. */
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
