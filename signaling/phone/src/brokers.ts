/** The brokers of this phone, and its places there: one for each device. */
import { Broker, type BrokerParts, type Client, type Guest } from "./broker.js";
import { deviceAddress, phoneAddress } from "./message.js";
import { maxMessage } from "./jws.js";
import { brokerEndpoint, type BrokerEndpoint } from "./pairing.js";
import { readPresence, readWill } from "./presence.js";
import type { LinkState, LinkTarget, Way, WayEvents } from "./way.js";

/** How a broker is, for support. */
export interface BrokerReport {
  /** As the pairing code named it. */
  readonly url: string;
  /** `down`: not connected, trying again later. */
  readonly state: "down" | "connecting" | "up";
  /** Why the last connection did not come about or was lost, for developers. */
  readonly problem: string | undefined;
}

export class Brokers {
  readonly #parts: BrokerParts;
  #brokers: Broker[] = [];

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** A place for a device at the broker that its endpoints name; open takes it. */
  seat(target: LinkTarget, events: WayEvents): BrokerSeat {
    const endpoints = target.endpoints.map(brokerEndpoint).filter((e) => e !== undefined);
    return new BrokerSeat((urls) => this.#at(urls), phoneAddress(this.#parts.key.jkt), target, endpoints, events);
  }

  /** The connection for a device that is met at these URLs. */
  #at(urls: readonly string[]): Broker {
    this.#brokers = this.#brokers.filter((broker) => !broker.empty);
    // Two connections with one client id throw each other out: whoever can share one does.
    let broker = this.#brokers.find((b) => b.fits(urls));
    if (!broker) {
      broker = new Broker(this.#parts);
      this.#brokers.push(broker);
    }
    return broker;
  }

  reports(): BrokerReport[] {
    return this.#brokers.map(({ url, state, problem }) => ({ url, state, problem }));
  }
}

const refusedFrom = 0x80; // reason codes of MQTT 5, 2.4

/** The way to one device over a broker. */
export class BrokerSeat implements Way {
  readonly #at: (urls: readonly string[]) => Broker;
  readonly #me: string;
  readonly #target: LinkTarget;
  readonly #endpoints: readonly BrokerEndpoint[];
  readonly #events: WayEvents;
  readonly #guest: Guest;
  /** While the place is taken. */
  #broker: Broker | undefined;
  #client: Client | undefined;
  /** The broker delivers to this phone. */
  #granted = false;
  #presence: "none" | "there" | "offline" | "keyChanged" | "unsupported" = "none";
  #epoch = 0;
  /** Statuses that came: reading one takes time, and the newest counts. */
  #statuses = 0;

  constructor(at: (urls: readonly string[]) => Broker, me: string, target: LinkTarget, endpoints: readonly BrokerEndpoint[], events: WayEvents) {
    this.#at = at;
    this.#me = me;
    this.#target = target;
    this.#endpoints = endpoints;
    this.#events = events;
    this.#guest = {
      urls: [...new Set(endpoints.map((e) => e.url))],
      connection: (client) => {
        this.#connection(client);
      },
      message: (topic, text, retained) => {
        this.#message(topic, text, retained);
      },
    };
  }

  get state(): LinkState {
    if (!this.#broker) return "closed";
    if (!this.up) return this.#broker.state === "down" ? "down" : "connecting";
    switch (this.#presence) {
      case "none":
      case "there":
        return "up";
      case "offline":
        return "down";
      case "keyChanged":
      case "unsupported":
        return this.#presence;
    }
  }

  get up(): boolean {
    return this.#client !== undefined && this.#granted;
  }

  get sure(): boolean {
    return this.up && this.#presence === "there";
  }

  get url(): string {
    return this.#endpoint.endpoint;
  }

  open(): void {
    if (this.#broker) {
      this.#broker.hurry();
      return;
    }
    this.#broker = this.#at(this.#guest.urls);
    this.#broker.join(this.#guest);
  }

  hurry(): void {
    this.#broker?.hurry();
  }

  send(text: string): boolean {
    if (!this.up) return false;
    this.#client?.publish(`${this.#endpoint.prefix}/${this.#device}/rx/${this.#me}`, text);
    return true;
  }

  close(): void {
    const broker = this.#broker;
    if (!broker) return;
    this.#broker = undefined;
    this.#client = undefined;
    broker.leave(this.#guest);
    this.#events.state(this.state);
  }

  get #device(): string {
    return deviceAddress(this.#target.sn);
  }

  get #endpoint(): BrokerEndpoint {
    const [first] = this.#endpoints;
    return this.#endpoints.find((e) => e.url === this.#broker?.url) ?? first ?? { endpoint: "", url: "", prefix: "" };
  }

  get #inbox(): string {
    return `${this.#endpoint.prefix}/${this.#me}/rx/`;
  }

  get #status(): string {
    return `${this.#endpoint.prefix}/${this.#device}/status`;
  }

  #connection(client: Client | undefined): void {
    if (client === this.#client && client) return;
    this.#client = client;
    this.#granted = false;
    this.#presence = "none";
    this.#statuses += 1;
    this.#events.state(this.state);
    if (!client) return;
    client.subscribe([`${this.#inbox}+`, this.#status]).then(
      ([inbox = refusedFrom, status = refusedFrom]) => {
        if (client !== this.#client) return;
        this.#granted = inbox < refusedFrom;
        const refused = this.#granted ? this.#status : this.#inbox;
        if (this.#broker && (inbox >= refusedFrom || status >= refusedFrom)) this.#broker.problem = `the broker does not let this phone read ${refused}`;
        this.#events.state(this.state);
      },
      () => undefined, // the connection is over
    );
  }

  #message(topic: string, text: string, retained: boolean): void {
    if (text.length > maxMessage) return;
    if (topic === this.#status) void this.#heard(text);
    else if (topic === this.#inbox + this.#device && !retained) this.#events.message(text);
  }

  async #heard(text: string): Promise<void> {
    this.#statuses += 1;
    const status = this.#statuses;
    const will = readWill(text);
    if (will !== undefined) {
      // The will of a connection from before the device's last start says nothing.
      if (will >= this.#epoch) this.#say("offline");
      return;
    }
    const presence = await readPresence(text, this.#target.sn, this.#target.dkt);
    if (status !== this.#statuses || !presence) return;
    if (presence === "otherKey") {
      this.#say("keyChanged");
      return;
    }
    const news = this.#presence !== "there" || presence.epoch !== this.#epoch;
    this.#epoch = Math.max(this.#epoch, presence.epoch);
    this.#say(presence.supported ? "there" : "unsupported");
    if (news) this.#events.hello(presence.epoch);
  }

  #say(presence: "there" | "offline" | "keyChanged" | "unsupported"): void {
    if (this.#presence === presence) return;
    this.#presence = presence;
    this.#events.state(this.state);
  }
}
