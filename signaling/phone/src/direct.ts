import type { Clock, Timer } from "./clock.js";
import { randomId } from "./encoding.js";
import { importPeer, open, parseJwk, peek, sign, maxMessage, type OwnKey, type PeerKey } from "./jws.js";
import { deviceAddress, parseHello, phoneAddress, protocolVersion } from "./message.js";
import { socketUrl } from "./pairing.js";
import type { LinkState, LinkTarget, Way, WayEvents } from "./way.js";

/** The part of a WebSocket that is used; tests bring their own. */
export interface Socket {
  onmessage: ((this: never, event: MessageEvent) => unknown) | null;
  onclose: ((this: never, event: never) => unknown) | null;
  onerror: ((this: never, event: never) => unknown) | null;
  send(text: string): void;
  close(code?: number): void;
}
export type OpenSocket = (url: string, protocol: string) => Socket;

export const subprotocol = "callbox.v1";

const helloTime = 5000;
const openTime = 6000;
const backoff = { first: 200, most: 15_000 } as const;

/**
 * The `direct` transport: one WebSocket to a device, proven by its hello before
 * anything is sent, opened again with jitter when it closes. Endpoints are tried
 * in turn.
 */
export class DirectLink implements Way {
  readonly #key: OwnKey;
  readonly #target: LinkTarget;
  readonly #openSocket: OpenSocket;
  readonly #clock: Clock;
  readonly #events: WayEvents;
  readonly #urls: readonly string[];
  #socket: Socket | undefined;
  #state: LinkState = "down";
  #timer: Timer | undefined;
  #attempt = 0;
  #next = 0;
  #peer: PeerKey | undefined;
  /** The endpoint that last proved itself. */
  url: string | undefined;

  constructor(key: OwnKey, target: LinkTarget, openSocket: OpenSocket, clock: Clock, events: WayEvents) {
    this.#key = key;
    this.#target = target;
    this.#openSocket = openSocket;
    this.#clock = clock;
    this.#events = events;
    this.#urls = [...new Set(target.endpoints.map(socketUrl).filter((url) => url !== undefined))];
  }

  get state(): LinkState {
    return this.#state;
  }

  get up(): boolean {
    return this.#state === "up";
  }

  get sure(): boolean {
    return this.up;
  }

  /** The device's key, once its hello was verified. */
  get peer(): PeerKey | undefined {
    return this.#peer;
  }

  /** Starts connecting, or tries again at once when it is waiting. */
  open(): void {
    if (this.#state === "up" || this.#state === "connecting") return;
    this.#timer?.cancel();
    this.#attempt = 0;
    this.#connect();
  }

  hurry(): void {
    if (this.#state === "down") this.open();
  }

  /** Sends one message; false when the link is not up. */
  send(text: string): boolean {
    if (this.#state !== "up" || !this.#socket) return false;
    this.#socket.send(text);
    return true;
  }

  /** The connection looks dead (nothing is answered): closes it and opens another. */
  suspect(): void {
    if (this.#state === "up") this.#lost();
  }

  close(): void {
    this.#timer?.cancel();
    this.#drop();
    this.#set("closed");
  }

  #connect(): void {
    const url = this.#urls[this.#next % Math.max(1, this.#urls.length)];
    if (url === undefined) return;
    this.#set("connecting");
    let socket: Socket;
    try {
      socket = this.#openSocket(url, subprotocol);
    } catch {
      // A page on https may not open ws://: the browser throws before it tries.
      this.#lost();
      return;
    }
    this.#socket = socket;
    let greeted = false;
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (socket !== this.#socket || typeof data !== "string" || data.length > maxMessage) return;
      if (this.#state === "up") {
        this.#events.message(data);
        return;
      }
      if (greeted) return; // an eager device: nothing counts before its hello is verified, and it sends again
      greeted = true;
      void this.#greet(socket, data, url);
    };
    const closed = (): void => {
      if (socket === this.#socket) this.#lost();
    };
    socket.onclose = closed;
    socket.onerror = closed;
    this.#timer = this.#clock.after(openTime + helloTime, closed);
  }

  async #greet(socket: Socket, text: string, url: string): Promise<void> {
    const verdict = await this.#verify(text);
    if (socket !== this.#socket) return;
    switch (verdict.is) {
      case "wrong":
        this.#lost();
        return;
      case "keyChanged":
      case "unsupported":
        this.#stop(verdict.is);
        return;
      case "right": {
        const answer = await sign(this.#key, {
          v: protocolVersion,
          t: "hello",
          id: randomId(),
          from: phoneAddress(this.#key.jkt),
          to: deviceAddress(this.#target.sn),
          tkt: this.#target.dkt,
          ref: verdict.id,
          nonce: verdict.nonce,
          jwk: this.#key.jwk,
        });
        if (socket !== this.#socket) return;
        socket.send(answer);
        this.#timer?.cancel();
        this.#attempt = 0;
        this.#peer = verdict.peer;
        this.url = url;
        this.#set("up");
        this.#events.hello(verdict.epoch);
        return;
      }
    }
  }

  async #verify(
    text: string,
  ): Promise<
    | { readonly is: "right"; readonly peer: PeerKey; readonly id: string; readonly nonce: string; readonly epoch: number }
    | { readonly is: "wrong" | "keyChanged" | "unsupported" }
  > {
    const claimed = peek(text);
    const jwk = claimed && parseJwk(claimed["jwk"]);
    const peer = jwk && (await importPeer(jwk));
    const payload = peer && (await open(text, peer));
    const hello = payload && parseHello(payload);
    if (!hello) return { is: "wrong" };
    if (peer.jkt !== this.#target.dkt) {
      // Another device at an old address is not the same as our device with another key.
      return { is: hello.sn === this.#target.sn ? "keyChanged" : "wrong" };
    }
    if (hello.sn !== this.#target.sn) return { is: "wrong" };
    if (!hello.versions.includes(protocolVersion)) return { is: "unsupported" };
    return { is: "right", peer, id: hello.id, nonce: hello.nonce, epoch: hello.epoch };
  }

  #stop(state: "keyChanged" | "unsupported"): void {
    this.#timer?.cancel();
    this.#drop();
    this.#set(state);
  }

  #lost(): void {
    this.#timer?.cancel();
    this.#drop();
    this.#next += 1;
    this.#attempt += 1;
    // All endpoints are tried once before the pauses begin to grow.
    const round = Math.floor((this.#attempt - 1) / Math.max(1, this.#urls.length));
    const longest = Math.min(backoff.most, backoff.first * 2 ** Math.min(round, 10));
    const jitter = (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
    this.#set("down");
    this.#timer = this.#clock.after(longest * jitter, () => {
      this.#connect();
    });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    // onerror stays a function: some sockets report an error for closing while they connect.
    socket.onerror = () => undefined;
    socket.close(1000);
  }

  #set(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#events.state(state);
  }
}
