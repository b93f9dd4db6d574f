/**
 * Why a function of the SDK failed. Every failure arrives in one way only: as
 * a rejected promise with a CallboxError. The codes are stable, the messages
 * are for developers and may change. What becomes of a call once `callDevice` has resolved,
 * a refusal of the device among it, is told by its events.
 *
 * Each code names the functions that reject with it.
 */
export type ErrorCode =
  /** An argument breaks the rules; nothing was sent. From every function that takes one; `onVoipEvent` and its like, which return no promise, throw it. */
  | "badArgument"
  /** The page is not a secure context: the browser gives no keys and no camera. From every function that returns a promise. */
  | "insecureContext"
  /** The browser lacks WebRTC, IndexedDB or Web Locks. From every function that returns a promise. */
  | "unsupportedBrowser"
  /** This phone has no such device. From `callDevice`, `forgetDevice`, `getIotBindContactList`, `pushState`, `subscribePush`. */
  | "notPaired"
  /** Several paired devices have this serial number: pass `dkt`. From `callDevice`. */
  | "ambiguousDevice"
  /** This is no pairing link. From `pair`. */
  | "pairLinkInvalid"
  /** The device refused the pairing: the link was used or has run out. From `pair`. */
  | "pairRefused"
  /** The device answered with another key than the one this phone was paired with. From `callDevice`, `pair`. */
  | "deviceKeyChanged"
  /** A call is running in this tab. From `callDevice`, `pair`, `forgetDevice`. */
  | "callInProgress"
  /**
   * A call is running in another tab of this browser, or that one is connected. From `callDevice`, `pair`, `setMic`,
   * `setCamera`, `flipCamera`, `setSpeaker`, `sendData`, `pushState`, `subscribePush`.
   */
  | "otherTab"
  /** The device did not answer (in 10 s). From `callDevice`, `pair`, `sendData`, `pushState`, `subscribePush`. */
  | "unreachable"
  /** The call was given up before the device answered. From `callDevice`. */
  | "cancelled"
  /**
   * There is no call, or not this one. From `answer`, `reject`, `hangUp`, `forceHangUpVoip`, `setMic`, `setCamera`,
   * `flipCamera`, `setSpeaker`, `sendData`, `callPageShown`.
   */
  | "noCall"
  /** The device does not allow this phone what the data asks for. From `sendData`. */
  | "forbidden"
  /** The two sides speak different versions of the protocol. From `callDevice`, `pair`. */
  | "unsupported"
  /** The other side broke the protocol, or says that this side did. From `callDevice`, `pair`, `sendData`, `pushState`, `subscribePush`. */
  | "badRequest"
  /** The device's clock is not set and it asks for a nonce in the call token. From `callDevice`. */
  | "needNonce"
  /** The device has nobody who handles such data, or keeps no subscription. From `sendData`, `pushState`, `subscribePush`. */
  | "noHandler"
  /** The device broke the attempt off. From `callDevice`, `pair`. */
  | "aborted"
  /** No connection for picture and sound could be made. From `callDevice`. */
  | "mediaUnavailable"
  /** The browser's storage failed. From every function that returns a promise. */
  | "storage"
  | PushHindrance
  /** The device does not speak to this browser's push service. From `pushState`, `subscribePush`. */
  | "pushService"
  /** The browser could not subscribe: its push service or the page's service worker was not reached. From `pushState`, `subscribePush`, `unsubscribePush`. */
  | "pushFailed";

/** Why a phone cannot be woken when its page is closed: what `pushState` says, and `subscribePush` rejects with. */
export type PushHindrance =
  /** The browser has no Web Push. From `subscribePush`. */
  | "pushUnsupported"
  /** iOS and iPadOS give it only to a page that was put on the home screen. From `subscribePush`. */
  | "pushInstall"
  /** The person, or the browser, allows this page no notifications. From `pushState`, `subscribePush`. */
  | "pushDenied"
  /** The browser starts no service worker here: the page's certificate is not trusted. From `subscribePush`. */
  | "pushCertificate"
  /** The device wakes nobody. From `subscribePush`. */
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
