/** Time, so that tests can turn it by hand. Milliseconds. */
export interface Clock {
  /** A steady clock: never set back. */
  now(): number;
  after(ms: number, then: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The browser's clock. */
export const realClock: Clock = {
  now: () => performance.now(),
  after(ms, then) {
    const id = setTimeout(then, ms);
    return {
      cancel: () => {
        clearTimeout(id);
      },
    };
  },
};
