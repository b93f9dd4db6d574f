/** One call: carries out what call.ts decides, and tells it what happens. */
import { begin, isEarly, step, type CallEvent, type CallState, type Effect, type Phase, type TimerName } from "./call.js";
import type { End, Origin } from "./causes.js";
import { DataSender, FrameBudget, InfoSender, parseFrame, type Info } from "./channel.js";
import type { Clock, Timer } from "./clock.js";
import { DoorstepData } from "./doorstep.js";
import { randomId } from "./encoding.js";
import { CallboxError } from "./errors.js";
import type { Json } from "./ijson.js";
import type { OwnKey } from "./jws.js";
import type { Leg, LegStats, MakeLeg } from "./leg.js";
import { Letters } from "./letters.js";
import { Mail, lives, type Carrier } from "./mail.js";
import type { OwnMedia } from "./media.js";
import { malformed, unknownType, type DeviceBody, type Envelope } from "./message.js";
import type { CallOptions } from "./options.js";
import { Quality } from "./quality.js";
import { checkAnswer } from "./sdp.js";
import { tokenRoom } from "./token.js";
import { Trickle } from "./trickle.js";
import type { CallView, VoipEvent } from "./view.js";

export interface SessionParts {
  readonly key: OwnKey;
  readonly device: { readonly sn: string; readonly dkt: string; readonly name: string };
  readonly carrier: Carrier;
  readonly clock: Clock;
  readonly makeLeg: MakeLeg;
  readonly media: OwnMedia;
  /** Asked when an SDP or a candidate has come: by then the link has proved which way it goes. */
  readonly allowLoopback: () => boolean;
  readonly options: CallOptions;
  readonly hooks: SessionHooks;
}

export interface SessionHooks {
  emit(event: VoipEvent): void;
  changed(): void;
  /** The device answered the invite. */
  joined(): void;
  /** The attempt ended before the device answered. */
  failed(end: End): void;
  /** After the last event. */
  over(): void;
  /** The device's own data; false: nobody handles it. */
  data(payload: Json): boolean;
}

export class Session {
  readonly roomId: string;
  readonly parts: SessionParts;
  readonly #mail: Mail;
  readonly #leg: Leg;
  readonly #timers = new Map<TimerName, Timer>();
  readonly #budget: FrameBudget;
  readonly #info: InfoSender;
  readonly #data: DataSender;
  readonly #doorstep: DoorstepData;
  readonly #letters: Letters;
  readonly #trickle: Trickle;
  readonly #quality: Quality;
  #state: CallState;
  #held: CallEvent[] = [];
  #fingerprint: string | undefined;
  #remoteInfo: Info | undefined;
  #micOn = true;

  constructor(parts: SessionParts) {
    this.parts = parts;
    // A token is for one room, which whoever asked for it has made.
    this.roomId = tokenRoom(parts.options.token ?? "") ?? randomId();
    const { clock, options } = parts;
    this.#mail = new Mail(parts.key, parts.device, this.roomId, clock, parts.carrier, { suspicious: true });
    this.#letters = new Letters(this.#mail, {
      unanswered: (type) => {
        this.#apply({ t: "unanswered", type });
      },
    });
    this.#budget = new FrameBudget(clock);
    this.#leg = parts.makeLeg(options.roomType, {
      candidate: (candidate) => {
        this.#trickle.found(candidate);
      },
      lost: () => {
        this.#apply({ t: "lost" });
      },
      flowing: () => {
        this.#apply({ t: "flowing" });
      },
      frame: (text) => {
        this.#frame(text);
      },
      channelOpen: () => {
        this.#sayInfo();
      },
    });
    const send = (text: string): boolean => this.#leg.send(text);
    this.#info = new InfoSender(clock, send);
    this.#data = new DataSender(clock, send);
    this.#doorstep = new DoorstepData(clock, this.#mail);
    this.#quality = new Quality(clock, async () => this.#leg.stats(), () => {
      this.#sayInfo();
    });
    this.#trickle = new Trickle(clock, {
      send: (candidates) => {
        void this.#mail.post("candidates", { candidates }, { life: lives.rest });
      },
      add: (candidate) => {
        this.#leg.addCandidate(candidate);
      },
    });
    const [state, effects] = begin(options.roomType, options.timeLimit);
    this.#state = state;
    this.tracksChanged();
    this.#run(effects);
  }

  get phase(): Phase {
    return this.#state.phase;
  }

  get remote(): MediaStream | undefined {
    return this.#state.accepted && this.#state.phase !== "ended" ? this.#leg.remote : undefined;
  }

  async stats(): Promise<LegStats> {
    return this.#leg.stats();
  }

  view(): CallView {
    const s = this.#state;
    const { media, device, options } = this.parts;
    const talked = s.startedAt === undefined ? 0 : (this.parts.clock.now() - s.startedAt) / 1000;
    return {
      phase: s.phase,
      roomId: this.roomId,
      dkt: device.dkt,
      deviceName: options.deviceName ?? device.name,
      roomType: options.roomType,
      elapsed: Math.floor(talked + 0.05),
      remaining: s.startedAt === undefined || s.limit === undefined ? undefined : Math.max(0, Math.ceil(s.limit - talked - 0.05)),
      mic: this.#micOn && media.audio !== null,
      camera: media.video !== null,
      problems: [...media.problems],
      remote: this.#remoteInfo,
      end: s.end,
      endedByDevice: s.endedByDevice,
    };
  }

  hangUp(origin: Origin): void {
    this.#apply({ t: "hangUp", origin });
  }

  /** The page is being closed: says so with what is signed already. */
  unload(): void {
    if (this.#state.phase === "ended" || this.#state.phase === "leaving") return;
    this.#leg.silence();
    this.#letters.sendFarewell((frame) => this.#leg.send(frame));
  }

  /** Mutes or unmutes the microphone. False: there is none. */
  async setMic(on: boolean): Promise<boolean> {
    const done = await this.parts.media.set("audio", on);
    if (done) this.#micOn = on;
    this.tracksChanged();
    return done;
  }

  /** Turns the camera on or off. False: there is none, or this is a voice call. */
  async setCamera(on: boolean): Promise<boolean> {
    if (this.parts.options.roomType === "voice") return false;
    const done = await this.parts.media.set("video", on);
    this.tracksChanged();
    return done;
  }

  async flipCamera(): Promise<boolean> {
    const done = await this.parts.media.flip();
    this.tracksChanged();
    return done;
  }

  /** Own tracks have changed: the connection gets the new ones, the device and the page hear of it. */
  tracksChanged(): void {
    this.#leg.setTrack("audio", this.parts.media.audio);
    if (this.parts.options.roomType === "video") this.#leg.setTrack("video", this.parts.media.video);
    this.#sayInfo();
    this.parts.hooks.changed();
  }

  /** Sends the maker's own data: in the talk, or once per nonce while it rings. */
  async sendData(payload: Json, right: string | undefined): Promise<void> {
    const { phase } = this.#state;
    if (phase === "talking" || phase === "reconnecting") return this.#data.post(payload, right);
    if (phase === "ringing") return this.#doorstep.send(payload, right);
    throw new CallboxError("noCall", "data can be sent while the device rings and in the talk", this.roomId);
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
  receive(envelope: Envelope, body: DeviceBody | typeof unknownType | typeof malformed, text: string): void {
    if (!this.#mail.arrive(envelope, text)) return;
    if (body === malformed || envelope.v !== 1) {
      this.#apply({ t: "breach" });
      return;
    }
    if (body === unknownType) {
      void this.#mail.ack(envelope);
      return;
    }
    if (body.t === "ack") {
      this.#acked(envelope.ref, body.error, body.nonce);
      return;
    }
    if (!this.#letters.answers(body.t, envelope.ref)) {
      this.#apply({ t: "breach" });
      return;
    }
    if (this.#letters.isOffer(envelope.ref)) this.#trickle.start();
    if (body.t === "data") {
      void this.#mail.ack(envelope, this.parts.hooks.data(body.payload) ? {} : { error: "noHandler" });
      return;
    }
    // The offer is the answer to a challenge; the device sends no challenge again.
    if (body.t !== "challenge") void this.#mail.ack(envelope);
    this.#body(body, envelope.id);
  }

  #body(body: DeviceBody, id: string): void {
    switch (body.t) {
      case "challenge":
        if (!this.#letters.challenged(id, body.nonce)) return;
        this.#apply({ t: "challenge", id, nonce: body.nonce, epoch: body.epoch, iceServers: body.iceServers });
        return;
      case "ringing": {
        this.#doorstep.rings(body.nonce);
        if (body.sdp === undefined || this.#sdpHolds(body.sdp)) this.#apply({ t: "ringing", sdp: body.sdp, ringTimeout: body.ringTimeout });
        return;
      }
      case "accept":
        if (this.#sdpHolds(body.sdp)) this.#apply({ t: "accept", sdp: body.sdp, timeLimit: body.timeLimit });
        return;
      case "restarted":
        if (this.#sdpHolds(body.sdp)) this.#apply({ t: "restarted", generation: body.generation, sdp: body.sdp });
        return;
      case "candidates":
        this.#trickle.came(body.candidates, this.parts.allowLoopback());
        return;
      case "start":
      case "needRestart":
        this.#apply(body);
        return;
      case "reject":
        this.#apply({ t: "reject", end: { cause: body.cause } });
        return;
      case "bye":
        this.#apply({ t: "bye", end: body.end });
        return;
      case "cancel": // a device cancels only calls that it made itself
      case "data":
      case "paired":
      case "pong":
      case "ack":
        return;
      default:
        body satisfies never;
    }
  }

  #sdpHolds(sdp: string): boolean {
    try {
      const checked = checkAnswer(sdp, {
        roomType: this.parts.options.roomType,
        fingerprint: this.#fingerprint,
        allowLoopback: this.parts.allowLoopback(),
      });
      this.#fingerprint = checked.fingerprint;
      return true;
    } catch {
      this.#apply({ t: "breach" });
      return false;
    }
  }

  #acked(ref: string | undefined, error: string | undefined, nonce: string | undefined): void {
    if (ref === undefined) return;
    if (this.#letters.isOffer(ref)) this.#trickle.start();
    if (this.#letters.isLeave(ref)) this.#apply({ t: "leaveAcked" });
    this.#doorstep.acked(ref, error, nonce);
  }

  #frame(text: string): void {
    const frame = this.#budget.take() ? parseFrame(text) : undefined;
    if (!frame) return;
    switch (frame.t) {
      case "accept": {
        // The channel is open only when the answer came in `ringing`, so the copy may leave it out.
        const sdp = frame.sdp ?? this.#state.earlySdp;
        if (sdp === undefined || !this.#mail.arriveOnChannel(frame.id)) return;
        this.#body({ t: "accept", sdp, timeLimit: frame.timeLimit }, frame.id);
        return;
      }
      case "start":
      case "bye":
        if (this.#mail.arriveOnChannel(frame.id)) this.#body(frame, frame.id);
        return;
      case "info":
        if (this.#state.startedAt === undefined) return;
        this.#remoteInfo = frame.info;
        this.parts.hooks.changed();
        return;
      case "data": {
        if (this.#state.startedAt === undefined || !this.#mail.arriveOnChannel(frame.id)) return;
        const error = this.parts.hooks.data(frame.payload) ? {} : { error: "noHandler" };
        this.#leg.send(JSON.stringify({ t: "dataAck", id: frame.id, ...error }));
        return;
      }
      case "dataAck":
        this.#data.answered(frame.id, frame.error);
        return;
      default:
        frame satisfies never;
    }
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
    this.parts.hooks.changed();
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
      case "makeOffer":
        this.#attempt(
          this.#leg.offer(effect.iceServers).then((sdp) => {
            this.#apply({ t: "offerReady", sdp });
          }),
        );
        return;
      case "sendOffer":
        this.#attempt(this.#letters.offer(effect.sdp));
        return;
      case "setAnswer":
        this.#attempt(this.#leg.answer(this.#clean(effect.sdp)));
        return;
      case "setRestartAnswer":
        this.#tryAgain(this.#leg.answer(this.#clean(effect.sdp)));
        return;
      case "openMedia":
        this.#leg.open();
        this.#attempt(this.#letters.signFarewell("bye"));
        return;
      case "closeMedia":
        this.#leg.silence();
        return;
      case "restartIce":
        this.#letters.dropRestart();
        this.#trickle.restart();
        this.#tryAgain(this.#leg.restart().then(async (sdp) => this.#letters.restart(effect.generation, sdp)));
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
        if (effect.event === "startVoip") {
          this.#sayInfo();
          this.#quality.start();
        }
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

  #emit(eventName: VoipEvent["eventName"], data: Readonly<Record<string, unknown>>): void {
    this.parts.hooks.emit({ eventName, roomId: this.roomId, groupId: this.roomId, data });
  }

  #finish(seconds: number): void {
    const { options, device, hooks } = this.parts;
    this.#emit("endVoip", {
      keepTime: seconds,
      callerName: options.nickName ?? "",
      listenerName: options.deviceName ?? device.name,
      roomType: options.roomType,
      isCaller: true,
      businessType: 2,
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

  #leave(type: "cancel" | "bye", end: End): void {
    this.#trickle.stop();
    void this.#letters.leave(type, end, (id) => {
      if (type === "bye") this.#leg.send(JSON.stringify({ t: "bye", id, ...end }));
    });
  }

  /** The answer without the candidates that may not be used. */
  #clean(sdp: string): string {
    return checkAnswer(sdp, { roomType: this.parts.options.roomType, allowLoopback: this.parts.allowLoopback() }).sdp;
  }

  #sayInfo(): void {
    if (this.#state.startedAt === undefined || this.#state.phase === "ended") return;
    const { mic, camera } = this.view();
    this.#info.say({ mic, camera, speaker: true, quality: this.#state.phase === "reconnecting" ? 0 : this.#quality.value });
  }

  get quality(): number {
    return this.#quality.value;
  }

  #close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#trickle.stop();
    this.#quality.stop();
    this.#info.stop();
    this.#data.stop();
    this.#doorstep.stop();
    this.parts.media.close();
    this.#leg.close();
    this.#letters.close();
  }

  /** The room is forgotten: nothing of it is sent any more. */
  forget(): void {
    this.#mail.close();
  }
}
