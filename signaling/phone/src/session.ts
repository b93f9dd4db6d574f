/** One call: carries out what call.ts decides, and tells it what happens. */
import { begin, isEarly, step, type CallEvent, type CallState, type Effect, type Phase, type TimerName } from "./call.js";
import type { End, Origin } from "./causes.js";
import type { Timer } from "./clock.js";
import { DoorstepData } from "./doorstep.js";
import { randomId } from "./encoding.js";
import { CallboxError } from "./errors.js";
import type { Json } from "./ijson.js";
import type { LegStats } from "./leg.js";
import { Letters } from "./letters.js";
import { Mail, lives } from "./mail.js";
import { deviceAddress, phoneAddress, type Envelope } from "./message.js";
import { Reader } from "./reader.js";
import type { SessionParts } from "./sessionparts.js";
import { times, type LeaveType } from "./state.js";
import { Talk } from "./talk.js";
import { tokenRoom } from "./token.js";
import type { Body } from "./verify.js";
import { viewOf, type CallView } from "./view.js";
import type { VoipEvent, VoipEventName } from "./voipevents.js";

export class Session {
  readonly roomId: string;
  readonly parts: SessionParts;
  readonly #mail: Mail;
  readonly #timers = new Map<TimerName, Timer>();
  readonly #doorstep: DoorstepData;
  readonly #letters: Letters;
  readonly #reader: Reader;
  /** A call of the device has a connection only from its answer on. */
  #talk: Talk | undefined;
  #state: CallState;
  #held: CallEvent[] = [];
  /** Messages of the device in this room. */
  #heard = 0;

  constructor(parts: SessionParts) {
    this.parts = parts;
    const { clock, options, ring } = parts;
    // A token is for one room, which whoever asked for it has made.
    this.roomId = ring?.envelope.roomId ?? tokenRoom(options.token ?? "") ?? randomId();
    this.#mail = new Mail(parts.key, parts.device, this.roomId, clock, parts.carrier, { suspicious: true });
    this.#letters = new Letters(this.#mail, ring?.envelope, {
      unanswered: (type) => {
        this.#apply({ t: "unanswered", type });
      },
    });
    this.#doorstep = new DoorstepData(clock, this.#mail);
    this.#reader = new Reader({
      mail: this.#mail,
      letters: this.#letters,
      doorstep: this.#doorstep,
      roomType: options.roomType,
      allowLoopback: parts.allowLoopback,
      state: () => this.#state,
      talk: () => this.#talk,
      apply: (event) => {
        this.#apply(event);
      },
      mayAlert: () => this.#mayAlert(),
      data: (payload) => parts.hooks.data(payload),
    });
    if (ring) this.#mail.arrive(ring.envelope, ring.text);
    else this.#talk = this.#newTalk();
    const [state, effects] = begin(options.roomType, options.timeLimit, ring && { query: options.customQuery });
    this.#state = state;
    this.#run(effects);
  }

  #newTalk(): Talk {
    const { clock, makeLeg, media, options, hooks } = this.parts;
    return new Talk({
      roomType: options.roomType,
      clock,
      makeLeg,
      media,
      events: {
        lost: () => {
          this.#apply({ t: "lost" });
          this.#doubt();
        },
        flowing: () => {
          this.#apply({ t: "flowing" });
        },
        candidates: (candidates) => {
          void this.#mail.post("candidates", { candidates }, { life: lives.rest });
        },
        copy: (frame) => {
          this.#reader.copy(frame);
        },
        data: (id, payload) => (this.#mail.arriveOnChannel(id) ? hooks.data(payload) : undefined),
        changed: () => {
          hooks.changed();
        },
      },
    });
  }

  get phase(): Phase {
    return this.#state.phase;
  }

  /** The device calls, and nobody has been alerted: the ring may be an old one. */
  get silent(): boolean {
    return !this.#state.isCaller && !this.#state.joined;
  }

  get remote(): MediaStream | undefined {
    return this.#state.accepted && this.#state.phase !== "ended" ? this.#talk?.leg.remote : undefined;
  }

  get quality(): number | undefined {
    return this.#talk?.quality;
  }

  async stats(): Promise<LegStats | undefined> {
    return this.#talk?.stats();
  }

  view(): CallView {
    return viewOf(this.roomId, this.#state, this.#talk, this.parts);
  }

  /** The person answers a call of the device. */
  answer(): void {
    this.#apply({ t: "pickUp" });
  }

  /** A call of the device is not taken. */
  decline(end: End): void {
    this.#apply({ t: "decline", end });
  }

  hangUp(origin: Origin): void {
    this.#apply({ t: "hangUp", origin });
  }

  /** The page is being closed: says so with what is signed already. A ring goes on: the page may be opened anew. */
  unload(): void {
    if (this.#state.phase === "ended" || this.#state.phase === "leaving") return;
    this.#talk?.leg.silence();
    this.#letters.sendFarewell((frame) => this.#talk?.leg.send(frame));
  }

  async setMic(on: boolean): Promise<boolean> {
    return (await this.#talk?.setMic(on)) ?? false;
  }

  async setCamera(on: boolean): Promise<boolean> {
    return (await this.#talk?.setCamera(on)) ?? false;
  }

  async flipCamera(): Promise<boolean> {
    return (await this.#talk?.flipCamera()) ?? false;
  }

  setSpeaker(on: boolean): void {
    this.#talk?.setSpeaker(on);
  }

  /** Own tracks have changed. */
  tracksChanged(): void {
    this.#talk?.tracksChanged();
  }

  /** The person sees the call. False: it is over, or not yet one. */
  shown(): boolean {
    const { isCaller, joined, phase } = this.#state;
    if (!joined || phase === "ended") return false;
    const [own, theirs] = [phoneAddress(this.parts.key.jkt), deviceAddress(this.parts.device.sn)];
    this.#emit("callPageOnShow", { callerId: isCaller ? own : theirs, listenerId: isCaller ? theirs : own });
    return true;
  }

  /** Sends the maker's own data: in the talk, or once per nonce while it rings. */
  async sendData(payload: Json, right: string | undefined): Promise<void> {
    const { phase } = this.#state;
    if (this.#talk && (phase === "talking" || phase === "reconnecting")) return this.#talk.sendData(payload, right);
    if (phase === "ringing") return this.#doorstep.send(payload, right);
    throw new CallboxError("noCall", "data is for the talk, or while an own call rings", this.roomId);
  }

  /** Media has stopped: if the device says nothing either, what goes straight to it is dead, too. */
  #doubt(): void {
    const before = this.#heard;
    this.parts.clock.after(times.doubt, () => {
      if (this.#heard === before && this.#state.phase === "reconnecting") this.parts.carrier.suspect(Infinity);
    });
  }

  linkUp(): void {
    this.#mail.up();
    this.#apply({ t: "up" });
  }

  linkDown(): void {
    this.#mail.down();
  }

  epoch(epoch: number): void {
    this.#apply({ t: "epoch", epoch });
  }

  /** A verified message of this room. */
  receive(envelope: Envelope, body: Body, text: string): void {
    this.#heard += 1;
    this.#reader.receive(envelope, body, text);
  }

  /** The challenge makes a call of the device alert, unless this phone is engaged. */
  #mayAlert(): boolean {
    if (!this.silent) return true;
    const verdict = this.parts.hooks.mayAlert();
    if (verdict === "busy") this.decline({ cause: "busy" });
    return verdict === "yes";
  }

  #apply(event: CallEvent): void {
    if (isEarly(this.#state, event)) {
      this.#held.push(event);
      return;
    }
    const before = this.#state;
    const [next, effects] = step(before, event, this.parts.clock.now());
    this.#state = next;
    this.#run(effects);
    if (next === before) return;
    this.#talk?.reconnecting(next.phase === "reconnecting");
    if (!this.silent) this.parts.hooks.changed();
    const held = this.#held;
    this.#held = [];
    for (const early of held) this.#apply(early);
  }

  #run(effects: readonly Effect[]): void {
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: Effect): void {
    const { hooks, clock } = this.parts;
    switch (effect.do) {
      case "sendInvite":
        this.#attempt(this.#letters.invite(this.parts.options));
        return;
      case "prepare":
        this.#attempt(this.#prepare());
        return;
      case "makeOffer":
        this.#attempt(
          this.#flow().leg.offer(effect.iceServers).then((sdp) => {
            this.#apply({ t: "offerReady", sdp });
          }),
        );
        return;
      case "sendOffer":
        this.#attempt(this.#letters.offer(effect.sdp));
        return;
      case "setAnswer":
        this.#attempt(this.#flow().leg.answer(this.#reader.clean(effect.sdp)));
        return;
      case "setRestartAnswer":
        this.#tryAgain(this.#flow().leg.answer(this.#reader.clean(effect.sdp)));
        return;
      case "openMedia":
        this.#flow().leg.open();
        this.#attempt(this.#letters.signFarewell("bye"));
        return;
      case "closeMedia":
        this.#talk?.leg.silence();
        return;
      case "restartIce":
        this.#letters.dropRestart();
        this.#flow().trickle.restart();
        this.#tryAgain(this.#flow().leg.restart(effect.iceServers).then(async (sdp) => this.#letters.restart(effect.generation, sdp)));
        return;
      case "sendLeave":
        this.#leave(effect.type, effect.end);
        return;
      case "timer":
        this.#timers.get(effect.name)?.cancel();
        this.#timers.set(
          effect.name,
          clock.after(effect.ms, () => {
            this.#apply({ t: "timer", name: effect.name });
          }),
        );
        return;
      case "clear":
        this.#timers.get(effect.name)?.cancel();
        return;
      case "joined":
        hooks.joined();
        return;
      case "emit":
        if (effect.event === "startVoip") this.#flow().begin();
        if (effect.event === "calling") hooks.changed();
        this.#emit(effect.event, effect.data);
        return;
      case "failed":
        this.#close();
        hooks.failed(effect.end);
        return;
      case "finish":
        this.#close();
        this.#finish(effect.keepTime);
        return;
      default:
        effect satisfies never;
    }
  }

  #flow(): Talk {
    return (this.#talk ??= this.#newTalk());
  }

  async #prepare(): Promise<void> {
    const { media, options } = this.parts;
    await media.open({ audio: true, video: options.roomType === "video" });
    if (this.#state.phase !== "preparing") return; // the device gave up meanwhile: media is closed already
    this.#flow();
    this.#apply({ t: "mediaReady" });
  }

  #emit(eventName: VoipEventName, data: Readonly<Record<string, unknown>>): void {
    // The tests hold that it is what voipevents.ts says (test/support/events.ts).
    this.parts.hooks.emit({ eventName, roomId: this.roomId, groupId: this.roomId, data } as VoipEvent);
  }

  #finish(seconds: number): void {
    const { options, device, hooks } = this.parts;
    const { isCaller } = this.#state;
    const [own, theirs] = [options.nickName ?? "", options.deviceName ?? device.name];
    this.#emit("endVoip", {
      keepTime: seconds,
      callerName: isCaller ? own : theirs,
      listenerName: isCaller ? theirs : own,
      roomType: options.roomType,
      isCaller,
      businessType: isCaller ? 2 : 1,
    });
    this.#emit("finishVoip", { keepTime: seconds });
    hooks.over();
  }

  /** A local failure of something the call cannot do without ends it. */
  #attempt(work: Promise<unknown>): void {
    work.catch(() => {
      this.#apply({ t: "mediaFailed" });
    });
  }

  /** A restart that fails here harms no talk that still flows; a lost one is restarted once more. */
  #tryAgain(work: Promise<unknown>): void {
    work.catch(() => {
      this.#apply({ t: "up" });
    });
  }

  #leave(type: LeaveType, end: End): void {
    this.#talk?.trickle.stop();
    void this.#letters.leave(type, end, (id) => {
      if (type === "bye") this.#talk?.sendBye(id, end);
    });
  }

  #close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#doorstep.stop();
    this.parts.media.close();
    this.#talk?.close();
    this.#letters.close();
  }

  /** The room is forgotten: nothing of it is sent any more. */
  forget(): void {
    this.#mail.close();
  }
}
