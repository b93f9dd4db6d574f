/**
 * Web Push, the browser's part: subscribing, and leaving the subscription with the
 * device (docs/push.md). The SDK loads it when it is needed.
 *
 * A registration of a service worker has one subscription, for one key, so each
 * device has a registration of its own, with the scope `push/<dkt>/` beside the
 * worker's script. That it exists says that the person wants to be woken.
 */
import { base64url } from "./encoding.js";
import { CallboxError, type PushHindrance } from "./errors.js";
import { inquire } from "./inquiry.js";
import type { Pushed } from "./message.js";
import type { Phone } from "./phone.js";
import { pushScope } from "./pushscope.js";
import type { Tabs } from "./tabs.js";

/** Whether a device wakes this phone. */
export interface PushState {
  /** It does. */
  readonly on: boolean;
  /** Why it cannot be switched on; undefined: it can. */
  readonly hindrance: PushHindrance | undefined;
}

/** What of the SDK is needed. */
export interface Opened {
  readonly phone: Pick<Phone, "ask" | "woken">;
  readonly tabs: Pick<Tabs, "hold" | "tryHold">;
}

/** What this browser lacks, as far as can be seen before anything is tried. */
export function hindrance(): PushHindrance | undefined {
  const has = "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;
  if (!has) return onIos() && !installed() ? "pushInstall" : "pushUnsupported";
  return Notification.permission === "denied" ? "pushDenied" : undefined;
}

/** @throws CallboxError unreachable, otherTab */
export async function state(opened: Opened, dkt: string): Promise<PushState> {
  return coded(async () => {
    const why = hindrance();
    if (why) return { on: false, hindrance: why };
    if (!(await opened.tabs.tryHold())) throw new CallboxError("otherTab", "another tab of this browser is connected");
    const { key } = await askPush(opened.phone, dkt, {});
    if (key === undefined) return { on: false, hindrance: "pushOff" };
    return { on: await renewed(opened.phone, dkt), hindrance: undefined };
  });
}

/** `permission`: what the person has answered. @throws CallboxError PushHindrance, pushService, pushFailed, unreachable, otherTab, badRequest, noHandler */
export async function subscribe({ phone, tabs }: Opened, dkt: string, worker: string, permission: NotificationPermission | undefined): Promise<void> {
  await coded(async () => {
    const why = hindrance() ?? (permission === "granted" ? undefined : "pushDenied");
    if (why) throw new CallboxError(why, "this phone cannot be woken");
    await tabs.hold();
    const { key } = await askPush(phone, dkt, {});
    if (key === undefined) throw new CallboxError("pushOff", "the device wakes nobody");
    const registration = await register(worker, dkt);
    try {
      await leave(phone, dkt, await subscription(registration, key));
    } catch (error) {
      await end(registration, dkt);
      throw error;
    }
  });
}

/** Ends it in the browser, which is enough: a device that is not there now hears of it from the push service. */
export async function unsubscribe({ phone }: Opened, dkt: string): Promise<void> {
  await coded(async () => {
    const registration = await find(dkt);
    if (registration) await end(registration, dkt);
    try {
      const { nonce } = await askPush(phone, dkt, {});
      await askPush(phone, dkt, { nonce, remove: true });
    } catch (error) {
      if (!(error instanceof CallboxError)) throw error;
    }
  });
}

/** The device is connected: has it forgotten how it wakes this phone, or another key for it? */
export async function renew({ phone }: Opened, dkt: string): Promise<void> {
  listen(phone);
  await renewed(phone, dkt);
}

const listening = new WeakSet();

/** Hears of a push that came although this page is open: `{callbox: "ring", dkt, roomId}` from the service worker. */
function listen(phone: Opened["phone"]): void {
  if (listening.has(phone) || !("serviceWorker" in navigator)) return;
  listening.add(phone);
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<{ readonly callbox?: unknown; readonly dkt: string; readonly roomId: string } | null>) => {
    if (data?.callbox === "ring") phone.woken(data.dkt, data.roomId);
  });
}

/**
 * Leaves the subscription anew where the device has forgotten it, has another key, or
 * the browser has another subscription. True: the device wakes this phone.
 */
async function renewed(phone: Opened["phone"], dkt: string): Promise<boolean> {
  const registration = hindrance() ? undefined : await find(dkt);
  if (!registration || Notification.permission !== "granted") return false;
  const { key, subscribed } = await askPush(phone, dkt, {});
  if (key === undefined) return false; // it may push again one day
  const now = await subscription(registration, key);
  if (!subscribed || localStorage.getItem(leftKey(dkt)) !== now.endpoint) await leave(phone, dkt, now);
  return true;
}

/** What the browser itself refuses gets a code. */
async function coded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof CallboxError ? error : new CallboxError("pushFailed", `the browser refuses: ${String(error)}`);
  }
}

async function end(registration: ServiceWorkerRegistration, dkt: string): Promise<void> {
  localStorage.removeItem(leftKey(dkt));
  await (await registration.pushManager.getSubscription())?.unsubscribe().catch(() => false);
  await registration.unregister();
}

async function find(dkt: string): Promise<ServiceWorkerRegistration | undefined> {
  const all = await navigator.serviceWorker.getRegistrations();
  return all.find(({ scope }) => scope.endsWith(pushScope(dkt)));
}

async function register(worker: string, dkt: string): Promise<ServiceWorkerRegistration> {
  const script = new URL(worker, document.baseURI);
  const scope = new URL(`.${pushScope(dkt)}`, script).href;
  try {
    return await active(await navigator.serviceWorker.register(script, { scope, updateViaCache: "none" }));
  } catch (error) {
    const untrusted = error instanceof DOMException && error.name === "SecurityError";
    throw new CallboxError(untrusted ? "pushCertificate" : "pushFailed", `the service worker does not start: ${String(error)}`);
  }
}

/** Nothing can be subscribed before the worker is active. */
async function active(registration: ServiceWorkerRegistration): Promise<ServiceWorkerRegistration> {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  if (!worker) throw new Error("there is no worker");
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (worker.state === "activated") resolve();
      if (worker.state === "redundant") reject(new Error("it was given up"));
    };
    worker.addEventListener("statechange", look);
    look();
  });
  return registration;
}

async function subscription({ pushManager }: ServiceWorkerRegistration, key: string): Promise<PushSubscription> {
  const had = await pushManager.getSubscription();
  const hadKey = had?.options.applicationServerKey;
  if (had && hadKey && base64url(new Uint8Array(hadKey)) === key) return had;
  try {
    await had?.unsubscribe(); // of a key that the device has no longer
    return await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch (error) {
    const denied = error instanceof DOMException && error.name === "NotAllowedError";
    throw new CallboxError(denied ? "pushDenied" : "pushFailed", `the browser does not subscribe: ${String(error)}`);
  }
}

/** Asks a device how it wakes this phone, or changes that (docs/protocol.md section 3, Waking). @throws CallboxError notPaired, unreachable, badRequest */
export async function askPush(phone: Opened["phone"], dkt: string, members: object): Promise<Pushed> {
  return inquire(phone, dkt, {
    type: "push",
    members,
    answer: (type, body) => {
      if (type !== "pushed") return undefined;
      return typeof body !== "string" && body.t === "pushed" ? { is: body } : new CallboxError("badRequest", "the device's answer cannot be read");
    },
  });
}

async function leave(phone: Opened["phone"], dkt: string, subscribed: PushSubscription): Promise<void> {
  // Subscribing may have taken longer than a nonce lives.
  const { nonce } = await askPush(phone, dkt, {});
  const { error } = await askPush(phone, dkt, { nonce, subscription: subscribed.toJSON() });
  if (error !== undefined) {
    const code = error === "forbidden" ? "pushService" : error === "noHandler" ? error : "badRequest";
    throw new CallboxError(code, `the device does not take the subscription: ${error}`);
  }
  localStorage.setItem(leftKey(dkt), subscribed.endpoint);
}

/** Where the browser keeps which subscription the device has. */
function leftKey(dkt: string): string {
  return `callbox push ${dkt}`;
}

function onIos(): boolean {
  const { userAgent, maxTouchPoints } = navigator;
  // An iPad calls itself a Mac, of which none has a touch screen.
  return /iPhone|iPad|iPod/.test(userAgent) || (userAgent.includes("Macintosh") && maxTouchPoints > 1);
}

function installed(): boolean {
  return matchMedia("(display-mode: standalone)").matches;
}
