/**
 * callbox-phone: calls a callbox device from a browser, with the names of
 * WeChat's `wmpf-voip` plug-in.
 *
 * ```ts
 * const off = onVoipEvent((event) => console.log(event.eventName, event.data));
 * const { roomId } = await callDevice({ roomType: "video", timeLimit: 60 });
 * video.srcObject = remoteStream() ?? null; // once `hangOnVoip` came
 * forceHangUpVoip(roomId);
 * ```
 *
 * A device calls, too: the event `ringing` has `isCaller: false` then, `currentCall()`
 * the phase `incoming`, and `answer()` or `reject()` say what the person wants.
 *
 * Failures come one way only: a rejected promise with a `CallboxError` and its
 * documented `code`. A call that `callDevice` has resolved for ends by its events.
 */
import type { BrokerReport } from "./brokers.js";
import { CallboxError } from "./errors.js";
import type { Json } from "./ijson.js";
import type { LegStats } from "./leg.js";
import { callListeners, dataListeners, deviceListeners, logged, subscribe, voipListeners, type LoggedEvent } from "./listeners.js";
import type { MediaSettings } from "./media.js";
import { checkData, checkOptions, type CallOptions } from "./options.js";
import { formatPairingLink, parsePairingLink, type PairingLink } from "./pairing.js";
import type { CallResult, Device } from "./phoneparts.js";
import { callElsewhere, elsewhere, running, sessionHere, setMedia, start } from "./running.js";
import type { CallView } from "./view.js";
import type { VoipEvent } from "./voipevents.js";
import { mayBeWoken, unsubscribePush } from "./waking.js";

export { getIotBindContactList, type BoundContact, type BoundContacts } from "./contacts.js";
export { CallboxError, type ErrorCode, type PushHindrance } from "./errors.js";
export { causes, details, origins, type Cause, type Detail, type End, type Origin } from "./causes.js";
export type { BrokerReport } from "./brokers.js";
export { setBrokerLogin } from "./brokersetup.js";
export type { CallOptions, RoomType } from "./options.js";
export type { CallResult, Device } from "./phoneparts.js";
export type { CallView } from "./view.js";
export type { EndData, JoinFailData, NoData, UnansweredData, VoipEvent, VoipEventData, VoipEventName } from "./voipevents.js";
export type { Info } from "./channel.js";
export type { Json } from "./ijson.js";
export type { InboundStats, LegStats } from "./leg.js";
export type { LoggedEvent } from "./listeners.js";
export type { BrokerLogin, BrokerLoginProvider, BrokerLoginRequest } from "./login.js";
export type { LinkState } from "./way.js";
export type { MediaProblem, MediaSettings } from "./media.js";
export type { PairingLink } from "./pairing.js";
export type { PushState } from "./push.js";
export { pushState, subscribePush, unsubscribePush } from "./waking.js";
export type { Phase } from "./call.js";
export { environment } from "./running.js";
export { callPageShown, openCallPage, pageSettings, setCustomBtnText, setUIConfig, setVoipEndPagePath, takeCallWish } from "./page.js";
export type { CustomData, EndPage, PageSettings, PictureUI, UIConfig } from "./page.js";
export type { Right } from "./rights.js";

/**
 * Path of the call page, relative to where the page is served. It is entered
 * with `?roomId=`; entering it again, in this tab or in another, does not touch
 * the running call. In the tab of the call, enter it with `history.pushState`:
 * loading a document ends what the old one was doing.
 */
export const CALL_PAGE_PATH = "./";

/** How a page was entered: the plug-in's shape. */
export interface EnterOptions {
  /** The path of the page's address. */
  readonly path: string;
  /** What stands behind its `?`; of a name that stands there twice, the last. */
  readonly query: Readonly<Record<string, string>>;
}

/** A call as this tab sees it. */
export interface CurrentCall extends CallView {
  /** The older name of roomId: always the same. */
  readonly groupId: string;
  /** False: the call runs in another tab of this browser, and this one looks on. */
  readonly here: boolean;
}

const onload = readOptions();

/**
 * Calls a device. Resolves when the device has answered that it is there; from then
 * on the events tell the rest, and every call ends with `endVoip` and `finishVoip`.
 *
 * Rejects with a {@link CallboxError}: `badArgument`, `callInProgress`, `notPaired` and
 * `ambiguousDevice` before anything is sent; `otherTab`; `unreachable` (after 10 s),
 * `deviceKeyChanged`, `unsupported`, `needNonce`, `badRequest` or `aborted` as the device
 * says; `mediaUnavailable`; `cancelled` when the call was given up meanwhile. That the device
 * is busy, does not want to be disturbed or does not allow the call it says later, by the
 * events `busy` and `rejectVoip` with the cause: only who has proved to be here now is told.
 */
export async function callDevice(options: CallOptions): Promise<CallResult> {
  checkOptions(options);
  const { phone, tabs, rights } = await start();
  phone.check(options);
  await tabs.hold();
  try {
    return await phone.call(options);
  } catch (error) {
    void rights.refresh(); // it may have been removed there
    throw error;
  }
}

/**
 * Answers the call of a device that rings here (event `ringing` with `isCaller:
 * false`, phase `incoming`), or the one named. Microphone and camera are opened only
 * now. What becomes of it the events tell: `hangOnVoip`, `startVoip`. Rejects with `noCall`
 * when it rings no more.
 */
export async function answer(roomId?: string): Promise<void> {
  await respond("answer", roomId);
}

/** Declines the call of a device that rings here, or the one named, as the person. Rejects with `noCall` when it rings no more. */
export async function reject(roomId?: string): Promise<void> {
  await respond("reject", roomId);
}

/** Ends the running call, as the app: origin `forceFromApp`. With an id, only if it is that call. Rejects with `noCall` when there is none, or not that one. */
export async function forceHangUpVoip(roomId?: string): Promise<void> {
  await hangUpAs("forceFromApp", roomId);
}

/** Ends the running call, as the person: origin `manual`. Rejects with `noCall` when there is none. */
export async function hangUp(): Promise<void> {
  await hangUpAs("manual", undefined);
}

/** Hears all events of calls. @returns the function that stops it @throws CallboxError `badArgument`: it is no function */
export function onVoipEvent(listener: (event: VoipEvent) => void): () => void {
  return subscribe(voipListeners, listener);
}

/** How this page was loaded. The fragment is never part of it. */
export function getPluginOnloadOptions(): EnterOptions {
  return onload;
}

/** How the page was entered last: follows `history.pushState` and `replaceState`. */
export function getPluginEnterOptions(): EnterOptions {
  return readOptions();
}

/** Takes a pairing link out of the address bar, at once and for good. `invalid`: there was one that cannot be read. */
export function takePairingLink(): PairingLink | "invalid" | undefined {
  const match = /^#pair=(.*)$/s.exec(location.hash);
  if (!match) return undefined;
  history.replaceState(history.state, "", location.pathname + location.search);
  return parsePairingLink(match[1] ?? "") ?? "invalid";
}

/**
 * Pairs this phone with the device of a link, under a name for this phone of 1 to 64
 * characters. Call it only after the person agreed: a link is spent by one pairing.
 *
 * Rejects with `pairLinkInvalid`, `badArgument` (the name), `callInProgress` and `otherTab`
 * before anything is sent; `pairRefused` when the link was used or has run out, `unreachable`
 * (after 10 s), `deviceKeyChanged`, `unsupported`, `badRequest` or `aborted`.
 */
export async function pair(link: PairingLink, name: string): Promise<Device> {
  // What an app has stored of it may be anything.
  if (!parsePairingLink(formatPairingLink(link))) throw new CallboxError("pairLinkInvalid", "this is no pairing link");
  const { phone, tabs } = await start();
  await tabs.hold();
  if (phone.busy) throw new CallboxError("callInProgress", "a call is running");
  const device = await phone.pair(link, name);
  tabs.post({ k: "devices" });
  // Browsers delete what a site has stored when space is short, unless it asks. Firefox
  // asks the person, and does not answer until that is done: it is not waited for.
  navigator.storage.persist().catch(() => false);
  return device;
}

/** The paired devices, each with the state of its connection. */
export async function devices(): Promise<readonly Device[]> {
  return (await start()).phone.devices();
}

/** Hears of every change in {@link devices}. @returns the function that stops it @throws CallboxError `badArgument`: it is no function */
export function onDevices(listener: () => void): () => void {
  return subscribe(deviceListeners, listener);
}

/** Forgets a device. The device keeps this phone as a contact until it is removed there. Rejects with `notPaired`, and with `callInProgress` during a call with it. */
export async function forgetDevice(dkt: string): Promise<void> {
  const { phone, tabs } = await start();
  await phone.forget(dkt);
  if (mayBeWoken()) await unsubscribePush(dkt);
  tabs.post({ k: "devices" });
}

/** The running call, here or in another tab; or the last one, ended; undefined: none yet. */
export function currentCall(): CurrentCall | undefined {
  const phone = running?.phone;
  const own = phone?.view();
  if (elsewhere && !phone?.busy) return { ...elsewhere, groupId: elsewhere.roomId, here: false };
  return own && { ...own, groupId: own.roomId, here: true };
}

/** Hears of every change in {@link currentCall}; in a talk at least once a second. @returns the function that stops it @throws CallboxError `badArgument`: it is no function */
export function onCall(listener: () => void): () => void {
  return subscribe(callListeners, listener);
}

/** Own microphone on or off. Resolves to false when there is none that can be opened. Rejects with `noCall`, or `otherTab` where the call runs in another tab. */
export async function setMic(on: boolean): Promise<boolean> {
  return (await sessionHere()).setMic(on);
}

/** Own camera on or off; off also puts its light out. Resolves and rejects like {@link setMic}. */
export async function setCamera(on: boolean): Promise<boolean> {
  return (await sessionHere()).setCamera(on);
}

/** Changes between the front and the back camera; a camera that is off comes on as the other one later. Resolves and rejects like {@link setMic}. */
export async function flipCamera(): Promise<boolean> {
  return (await sessionHere()).flipCamera();
}

/**
 * Says whether the page plays the device's sound: false where the browser does not let it.
 * The device is told, as of microphone and camera; until this is called, it is told that the
 * phone hears. Rejects like {@link setMic}.
 */
export async function setSpeaker(on: boolean): Promise<void> {
  (await sessionHere()).setSpeaker(on);
}

/** Own picture and sound, undefined when no call is here. A new stream whenever a track has changed. */
export function localStream(): MediaStream | undefined {
  const media = running?.phone.media;
  if (!media) return undefined;
  return new MediaStream([media.audio, media.video].filter((track) => track !== null));
}

/** The device's picture and sound in the running call of this tab: silent and dark until `hangOnVoip`. */
export function remoteStream(): MediaStream | undefined {
  return running?.phone.busy ? running.phone.session?.remote : undefined;
}

/**
 * Sends the maker's own data to the device: up to 4 KiB as JSON, while an own call rings
 * there and in the talk. In a call of the device there is no way for it before the answer:
 * that is `noCall`. `right: "unlock"` opens the door, for a phone that has that right.
 * Resolves when somebody at the device has taken it. Rejects with `noHandler` when nobody is
 * there who does, `forbidden` without the right, `unreachable` when no answer came,
 * `badArgument`, `badRequest`, `noCall` or `otherTab`.
 */
export async function sendData(data: { readonly payload: Json; readonly right?: "unlock" }): Promise<void> {
  checkData(data);
  await (await sessionHere()).sendData(data.payload, data.right);
}

/**
 * Hears the device's own data, while an own call rings there and in the talk. The device is told
 * that it was taken; that nobody handles it (`noHandler`) when no listener is there
 * or each of them has thrown.
 * @returns the function that stops it
 * @throws CallboxError `badArgument`: it is no function
 */
export function onData(listener: (payload: Json) => void): () => void {
  return subscribe(dataListeners, listener);
}

/** Sets what is asked of microphone and camera, from the next call on. */
export function configureMedia(change: Partial<MediaSettings>): void {
  setMedia(change);
}

/** The last 200 events with their times: for support and tests. */
export function events(): readonly LoggedEvent[] {
  return logged();
}

/** The state of the connection and of what arrives: for support and tests. */
export async function stats(): Promise<{
  /** As in {@link currentCall}. */
  readonly phase: CallView["phase"] | undefined;
  /** As in {@link currentCall}. */
  readonly roomId: string | undefined;
  /** How well this phone receives the device: 0 (nothing) to 4 (good); measured every 2 s. */
  readonly quality: number | undefined;
  /** How many messages were ignored, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** The connections to MQTT brokers. */
  readonly brokers: readonly BrokerReport[];
  /** What the browser measures of the running call. */
  readonly media: LegStats | undefined;
}> {
  const { phone } = await start();
  const view = phone.view();
  const session = phone.busy ? phone.session : undefined;
  return {
    phase: view?.phase,
    roomId: view?.roomId,
    quality: session?.quality,
    dropped: { ...phone.dropped },
    brokers: phone.brokers(),
    media: await session?.stats(),
  };
}

/**
 * Starts the phone: connects to the devices, unless another tab does. Every function
 * that returns a promise does so too. Rejects with `insecureContext` or
 * `unsupportedBrowser` as {@link environment} says, or `storage`.
 */
async function startPhone(): Promise<void> {
  await start();
}
// The parts of a running phone are not for those who use the SDK.
export { startPhone as start };

/** To a call of a device that rings here or in another tab. */
async function respond(k: "answer" | "reject", roomId: string | undefined): Promise<void> {
  const { phone, tabs } = await start();
  const other = callElsewhere(phone);
  if (other?.phase === "incoming" && (roomId === undefined || roomId === other.roomId)) tabs.post({ k, roomId: other.roomId });
  else phone[k](roomId);
}

async function hangUpAs(origin: "manual" | "forceFromApp", roomId: string | undefined): Promise<void> {
  const { phone, tabs } = await start();
  const other = callElsewhere(phone);
  if (other && (roomId === undefined || roomId === other.roomId)) {
    tabs.post({ k: "hangUp", roomId: other.roomId, origin });
    return;
  }
  phone.hangUp(origin, roomId);
}

function readOptions(): EnterOptions {
  // Outside a page (a bundler's check, a test) there is no address.
  if (typeof location === "undefined") return { path: "", query: {} };
  return { path: location.pathname, query: Object.fromEntries(new URLSearchParams(location.search)) };
}
