/**
 * Notices early that nothing arrives any more: a browser calls a connection
 * disconnected only after 5 s or more. Only what had been flowing can stop, so a call
 * in which nobody sends is no silence.
 */
export class SilenceWatch {
  #last = 0;
  #steady = 0;
  #quiet = 0;

  /** Takes the count of received bytes, each `silencePoll`. @returns whether the flow has just stopped */
  note(bytes: number): boolean {
    if (bytes > this.#last) {
      this.#last = bytes;
      this.#steady = this.#quiet === 0 ? this.#steady + 1 : 1;
      this.#quiet = 0;
      return false;
    }
    this.#quiet += 1;
    if (this.#quiet < quietPolls) return false;
    const stopped = this.#steady >= steadyPolls;
    this.#steady = 0;
    return stopped;
  }
}

/** Milliseconds between two looks. */
export const silencePoll = 300;
const quietPolls = 3;
/** Looks in a row that found something new before that. */
const steadyPolls = 10;
