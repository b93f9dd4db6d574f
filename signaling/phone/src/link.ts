/** The link to one device, over all ways that lead to it. */
import type { Brokers, BrokerSeat } from "./brokers.js";
import type { Clock } from "./clock.js";
import { DirectLink, type OpenSocket } from "./direct.js";
import { importPeer, parseJwk, peek, type OwnKey, type PeerKey } from "./jws.js";
import type { Carrier } from "./mail.js";
import { brokerEndpoint } from "./pairing.js";
import { verify, type Fault, type Verified } from "./verify.js";
import type { LinkState, LinkTarget, Way } from "./way.js";

export interface LinkParts {
  readonly key: OwnKey;
  readonly openSocket: OpenSocket;
  readonly clock: Clock;
  /** The broker connections of this phone: asked for when a device has a broker. */
  readonly brokers: () => Promise<Brokers>;
}

export interface LinkEvents {
  state(state: LinkState): void;
  /** Messages can be sent, or have to be sent again: the way that was used has broken, and another is there. */
  up(): void;
  down(): void;
  /** The device has proved itself; its epoch. */
  hello(epoch: number): void;
  /** One message, and the way on which it came; not verified. */
  message(text: string, via: Way): void;
}

/** Copies without an answer that make a direct connection suspect: without another way to fall over to, and with one. */
const patience = { alone: 4, beside: 2 } as const;
/** Milliseconds until the script of the brokers is asked for again. */
const loadPause = 15_000;

/**
 * Keeps all ways to a device open and sends over the first that is up, the direct
 * one before the broker. What was sent over a way that has broken is sent again over
 * the next; the device knows duplicates.
 */
export class Link implements Carrier {
  readonly #parts: LinkParts;
  readonly #target: LinkTarget;
  readonly #events: LinkEvents;
  readonly #direct: DirectLink;
  #broker: BrokerSeat | undefined;
  #loading = false;
  #current: Way | undefined;
  #state: LinkState = "down";
  #closed = false;
  #peer: PeerKey | undefined;

  constructor(parts: LinkParts, target: LinkTarget, events: LinkEvents) {
    this.#parts = parts;
    this.#target = target;
    this.#events = events;
    const direct: DirectLink = new DirectLink(parts.key, target, parts.openSocket, parts.clock, this.#heard(() => direct));
    this.#direct = direct;
  }

  get state(): LinkState {
    return this.#state;
  }

  get up(): boolean {
    return this.#way !== undefined;
  }

  /** The device has proved over one of them that it is there: a broker alone does not say so. */
  get sure(): boolean {
    return this.#ways.some((way) => way.sure);
  }

  /** The endpoint that is used, or was last. */
  get url(): string | undefined {
    return (this.#way ?? this.#direct).url;
  }

  /** Starts connecting, or tries again at once what is waiting. */
  open(): void {
    this.#closed = false;
    this.#direct.open();
    if (this.#broker) this.#broker.open();
    else void this.#load();
  }

  /** The network may be back. */
  hurry(): void {
    for (const way of this.#ways) way.hurry();
    if (!this.#broker) void this.#load();
  }

  send(text: string, via?: Way): boolean {
    return (via?.up ? via : this.#way)?.send(text) ?? false;
  }

  /** So many copies of a message were not answered: a direct connection may be dead. A broker's is watched by itself. */
  suspect(copies: number = patience.alone): void {
    if (copies >= (this.#broker?.up ? patience.beside : patience.alone)) this.#direct.suspect();
  }

  close(): void {
    this.#closed = true;
    for (const way of this.#ways) way.close();
    this.#update();
  }

  /** Verifies a message of this link; without the device's key it is the one that the message carries, if it is the right one. */
  async verify(text: string, via: Way): Promise<Verified | Fault> {
    const { key } = this.#parts;
    const { sn, dkt, jwk = parseJwk(peek(text)?.["jwk"]) } = this.#target;
    if (!this.#peer) {
      const peer = this.#direct.peer ?? (jwk && (await importPeer(jwk)));
      if (peer?.jkt === dkt) this.#peer = peer;
    }
    return verify(text, this.#peer, sn, key.jkt, via);
  }

  get #ways(): readonly Way[] {
    return this.#broker ? [this.#direct, this.#broker] : [this.#direct];
  }

  get #way(): Way | undefined {
    return this.#ways.find((way) => way.up);
  }

  /** Takes a place at the broker that the device names. */
  async #load(): Promise<void> {
    const { brokers, clock } = this.#parts;
    if (this.#loading || !this.#target.endpoints.some((e) => brokerEndpoint(e))) return;
    this.#loading = true;
    try {
      const pool = await brokers();
      const seat: BrokerSeat = pool.seat(this.#target, this.#heard(() => seat));
      this.#broker = seat;
      if (!this.#closed) seat.open();
    } catch {
      // The script could not be fetched. Meanwhile there is the direct way, if any.
      clock.after(loadPause, () => {
        if (!this.#closed) void this.#load();
      });
    } finally {
      this.#loading = false;
    }
  }

  #heard(way: () => Way): ConstructorParameters<typeof DirectLink>[4] {
    return {
      state: () => {
        this.#update();
      },
      hello: (epoch) => {
        this.#events.hello(epoch);
      },
      message: (text) => {
        this.#events.message(text, way());
      },
    };
  }

  #update(): void {
    const before = this.#current;
    this.#current = this.#way;
    // A better way beside one that stands changes nothing for what is under way.
    if (before !== this.#current && !before?.up) {
      if (before) this.#events.down();
      if (this.#current) this.#events.up();
    }
    const state = this.#combined();
    if (state === this.#state) return;
    this.#state = state;
    this.#events.state(state);
  }

  /** What is proved counts first, then what has stopped for good, then what is only hoped. */
  #combined(): LinkState {
    if (this.#closed) return "closed";
    if (this.sure) return "up";
    const order: readonly LinkState[] = ["keyChanged", "unsupported", "up", "connecting"];
    return order.find((state) => this.#ways.some((way) => way.state === state)) ?? "down";
  }
}
