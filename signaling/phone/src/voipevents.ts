/** The events of a call, by name, with what each carries. Seconds are whole numbers. */
import type { Cause, Detail, Origin } from "./causes.js";

/** An event that carries nothing. */
export type NoData = Readonly<Record<string, never>>;

/** Why a call ended, in the event of its end. */
export interface EndData {
  /** docs/causes.md says what each means. */
  readonly cause: Cause;
  /** More of it, where there is more. */
  readonly detail?: Detail;
}

/** The end of a call that was never talked: given up by its caller, or declined. */
export interface UnansweredData extends EndData {
  /** How, at the side that acted; `other` at the other one. */
  readonly status: Origin;
}

/** Answered, but picture and sound never connected. */
export interface JoinFailData extends EndData {
  /** The plug-in's: always `joinFailed`. */
  readonly errMsg: string;
  /** The same in words, for a log. */
  readonly message: string;
}

/** What each event carries in its `data`. */
export interface VoipEventData {
  /** The device has answered that it is there: `callDevice` resolves. */
  joinedRoomByCaller: NoData;
  /** Answered, but picture and sound never connected (20 s): at who has called. */
  joinFailCaller: JoinFailData;
  /** The same, at who was called. */
  joinFailListener: JoinFailData;
  /** An own call rings at the device; or a device's rings here, and then `isCaller` is there and false. */
  ringing: {
    /** Seconds until it stops by itself; absent: the device has not said. */
    readonly ringTimeout?: number;
    /** False: the device calls. */
    readonly isCaller?: false;
    /** What it calls for; only of a device's call. */
    readonly roomType?: "voice" | "video";
    /** The maker's own text, as the device has sent it along. */
    readonly query?: string;
  };
  /** During another call a device rang, and was told that this phone is busy. Stands alone, with the `roomId` of that ring. */
  ringBusy: {
    /** Thumbprint of the device's key. */
    readonly dkt: string;
    /** As in the pairing. */
    readonly deviceName: string;
    /** What it called for. */
    readonly roomType: "voice" | "video";
    /** The maker's own text. */
    readonly query?: string;
  };
  /** The person sees the running call. */
  callPageOnShow: {
    /** Address of who has called: `p.…` a phone, `d.…` a device. */
    readonly callerId: string;
    /** Address of who was called. */
    readonly listenerId: string;
  };
  /** It was answered. */
  hangOnVoip: NoData;
  /** Media flows: from now on the time counts. */
  startVoip: {
    /** The limit in force, seconds; absent: none. */
    readonly timeLimit?: number;
  };
  /** Every second of the talk. */
  calling: {
    /** Seconds of talk so far. */
    readonly keepTime: number;
  };
  /** The limit is near: 30 s and 10 s before it. */
  limitWarning: {
    /** Until the limit. */
    readonly secondsLeft: number;
  };
  /** The caller gave up while it rang. */
  cancelVoip: UnansweredData;
  /** It was declined, by a person or by a rule. */
  rejectVoip: UnansweredData;
  /** The other side is in another call. */
  busy: EndData;
  /** Nobody answered. */
  timeout: UnansweredData;
  /** One side ended the talk, or the limit did. */
  hangUpVoip: EndData & {
    /** Seconds of talk. */
    readonly keepTime: number;
    /** Which side. */
    readonly status: "endByCaller" | "endByListener";
    /** How. */
    readonly origin: Origin;
  };
  /** It broke off. */
  abortVoip: EndData & {
    /** Seconds of talk. */
    readonly keepTime: number;
    /** Which side said so. */
    readonly status: "abortByCaller" | "abortByListener";
    /** The plug-in's: `errMsg` is the detail, or `unknown`. */
    readonly error: {
      /** For a log. */
      readonly errMsg: string;
    };
  };
  /** The call is over; comes once, after the event of its end. */
  endVoip: {
    /** Seconds of talk. */
    readonly keepTime: number;
    /** Who has called, by name. */
    readonly callerName: string;
    /** Who was called, by name. */
    readonly listenerName: string;
    /** As the caller asked. */
    readonly roomType: "voice" | "video";
    /** This phone has called. */
    readonly isCaller: boolean;
    /** The plug-in's: 2 phone to device, 1 device to phone. */
    readonly businessType: 1 | 2;
  };
  /** Always last. */
  finishVoip: {
    /** Seconds of talk. */
    readonly keepTime: number;
  };
}

/** Names of the events: the plug-in's, and `ringing`, `ringBusy` and `limitWarning`. */
export type VoipEventName = keyof VoipEventData;

/** An event as it is told to a listener. `eventName` says which `data` it has. */
export type VoipEvent = {
  readonly [Name in VoipEventName]: {
    /** What happened. `endVoip` and then `finishVoip` are the last two of every call. */
    readonly eventName: Name;
    /** The call that it happened to. */
    readonly roomId: string;
    /** The older name of roomId: always the same. */
    readonly groupId: string;
    /** What belongs to it. */
    readonly data: Readonly<VoipEventData[Name]>;
  };
}[VoipEventName];
