/**
 * The browser around one tab, as far as the SDK looks at it: where it is, a lock
 * that the other tab holds, the channel between the two, storage. It must be
 * imported before the SDK, which reads its address when it is loaded.
 */
import { FakeChannel, globals } from "./browser.js";

/** The other tab's end of the channel: what it hears, and what it says. */
class OtherTab {
  readonly heard: unknown[] = [];
  readonly #channel = new FakeChannel();
  constructor() {
    this.#channel.onmessage = ({ data }) => {
      this.heard.push(data);
    };
  }
  say(message: unknown): void {
    this.#channel.postMessage(message);
  }
}

/** IndexedDB with nothing in it, which keeps nothing. */
const storage = {
  open: () => {
    const request = { result: { transaction: () => transaction() }, onsuccess: () => undefined };
    queueMicrotask(() => {
      request.onsuccess();
    });
    return request;
  },
};

function transaction(): object {
  const made = {
    oncomplete: () => undefined,
    objectStore: () => ({ get: () => ({}), add: () => ({}), put: () => ({}), getAll: () => ({ result: [] }) }),
  };
  queueMicrotask(() => {
    made.oncomplete();
  });
  return made;
}

const address = new URL("http://localhost/call?roomId=r1&customQuery=a%20b#pair=secret");

globals({
  isSecureContext: true,
  location: address,
  history: {
    state: null,
    pushState: (_: unknown, __: string, to: string) => {
      address.href = new URL(to, address).href;
    },
    replaceState: (_: unknown, __: string, to: string) => {
      address.href = new URL(to, address).href;
    },
  },
  document: Object.assign(new EventTarget(), { visibilityState: "visible" }),
  navigator: {
    // The other tab holds the lock for ever.
    locks: { request: async (_: string, __: unknown, granted: (lock: null) => Promise<void>) => granted(null) },
    mediaDevices: {},
  },
  indexedDB: storage,
  BroadcastChannel: FakeChannel,
  WebSocket: null, // nothing connects: the other tab holds the key
  RTCPeerConnection: null,
  addEventListener: () => undefined,
});

export const otherTab = new OtherTab();
