/**
 * One tab of an origin at a time holds the key's connections (Web Locks). Another
 * tab gets them on its wish, unless a call is running; during a call it is a
 * viewer that hears of the call by BroadcastChannel.
 */
import { randomId } from "./encoding.js";
import { CallboxError } from "./errors.js";
import type { CallView } from "./view.js";
import type { VoipEvent } from "./voipevents.js";

/** What tabs tell each other. */
export type TabMessage =
  | { readonly k: "who" }
  | { readonly k: "want"; readonly by: string }
  | { readonly k: "inCall"; readonly to: string }
  | { readonly k: "released" }
  | { readonly k: "view"; readonly view: CallView | undefined }
  | { readonly k: "event"; readonly event: VoipEvent }
  | { readonly k: "hangUp"; readonly roomId: string; readonly origin: "manual" | "forceFromApp" }
  | { readonly k: "answer" | "reject"; readonly roomId: string }
  | { readonly k: "devices" };

const lockName = "callbox";
const patience = 2000;
const pause = 60;

export interface TabEvents {
  /** This tab has got or lost the connections. */
  holding(held: boolean): void;
  /** May the connections be given away now? */
  mayRelease(): boolean;
  message(message: TabMessage): void;
}

export class Tabs {
  readonly #events: TabEvents;
  readonly #channel = new BroadcastChannel("callbox");
  #release: (() => void) | undefined;
  /** The wish that was refused last. */
  #refused: string | undefined;

  constructor(events: TabEvents) {
    this.#events = events;
    this.#channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
      this.#receive(data);
    };
  }

  get holds(): boolean {
    return this.#release !== undefined;
  }

  post(message: TabMessage): void {
    this.#channel.postMessage(message);
  }

  /** Takes the connections if no other tab holds them. */
  async tryHold(): Promise<boolean> {
    if (this.#release) return true;
    return new Promise((resolve, reject) => {
      navigator.locks
        .request(lockName, { ifAvailable: true }, async (lock) => {
          if (!lock) {
            resolve(false);
            return;
          }
          const held = new Promise<void>((release) => {
            this.#release = release;
          });
          this.#events.holding(true);
          resolve(true);
          await held;
        })
        .catch((error: unknown) => {
          reject(error instanceof Error ? error : new Error(String(error)));
        });
    });
  }

  /** Takes the connections, from another tab if need be. @throws CallboxError otherTab when that one is in a call */
  async hold(): Promise<void> {
    if (await this.tryHold()) return;
    const wish = randomId();
    const until = performance.now() + patience;
    while (performance.now() < until && this.#refused !== wish) {
      // Again each time: a third tab may have been quicker when it was released.
      this.post({ k: "want", by: wish });
      await new Promise((next) => setTimeout(next, pause));
      if (await this.tryHold()) return;
    }
    throw new CallboxError("otherTab", "a call is running in another tab of this browser");
  }

  /** Gives the connections up. */
  release(): void {
    const release = this.#release;
    if (!release) return;
    this.#release = undefined;
    this.#events.holding(false);
    release();
    this.post({ k: "released" });
  }

  #receive(message: TabMessage): void {
    switch (message.k) {
      case "want":
        if (!this.holds) return;
        if (this.#events.mayRelease()) this.release();
        else this.post({ k: "inCall", to: message.by });
        return;
      case "inCall":
        this.#refused = message.to;
        return;
      default:
        this.#events.message(message);
        return;
    }
  }
}
