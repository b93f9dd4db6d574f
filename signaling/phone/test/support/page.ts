/**
 * The browser around one tab in which the whole SDK runs: storage that keeps, a lock
 * that two tabs share, a microphone that a test gives when it likes, and a network
 * that leads to one device. It must be imported before the SDK.
 */
import { FakeChannel, FakeLocks, globals } from "./browser.js";
import type { FakeDevice, FakeSocket } from "./device.js";

/** IndexedDB, as far as the SDK's store uses it. */
const stores = new Map([["keys", new Map<string, unknown>()], ["devices", new Map<string, unknown>()]]);

/** What is stored of the paired devices, by thumbprint. */
export const storedDevices = stores.get("devices") ?? new Map<string, unknown>();

function transaction(name: string): object {
  const store = stores.get(name) ?? new Map<string, unknown>();
  const put = (value: unknown, key = (value as { readonly dkt: string }).dkt): object => {
    store.set(key, value);
    return { result: key };
  };
  const made = {
    oncomplete: () => undefined,
    objectStore: () => ({
      get: (key: string) => ({ result: store.get(key) }),
      getAll: () => ({ result: [...store.values()] }),
      delete: (key: string) => ({ result: store.delete(key) }),
      add: put,
      put,
    }),
  };
  queueMicrotask(() => {
    made.oncomplete();
  });
  return made;
}

export const locks = new FakeLocks();
/** Whom the network leads to. */
export const network: { device: FakeDevice | undefined; readonly sockets: FakeSocket[] } = { device: undefined, sockets: [] };
/** How often microphone or camera were asked for: the person does not answer. */
export const media = { asked: 0 };
/** How often the page was loaded anew. */
export const page = { reloads: 0 };
/** Registrations of service workers that were ended, by scope. */
export const unregistered: string[] = [];
/** Scopes of the registrations that there are. */
export const registered: string[] = [];

const kept = new Map<string, string>();
/** What the SDK keeps for longer than any test waits is not to keep the process. */
const real = globalThis.setTimeout;
const mayWait = 5000;
const target = new EventTarget();

globals({
  setTimeout: (then: () => void, ms?: number) => {
    const timer = real(then, ms);
    return ms !== undefined && ms > mayWait ? timer.unref() : timer;
  },
  isSecureContext: true,
  location: Object.assign(new URL("http://localhost/"), { reload: () => (page.reloads += 1) }),
  document: Object.assign(new EventTarget(), { visibilityState: "visible" }),
  navigator: {
    locks,
    mediaDevices: {
      getUserMedia: async () => {
        media.asked += 1;
        return new Promise(() => undefined);
      },
    },
    serviceWorker: Object.assign(new EventTarget(), {
      getRegistrations: async () =>
        Promise.resolve(
          registered.map((scope) => ({
            scope,
            pushManager: { getSubscription: async () => Promise.resolve(null) },
            unregister: async () => Promise.resolve(unregistered.push(scope) > 0),
          })),
        ),
    }),
  },
  localStorage: { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) },
  indexedDB: {
    open: () => {
      const request = { result: { transaction }, onsuccess: () => undefined };
      queueMicrotask(() => {
        request.onsuccess();
      });
      return request;
    },
  },
  BroadcastChannel: FakeChannel,
  RTCPeerConnection: null, // no call gets that far
  WebSocket: function open(url: string): FakeSocket {
    if (!network.device) throw new Error("the network leads nowhere");
    const socket = network.device.openSocket(url);
    network.sockets.push(socket);
    return socket;
  },
  addEventListener: target.addEventListener.bind(target),
});

/** Something happens to the window. */
export function happens(type: string, members: object = {}): void {
  target.dispatchEvent(Object.assign(new Event(type), members));
}

/** The person looks at the tab, or at something else. */
export function look(visible: boolean): void {
  Object.assign(document, { visibilityState: visible ? "visible" : "hidden" });
  document.dispatchEvent(new Event("visibilitychange"));
}
