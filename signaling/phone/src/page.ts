/**
 * What an app says about the call page. It is kept for this tab (sessionStorage), so
 * that it holds on the next document too: the call page may be another one than that
 * on which the app said it.
 */
import { CallboxError } from "./errors.js";
import { isObject, type Json } from "./ijson.js";
import { callListeners, notify } from "./listeners.js";
import { checkOptions, checkPayload, type CallOptions } from "./options.js";
import { start } from "./running.js";
import { CALL_PAGE_PATH } from "./sdk.js";

/** How one side's picture is shown. */
export interface PictureUI {
  /** Degrees clockwise by which it is turned: for a camera that is not mounted upright. Default 0. */
  readonly cameraRotation?: 0 | 90 | 180 | 270;
  /** Height by width of its frame on the page. Default: the place that there is. */
  readonly aspectRatio?: number;
  /** Left and right change places. Default: only in this phone's own picture of its front camera. */
  readonly horMirror?: boolean;
  /** Top and bottom change places. Default false. */
  readonly vertMirror?: boolean;
  /** This phone's camera can be switched on and off. Default true. Means nothing for the device's picture. */
  readonly enableToggleCamera?: boolean;
  /** How it fills its frame. Default: it covers it, or is shown whole where more than a third would be cut off; two presses or the key W change that. */
  readonly objectFit?: "fill" | "contain" | "cover";
}

/** The call page's looks: the plug-in's names. */
export interface UIConfig {
  /** The text of the button that `setCustomBtnText` sets; what a press sends stays as it is. */
  readonly btnText?: string;
  /** The picture of who has called. */
  readonly callerUI?: PictureUI;
  /** The picture of who was called. */
  readonly listenerUI?: PictureUI;
  /** True: by the loudspeaker. False: by the earpiece or a headset, where the browser lets a page choose. Default true. */
  readonly handsFree?: boolean;
}

/** What is sent when the custom button is pressed. */
export interface CustomData {
  /** Up to 4 KiB of any JSON. Default: `{ button: btnText }`. */
  readonly payload?: Json;
  /** Opens the door; the phone needs that right at the device. */
  readonly right?: "unlock";
}

/** Where the call page leads to after a call. */
export interface EndPage {
  /** The plug-in's `BindContact` has no page here. */
  readonly key: "Call";
  /** Address on this origin. */
  readonly url: string;
  /** Query string, without its `?`. */
  readonly options?: string;
  /** `redirectTo` (default) puts it in the place of the call page; the others keep that in the history. */
  readonly routeType?: "redirectTo" | "switchTab" | "reLaunch";
}

/** All of it, for a call page. */
export interface PageSettings {
  /** As the app has set it; `{}`: it has not. */
  readonly ui: UIConfig;
  /** Undefined: the app has said nothing; a text of "": no button. */
  readonly button?: {
    /** What stands on it. */
    readonly text: string;
    /** What a press sends, by `sendData`; without a payload `{ button: text }`. */
    readonly data: CustomData;
  };
  /** As `setVoipEndPagePath` was told; undefined: back to the devices. */
  readonly end?: EndPage;
}

const key = "callbox.page";
const wishKey = "callbox.wish";
/** A wish that no call page took within so many milliseconds is given up. */
const wishLife = 15_000;

let settings: PageSettings | undefined;

/** What the app has said about the call page. */
export function pageSettings(): PageSettings {
  return (settings ??= (read(key) as PageSettings | undefined) ?? { ui: {} });
}

/** Sets the call page's looks. What is left out is as by default; the button, its text and its data are as they were set last. It also counts in a running call. @throws CallboxError badArgument */
export async function setUIConfig(config: UIConfig): Promise<void> {
  check(config, ["handsFree"], {});
  for (const picture of [config.callerUI, config.listenerUI]) {
    if (picture === undefined) continue;
    check(picture, ["horMirror", "vertMirror", "enableToggleCamera"], { cameraRotation: [0, 90, 180, 270], objectFit: ["fill", "contain", "cover"] });
    const { aspectRatio = 1 } = picture;
    if (typeof aspectRatio !== "number" || !(aspectRatio >= 0.1 && aspectRatio <= 10)) throw bad("aspectRatio must be a number from 0.1 to 10");
  }
  if (config.btnText !== undefined) await setCustomBtnText(config.btnText, pageSettings().button?.data);
  set({ ...pageSettings(), ui: config });
}

/**
 * Shows a button of the app's own on the call page, in a talk; "" shows none. A press
 * sends `data` to the device, which says whether it was done. Without `data` it asks the
 * device to open the door. Until this is called, the page shows such a button to a phone
 * that has the right `unlock`.
 * @throws CallboxError badArgument
 */
export async function setCustomBtnText(btnText: string, data: CustomData = { right: "unlock" }): Promise<void> {
  if (typeof btnText !== "string" || Array.from(btnText).length > 40) throw bad("btnText must be a string of at most 40 characters");
  check(data, [], { right: ["unlock"] });
  checkPayload(data.payload);
  set({ ...pageSettings(), button: { text: btnText, data } });
  return Promise.resolve();
}

/** Says where the call page leads to after a call. @throws CallboxError badArgument */
export async function setVoipEndPagePath(page: EndPage): Promise<void> {
  check(page, [], { key: ["Call"], routeType: ["redirectTo", "switchTab", "reLaunch"] });
  const url = addressHere(page.url);
  if (url === undefined) throw bad("url must be an address on this origin");
  if (!["string", "undefined"].includes(typeof page.options)) throw bad("options must be a string");
  set({ ...pageSettings(), end: { ...page, url } });
  return Promise.resolve();
}

/**
 * Loads the call page, which makes the call: for an app whose pages are documents of
 * their own, because a document that is left takes its call along. An app of one
 * document uses `callDevice`.
 * @throws CallboxError badArgument, storage
 */
export async function openCallPage(options: CallOptions): Promise<void> {
  checkOptions(options);
  if (!write(wishKey, { options, at: Date.now() })) throw new CallboxError("storage", "the browser refuses to store anything");
  location.assign(new URL(CALL_PAGE_PATH, location.href));
  return Promise.resolve();
}

/** The call for which `openCallPage` has loaded this page: once, and only at once. */
export function takeCallWish(): CallOptions | undefined {
  const wish = read(wishKey) as { readonly options: CallOptions; readonly at: number } | undefined;
  write(wishKey, undefined);
  const age = wish === undefined ? Infinity : Date.now() - wish.at;
  return age >= 0 && age < wishLife ? wish?.options : undefined;
}

/** Says that the person sees the running call: the event `callPageOnShow`. The call page of this package says it by itself. @throws CallboxError noCall */
export async function callPageShown(): Promise<void> {
  const { phone } = await start();
  if (!phone.session?.shown()) throw new CallboxError("noCall", "no call is running here");
}

/** Checks what an app has passed: an object, whose members, when they are there, are true or false, or one of a few words. */
function check(value: unknown, switches: readonly string[], words: Readonly<Record<string, readonly unknown[]>>): void {
  if (!isObject(value)) throw bad("an object is needed");
  for (const name of switches) if (!["undefined", "boolean"].includes(typeof value[name])) throw bad(`${name} must be true or false`);
  for (const [name, allowed] of Object.entries(words)) {
    if (value[name] !== undefined && !allowed.includes(value[name])) throw bad(`${name} must be one of ${allowed.join(", ")}`);
  }
}

function addressHere(text: unknown): string | undefined {
  try {
    const url = new URL(String(text), location.href);
    return url.origin === location.origin ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function set(next: PageSettings): void {
  settings = next;
  write(key, next); // a browser that stores nothing forgets it with the document
  notify(callListeners);
}

function read(name: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

function write(name: string, value: unknown): boolean {
  try {
    if (value === undefined) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

function bad(message: string): CallboxError {
  return new CallboxError("badArgument", message);
}
