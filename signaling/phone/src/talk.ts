/** What flows in one call: its connection, own tracks, the frames of the data channel, and how well it goes. */
import type { End } from "./causes.js";
import { DataSender, FrameBudget, InfoSender, parseFrame, type Frame, type Info } from "./channel.js";
import type { Clock } from "./clock.js";
import type { Json } from "./ijson.js";
import type { Leg, LegStats, MakeLeg } from "./leg.js";
import type { OwnMedia } from "./media.js";
import type { RoomType } from "./options.js";
import { Quality } from "./quality.js";
import { Trickle } from "./trickle.js";

export interface TalkParts {
  readonly roomType: RoomType;
  readonly clock: Clock;
  readonly makeLeg: MakeLeg;
  readonly media: OwnMedia;
  readonly events: TalkEvents;
}

/** The first copy of a signed message, which came on the data channel. */
export type Copy = Extract<Frame, { readonly t: "accept" | "start" | "bye" }>;

export interface TalkEvents {
  lost(): void;
  flowing(): void;
  candidates(candidates: readonly RTCIceCandidateInit[]): void;
  copy(frame: Copy): void;
  /** The device's own data in the talk. False: nobody takes it. Undefined: it came before. */
  data(id: string, payload: Json): boolean | undefined;
  /** What a page shows has changed. */
  changed(): void;
}

export class Talk {
  readonly leg: Leg;
  readonly trickle: Trickle;
  readonly #parts: TalkParts;
  readonly #budget: FrameBudget;
  readonly #info: InfoSender;
  readonly #data: DataSender;
  readonly #quality: Quality;
  /** The talk has begun: from then on info and data count. */
  #begun = false;
  #reconnecting = false;
  #micOn = true;
  #speaker = true;
  /** What the device said last of itself; it may have overtaken `start`, and counts from then on. */
  #heard: Info | undefined;

  constructor(parts: TalkParts) {
    this.#parts = parts;
    const { clock, events } = parts;
    this.#budget = new FrameBudget(clock);
    this.leg = parts.makeLeg(parts.roomType, {
      candidate: (candidate) => {
        this.trickle.found(candidate);
      },
      lost: () => {
        events.lost();
      },
      flowing: () => {
        events.flowing();
      },
      frame: (text) => {
        this.#frame(text);
      },
      channelOpen: () => {
        this.#say();
      },
    });
    const send = (text: string): boolean => this.leg.send(text);
    this.#info = new InfoSender(clock, send);
    this.#data = new DataSender(clock, send);
    this.#quality = new Quality(clock, async () => this.leg.stats(), () => {
      this.#say();
    });
    this.trickle = new Trickle(clock, {
      send: (candidates) => {
        events.candidates(candidates);
      },
      add: (candidate) => {
        this.leg.addCandidate(candidate);
      },
    });
    this.#setTracks();
  }

  get mic(): boolean {
    return this.#micOn && this.#parts.media.audio !== null;
  }

  get camera(): boolean {
    return this.#parts.media.video !== null;
  }

  get remoteInfo(): Info | undefined {
    return this.#begun ? this.#heard : undefined;
  }

  get quality(): number {
    return this.#quality.value;
  }

  async stats(): Promise<LegStats> {
    return this.leg.stats();
  }

  begin(): void {
    this.#begun = true;
    this.#say();
    this.#quality.start();
  }

  reconnecting(yes: boolean): void {
    if (yes === this.#reconnecting) return;
    this.#reconnecting = yes;
    this.#say();
  }

  /** Mutes or unmutes the microphone. False: there is none. */
  async setMic(on: boolean): Promise<boolean> {
    const done = await this.#parts.media.set("audio", on);
    if (done) this.#micOn = on;
    this.tracksChanged();
    return done;
  }

  /** Turns the camera on or off. False: there is none, or this is a voice call. */
  async setCamera(on: boolean): Promise<boolean> {
    if (this.#parts.roomType === "voice") return false;
    const done = await this.#parts.media.set("video", on);
    this.tracksChanged();
    return done;
  }

  async flipCamera(): Promise<boolean> {
    const done = await this.#parts.media.flip();
    this.tracksChanged();
    return done;
  }

  /** Own tracks have changed: the connection gets the new ones, the device and the page hear of it. */
  tracksChanged(): void {
    this.#setTracks();
    this.#say();
    this.#parts.events.changed();
  }

  #setTracks(): void {
    const { media, roomType } = this.#parts;
    this.leg.setTrack("audio", media.audio);
    if (roomType === "video") this.leg.setTrack("video", media.video);
  }

  /** The page plays the device's sound, or cannot. */
  setSpeaker(on: boolean): void {
    this.#speaker = on;
    this.#say();
  }

  async sendData(payload: Json, right: string | undefined): Promise<void> {
    return this.#data.post(payload, right);
  }

  /** The first copy of the message by which this side ends the call. */
  sendBye(id: string, end: End): void {
    this.leg.send(JSON.stringify({ t: "bye", id, ...end }));
  }

  close(): void {
    this.#begun = false;
    this.trickle.stop();
    this.#quality.stop();
    this.#info.stop();
    this.#data.stop();
    this.leg.close();
  }

  #frame(text: string): void {
    const frame = this.#budget.take() ? parseFrame(text) : undefined;
    if (!frame) return;
    const { events } = this.#parts;
    switch (frame.t) {
      case "accept":
      case "start":
      case "bye":
        events.copy(frame);
        return;
      case "info":
        this.#heard = frame.info;
        if (this.#begun) events.changed();
        return;
      case "data": {
        const taken = this.#begun ? events.data(frame.id, frame.payload) : undefined;
        if (taken === undefined) return;
        this.leg.send(JSON.stringify({ t: "dataAck", id: frame.id, ...(taken ? {} : { error: "noHandler" }) }));
        return;
      }
      case "dataAck":
        this.#data.answered(frame.id, frame.error);
        return;
      default:
        frame satisfies never;
    }
  }

  #say(): void {
    if (!this.#begun) return;
    const { mic, camera } = this;
    this.#info.say({ mic, camera, speaker: this.#speaker, quality: this.#reconnecting ? 0 : this.#quality.value });
  }
}
