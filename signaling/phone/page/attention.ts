/** Asks a person who looks at something else to look here: the page's title blinks, and the system shows a notice. */
import { words } from "./words.js";

const blink = 1000;

export class Attention {
  #blinking: ReturnType<typeof setInterval> | undefined;
  #notice: Notification | undefined;
  #title = "";

  /** Somebody calls. */
  call(name: string, kind: string): void {
    if (this.#blinking !== undefined) return;
    this.#title = document.title;
    const shown = `\u{1F514} ${words("callsYou", { name })}`;
    this.#blinking = setInterval(() => {
      document.title = document.visibilityState === "hidden" && document.title !== shown ? shown : this.#title;
    }, blink);
    if (!document.hasFocus()) this.#notify(name, kind);
  }

  stop(): void {
    if (this.#blinking === undefined) return;
    clearInterval(this.#blinking);
    this.#blinking = undefined;
    document.title = this.#title;
    this.#notice?.close();
    this.#notice = undefined;
  }

  #notify(name: string, kind: string): void {
    if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
    try {
      const notice = new Notification(words("callsYou", { name }), { body: kind, icon: "icon.svg", tag: "callbox", requireInteraction: true });
      notice.onclick = () => {
        window.focus();
        notice.close();
      };
      this.#notice = notice;
    } catch {
      // Chrome on Android gives notices only to service workers: the page rings all the same.
    }
  }
}

/** Whether the person can be asked for notices of calls: neither yes nor no was said. */
export function mayAskForNotices(): boolean {
  return "Notification" in globalThis && Notification.permission === "default";
}

/** Asks for them: only where the person has pressed for it. */
export async function askForNotices(): Promise<boolean> {
  return (await Notification.requestPermission()) === "granted";
}
