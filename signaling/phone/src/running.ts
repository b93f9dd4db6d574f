/**
 * The phone that runs in this tab, which all functions of the SDK share, and what it
 * knows of the other tabs. It starts with the first function that needs it.
 */
import { openBrokers } from "./brokersetup.js";
import { realClock } from "./clock.js";
import type { Socket } from "./direct.js";
import { CallboxError } from "./errors.js";
import { BrowserLeg } from "./leg.js";
import { callListeners, deviceListeners, give, notify, tell } from "./listeners.js";
import { BrowserMedia, defaultMedia, type MediaSettings } from "./media.js";
import { Phone } from "./phone.js";
import { Rights } from "./rights.js";
import { BrowserStore } from "./store.js";
import { Tabs } from "./tabs.js";
import type { CallView } from "./view.js";
import { renewPush } from "./waking.js";

/** How often a tab looks whether the one that is in a call is still there, in milliseconds. */
const watchPeriod = 2000;

let settings: MediaSettings = defaultMedia;
/** The newest call in another tab, or the last one, ended; undefined: none. */
export let elsewhere: CallView | undefined;
/** Undefined before the first use. */
export let running: { readonly phone: Phone; readonly tabs: Tabs; readonly rights: Rights; readonly ready: Promise<void> } | undefined;

/** Whether this page can work at all: secure context, keys, locks, WebRTC. */
export function environment(): "ok" | "insecureContext" | "unsupportedBrowser" {
  if (!globalThis.isSecureContext) return "insecureContext";
  const needed = ["RTCPeerConnection", "indexedDB", "BroadcastChannel", "WebSocket"].every((name) => name in globalThis);
  return needed && "locks" in navigator && "subtle" in crypto && "mediaDevices" in navigator ? "ok" : "unsupportedBrowser";
}

/** What is asked of microphone and camera, from the next call on. */
export function setMedia(change: Partial<MediaSettings>): void {
  settings = { ...settings, ...change };
}

/** Starts the phone, unless it runs. @throws CallboxError insecureContext, unsupportedBrowser, storage */
export async function start(): Promise<{ readonly phone: Phone; readonly tabs: Tabs; readonly rights: Rights }> {
  const env = environment();
  if (env === "insecureContext") throw new CallboxError(env, "open this page over https, or on the device itself");
  if (env === "unsupportedBrowser") throw new CallboxError(env, "this browser lacks WebRTC, IndexedDB or Web Locks");
  running ??= boot();
  await running.ready;
  return running;
}

function boot(): NonNullable<typeof running> {
  const phone = new Phone({
    store: new BrowserStore(),
    clock: realClock,
    pageEndpoint: location.origin,
    openSocket: (url, protocol): Socket => new WebSocket(url, protocol),
    openBrokers,
    makeLeg: (roomType, legEvents) => new BrowserLeg(roomType, realClock, legEvents),
    makeMedia: (ended) => new BrowserMedia(settings, ended),
    events: {
      voip: (event) => {
        tell(event);
        tabs.post({ k: "event", event });
        if (event.eventName === "finishVoip") void rights.refresh();
      },
      callChanged: () => {
        tabs.post({ k: "view", view: phone.view() });
        notify(callListeners);
      },
      devicesChanged: () => {
        rights.look();
        notify(deviceListeners);
      },
      data: give,
      connected: (dkt) => {
        void renewPush(dkt).catch(() => undefined); // the next connection is the next try
      },
    },
  });
  const rights = new Rights(phone);
  const tabs = new Tabs({
    holding: (held) => {
      if (held) {
        elsewhere = undefined;
        phone.connect();
        notify(callListeners);
      } else {
        phone.disconnect();
      }
    },
    mayRelease: () => !phone.busy,
    message: (message) => {
      switch (message.k) {
        case "who":
          if (phone.busy) tabs.post({ k: "view", view: phone.view() });
          return;
        case "view":
          elsewhere = message.view;
          watch();
          notify(callListeners);
          return;
        case "event":
          tell(message.event);
          return;
        case "hangUp":
          if (phone.busy && (message.roomId === "" || phone.view()?.roomId === message.roomId)) phone.hangUp(message.origin);
          return;
        case "answer":
        case "reject":
          if (phone.view()?.phase === "incoming" && phone.view()?.roomId === message.roomId) phone[message.k](message.roomId);
          return;
        case "devices":
          void phone.load();
          return;
        case "released":
          // The other tab is idle or gone: its call, if it had one, is over.
          elsewhere = undefined;
          notify(callListeners);
          if (document.visibilityState === "visible") void tabs.tryHold();
          return;
        default: // between the tabs themselves
      }
    },
  });
  /** A tab that crashed in its call says nothing: its lock is free then. */
  let watching: ReturnType<typeof setTimeout> | undefined;
  const watch = (): void => {
    clearTimeout(watching);
    if (!elsewhere || elsewhere.phase === "ended") return;
    watching = setTimeout(() => {
      void tabs.tryHold().then((held) => {
        if (!held) watch();
      });
    }, watchPeriod);
  };
  globalThis.addEventListener("online", () => {
    phone.hurry();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    phone.hurry();
    void tabs.tryHold();
    void rights.refresh();
  });
  globalThis.addEventListener("pagehide", () => {
    phone.unload();
    tabs.release();
  });
  globalThis.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload(); // its call and connections are gone
  });
  const ready = phone.load().then(async () => {
    await tabs.tryHold();
    if (!tabs.holds) tabs.post({ k: "who" });
  });
  return { phone, tabs, rights, ready };
}

/** The call that runs in another tab. */
export function callElsewhere(phone: Phone): CallView | undefined {
  return phone.busy || elsewhere?.phase === "ended" ? undefined : elsewhere;
}

/** The call that runs in this tab. @throws CallboxError otherTab, noCall */
export async function sessionHere(): Promise<NonNullable<Phone["session"]>> {
  const { phone } = await start();
  if (phone.session && phone.busy) return phone.session;
  throw callElsewhere(phone)
    ? new CallboxError("otherTab", "a call is running in another tab of this browser")
    : new CallboxError("noCall", "no call is running");
}
