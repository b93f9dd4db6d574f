/** One call's RTCPeerConnection: the phone always offers, and sends nothing before `open`. */
import type { Clock, Timer } from "./clock.js";
import type { RoomType } from "./options.js";
import { SilenceWatch, silencePoll } from "./silence.js";

export interface LegEvents {
  /** A local candidate; `""` ends a generation's list. */
  candidate(candidate: RTCIceCandidateInit): void;
  /** ICE is disconnected or has failed, or what was flowing has stopped. */
  lost(): void;
  /** After `lost`: packets arrive again. */
  flowing(): void;
  /** A text frame of the data channel. */
  frame(text: string): void;
  /** The data channel is open. */
  channelOpen(): void;
}

/** What support and the page want to know; undefined when the browser does not say. */
export interface LegStats {
  /** To the device and back, in milliseconds. */
  readonly rttMs: number | undefined;
  /** Kind of this side's address in use: `host`, `srflx`, `prflx` or `relay` (RFC 8445). */
  readonly localCandidate: string | undefined;
  /** Kind of the device's address in use. */
  readonly remoteCandidate: string | undefined;
  /** All that came, in bytes. */
  readonly bytesReceived: number;
  /** All that was sent, in bytes. */
  readonly bytesSent: number;
  /** The device's picture. */
  readonly video: InboundStats | undefined;
  /** The device's sound. */
  readonly audio: InboundStats | undefined;
}

/** What arrives of one kind, since the call began. Names and meanings are those of W3C's webrtc-stats. */
export interface InboundStats {
  /** RTP packets that came. */
  readonly packetsReceived: number;
  /** RTP packets that did not come; may be negative when some came twice. */
  readonly packetsLost: number;
  /** How unevenly packets come, in milliseconds (RFC 3550, 6.4.1). */
  readonly jitterMs: number;
  /** For example `video/VP8`. */
  readonly codec: string | undefined;
  /** Pictures that were decoded. */
  readonly framesDecoded: number | undefined;
  /** Pictures that came too late to be shown. */
  readonly framesDropped: number | undefined;
  /** How often the picture stood still. */
  readonly freezes: number | undefined;
  /** Of the newest picture, in pixels. */
  readonly width: number | undefined;
  /** Of the newest picture, in pixels. */
  readonly height: number | undefined;
  /** Pictures decoded in the last second. */
  readonly fps: number | undefined;
  /** How loud it is now: 0 (silent) to 1. */
  readonly audioLevel: number | undefined;
}

/** What session.ts needs of a connection; tests bring their own. */
export interface Leg {
  /** Makes the first offer. */
  offer(iceServers: readonly RTCIceServer[]): Promise<string>;
  /** Takes the answer to the newest offer. */
  answer(sdp: string): Promise<void>;
  /** Offers new ICE credentials, gathered from these servers; none: from those that it has. */
  restart(iceServers: readonly RTCIceServer[]): Promise<string>;
  addCandidate(candidate: RTCIceCandidateInit): void;
  /** From here on the tracks are sent and the other side is played. */
  open(): void;
  /** What is sent for a kind; null: nothing. Before `open` it is only kept. */
  setTrack(kind: "audio" | "video", track: MediaStreamTrack | null): void;
  /** The other side's media, silent until `open`. */
  readonly remote: MediaStream;
  /** Sends a frame on the data channel; false when it is not open. */
  send(text: string): boolean;
  stats(): Promise<LegStats>;
  /** Stops sending and playing; the data channel still works. */
  silence(): void;
  close(): void;
}

export type MakeLeg = (roomType: RoomType, events: LegEvents) => Leg;

const flowPoll = 250;

/** The browser's connection. */
export class BrowserLeg implements Leg {
  readonly #pc: RTCPeerConnection;
  readonly #channel: RTCDataChannel;
  readonly #events: LegEvents;
  readonly #clock: Clock;
  readonly #senders = new Map<"audio" | "video", RTCRtpSender>();
  readonly #tracks = new Map<"audio" | "video", MediaStreamTrack | null>();
  readonly #early: RTCIceCandidateInit[] = [];
  readonly remote = new MediaStream();
  #open = false;
  #lost = false;
  #poll: Timer | undefined;
  #look: Timer | undefined;
  readonly #silence = new SilenceWatch();

  constructor(roomType: RoomType, clock: Clock, events: LegEvents) {
    this.#clock = clock;
    this.#events = events;
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    this.#pc = pc;
    this.#channel = pc.createDataChannel("callbox", { negotiated: true, id: 0, ordered: true });
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string") events.frame(data);
    };
    this.#channel.onopen = () => {
      events.channelOpen();
    };
    const stream = new MediaStream();
    for (const kind of roomType === "video" ? (["audio", "video"] as const) : (["audio"] as const)) {
      const transceiver = pc.addTransceiver(kind, { direction: "sendrecv", streams: [stream] });
      this.#senders.set(kind, transceiver.sender);
      const { track } = transceiver.receiver;
      track.enabled = false;
      this.remote.addTrack(track);
    }
    pc.ondatachannel = ({ channel }) => {
      channel.close(); // only "callbox" is known
    };
    pc.onicecandidate = ({ candidate }) => {
      // null means that all generations are done; each one's own end is a candidate of "".
      if (candidate) events.candidate(withoutNulls(candidate.toJSON()));
    };
    pc.onconnectionstatechange = () => {
      this.#state();
    };
  }

  async offer(iceServers: readonly RTCIceServer[]): Promise<string> {
    this.#use(iceServers);
    return this.#offer();
  }

  async restart(iceServers: readonly RTCIceServer[]): Promise<string> {
    this.#use(iceServers);
    this.#pc.restartIce();
    return this.#offer();
  }

  #use(iceServers: readonly RTCIceServer[]): void {
    if (iceServers.length === 0) return;
    this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers: [...iceServers] });
  }

  async #offer(): Promise<string> {
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    return this.#pc.localDescription?.sdp ?? "";
  }

  async answer(sdp: string): Promise<void> {
    await this.#pc.setRemoteDescription({ type: "answer", sdp });
    for (const candidate of this.#early.splice(0)) this.addCandidate(candidate);
  }

  addCandidate(candidate: RTCIceCandidateInit): void {
    const known = this.#pc.remoteDescription?.sdp;
    const { usernameFragment } = candidate;
    // It came before its description: kept until that is there.
    if (known === undefined || (typeof usernameFragment === "string" && !known.includes(`a=ice-ufrag:${usernameFragment}`))) {
      if (this.#early.length < 80) this.#early.push(candidate);
      return;
    }
    this.#pc.addIceCandidate(candidate).catch(() => undefined); // one useless candidate harms nobody
  }

  open(): void {
    this.#open = true;
    for (const track of this.remote.getTracks()) track.enabled = true;
    for (const [kind, track] of this.#tracks) this.#replace(kind, track);
    this.#watch();
  }

  /** Looks whether something arrives, until `silence` or `close`. */
  #watch(): void {
    this.#look?.cancel();
    this.#look = this.#clock.after(silencePoll, () => {
      void this.stats().then(({ bytesReceived }) => {
        if (!this.#open) return;
        if (this.#silence.note(bytesReceived) && !this.#lost) {
          this.#lose();
          void this.#awaitPackets(bytesReceived);
        }
        this.#watch();
      });
    });
  }

  #lose(): void {
    this.#lost = true;
    this.#poll?.cancel();
    this.#events.lost();
  }

  setTrack(kind: "audio" | "video", track: MediaStreamTrack | null): void {
    this.#tracks.set(kind, track);
    if (this.#open) this.#replace(kind, track);
  }

  #replace(kind: "audio" | "video", track: MediaStreamTrack | null): void {
    // It fails only when the connection is closed meanwhile.
    this.#senders.get(kind)?.replaceTrack(track).catch(() => undefined);
  }

  send(text: string): boolean {
    if (this.#channel.readyState !== "open") return false;
    this.#channel.send(text);
    return true;
  }

  silence(): void {
    this.#open = false;
    this.#look?.cancel();
    for (const kind of this.#senders.keys()) this.#replace(kind, null);
    for (const track of this.remote.getTracks()) track.enabled = false;
  }

  close(): void {
    this.#open = false;
    this.#poll?.cancel();
    this.#look?.cancel();
    this.#pc.onconnectionstatechange = null;
    this.#pc.onicecandidate = null;
    this.#channel.onmessage = null;
    this.#pc.close();
  }

  #state(): void {
    switch (this.#pc.connectionState) {
      case "disconnected":
      case "failed":
        this.#lose();
        return;
      case "connected":
        if (this.#lost) void this.#awaitPackets(undefined);
        return;
      case "new":
      case "connecting":
      case "closed":
        return;
    }
  }

  async #awaitPackets(before: number | undefined): Promise<void> {
    const { bytesReceived } = await this.stats();
    if (this.#pc.connectionState !== "connected") return;
    if (before !== undefined && bytesReceived > before) {
      this.#lost = false;
      this.#events.flowing();
      return;
    }
    this.#poll = this.#clock.after(flowPoll, () => {
      void this.#awaitPackets(before ?? bytesReceived);
    });
  }

  async stats(): Promise<LegStats> {
    const report = (await this.#pc.getStats()) as unknown as ReadonlyMap<string, Readonly<Record<string, unknown>>>;
    const all = [...report.values()];
    const transport = all.find((s) => s["type"] === "transport");
    const pair = report.get(text(transport?.["selectedCandidatePairId"]) ?? "") ?? all.find((s) => s["type"] === "candidate-pair" && s["nominated"] === true);
    const rtt = number(pair?.["currentRoundTripTime"]);
    return {
      rttMs: rtt === undefined ? undefined : rtt * 1000,
      localCandidate: text(report.get(text(pair?.["localCandidateId"]) ?? "")?.["candidateType"]),
      remoteCandidate: text(report.get(text(pair?.["remoteCandidateId"]) ?? "")?.["candidateType"]),
      bytesReceived: number(transport?.["bytesReceived"]) ?? number(pair?.["bytesReceived"]) ?? 0,
      bytesSent: number(transport?.["bytesSent"]) ?? number(pair?.["bytesSent"]) ?? 0,
      video: inbound(report, all, "video"),
      audio: inbound(report, all, "audio"),
    };
  }
}

type Entry = Readonly<Record<string, unknown>>;

function inbound(report: ReadonlyMap<string, Entry>, all: readonly Entry[], kind: string): InboundStats | undefined {
  const s = all.find((entry) => entry["type"] === "inbound-rtp" && entry["kind"] === kind);
  if (!s) return undefined;
  return {
    packetsReceived: number(s["packetsReceived"]) ?? 0,
    packetsLost: number(s["packetsLost"]) ?? 0,
    jitterMs: (number(s["jitter"]) ?? 0) * 1000,
    codec: text(report.get(text(s["codecId"]) ?? "")?.["mimeType"]),
    framesDecoded: number(s["framesDecoded"]),
    framesDropped: number(s["framesDropped"]),
    freezes: number(s["freezeCount"]),
    width: number(s["frameWidth"]),
    height: number(s["frameHeight"]),
    fps: number(s["framesPerSecond"]),
    audioLevel: number(s["audioLevel"]),
  };
}

/** The members that say something: null is no value on the wire. */
function withoutNulls(candidate: RTCIceCandidateInit): RTCIceCandidateInit {
  return Object.fromEntries(Object.entries(candidate).filter(([, value]) => value !== null));
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
