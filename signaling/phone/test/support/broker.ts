/** A broker that carries messages between a phone and devices, at the seam of the MQTT client. */
import type { BrokerAddress, Client, ClientEvents, Dial } from "../../src/broker.js";
import { sign, type OwnKey } from "../../src/jws.js";
import { FakeSocket, type FakeDevice } from "./device.js";

/** The phone's end of a connection, as a device's socket: what is delivered on it comes from the broker. */
class Mailbox extends FakeSocket {
  constructor(
    device: FakeDevice,
    readonly client: FakeClient,
    readonly prefix: string,
  ) {
    super("mqtt", device);
    this.sn = device.sn;
  }
  readonly sn: string;
  override deliver(text: string): void {
    this.client.deliver(`${this.prefix}/${this.client.to.user}/rx/d.${this.sn}`, text);
  }
}

export class FakeClient implements Client {
  readonly subscribed: string[] = [];
  readonly published: { readonly topic: string; readonly text: string }[] = [];
  checks = 0;
  ended = false;
  #mailboxes = new Map<string, Mailbox>();
  constructor(
    readonly broker: FakeBroker,
    readonly to: BrokerAddress,
    readonly events: ClientEvents,
  ) {}

  async subscribe(topics: readonly string[]): Promise<readonly number[]> {
    await Promise.resolve();
    if (this.ended) throw new Error("the connection is over");
    this.subscribed.push(...topics);
    for (const topic of topics) {
      const text = this.broker.retained.get(topic);
      if (text !== undefined) this.deliver(topic, text, true);
    }
    return topics.map((topic) => this.broker.refused.test(topic) ? 0x87 : 1);
  }
  publish(topic: string, text: string): void {
    this.published.push({ topic, text });
    const [, prefix = "", sn = "", from = ""] = /^(.*)\/d\.([^/]*)\/rx\/([^/]*)$/.exec(topic) ?? [];
    const device = this.broker.devices.find((d) => d.sn === sn);
    if (!device || from !== this.to.user || this.ended) return;
    let mailbox = this.#mailboxes.get(sn);
    if (!mailbox) {
      mailbox = new Mailbox(device, this, prefix);
      this.#mailboxes.set(sn, mailbox);
      device.sockets.push(mailbox);
    }
    void device.take(mailbox, text);
  }
  check(): void {
    this.checks += 1;
  }
  end(): void {
    this.ended = true;
    for (const mailbox of this.#mailboxes.values()) mailbox.closed = true;
  }
  deliver(topic: string, text: string, retained = false): void {
    if (!this.ended) this.events.message(topic, text, retained);
  }
}

export class FakeBroker {
  readonly clients: FakeClient[] = [];
  readonly retained = new Map<string, string>();
  readonly devices: FakeDevice[];
  /** Topics that its ACL forbids to read. */
  refused = /^$/;
  /** What becomes of a connection: it is let in, refused, lost, or nothing is heard. */
  greet: "up" | "refuse" | "close" | "nothing" = "up";

  constructor(...devices: FakeDevice[]) {
    this.devices = devices;
  }

  readonly dial: Dial = (to, events) => {
    const client = new FakeClient(this, to, events);
    this.clients.push(client);
    const { greet } = this;
    queueMicrotask(() => {
      if (greet === "up") events.up();
      if (greet === "refuse") events.closed("Connection refused: Not authorized", true);
      if (greet === "close") events.closed("lost", false);
    });
    return client;
  };

  get client(): FakeClient {
    const client = this.clients.at(-1);
    if (!client) throw new Error("nobody has connected");
    return client;
  }

  /** The connection breaks. */
  cut(): void {
    const { client } = this;
    client.end();
    client.events.closed("lost", false);
  }

  /** The retained status of a device, and whoever is connected hears it. */
  status(sn: string, text: string, prefix = "callbox/1"): void {
    const topic = `${prefix}/d.${sn}/status`;
    this.retained.set(topic, text);
    for (const client of this.clients) if (client.subscribed.includes(topic)) client.deliver(topic, text);
  }

  will(sn: string, epoch: number): void {
    this.status(sn, JSON.stringify({ state: "offline", epoch }));
  }
}

/** A device's presence. */
export async function presence(key: OwnKey, sn: string, change: object = {}): Promise<string> {
  return sign(key, { v: 1, from: `d.${sn}`, state: "idle", epoch: 7, nonce: "bm9uY2U", versions: [1], jwk: key.jwk, ...change }, "callbox-status+jws");
}
