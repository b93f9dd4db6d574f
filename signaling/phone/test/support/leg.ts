import type { Leg, LegEvents, LegStats } from "../../src/leg.js";
import type { OwnMedia } from "../../src/media.js";

const print = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, "0")).join(":").toUpperCase();

/** An answer as pion writes one; `change` edits it. */
export function answerSdp(kinds: readonly ("audio" | "video" | "application")[] = ["audio", "video", "application"], fingerprint = print): string {
  const mids = kinds.map((_, i) => String(i));
  const media = kinds.map((kind, i) =>
    [
      kind === "application" ? "m=application 9 UDP/DTLS/SCTP webrtc-datachannel" : `m=${kind} 9 UDP/TLS/RTP/SAVPF ${kind === "audio" ? "111" : "96"}`,
      "c=IN IP4 0.0.0.0",
      "a=setup:active",
      `a=mid:${String(i)}`,
      "a=ice-ufrag:abcd",
      "a=ice-pwd:0123456789abcdef0123456789abcdef",
      ...(kind === "application" ? ["a=sctp-port:5000"] : ["a=rtcp-mux", "a=sendrecv"]),
    ].join("\r\n"),
  );
  return `${["v=0", "o=- 1 2 IN IP4 0.0.0.0", "s=-", "t=0 0", `a=fingerprint:sha-256 ${fingerprint}`, `a=group:BUNDLE ${mids.join(" ")}`, ...media].join("\r\n")}\r\n`;
}

export const noStats: LegStats = {
  rttMs: undefined,
  localCandidate: undefined,
  remoteCandidate: undefined,
  bytesReceived: 0,
  bytesSent: 0,
  video: undefined,
  audio: undefined,
};

/** A connection that only writes down what it is told. */
export class FakeLeg implements Leg {
  readonly log: string[] = [];
  readonly frames: string[] = [];
  readonly answers: string[] = [];
  readonly candidates: RTCIceCandidateInit[] = [];
  readonly remote = {} as MediaStream;
  channel = false;
  /** Of the offers and restarts, in order. */
  readonly servers: (readonly RTCIceServer[])[] = [];
  #restarts = 0;
  constructor(readonly events: LegEvents) {}
  async offer(iceServers: readonly RTCIceServer[]): Promise<string> {
    this.log.push("offer");
    this.servers.push(iceServers);
    return Promise.resolve("v=0 offer");
  }
  async answer(sdp: string): Promise<void> {
    this.log.push("answer");
    this.answers.push(sdp);
    return Promise.resolve();
  }
  async restart(iceServers: readonly RTCIceServer[]): Promise<string> {
    this.#restarts += 1;
    this.servers.push(iceServers);
    this.log.push("restart");
    return Promise.resolve(`v=0 restart ${String(this.#restarts)}`);
  }
  addCandidate(candidate: RTCIceCandidateInit): void {
    this.candidates.push(candidate);
  }
  open(): void {
    this.log.push("open");
  }
  setTrack(): void {
    // tracks are the browser's
  }
  send(text: string): boolean {
    if (this.channel) this.frames.push(text);
    return this.channel;
  }
  async stats(): Promise<LegStats> {
    return Promise.resolve(noStats);
  }
  silence(): void {
    this.log.push("silence");
  }
  close(): void {
    this.log.push("close");
    this.channel = false;
  }
}

export class FakeMedia implements OwnMedia {
  audio: MediaStreamTrack | null = null;
  video: MediaStreamTrack | null = null;
  readonly problems = new Set<never>();
  opened: { readonly audio: boolean; readonly video: boolean } | undefined;
  closed = false;
  async open(want: { readonly audio: boolean; readonly video: boolean }): Promise<void> {
    this.opened = want;
    return Promise.resolve();
  }
  async set(): Promise<boolean> {
    return Promise.resolve(true);
  }
  async flip(): Promise<boolean> {
    return Promise.resolve(true);
  }
  close(): void {
    this.closed = true;
  }
}
