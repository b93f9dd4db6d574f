/** A phone's screen that stays on during a call. */

/** What is needed of `document`. */
export interface Page extends Pick<EventTarget, "addEventListener"> {
  readonly visibilityState: DocumentVisibilityState;
}

/** Browsers let go of the lock whenever the page is hidden, so it is asked for again when the page is seen. */
export class Awake {
  readonly #locks: Pick<WakeLock, "request"> | undefined;
  readonly #page: Page;
  #lock: WakeLockSentinel | undefined;
  #wanted = false;
  #asking = false;

  /** `locks`: `navigator.wakeLock`, where there is one. */
  constructor(locks: Pick<WakeLock, "request"> | undefined, page: Page) {
    this.#locks = locks;
    this.#page = page;
    page.addEventListener("visibilitychange", () => {
      void this.#settle();
    });
  }

  keep(on: boolean): void {
    this.#wanted = on;
    void this.#settle();
  }

  async #settle(): Promise<void> {
    if (this.#asking || !this.#locks) return;
    if (!this.#wanted) {
      const lock = this.#lock;
      this.#lock = undefined;
      await lock?.release();
      return;
    }
    if (this.#page.visibilityState !== "visible" || (this.#lock && !this.#lock.released)) return;
    this.#asking = true;
    // A battery that runs low refuses it: the next look at the page asks again.
    this.#lock = await this.#locks.request("screen").catch(() => undefined);
    this.#asking = false;
    if (this.#lock) this.keep(this.#wanted); // the call may have ended meanwhile
  }
}
