/**
 * One connection to a broker, which all devices share that name one of its URLs: a list of
 * URLs is one broker's. It is tried at those of the device that came first, and at no
 * other: a pairing code that names a known broker beside a foreign one leads no other
 * device there, and takes none off its way. A login is for one URL.
 */
import type { Clock, Timer } from "./clock.js";
import type { OwnKey } from "./jws.js";
import { loginRequest, type BrokerLogin, type BrokerLoginProvider } from "./login.js";
import { phoneAddress } from "./message.js";

/** Where and as whom to connect. The client id is the user name. */
export interface BrokerAddress {
  readonly url: string;
  readonly user: string;
  readonly password: string | undefined;
}

export interface ClientEvents {
  /** The broker has let this phone in. */
  up(): void;
  message(topic: string, text: string, retained: boolean): void;
  /** The connection is over, or never was. `refused`: the broker does not take this login. */
  closed(problem: string, refused: boolean): void;
  /** Something does not work; the connection stands. */
  problem(problem: string): void;
}

/** The part of an MQTT client that is used; tests bring their own. */
export interface Client {
  /** Resolves to the reason codes of the SUBACK, in order; rejects when none came. */
  subscribe(topics: readonly string[]): Promise<readonly number[]>;
  /** Publishes with QoS 1, for 20 s, not retained. */
  publish(topic: string, text: string): void;
  /** Asks whether the broker is still there; if not, `closed` follows. */
  check(): void;
  end(): void;
}
/** Opens a connection. What it cannot even begin it throws. */
export type Dial = (to: BrokerAddress, events: ClientEvents) => Client;

/** Who is met over the connection. */
export interface Guest {
  /** Where, in the order in which they are tried. */
  readonly urls: readonly string[];
  /** The broker has let this phone in, or is gone. */
  connection(client: Client | undefined): void;
  message(topic: string, text: string, retained: boolean): void;
}

export interface BrokerParts {
  readonly key: OwnKey;
  readonly clock: Clock;
  readonly dial: Dial;
  readonly login: () => BrokerLoginProvider | undefined;
}

/** Milliseconds. A pause is between 0 and as long as the broker has been away: one that comes back is not stormed. */
const pause = { first: 1000, most: 60_000 } as const;
/** For login and connection together. */
const connectTime = 25_000;
/** A connection that lived so long was a good one. Two phones with one key throw each other out: they must not do so without end. */
const steady = 60_000;

export class Broker {
  readonly #parts: BrokerParts;
  readonly #guests = new Set<Guest>();
  #client: Client | undefined;
  #state: "down" | "connecting" | "up" = "down";
  /** What an earlier attempt still reports does not count. */
  #attempt = 0;
  #failed = 0;
  /** Since when it does not work; time that was spent connected does not count. */
  #away: number | undefined;
  #url = "";
  #since = 0;
  #timer: Timer | undefined;
  #login: { readonly url: string; readonly login: BrokerLogin } | undefined;
  /** Why it does not work, for support. */
  problem: string | undefined;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  get state(): "down" | "connecting" | "up" {
    return this.#state;
  }

  /** The URL that is connected or tried. */
  get url(): string {
    return this.#url;
  }

  /** Nobody is met here. */
  get empty(): boolean {
    return this.#guests.size === 0;
  }

  /** Reports whether somebody with these URLs can be met over this connection. */
  fits(urls: readonly string[]): boolean {
    return this.#urls.some((url) => urls.includes(url));
  }

  /** The URLs of the guest who came first. */
  get #urls(): readonly string[] {
    const [first] = this.#guests;
    return first?.urls ?? [];
  }

  /** Keeps the connection open for a guest, who must fit. */
  join(guest: Guest): void {
    if (this.#guests.has(guest)) return;
    this.#guests.add(guest);
    if (this.#guests.size === 1) this.#begin();
    else if (this.#state === "up") guest.connection(this.#client);
  }

  leave(guest: Guest): void {
    if (!this.#guests.delete(guest)) return;
    if (this.empty) {
      this.#drop();
      this.#state = "down";
    } else if (!this.#urls.includes(this.#url)) this.#begin(); // its URLs go with it
  }

  #begin(): void {
    this.#url = this.#urls[0] ?? "";
    this.#away = undefined;
    this.#failed = 0;
    void this.#connect();
  }

  /** The network may be back, or gone: tries again at once, or looks whether the broker is still there. */
  hurry(): void {
    if (this.#state === "up") this.#client?.check();
    if (this.#state !== "down" || this.#guests.size === 0) return;
    this.#failed = 0;
    this.#away = undefined;
    void this.#connect();
  }

  async #connect(): Promise<void> {
    const { clock, dial, key } = this.#parts;
    this.#drop();
    const attempt = this.#attempt;
    const current = (): boolean => attempt === this.#attempt;
    const lost = (problem: string, refused = false): void => {
      if (current()) this.#lost(problem, refused);
    };
    this.#set("connecting");
    this.#timer = clock.after(connectTime, () => {
      lost("the broker does not answer");
    });
    try {
      const url = this.#url;
      const password = await this.#password(url);
      if (!current()) return;
      this.#client = dial({ url, user: phoneAddress(key.jkt), password }, {
        up: () => {
          if (!current()) return;
          this.#timer?.cancel();
          this.problem = undefined;
          this.#since = clock.now();
          this.#set("up");
        },
        message: (topic, text, retained) => {
          if (current()) for (const guest of this.#guests) guest.message(topic, text, retained);
        },
        closed: lost,
        problem: (problem) => {
          if (current()) this.problem = problem;
        },
      });
    } catch (error) {
      lost(String(error));
    }
  }

  async #password(url: string): Promise<string | undefined> {
    const provider = this.#parts.login();
    if (!provider) return undefined;
    const kept = this.#login;
    if (kept?.url === url && (kept.login.expires ?? Infinity) > Date.now() / 1000) return kept.login.password;
    const login = await provider(loginRequest(this.#parts.key, url));
    this.#login = login && { url, login };
    return login?.password;
  }

  #lost(problem: string, refused: boolean): void {
    this.problem = problem;
    if (refused) this.#login = undefined;
    const now = this.#parts.clock.now();
    const lived = this.#state === "up" ? now - this.#since : 0;
    if (lived >= steady) this.#failed = 0;
    this.#away = lived >= steady ? now : (this.#away ?? now - lived) + lived;
    this.#drop();
    const urls = this.#urls;
    this.#url = urls[(urls.indexOf(this.#url) + 1) % urls.length] ?? "";
    this.#failed += 1;
    // All URLs are tried once before the pauses begin to grow.
    const longest = this.#failed <= urls.length ? pause.first : Math.min(pause.most, Math.max(pause.first, now - this.#away));
    const jitter = (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
    this.#timer = this.#parts.clock.after(longest * jitter, () => {
      void this.#connect();
    });
    this.#set("down");
  }

  #drop(): void {
    this.#attempt += 1;
    this.#timer?.cancel();
    this.#client?.end();
    this.#client = undefined;
  }

  #set(state: "down" | "connecting" | "up"): void {
    this.#state = state;
    for (const guest of this.#guests) guest.connection(state === "up" ? this.#client : undefined);
  }
}
