/** Trickle ICE (RFC 8838) of one call, both ways: batched, counted, filtered. */
import type { Clock, Timer } from "./clock.js";
import { isUsable } from "./sdp.js";

const batchTime = 30;
/** Candidates a side and generation. */
const most = 40;

export interface TrickleEvents {
  /** Own candidates are to be sent: 1 to 40. */
  send(candidates: readonly RTCIceCandidateInit[]): void;
  /** A candidate of the other side that may be used. */
  add(candidate: RTCIceCandidateInit): void;
}

export class Trickle {
  readonly #clock: Clock;
  readonly #events: TrickleEvents;
  #open = false;
  #batch: RTCIceCandidateInit[] = [];
  #timer: Timer | undefined;
  #own = 0;
  #theirs = 0;

  constructor(clock: Clock, events: TrickleEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** An own candidate was found. It waits for `start` and for its batch. */
  found(candidate: RTCIceCandidateInit): void {
    if (candidate.candidate !== "") this.#own += 1;
    if (this.#own > most) return;
    this.#batch.push(candidate);
    if (this.#open) {
      this.#timer ??= this.#clock.after(batchTime, () => {
        this.#flush();
      });
    }
  }

  /** The device has verified the offer: before, it handles no candidates. */
  start(): void {
    if (this.#open) return;
    this.#open = true;
    if (this.#batch.length > 0) this.#flush();
  }

  /** Candidates of the other side have come. */
  came(candidates: readonly RTCIceCandidateInit[], allowLoopback: boolean): void {
    for (const candidate of candidates) {
      const { candidate: line = "" } = candidate;
      if (line !== "") this.#theirs += 1;
      if (this.#theirs <= most && isUsable(line, allowLoopback)) this.#events.add(candidate);
    }
  }

  /** A new generation counts anew. */
  restart(): void {
    this.#own = 0;
    this.#theirs = 0;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#batch = [];
    this.#open = false;
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const candidates = this.#batch.splice(0);
    for (let i = 0; i < candidates.length; i += most) this.#events.send(candidates.slice(i, i + most));
  }
}
