/** What the tabs of one origin share: the channel between them, and Web Locks. */
const channels = new Set<FakeChannel>();

/** A BroadcastChannel that delivers at once and keeps nothing alive. */
export class FakeChannel {
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  constructor() {
    channels.add(this);
  }
  postMessage(data: unknown): void {
    for (const other of channels) if (other !== this) other.onmessage?.({ data: structuredClone(data) });
  }
  close(): void {
    channels.delete(this);
  }
}

/** One lock, as `navigator.locks` gives it to who asks with `ifAvailable`. */
export class FakeLocks {
  #holder: symbol | undefined;
  /** How often it was asked for. */
  asked = 0;

  readonly request = async (_: string, __: unknown, granted: (lock: object | null) => Promise<void>): Promise<void> => {
    await Promise.resolve();
    this.asked += 1;
    if (this.#holder) {
      await granted(null);
      return;
    }
    const mine = (this.#holder = Symbol());
    try {
      await granted({});
    } finally {
      if (this.#holder === mine) this.#holder = undefined;
    }
  };

  /** The tab that holds it is gone: the browser frees the lock, and nobody says anything. */
  free(): void {
    this.#holder = undefined;
  }
}

/** Puts these in the place of the browser's globals. */
export function globals(values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
