/** What the types of the events say, for a look at what is really told. */
import assert from "node:assert/strict";
import type { VoipEventData, VoipEventName } from "../../src/voipevents.js";

type Kind = "string" | "number" | "boolean" | "object";
type Keys<T> = T extends unknown ? keyof T : never;

/** The members of each event; "?": it may be absent. The compiler holds this to the types. */
const members: { readonly [Name in VoipEventName]: { readonly [Key in Keys<VoipEventData[Name]> & string]: Kind | `${Kind}?` } } = {
  joinedRoomByCaller: {},
  joinFailCaller: { cause: "string", detail: "string?", errMsg: "string", message: "string" },
  joinFailListener: { cause: "string", detail: "string?", errMsg: "string", message: "string" },
  ringing: { ringTimeout: "number?", isCaller: "boolean?", roomType: "string?", query: "string?" },
  ringBusy: { dkt: "string", deviceName: "string", roomType: "string", query: "string?" },
  callPageOnShow: { callerId: "string", listenerId: "string" },
  hangOnVoip: {},
  startVoip: { timeLimit: "number?" },
  calling: { keepTime: "number" },
  limitWarning: { secondsLeft: "number" },
  cancelVoip: { cause: "string", detail: "string?", status: "string" },
  rejectVoip: { cause: "string", detail: "string?", status: "string" },
  busy: { cause: "string", detail: "string?" },
  timeout: { cause: "string", detail: "string?", status: "string" },
  hangUpVoip: { cause: "string", detail: "string?", keepTime: "number", status: "string", origin: "string" },
  abortVoip: { cause: "string", detail: "string?", keepTime: "number", status: "string", error: "object" },
  endVoip: { keepTime: "number", callerName: "string", listenerName: "string", roomType: "string", isCaller: "boolean", businessType: "number" },
  finishVoip: { keepTime: "number" },
};

/** Wants data to have the members of an event. */
export function wantMembers(eventName: string, data: Readonly<Record<string, unknown>>): void {
  const want = (members as Readonly<Record<string, Readonly<Record<string, string>>>>)[eventName] ?? assert.fail(`${eventName} is no event`);
  for (const [key, value] of Object.entries(data)) assert.equal(typeof value, want[key]?.replace("?", ""), `${eventName}: ${key}`);
  for (const [key, kind] of Object.entries(want)) assert.ok(kind.endsWith("?") || key in data, `${eventName} has no ${key}`);
}
