/**
 * Why a function of the SDK failed. Every failure arrives in one way only: as a
 * rejected promise with a CallboxError. The codes are stable, the messages are
 * for developers and may change.
 */
export type ErrorCode =
  /** An argument breaks the rules; nothing was sent. */
  | "badArgument"
  /** The page is not a secure context: the browser gives no keys and no camera. */
  | "insecureContext"
  /** The browser lacks WebRTC, IndexedDB or Web Locks. */
  | "unsupportedBrowser"
  /** This phone has no such device. */
  | "notPaired"
  /** Several paired devices have this serial number: pass `dkt`. */
  | "ambiguousDevice"
  /** A pairing link that cannot be read, or of another kind. */
  | "pairLinkInvalid"
  /** The device refused the pairing: the link was used or has run out. */
  | "pairRefused"
  /** The device answered with another key than the one this phone was paired with. */
  | "deviceKeyChanged"
  /** A call is running in this tab. */
  | "callInProgress"
  /** A call is running in another tab of this browser. */
  | "otherTab"
  /** The device did not answer (in 10 s). */
  | "unreachable"
  /** The call was given up before the device answered. */
  | "cancelled"
  /** There is no call, or not this one. */
  | "noCall"
  /** The device knows this phone and does not allow it. */
  | "forbidden"
  /** Do not disturb is on. */
  | "dnd"
  /** The device is in another call. */
  | "busy"
  /** The two sides speak different versions of the protocol. */
  | "unsupported"
  /** The other side broke the protocol, or says that this side did. */
  | "badRequest"
  /** The device's clock is not set and it asks for a nonce in the call token. */
  | "needNonce"
  /** The device has nobody who handles such data. */
  | "noHandler"
  /** The device broke the attempt off. */
  | "aborted"
  /** The microphone or camera could not be opened. */
  | "mediaUnavailable"
  /** The browser's storage failed. */
  | "storage";

/** The one error type of the SDK. */
export class CallboxError extends Error {
  /** Always `CallboxError`. */
  override readonly name = "CallboxError";
  constructor(
    /** What a program may decide by. */
    readonly code: ErrorCode,
    message: string,
    /** The room that the failure belongs to, when there is one. */
    readonly roomId?: string,
  ) {
    super(message);
  }
}
