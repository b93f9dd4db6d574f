/** From the protocol's words to the SDK's errors. */
import type { End } from "./causes.js";
import { CallboxError } from "./errors.js";
import type { LinkState } from "./way.js";

/** The failure that a link which has stopped for good stands for. */
export function linkError(state: LinkState): CallboxError | undefined {
  if (state === "keyChanged") return new CallboxError("deviceKeyChanged", "the device has another key than when it was paired");
  if (state === "unsupported") return new CallboxError("unsupported", "the device speaks another version of the protocol");
  return undefined;
}

const told = ["cancelled", "unsupported", "badRequest", "needNonce"] as const;

/**
 * The code of a cause that ends an attempt before the device has said that it is there.
 * The others it says only to an offer, when callDevice has resolved: there they are events.
 */
export function errorOf(cause: End["cause"]): (typeof told)[number] | "aborted" {
  return told.find((code) => code === cause) ?? "aborted";
}

/** Why callDevice rejects when its attempt has ended. */
export function failure(end: End, roomId: string): CallboxError {
  if (end.detail === "unreachable") return new CallboxError("unreachable", "the device did not answer", roomId);
  const code = end.cause === "joinFailed" ? "mediaUnavailable" : errorOf(end.cause);
  return new CallboxError(code, `the call ended before the device answered: ${end.cause}`, roomId);
}
