/** A device that speaks callbox/1, for tests in Node and in the browser. */
import type { Socket } from "../../src/direct.js";
import { fromBase64url, randomId } from "../../src/encoding.js";
import { isObject, type Json, type JsonObject } from "../../src/ijson.js";
import { generateKey, importPeer, open, parseJwk, peek, sign, type OwnKey, type PeerKey } from "../../src/jws.js";
import { checkPairingMac, pairingMac, type PairingLink } from "../../src/pairing.js";

export interface Received {
  readonly t: string;
  readonly id: string;
  readonly roomId: string;
  readonly ref: string | undefined;
  readonly payload: JsonObject;
  readonly text: string;
}

/** A socket's two ends in one: the phone's side is a Socket. */
export class FakeSocket implements Socket {
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readyState = 0;
  closed = false;
  constructor(
    readonly url: string,
    private readonly device: FakeDevice,
  ) {}
  send(text: string): void {
    if (!this.closed) void this.device.take(this, text);
  }
  close(): void {
    this.closed = true;
  }
  deliver(text: string): void {
    if (!this.closed) this.onmessage?.call(undefined as never, new MessageEvent("message", { data: text }));
  }
  cut(): void {
    this.closed = true;
    this.onclose?.call(undefined as never, undefined as never);
  }
}

export class FakeDevice {
  readonly received: Received[] = [];
  readonly sockets: FakeSocket[] = [];
  epoch = 7;
  versions: readonly number[] = [1];
  /** The device is off: sockets open and close at once. */
  off = false;
  /** Messages are received and nothing is done about them. */
  deaf = false;
  acks = true;
  /** What the phone may do here; undefined: it does not say. */
  rights: readonly string[] | undefined = ["call", "beCalled"];
  pairing: PairingLink | undefined;
  phone: PeerKey | undefined;
  onMessage: (message: Received) => void = () => undefined;
  #offers = new Map<string, Received>();
  #invites = new Map<string, Received>();

  private constructor(
    readonly key: OwnKey,
    readonly sn: string,
    readonly name: string,
  ) {}

  static async make(sn = "door-1", name = "Front door"): Promise<FakeDevice> {
    return new FakeDevice(await generateKey(), sn, name);
  }

  openSocket = (url: string): FakeSocket => {
    const socket = new FakeSocket(url, this);
    this.sockets.push(socket);
    setTimeout(() => {
      if (this.off) socket.cut();
      else void this.hello().then((text) => { socket.deliver(text); });
    }, 0);
    return socket;
  };

  get socket(): FakeSocket {
    const socket = this.sockets.filter((s) => !s.closed).at(-1);
    if (!socket) throw new Error("no open socket");
    return socket;
  }

  async hello(change: object = {}): Promise<string> {
    const { key, sn, epoch, versions } = this;
    return sign(key, { v: 1, t: "hello", id: randomId(), from: `d.${sn}`, nonce: randomId(), sn, jwk: key.jwk, epoch, versions, ...change });
  }

  link(endpoints: readonly string[] = ["ws://127.0.0.1:8080/signal"]): PairingLink {
    this.pairing = { sn: this.sn, dkt: this.key.jkt, secret: randomId(), endpoints };
    return this.pairing;
  }

  all(t: string): Received[] {
    return this.received.filter((m) => m.t === t);
  }

  last(t: string): Received {
    const message = this.all(t).at(-1);
    if (!message) throw new Error(`no ${t} was received`);
    return message;
  }

  async take(socket: FakeSocket, text: string): Promise<void> {
    const claimed = peek(text);
    const jwk = parseJwk(claimed?.["jwk"]);
    if (jwk) this.phone = await importPeer(jwk);
    const payload = this.phone && (await open(text, this.phone));
    if (!payload) throw new Error("the phone sent something that does not verify");
    const { t, id, roomId, ref } = payload;
    const message: Received = {
      t: textOf(t),
      id: textOf(id),
      roomId: typeof roomId === "string" ? roomId : "",
      ref: typeof ref === "string" ? ref : undefined,
      payload,
      text,
    };
    this.received.push(message);
    if (this.deaf) return;
    await this.#react(socket, message);
    this.onMessage(message);
  }

  async #react(socket: FakeSocket, message: Received): Promise<void> {
    const { t, payload } = message;
    switch (t) {
      case "hello":
      case "ack":
        return;
      case "invite":
        this.#invites.set(message.roomId, message);
        await this.send(message.roomId, "challenge", { nonce: randomId(), epoch: this.epoch, jwk: this.key.jwk, ringTimeout: 60 }, message.id);
        return;
      case "offer":
        this.#offers.set(message.roomId, message);
        break;
      case "ping":
        // A connection that was given up meanwhile takes no answer.
        socket.deliver(await this.compose(message.roomId, "pong", { nonce: payload["nonce"], jwk: this.key.jwk, ...(this.rights && { rights: this.rights }) }, message.id));
        return;
      case "pair": {
        const { name, mac } = payload;
        const link = this.pairing;
        const right = link && this.phone && (await checkPairingMac(link, "phone", this.phone.jkt, textOf(name), textOf(mac)));
        if (!right) {
          await this.send(message.roomId, "reject", { cause: "forbidden" }, message.id);
          return;
        }
        const answer = { jwk: this.key.jwk, name: this.name, rights: ["call"], mac: await pairingMac(link, "device", this.phone?.jkt ?? "", this.name) };
        await this.send(message.roomId, "paired", answer, message.id);
        return;
      }
      default:
    }
    if (this.acks) socket.deliver(await this.compose(message.roomId, "ack", {}, message.id));
  }

  async compose(roomId: string, t: string, members: object = {}, ref?: string, change: object = {}): Promise<string> {
    return sign(this.key, {
      v: 1,
      t,
      id: randomId(),
      from: `d.${this.sn}`,
      to: `p.${this.phone?.jkt ?? ""}`,
      tkt: this.phone?.jkt ?? "",
      roomId,
      ...(ref === undefined ? {} : { ref }),
      ...members,
      ...change,
    });
  }

  async send(roomId: string, t: string, members: object = {}, ref?: string): Promise<string> {
    const text = await this.compose(roomId, t, members, ref);
    this.socket.deliver(text);
    return text;
  }

  /** Sends an answer to the offer of a room. */
  async answer(roomId: string, t: string, members: object = {}): Promise<string> {
    const offer = this.#offers.get(roomId);
    if (!offer) throw new Error("no offer in that room");
    return this.send(roomId, t, members, offer.id);
  }

  /** The invite and the offer of a room fit together. */
  offerHolds(roomId: string): boolean {
    const offer = this.#offers.get(roomId);
    return offer !== undefined && offer.payload["invite"] === this.#invites.get(roomId)?.text;
  }
}

/** The last member of a JWS, changed by one bit. */
export function forge(text: string): string {
  const [head = "", body = "", tail = ""] = text.split(".");
  const bytes = fromBase64url(tail) ?? new Uint8Array(64);
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  return `${head}.${body}.${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** Reads a data-channel frame that was sent. */
export function frame(text: string): Readonly<Record<string, Json>> {
  const value = JSON.parse(text) as Json;
  if (!isObject(value)) throw new Error("no object");
  return value;
}

/** The text of a member that has to be one. */
export function textOf(value: Json | undefined): string {
  if (typeof value !== "string") throw new Error("no text");
  return value;
}
