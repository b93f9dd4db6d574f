/** What a call looks like from outside: its events and its view. */
import type { CallState, Phase, VoipEventName } from "./call.js";
import type { End } from "./causes.js";
import type { Info } from "./channel.js";
import type { Clock } from "./clock.js";
import type { MediaProblem, OwnMedia } from "./media.js";
import type { CallOptions } from "./options.js";

/** An event of the plug-in: `data` is what the plug-in documents, and cause and detail of an end. */
export interface VoipEvent {
  readonly eventName: VoipEventName | "callPageOnShow" | "endVoip" | "finishVoip";
  readonly roomId: string;
  /** The older name of roomId: always the same. */
  readonly groupId: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A call as the page shows it. */
export interface CallView {
  /** `incoming`: the device calls, and the person may answer. `preparing`: microphone and camera are being opened. */
  readonly phase: Phase;
  /** This phone has called the device; false: the device calls or has called. */
  readonly isCaller: boolean;
  readonly roomId: string;
  readonly dkt: string;
  readonly deviceName: string;
  readonly roomType: "voice" | "video";
  /** Whole seconds of talk. */
  readonly elapsed: number;
  /** Seconds until the limit, undefined: no limit, or no talk yet. */
  readonly remaining: number | undefined;
  readonly mic: boolean;
  readonly camera: boolean;
  readonly problems: readonly MediaProblem[];
  /** What the device said last of itself. */
  readonly remote: Info | undefined;
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
