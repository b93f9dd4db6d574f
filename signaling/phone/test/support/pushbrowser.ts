/** The browser around push.ts: service workers, push subscriptions, permission, storage. */
import { base64url, fromBase64url } from "../../src/encoding.js";

class FakeSubscription {
  static made = 0;
  readonly endpoint = `https://push.example/${String((FakeSubscription.made += 1))}`;
  readonly options: { readonly applicationServerKey: ArrayBuffer };
  constructor(
    readonly key: string,
    private readonly ended: () => void,
  ) {
    this.options = { applicationServerKey: (fromBase64url(key) ?? new Uint8Array()).slice().buffer };
  }
  toJSON(): object {
    return { endpoint: this.endpoint, expirationTime: null, keys: { p256dh: "p", auth: "a" } };
  }
  async unsubscribe(): Promise<boolean> {
    this.ended();
    return Promise.resolve(true);
  }
}

/** A registration whose worker becomes active a moment after it was made. */
class FakeRegistration {
  subscription: FakeSubscription | undefined;
  readonly active = null;
  readonly waiting = null;
  readonly installing = Object.assign(new EventTarget(), { state: "installing" });
  readonly pushManager = {
    getSubscription: async () => Promise.resolve(this.subscription ?? null),
    subscribe: async ({ applicationServerKey }: { readonly applicationServerKey: string }) => {
      const { subscribeFails } = this.browser;
      if (subscribeFails !== undefined) throw new DOMException("no", subscribeFails);
      if (this.installing.state !== "activated") throw new DOMException("no active worker", "AbortError");
      return Promise.resolve(this.#subscribe(applicationServerKey));
    },
  };
  constructor(
    private readonly browser: FakePushBrowser,
    readonly script: string,
    readonly scope: string,
  ) {
    setTimeout(() => {
      this.installing.state = "activated";
      this.installing.dispatchEvent(new Event("statechange"));
    }, 0);
  }
  /** The browser takes another endpoint, as browsers may. */
  rotate(): void {
    if (this.subscription) this.#subscribe(this.subscription.key);
  }
  /** The browser loses the subscription. */
  forget(): void {
    this.subscription = undefined;
  }
  async unregister(): Promise<boolean> {
    this.browser.registrations = this.browser.registrations.filter((r) => r !== this);
    return Promise.resolve(true);
  }
  #subscribe(key: string): FakeSubscription {
    return (this.subscription = new FakeSubscription(base64url(fromBase64url(key) ?? new Uint8Array()), () => {
      this.subscription = undefined;
    }));
  }
}

/** Where pages hear their worker; the module under test listens once for all. */
const messages = new EventTarget();

export class FakePushBrowser {
  registrations: FakeRegistration[] = [];
  readonly stored = new Map<string, string>();
  permission: NotificationPermission = "granted";
  registerFails: string | undefined;
  subscribeFails: string | undefined;
  agent = { userAgent: "Mozilla/5.0 (X11; Linux x86_64)", maxTouchPoints: 0, standalone: false };

  /** Takes the place of the browser's globals. */
  constructor() {
    const container = Object.assign(messages, { register: this.register, getRegistrations: async () => Promise.resolve(this.registrations) });
    const agent = (): FakePushBrowser["agent"] => this.agent;
    const permission = (): NotificationPermission => this.permission;
    const globals: Readonly<Record<string, unknown>> = {
      navigator: {
        serviceWorker: container,
        get userAgent() {
          return agent().userAgent;
        },
        get maxTouchPoints() {
          return agent().maxTouchPoints;
        },
      },
      Notification: {
        get permission() {
          return permission();
        },
      },
      matchMedia: () => ({ matches: this.agent.standalone }),
      document: { baseURI: "https://door.example/box/?roomId=a" },
      localStorage: {
        getItem: (key: string) => this.stored.get(key) ?? null,
        setItem: (key: string, value: string) => this.stored.set(key, value),
        removeItem: (key: string) => this.stored.delete(key),
      },
    };
    for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true });
    this.hasPush = true;
  }

  set hasPush(has: boolean) {
    if (has) Object.defineProperty(globalThis, "PushManager", { value: Object, configurable: true });
    else Reflect.deleteProperty(globalThis, "PushManager");
  }

  readonly register = async (script: URL | string, { scope }: { readonly scope: string }): Promise<FakeRegistration> => {
    if (this.registerFails !== undefined) throw new DOMException("no", this.registerFails);
    const known = this.registrations.find((r) => r.scope === scope);
    if (known) return known;
    const made = new FakeRegistration(this, String(script), scope);
    this.registrations.push(made);
    return Promise.resolve(made);
  };

  /** The service worker posts a message to the page. */
  says(data: unknown): void {
    messages.dispatchEvent(new MessageEvent("message", { data }));
  }
}
