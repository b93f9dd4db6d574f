/** What a call looks like from outside. */
import type { CallState, Phase } from "./call.js";
import type { End } from "./causes.js";
import type { Info } from "./channel.js";
import type { Clock } from "./clock.js";
import type { MediaProblem, OwnMedia } from "./media.js";
import type { CallOptions } from "./options.js";

/** A call as the page shows it. */
export interface CallView {
  /** `incoming`: the device calls, and the person may answer. `preparing`: microphone and camera are being opened. */
  readonly phase: Phase;
  /** This phone has called the device; false: the device calls or has called. */
  readonly isCaller: boolean;
  /** Empty while microphone and camera of an own call are being opened: it has no room yet. */
  readonly roomId: string;
  /** Thumbprint of the device's key. */
  readonly dkt: string;
  /** What to call the device: `deviceName` of the options, or the name from the pairing. */
  readonly deviceName: string;
  /** `voice` or `video`, as the caller asked. */
  readonly roomType: "voice" | "video";
  /** Whole seconds of talk. */
  readonly elapsed: number;
  /** Seconds until the limit, undefined: no limit, or no talk yet. */
  readonly remaining: number | undefined;
  /** This phone's microphone is on. */
  readonly mic: boolean;
  /** This phone's camera is on. */
  readonly camera: boolean;
  /** What is wrong with this phone's microphone and camera; the call goes on without. */
  readonly problems: readonly MediaProblem[];
  /** What the device said last of itself. */
  readonly remote: Info | undefined;
  /** Why the call ended, once it has. */
  readonly end: End | undefined;
  /** The device's word ended the call. */
  readonly endedByDevice: boolean;
}

interface Shown {
  readonly options: CallOptions;
  readonly device: { readonly dkt: string; readonly name: string };
  readonly clock: Clock;
  readonly media: OwnMedia;
}

interface ShownTalk {
  readonly mic: boolean;
  readonly camera: boolean;
  readonly remoteInfo: Info | undefined;
}

/** The view of a call in a state. `talk` is undefined until it has a connection. */
export function viewOf(roomId: string, s: CallState, talk: ShownTalk | undefined, { options, device, clock, media }: Shown): CallView {
  const talked = s.startedAt === undefined ? 0 : (clock.now() - s.startedAt) / 1000;
  return {
    ...viewBefore(options, device),
    phase: s.phase,
    isCaller: s.isCaller,
    roomId,
    elapsed: Math.floor(talked + 0.05),
    remaining: s.startedAt === undefined || s.limit === undefined ? undefined : Math.max(0, Math.ceil(s.limit - talked - 0.05)),
    ...(talk && { mic: talk.mic, camera: talk.camera }),
    problems: [...media.problems],
    remote: talk?.remoteInfo,
    end: s.end,
    endedByDevice: s.endedByDevice,
  };
}

/** The view of an own call before it has begun. */
export function viewBefore(options: CallOptions, device: { readonly dkt: string; readonly name: string }): CallView {
  return {
    phase: "preparing",
    isCaller: true,
    roomId: "",
    dkt: device.dkt,
    deviceName: options.deviceName ?? device.name,
    roomType: options.roomType,
    elapsed: 0,
    remaining: undefined,
    mic: true,
    camera: ownCamera(options),
    problems: [],
    remote: undefined,
    end: undefined,
    endedByDevice: false,
  };
}

/** This phone's camera is wanted. */
export function ownCamera(options: CallOptions): boolean {
  return options.roomType === "video" && options.enableCallerCamera !== false;
}
