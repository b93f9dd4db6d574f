import type { Clock, Timer } from "./clock.js";
import { isId, isName, isSeconds, parseEnd } from "./message.js";
import type { End } from "./causes.js";
import { byteLength, randomId } from "./encoding.js";
import { CallboxError, type ErrorCode } from "./errors.js";
import { isObject, parseIJSON, type Json } from "./ijson.js";

/** What an endpoint says of itself in a talk. Quality: 0 (none) to 4 (good). */
export interface Info {
  /** Its microphone is on. */
  readonly mic: boolean;
  /** Its camera is on. */
  readonly camera: boolean;
  /** Its speaker is on. */
  readonly speaker: boolean;
  /** How well it receives this side: 0 (nothing) to 4 (good). */
  readonly quality: number;
  /** What the camera is called that a device with several of them shows, for example "Yard". */
  readonly view?: string;
}

/** A frame of the device on the data channel, checked. */
export type Frame =
  | { readonly t: "accept"; readonly id: string; readonly sdp: string | undefined; readonly timeLimit: number | undefined }
  | { readonly t: "start"; readonly id: string; readonly timeLimit: number | undefined }
  | { readonly t: "bye"; readonly id: string; readonly end: End }
  | { readonly t: "info"; readonly info: Info }
  | { readonly t: "data"; readonly id: string; readonly payload: Json }
  | { readonly t: "dataAck"; readonly id: string; readonly error: string | undefined };

const maxFrame = 8 * 1024;
const framesPerSecond = 20;
const answerTime = 10_000;

/** Reads a frame; undefined for what is to be ignored. */
export function parseFrame(text: string): Frame | undefined {
  if (text.length > maxFrame || byteLength(text) > maxFrame) return undefined;
  let p: Json;
  try {
    p = parseIJSON(text);
  } catch {
    return undefined;
  }
  if (!isObject(p)) return undefined;
  const { t, id } = p;
  if (t === "info") {
    const { mic, camera, speaker, quality, view } = p as unknown as Info; // as far as it is one
    if ([mic, camera, speaker].some((flag) => typeof flag !== "boolean") || ![0, 1, 2, 3, 4].includes(quality)) return undefined;
    if (view !== undefined && !(typeof view === "string" && isName(view))) return undefined;
    return { t, info: { mic, camera, speaker, quality, ...(view !== undefined && { view }) } };
  }
  if (typeof id !== "string" || id === "" || id.length > 128) return undefined;
  // A first copy carries the id of the signed message.
  if ((t === "accept" || t === "start" || t === "bye") && !isId(id)) return undefined;
  const limit = p["timeLimit"];
  if (limit !== undefined && !isSeconds(limit)) return undefined;
  switch (t) {
    case "accept":
      return { t, id, sdp: typeof p["sdp"] === "string" ? p["sdp"] : undefined, timeLimit: limit };
    case "start":
      return { t, id, timeLimit: limit };
    case "bye": {
      const end = parseEnd(p);
      return end && { t, id, end };
    }
    case "data":
      return { t, id, payload: p["payload"] ?? null };
    case "dataAck":
      return { t, id, error: typeof p["error"] === "string" ? p["error"] : undefined };
    default:
      return undefined;
  }
}

/** Lets 20 frames a second through. */
export class FrameBudget {
  #tokens = framesPerSecond;
  #at: number;
  constructor(private readonly clock: Clock) {
    this.#at = clock.now();
  }
  take(): boolean {
    const now = this.clock.now();
    this.#tokens = Math.min(framesPerSecond, this.#tokens + ((now - this.#at) * framesPerSecond) / 1000);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** Sends `info` on change, at most once a second. */
export class InfoSender {
  #sent = "";
  #want = "";
  #next = 0;
  #timer: Timer | undefined;
  constructor(
    private readonly clock: Clock,
    private readonly send: (text: string) => boolean,
  ) {}

  say(info: Info): void {
    this.#want = JSON.stringify({ t: "info", ...info });
    this.#flush();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #flush(): void {
    if (this.#want === this.#sent || this.#want === "") return;
    this.#timer?.cancel();
    const wait = this.#next - this.clock.now();
    if (wait <= 0 && this.send(this.#want)) {
      this.#sent = this.#want;
      this.#next = this.clock.now() + 1000;
      return;
    }
    this.#timer = this.clock.after(Math.max(wait, 100), () => {
      this.#flush();
    });
  }
}

/** The maker's own messages in a talk: each waits for its `dataAck`. */
export class DataSender {
  readonly #waiting = new Map<string, { readonly timer: Timer; readonly settle: (error: CallboxError | undefined) => void }>();
  constructor(
    private readonly clock: Clock,
    private readonly send: (text: string) => boolean,
  ) {}

  async post(payload: Json, right: string | undefined): Promise<void> {
    const id = randomId();
    const text = JSON.stringify({ t: "data", id, ...(right === undefined ? {} : { right }), payload });
    if (byteLength(text) > maxFrame) throw new CallboxError("badArgument", "payload is longer than 4 KiB");
    if (!this.send(text)) throw new CallboxError("noCall", "the data channel is not open");
    await new Promise<void>((resolve, reject) => {
      const timer = this.clock.after(answerTime, () => {
        this.answered(id, "unreachable");
      });
      this.#waiting.set(id, {
        timer,
        settle: (error) => {
          if (error) reject(error);
          else resolve();
        },
      });
    });
  }

  answered(id: string, error: string | undefined): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    waiting.timer.cancel();
    waiting.settle(error === undefined ? undefined : dataError(error));
  }

  stop(): void {
    for (const id of [...this.#waiting.keys()]) this.answered(id, "noCall");
  }
}

/** The error of a refused `data`. */
export function dataError(error: string): CallboxError {
  const known: readonly ErrorCode[] = ["forbidden", "badRequest", "noHandler", "noCall", "unreachable"];
  const code = known.find((c) => c === error) ?? "badRequest";
  return new CallboxError(code, `the device did not take the data: ${error}`);
}
