import type { Clock, Timer } from "./clock.js";
import type { Way } from "./way.js";

/** How a sent message ended. */
export type Delivery = "answered" | "expired";

/** A message that is sent until it is answered. */
export interface Outgoing {
  readonly id: string;
  readonly text: string;
  /** The way on which its question came, for the first copy. */
  readonly via?: Way | undefined;
  /** Milliseconds it lives while the transport is up. */
  readonly life: number;
  readonly done: (how: Delivery) => void;
}

const firstPauses = [500, 1000, 2000] as const;
const lastPause = 4000;
interface Pending extends Outgoing {
  copies: number;
  left: number;
  since: number;
  timer: Timer | undefined;
}

/**
 * Delivery over a transport that may lose messages: the same bytes again after
 * pauses of 0.5, 1, 2, 4, 4 ... s, until an ack or an answer. Time during which
 * the transport is known to be down does not count; when it comes back, each
 * pending message goes out at once. From the second copy on it is told how many
 * are without an answer: the connection may be dead.
 */
export class Outbox {
  readonly #clock: Clock;
  readonly #transmit: (text: string, via: Way | undefined) => void;
  readonly #suspect: (copies: number) => void;
  readonly #pending = new Map<string, Pending>();
  #up: boolean;

  constructor(clock: Clock, up: boolean, transmit: (text: string, via: Way | undefined) => void, suspect: (copies: number) => void = () => undefined) {
    this.#clock = clock;
    this.#up = up;
    this.#transmit = transmit;
    this.#suspect = suspect;
  }

  /** Sends a message until settle or drop is called with its id, or its life is over. */
  send(message: Outgoing): void {
    const pending: Pending = { ...message, copies: 0, left: message.life, since: this.#clock.now(), timer: undefined };
    this.#pending.set(message.id, pending);
    if (this.#up) this.#copy(pending);
  }

  /** An ack or an answer came. Reports whether the message was waiting for one. */
  settle(id: string): boolean {
    const pending = this.#pending.get(id);
    if (!pending) return false;
    this.drop(id);
    pending.done("answered");
    return true;
  }

  /** Stops sending without a word. */
  drop(id: string): void {
    this.#pending.get(id)?.timer?.cancel();
    this.#pending.delete(id);
  }

  /** Stops everything, but for one message. */
  clear(but?: string): void {
    for (const id of [...this.#pending.keys()]) if (id !== but) this.drop(id);
  }

  get size(): number {
    return this.#pending.size;
  }

  up(): void {
    if (this.#up) return;
    this.#up = true;
    for (const pending of [...this.#pending.values()]) {
      pending.copies = 0;
      this.#copy(pending);
    }
  }

  down(): void {
    if (!this.#up) return;
    this.#up = false;
    for (const pending of this.#pending.values()) {
      pending.timer?.cancel();
      pending.left -= this.#clock.now() - pending.since;
    }
  }

  #copy(pending: Pending): void {
    pending.since = this.#clock.now();
    if (pending.copies > 1) this.#suspect(pending.copies);
    if (!this.#up || !this.#pending.has(pending.id)) return; // the suspicion closed the transport
    this.#transmit(pending.text, pending.copies === 0 ? pending.via : undefined);
    const pause = firstPauses[pending.copies] ?? lastPause;
    pending.copies += 1;
    const wait = Math.min(pause, pending.left);
    pending.timer = this.#clock.after(Math.max(0, wait), () => {
      pending.left -= this.#clock.now() - pending.since;
      if (pending.left > 0) {
        this.#copy(pending);
        return;
      }
      this.#pending.delete(pending.id);
      pending.done("expired");
    });
  }
}
