/** What a call looks like from outside: its events and its view. */
import type { Phase, VoipEventName } from "./call.js";
import type { End } from "./causes.js";
import type { Info } from "./channel.js";
import type { MediaProblem } from "./media.js";

/** An event of the plug-in: `data` is what the plug-in documents, and cause and detail of an end. */
export interface VoipEvent {
  readonly eventName: VoipEventName | "endVoip" | "finishVoip";
  readonly roomId: string;
  /** The older name of roomId: always the same. */
  readonly groupId: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A call as the page shows it. */
export interface CallView {
  /** `preparing`: microphone and camera are being opened. */
  readonly phase: "preparing" | Phase;
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
