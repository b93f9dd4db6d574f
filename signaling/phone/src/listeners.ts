/** Who listens to the SDK, and the log of its events. */
import { CallboxError } from "./errors.js";
import type { Json } from "./ijson.js";
import type { VoipEvent } from "./voipevents.js";

/** An event with the time at which it came. */
export type LoggedEvent = VoipEvent & {
  /** ISO 8601. */
  readonly at: string;
};

const logLength = 200;
const log: LoggedEvent[] = [];

export const voipListeners = new Set<(event: VoipEvent) => void>();
export const callListeners = new Set<() => void>();
export const deviceListeners = new Set<() => void>();
export const dataListeners = new Set<(payload: Json) => void>();

/** The last 200 events. */
export function logged(): readonly LoggedEvent[] {
  return [...log];
}

export function tell(event: VoipEvent): void {
  log.push({ at: new Date().toISOString(), ...event });
  if (log.length > logLength) log.shift();
  for (const listener of [...voipListeners]) guarded(() => {
    listener(event);
  });
}

export function notify(listeners: ReadonlySet<() => void>): void {
  for (const listener of [...listeners]) guarded(listener);
}

/** Gives the device's data to all who listen. False: nobody does, or each of them has failed with it. */
export function give(payload: Json): boolean {
  let taken = false;
  for (const listener of [...dataListeners]) {
    const done = guarded(() => {
      listener(payload);
    });
    taken ||= done;
  }
  return taken;
}

export function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  if (typeof listener !== "function") throw new CallboxError("badArgument", "a listener must be a function");
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** A listener that throws must not stop the call; its error still reaches the console. False: it has thrown. */
function guarded(call: () => void): boolean {
  try {
    call();
    return true;
  } catch (error) {
    reportError(error);
    return false;
  }
}
