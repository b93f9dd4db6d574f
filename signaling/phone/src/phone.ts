/** The phone: its key, its devices, one link to each, and at most one call. */
import type { BrokerReport } from "./brokers.js";
import type { Origin } from "./causes.js";
import type { Clock } from "./clock.js";
import { randomId } from "./encoding.js";
import { CallboxError } from "./errors.js";
import { exchange } from "./exchange.js";
import { failure, linkError } from "./failures.js";
import type { OwnKey } from "./jws.js";
import { LateBrokers } from "./latebrokers.js";
import { Link, type LinkParts } from "./link.js";
import type { OwnMedia } from "./media.js";
import { Mail } from "./mail.js";
import { isName } from "./message.js";
import { checkOptions, type CallOptions } from "./options.js";
import { brokerEndpoint, isLoopback, socketUrl, type PairingLink } from "./pairing.js";
import { paired, type CallResult, type Device, type PhoneParts } from "./phoneparts.js";
import type { Right } from "./rights.js";
import { Rings } from "./rings.js";
import { Rooms, type Room } from "./rooms.js";
import { Session } from "./session.js";
import type { SessionHooks, SessionParts } from "./sessionparts.js";
import type { DeviceRecord } from "./store.js";
import { ownCamera, viewBefore, type CallView } from "./view.js";

export class Phone {
  readonly #parts: PhoneParts;
  #key: OwnKey | undefined;
  #devices: DeviceRecord[] = [];
  readonly #brokers: LateBrokers;
  readonly #links = new Map<string, Link>();
  readonly #rooms: Rooms;
  readonly #rings: Rings;
  readonly #removed = new Set<string>();
  /** Verification takes turns, so that messages stay in the order in which they came. */
  #turn: Promise<void> = Promise.resolve();
  #preparing: { readonly view: CallView; readonly media: OwnMedia; giveUp: () => void } | undefined;
  #session: Session | undefined;
  #lastView: CallView | undefined;
  #connected = false;
  /** Messages that were dropped, by reason. */
  readonly dropped: Record<string, number> = {};

  constructor(parts: PhoneParts) {
    this.#parts = parts;
    this.#brokers = new LateBrokers(async (key) => parts.openBrokers(key));
    this.#rooms = new Rooms(parts.clock);
    this.#rings = new Rings({
      clock: parts.clock,
      rooms: this.#rooms,
      engagement: (dkt) => this.#engagement(dkt),
      begin: (device, link, ring, options, hooks) => this.#begin(device, link, ring, options, this.#makeMedia(), hooks),
      missed: (roomId, data) => {
        parts.events.voip({ eventName: "ringBusy", roomId, groupId: roomId, data });
      },
      key: () => this.#ownKey(),
    });
  }

  /** Loads the key and the devices. */
  async load(): Promise<void> {
    this.#key ??= await this.#parts.store.key();
    this.#devices = await this.#parts.store.devices();
    if (this.#connected) this.connect();
    this.#parts.events.devicesChanged();
  }

  /** Keeps a link to each device open from now on. */
  connect(): void {
    this.#connected = true;
    for (const device of this.#devices) this.#linkTo(device).open();
  }

  disconnect(): void {
    this.#connected = false;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    if (!this.busy) this.#rooms.clear();
  }

  /** The network may be back: what waits to connect tries now. */
  hurry(): void {
    if (!this.#connected) return;
    for (const link of this.#links.values()) link.hurry();
  }

  /** The device says, past its connection, that it rings this phone in a room: one that knows nothing of it is dead. */
  woken(dkt: string, roomId: string): void {
    const link = this.#links.get(dkt);
    if (!link || this.#rooms.has(roomId)) return;
    if (link.state === "up") link.suspect();
    if (link.state === "down") link.open();
  }

  /** Opens a room for one question to a device. @throws CallboxError notPaired, unreachable */
  ask(dkt: string, question: (mail: Mail, clock: Clock) => Room): void {
    const device = paired(this.#devices.find((d) => d.dkt === dkt));
    const link = this.#links.get(dkt);
    if (link?.state !== "up") throw new CallboxError("unreachable", "the device is not connected");
    const { clock } = this.#parts;
    // A device that does not know the question says nothing: its connection is not to be blamed.
    const mail = new Mail(this.#ownKey(), device, randomId(), clock, link, { suspicious: false });
    const room = Object.assign(question(mail, clock), { roomId: mail.roomId });
    this.#rooms.add(dkt, room);
    this.#rooms.retire(room);
  }

  /** Keeps what a device has said this phone may do; undefined: it is connected and does not answer. */
  async learn(dkt: string, rights: readonly Right[] | undefined): Promise<void> {
    const device = this.#devices.find((d) => d.dkt === dkt);
    if (!device || (!rights && !this.#links.get(dkt)?.sure)) return; // it may be off, behind a broker
    if (this.#removed.has(dkt) === !rights && String(rights ?? device.rights) === String(device.rights)) return;
    if (rights) this.#removed.delete(dkt);
    else this.#removed.add(dkt);
    if (rights) await this.#parts.store.put({ ...device, rights });
    await this.load();
  }

  devices(): Device[] {
    return this.#devices.map((device) => this.#shown(device));
  }

  #shown({ sn, dkt, name, rights }: DeviceRecord): Device {
    return { sn, dkt, name, rights, state: this.#links.get(dkt)?.state ?? "closed", removed: this.#removed.has(dkt) };
  }

  async forget(dkt: string): Promise<void> {
    if (this.busy && this.#session?.parts.device.dkt === dkt) {
      throw new CallboxError("callInProgress", "a call is running");
    }
    paired(this.#devices.find((d) => d.dkt === dkt));
    await this.#parts.store.remove(dkt);
    this.#unlink(dkt);
    await this.load();
  }

  /** Whether a call is being prepared or is running. */
  get busy(): boolean {
    return this.#preparing !== undefined || (this.#session !== undefined && this.#session.phase !== "ended");
  }

  get session(): Session | undefined {
    return this.#session;
  }

  get media(): OwnMedia | undefined {
    return this.#preparing?.media ?? (this.busy ? this.#session?.parts.media : undefined);
  }

  /** The running call, or the last one, ended. */
  view(): CallView | undefined {
    return this.#preparing?.view ?? this.#session?.view() ?? this.#lastView;
  }

  /** Checks everything that can be checked before anything is sent or opened. */
  check(options: CallOptions): DeviceRecord {
    checkOptions(options);
    if (this.busy) throw new CallboxError("callInProgress", "a call is running");
    const fit = this.#devices.filter((d) => (options.dkt ?? d.dkt) === d.dkt && (options.sn ?? d.sn) === d.sn);
    const device = paired(fit[0]);
    if (fit.length > 1) throw new CallboxError("ambiguousDevice", "several devices fit: pass dkt");
    return device;
  }

  /** Calls a device. Resolves when the device has answered that it is there. */
  async call(options: CallOptions): Promise<CallResult> {
    const device = this.check(options);
    const link = this.#linkTo(device);
    const refusal = linkError(link.state);
    if (refusal) throw refusal;
    link.open();

    const media = this.#makeMedia();
    const preparing = { media, view: viewBefore(options, device), giveUp: (): void => undefined };
    // The browser may ask the person, who may give the call up instead of answering.
    const givenUp = new Promise<void>((done) => {
      preparing.giveUp = done;
    });
    this.#preparing = preparing;
    this.#parts.events.callChanged();
    await Promise.race([media.open({ audio: true, video: ownCamera(options) }), givenUp]);
    // A hang-up has cleared it already, and a new call may have begun.
    if (this.#preparing !== preparing) {
      media.close();
      throw new CallboxError("cancelled", "the call was given up");
    }

    return new Promise<CallResult>((resolve, reject) => {
      try {
        const session: Session = this.#begin(device, link, undefined, options, media, {
          mayAlert: () => "yes",
          joined: () => {
            resolve({ roomId: session.roomId, groupId: session.roomId });
          },
          failed: (end) => {
            reject(linkError(link.state) ?? failure(end, session.roomId));
            this.#over(session);
          },
        });
        this.#session = session;
      } finally {
        this.#preparing = undefined; // not before: the last call would be seen again
      }
      this.#parts.events.callChanged();
    });
  }

  /** Answers the call of a device that is ringing here, or the one named. @throws CallboxError noCall */
  answer(roomId?: string): void {
    this.#incoming(roomId).answer();
  }

  /** Declines it. @throws CallboxError noCall */
  reject(roomId?: string): void {
    this.#incoming(roomId).hangUp("manual");
  }

  #incoming(roomId: string | undefined): Session {
    const session = this.#session;
    if (session?.phase !== "incoming" || (roomId !== undefined && roomId !== session.roomId)) {
      throw new CallboxError("noCall", "no such call is ringing", roomId);
    }
    return session;
  }

  /** Ends the call, or the one named. @throws CallboxError noCall */
  hangUp(origin: Origin, roomId?: string): void {
    if (this.#preparing && roomId === undefined) {
      this.#preparing.giveUp();
      this.#lastView = { ...this.#preparing.view, phase: "ended", end: { cause: "cancelled", origin } };
      this.#preparing = undefined;
      this.#session = undefined;
      this.#parts.events.callChanged();
      return;
    }
    const session = this.#session;
    if (!session || !this.busy || (roomId !== undefined && roomId !== session.roomId)) {
      throw new CallboxError("noCall", "no such call is running", roomId);
    }
    session.hangUp(origin);
  }

  /** Pairs this phone with the device of a link, after the person has agreed. */
  async pair(link: PairingLink, name: string): Promise<Device> {
    if (!isName(name)) throw new CallboxError("badArgument", "a name has 1 to 64 characters, no control characters");
    const known = this.#devices.find((d) => d.dkt === link.dkt);
    // One connection per key counts: the one to the same device makes room.
    this.#unlink(link.dkt);
    let paired;
    try {
      paired = await exchange({ ...this.#linkParts(), link, name, endpoints: this.#endpoints(link.endpoints) });
    } catch (error) {
      if (this.#connected) this.connect(); // the link to a device that was known before made room
      throw error;
    }
    const endpoints = [...new Set([paired.url, ...link.endpoints, ...(known?.endpoints ?? [])])].slice(0, 16);
    // A link never replaces an entry; what it may add is a way to reach the same key.
    const record: DeviceRecord = known
      ? { ...known, endpoints }
      : { sn: link.sn, dkt: link.dkt, jwk: paired.jwk, endpoints, name: paired.name };
    await this.#parts.store.put(record);
    this.#unlink(link.dkt);
    await this.load();
    return this.#shown(record);
  }

  /** The page is being closed. */
  unload(): void {
    this.#session?.unload();
  }

  #unlink(dkt: string): void {
    this.#links.get(dkt)?.close();
    this.#links.delete(dkt);
  }

  #ownKey(): OwnKey {
    if (!this.#key) throw new CallboxError("storage", "the phone's key is not loaded");
    return this.#key;
  }

  #makeMedia(): OwnMedia {
    return this.#parts.makeMedia(() => this.#session?.tracksChanged());
  }

  /** Begins a call, own or of a device, in a room of its own. */
  #begin(
    device: DeviceRecord,
    link: Link,
    ring: SessionParts["ring"],
    options: CallOptions,
    media: OwnMedia,
    hooks: Pick<SessionHooks, "mayAlert" | "joined" | "failed">,
  ): Session {
    const { clock, makeLeg, events } = this.#parts;
    const session: Session = new Session({
      key: this.#ownKey(),
      device,
      carrier: link,
      clock,
      makeLeg,
      media,
      options,
      ring,
      allowLoopback: () => isLoopback(link.url),
      hooks: {
        emit: (event) => {
          events.voip(event);
        },
        changed: () => {
          events.callChanged();
        },
        data: (payload) => events.data(payload),
        over: () => {
          this.#over(session);
        },
        ...hooks,
        joined: () => {
          if (ring) this.#session = session;
          hooks.joined();
        },
      },
    });
    this.#rooms.add(device.dkt, session);
    return session;
  }

  #over(session: Session): void {
    this.#lastView = session.view();
    this.#rooms.retire(session);
    this.#parts.events.callChanged();
  }

  /** What this phone is doing when a device calls. */
  #engagement(dkt: string): "free" | "busy" | "calling" {
    const view = this.busy && this.view();
    if (!view) return "free";
    const begun = ["talking", "reconnecting", "leaving"].includes(view.phase);
    return view.isCaller && view.dkt === dkt && !begun ? "calling" : "busy";
  }

  #endpoints(endpoints: readonly string[]): string[] {
    const { pageEndpoint } = this.#parts;
    const only = endpoints.some((e) => brokerEndpoint(e)) && !endpoints.some((e) => socketUrl(e) !== undefined);
    return pageEndpoint === undefined || only ? [...endpoints] : [...endpoints, pageEndpoint];
  }

  #linkParts(): LinkParts {
    const { openSocket, clock } = this.#parts;
    const key = this.#ownKey();
    return { key, openSocket, clock, brokers: async () => this.#brokers.get(key) };
  }

  /** The brokers that are used, for support. */
  brokers(): BrokerReport[] {
    return this.#brokers.reports();
  }

  #linkTo(device: DeviceRecord): Link {
    const existing = this.#links.get(device.dkt);
    if (existing) return existing;
    const target = { ...device, endpoints: this.#endpoints(device.endpoints) };
    const link: Link = new Link(this.#linkParts(), target, {
      state: (state) => {
        // Nothing can come of a link that has stopped for good.
        if (linkError(state) && this.#session?.parts.device.dkt === device.dkt && this.#session.phase === "inviting") this.#session.hangUp("other");
        this.#parts.events.devicesChanged();
      },
      up: () => {
        for (const room of this.#rooms.of(device.dkt)) room.linkUp();
      },
      down: () => {
        for (const room of this.#rooms.of(device.dkt)) room.linkDown();
      },
      hello: (epoch) => {
        for (const room of this.#rooms.of(device.dkt)) room.epoch(epoch);
        this.#parts.events.connected(device.dkt);
      },
      message: (text, via) => {
        const work = async (): Promise<void> => {
          const message = await link.verify(text, via);
          const dropped = typeof message === "string" ? message : this.#rooms.deliver(device.dkt, message, text) ? undefined : this.#rings.take(device, link, message, text);
          if (dropped !== undefined) this.#drop(dropped);
        };
        // A failure with one message must not stop the next ones.
        this.#turn = this.#turn.then(work).catch((error: unknown) => {
          this.#drop("failed");
          reportError(error);
        });
      },
    });
    this.#links.set(device.dkt, link);
    return link;
  }

  #drop(reason: string): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
  }
}
