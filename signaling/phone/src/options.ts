import { byteLength } from "./encoding.js";
import { CallboxError } from "./errors.js";
import { isObject, type Json } from "./ijson.js";
import { isSeconds, maxQuery } from "./message.js";
import { tokenRoom } from "./token.js";

/** Whether a call has pictures: `video`, or sound alone: `voice`. */
export type RoomType = "voice" | "video";

/** What `callDevice` takes: the plug-in's names. */
export interface CallOptions {
  /** Serial number of a paired device. With only one device, neither `sn` nor `dkt` is needed. */
  readonly sn?: string;
  /** Thumbprint of a paired device's key: names one device even when two have the same `sn`. */
  readonly dkt?: string;
  /** `video`: with pictures both ways, as far as the cameras allow; `voice`: without. */
  readonly roomType: RoomType;
  /** Longest talk in seconds, 0 < x <= 2^31; absent: no wish. The device may allow less. */
  readonly timeLimit?: number;
  /** This phone's camera is on when the call is answered (default: true). Ignored in a voice call. */
  readonly enableCallerCamera?: boolean;
  /** The device's camera is wanted (default: true). Ignored in a voice call. */
  readonly enableListenerCamera?: boolean;
  /** Caller's name in this phone's own events. The device shows the name it has stored. */
  readonly nickName?: string;
  /** Device's name in this phone's own events and page (default: the name from the pairing). */
  readonly deviceName?: string;
  /** A call token (docs/tokens.md), for a phone that is no contact: the call takes place in the room that it names. */
  readonly token?: string;
  /** Up to 1 KiB of text for the maker's own use. */
  readonly customQuery?: string;
  /** Up to 4 KiB of any JSON for the maker's own use. */
  readonly payload?: Json;
}

/** Checks what a caller of the SDK passed. @throws CallboxError badArgument, before anything is sent. */
export function checkOptions(options: CallOptions): void {
  const given: Readonly<Partial<Record<keyof CallOptions, unknown>>> = { ...options };
  if (given.roomType !== "voice" && given.roomType !== "video") throw bad('roomType must be "voice" or "video"');
  if (given.timeLimit !== undefined && !isSeconds(given.timeLimit)) throw bad("timeLimit must be a number of seconds, more than 0 and at most 2^31");
  for (const name of ["sn", "dkt", "nickName", "deviceName", "customQuery", "token"] as const) {
    if (given[name] !== undefined && typeof given[name] !== "string") throw bad(`${name} must be a string`);
  }
  for (const name of ["enableCallerCamera", "enableListenerCamera"] as const) {
    if (given[name] !== undefined && typeof given[name] !== "boolean") throw bad(`${name} must be true or false`);
  }
  if (typeof given.customQuery === "string" && byteLength(given.customQuery) > maxQuery) throw bad("customQuery is longer than 1 KiB");
  if (typeof given.token === "string" && tokenRoom(given.token) === undefined) throw bad("token is no call token of at most 4 KiB");
  checkPayload(given.payload);
}

/** Checks a maker's payload: JSON of at most 4 KiB. @throws CallboxError badArgument */
export function checkPayload(payload: unknown): void {
  if (payload === undefined) return;
  if (typeof payload === "function" || typeof payload === "symbol") throw bad("payload cannot be written as JSON");
  let text: string;
  try {
    text = JSON.stringify(payload);
  } catch {
    throw bad("payload cannot be written as JSON");
  }
  if (byteLength(text) > 4096) throw bad("payload is longer than 4 KiB");
}

/** Checks what is to be sent to a device. @throws CallboxError badArgument */
export function checkData(data: unknown): void {
  if (!isObject(data) || data["payload"] === undefined || ![undefined, "unlock"].includes(data["right"] as undefined)) throw bad('data must be {payload} or {payload, right: "unlock"}');
  checkPayload(data["payload"]);
}

function bad(message: string): CallboxError {
  return new CallboxError("badArgument", message);
}
