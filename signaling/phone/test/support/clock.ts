import type { Clock, Timer } from "../../src/clock.js";

/** A clock that stands still until it is turned. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; then: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, then: () => void): Timer {
    const timer = { at: this.#now + ms, then };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((t) => t !== timer);
      },
    };
  }

  /** Lets time pass; timers run in their order. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      this.#timers = this.#timers.filter((t) => t !== due);
      due.then();
    }
    this.#now = end;
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.length;
  }
}

/** Waits, in real time, until something holds: signatures are made on other threads. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await new Promise((next) => setTimeout(next, 1));
  }
}

/** Gives everything that is under way the time to finish. */
export async function calm(): Promise<void> {
  await new Promise((next) => setTimeout(next, 25));
}
