/** Asks a person who looks at something else to look here: the page's title blinks, and the system shows a notice. */
import type { CurrentCall } from "../src/sdk.js";
import { words } from "./words.js";

const blink = 1000;

export class Attention {
  #blinking: ReturnType<typeof setInterval> | undefined;
  #close: (() => void) | undefined;
  #title = "";

  /** Somebody calls. */
  call({ deviceName: name, dkt, roomId }: Pick<CurrentCall, "deviceName" | "dkt" | "roomId">, kind: string): void {
    if (this.#blinking !== undefined) return;
    this.#title = document.title;
    const shown = `\u{1F514} ${words("callsYou", { name })}`;
    this.#blinking = setInterval(() => {
      document.title = document.visibilityState === "hidden" && document.title !== shown ? shown : this.#title;
    }, blink);
    if (!document.hasFocus()) void this.#notify(words("callsYou", { name }), kind, { dkt, roomId });
  }

  stop(): void {
    if (this.#blinking === undefined) return;
    clearInterval(this.#blinking);
    this.#blinking = undefined;
    document.title = this.#title;
    this.#close?.();
    this.#close = undefined;
  }

  async #notify(title: string, body: string, data: { readonly dkt: string; readonly roomId: string }): Promise<void> {
    if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
    // The tag is that of a push: there is one notice of a device.
    const tag = `callbox ${data.dkt}`;
    const options = { body, icon: "icon-192.png", tag, requireInteraction: true, data };
    // Browsers on Android give notices to service workers only.
    const worker = await serviceWorker();
    const rings = (): boolean => this.#blinking !== undefined;
    if (!rings()) return;
    if (worker) {
      await worker.showNotification(title, options);
      const close = (): void => {
        void worker.getNotifications({ tag }).then((all) => {
          for (const notice of all) notice.close();
        });
      };
      if (rings()) this.#close = close;
      else close();
      return;
    }
    const notice = new Notification(title, options);
    notice.onclick = () => {
      window.focus();
      notice.close();
    };
    this.#close = () => {
      notice.close();
    };
  }
}

async function serviceWorker(): Promise<ServiceWorkerRegistration | undefined> {
  if (!("serviceWorker" in navigator)) return undefined;
  const registration = await navigator.serviceWorker.getRegistration().catch(() => undefined);
  return registration?.active ? registration : undefined;
}

/** Whether the person can be asked for notices of calls: neither yes nor no was said, and there is a way to show them. */
export async function mayAskForNotices(): Promise<boolean> {
  if (!("Notification" in globalThis) || Notification.permission !== "default") return false;
  return !navigator.userAgent.includes("Android") || (await serviceWorker()) !== undefined;
}

/** Asks for them: only where the person has pressed for it. */
export async function askForNotices(): Promise<boolean> {
  return (await Notification.requestPermission()) === "granted";
}
