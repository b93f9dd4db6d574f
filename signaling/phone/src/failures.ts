/** From the protocol's words to the SDK's errors. */
import type { End } from "./causes.js";
import { CallboxError, type ErrorCode } from "./errors.js";
import type { LinkState } from "./way.js";

/** The failure that a link which has stopped for good stands for. */
export function linkError(state: LinkState): CallboxError | undefined {
  if (state === "keyChanged") return new CallboxError("deviceKeyChanged", "the device has another key than the one this phone was paired with");
  if (state === "unsupported") return new CallboxError("unsupported", "the device speaks no version of the protocol that this page speaks");
  return undefined;
}

/** The code of a cause that has one of the same kind. */
export function errorOf(cause: End["cause"]): ErrorCode | undefined {
  switch (cause) {
    case "hangup":
    case "cancelled":
      return "cancelled";
    case "forbidden":
    case "dnd":
    case "busy":
    case "unsupported":
    case "badRequest":
    case "needNonce":
      return cause;
    case "answeredElsewhere":
    case "rejected":
    case "timeout":
    case "joinFailed":
    case "aborted":
      return undefined;
  }
}

/** Why callDevice rejects when its attempt has ended. */
export function failure(end: End, roomId: string): CallboxError {
  if (end.detail === "unreachable") return new CallboxError("unreachable", "the device did not answer", roomId);
  const code = errorOf(end.cause) ?? (end.cause === "joinFailed" ? "mediaUnavailable" : "aborted");
  return new CallboxError(code, `the call ended before the device answered: ${end.cause}`, roomId);
}
