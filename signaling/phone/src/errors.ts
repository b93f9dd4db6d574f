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
  | "storage"
  | PushHindrance
  /** The device does not speak to this browser's push service. */
  | "pushService"
  /** The browser could not subscribe: its push service or the page's service worker was not reached. */
  | "pushFailed";

/** Why a phone cannot be woken when its page is closed. */
export type PushHindrance =
  /** The browser has no Web Push. */
  | "pushUnsupported"
  /** iOS and iPadOS give it only to a page that was put on the home screen. */
  | "pushInstall"
  /** The person, or the browser, allows this page no notifications. */
  | "pushDenied"
  /** The browser starts no service worker here: the page's certificate is not trusted. */
  | "pushCertificate"
  /** The device wakes nobody. */
  | "pushOff";

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
