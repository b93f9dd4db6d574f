/** What the call machine of call.ts is made of: its state, its events, its effects. */
import type { Detail, End, Origin } from "./causes.js";
import type { RoomType } from "./options.js";
import type { VoipEventName } from "./voipevents.js";

/** Where a call stands. Not every call goes through all of them; `ended` is the last. */
export type Phase =
  /** The invite is out; the device has not answered. It may answer a ring: nobody has been alerted yet. */
  | "inviting"
  /** The device calls: this phone rings. */
  | "incoming"
  /** The person has called or answered: microphone and camera are being opened. */
  | "preparing"
  /** The device is there; the offer is being made or on its way. */
  | "offering"
  /** A person at the device is being called. */
  | "ringing"
  /** Answered; media is being connected. */
  | "connecting"
  /** Picture and sound flow, and the limit counts. */
  | "talking"
  /** Media is lost and being brought back. */
  | "reconnecting"
  /** This side has ended the call and gives the device a moment to say otherwise. */
  | "leaving"
  /** Over: `end` says why. */
  | "ended";

/** Times in milliseconds. The ring and connect times are the device's plus 2 s. */
export const times = {
  answer: 10_000,
  ring: 62_000,
  connect: 22_000,
  reconnect: 32_000,
  restartPause: 2_000,
  doubt: 400,
  leave: 500,
  slack: 2_000,
} as const;

/** Seconds before the limit at which the person is warned. */
export const warnings = [30, 10] as const;

export type TimerName = "answer" | "ring" | "connect" | "reconnect" | "restart" | "leave" | "tick" | "warning";

export interface CallState {
  readonly phase: Phase;
  /** This phone has called the device; false: the device calls. */
  readonly isCaller: boolean;
  readonly roomType: RoomType;
  /** Asked limit in seconds, undefined: none asked. In a call of the device, its ring's. */
  readonly asked: number | undefined;
  /** Free text of the device's ring. */
  readonly query: string | undefined;
  /** The device answered the invite: callDevice has resolved or the phone has been alerted, and the events have begun. */
  readonly joined: boolean;
  /** Those that the device named last: in the challenge, or when it asked for a restart. */
  readonly iceServers: readonly RTCIceServer[];
  /** The answer that travelled in `ringing`. */
  readonly earlySdp: string | undefined;
  readonly accepted: boolean;
  /** Effective limit in seconds, undefined: none. */
  readonly limit: number | undefined;
  /** When the talk began. */
  readonly startedAt: number | undefined;
  /** The last warning that was given, in seconds before the limit. */
  readonly warned: number | undefined;
  /** The largest epoch this call has seen of the device. */
  readonly epoch: number | undefined;
  /** ICE generation of the newest offer; 0 is the first. */
  readonly generation: number;
  /** The newest restart has no answer yet. */
  readonly unanswered: boolean;
  /** When the newest restart was offered or, later, answered. */
  readonly restartedAt: number | undefined;
  readonly end: End | undefined;
  /** The device's word ended the call. */
  readonly endedByDevice: boolean;
}

export type CallEvent =
  | {
      readonly t: "challenge";
      readonly epoch: number;
      readonly iceServers: readonly RTCIceServer[];
      readonly nonce: string;
      readonly id: string;
      /** In a call of the device: seconds for which it goes on ringing. */
      readonly ringTimeout?: number | undefined;
    }
  /** The person answers. */
  | { readonly t: "pickUp" }
  /** Own media is open, as far as it can be. */
  | { readonly t: "mediaReady" }
  /** The call of the device is not taken. */
  | { readonly t: "decline"; readonly end: End }
  | { readonly t: "offerReady"; readonly sdp: string }
  | { readonly t: "mediaFailed" }
  | { readonly t: "ringing"; readonly sdp: string | undefined; readonly ringTimeout: number | undefined }
  | { readonly t: "accept"; readonly sdp: string; readonly timeLimit: number | undefined }
  | { readonly t: "start"; readonly timeLimit: number | undefined }
  | { readonly t: "reject"; readonly end: End }
  | { readonly t: "cancel"; readonly end: End }
  | { readonly t: "bye"; readonly end: End }
  /** No servers: those that it has are still good. */
  | { readonly t: "needRestart"; readonly generation: number; readonly iceServers: readonly RTCIceServer[] }
  | { readonly t: "restarted"; readonly generation: number; readonly sdp: string }
  | { readonly t: "epoch"; readonly epoch: number }
  | { readonly t: "unanswered"; readonly type: "invite" | "offer" }
  | { readonly t: "leaveAcked" }
  | { readonly t: "breach" }
  /** Media is lost. */
  | { readonly t: "lost" }
  /** Media flows again: packets arrive, which is more than a connected ICE says. */
  | { readonly t: "flowing" }
  /** The transport came back. */
  | { readonly t: "up" }
  | { readonly t: "hangUp"; readonly origin: Origin }
  | { readonly t: "timer"; readonly name: TimerName };

/** The message by which this side ends a call. */
export type LeaveType = "cancel" | "bye" | "reject";

export type Effect =
  | { readonly do: "sendInvite" }
  /** Opens microphone and camera. */
  | { readonly do: "prepare" }
  | { readonly do: "makeOffer"; readonly iceServers: readonly RTCIceServer[] }
  | { readonly do: "sendOffer"; readonly sdp: string }
  | { readonly do: "setAnswer"; readonly sdp: string }
  | { readonly do: "openMedia" }
  | { readonly do: "closeMedia" }
  | { readonly do: "restartIce"; readonly generation: number; readonly iceServers: readonly RTCIceServer[] }
  | { readonly do: "setRestartAnswer"; readonly sdp: string }
  | { readonly do: "sendLeave"; readonly type: LeaveType; readonly end: End }
  | { readonly do: "timer"; readonly name: TimerName; readonly ms: number }
  | { readonly do: "clear"; readonly name: TimerName }
  | { readonly do: "joined" }
  | { readonly do: "failed"; readonly end: End }
  | { readonly do: "emit"; readonly event: MachineEvent; readonly data: Readonly<Record<string, unknown>> }
  /** The last effect of a call: endVoip and finishVoip follow from it. */
  | { readonly do: "finish"; readonly keepTime: number };

/** Names of the events that the machine itself emits. */
export type MachineEvent = Exclude<VoipEventName, "callPageOnShow" | "endVoip" | "finishVoip" | "ringBusy">;

export type Step = readonly [CallState, readonly Effect[]];

/** Whole seconds of talk. */
export function keepTime(s: CallState, now: number): number {
  return s.startedAt === undefined ? 0 : Math.max(0, Math.round((now - s.startedAt) / 1000));
}

/** Milliseconds of a timer that a browser can hold: over 2^31-1 it would fire at once. */
export function timerMs(seconds: number): number {
  return Math.min(Math.ceil(seconds * 1000), 2 ** 31 - 1 - times.slack);
}

export function aborted(detail: Detail): End {
  return { cause: "aborted", detail };
}
