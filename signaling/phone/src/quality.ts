import type { Clock, Timer } from "./clock.js";
import type { LegStats } from "./leg.js";

const period = 2000;

/** Every 2 s: the quality of what arrives, from loss and delay. 0 (none) to 4 (good). */
export class Quality {
  readonly #clock: Clock;
  readonly #stats: () => Promise<LegStats>;
  readonly #changed: () => void;
  #timer: Timer | undefined;
  #before = { lost: 0, received: 0 };
  value = 4;

  constructor(clock: Clock, stats: () => Promise<LegStats>, changed: () => void) {
    this.#clock = clock;
    this.#stats = stats;
    this.#changed = changed;
  }

  start(): void {
    this.#timer = this.#clock.after(period, () => {
      this.#stats().then(
        (stats) => {
          this.#judge(stats);
        },
        () => undefined, // the connection was closed meanwhile
      );
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #judge(stats: LegStats): void {
    const lost = (stats.audio?.packetsLost ?? 0) + (stats.video?.packetsLost ?? 0);
    const received = (stats.audio?.packetsReceived ?? 0) + (stats.video?.packetsReceived ?? 0);
    const newLost = Math.max(0, lost - this.#before.lost);
    const share = newLost / Math.max(1, newLost + received - this.#before.received);
    this.#before = { lost, received };
    const byLoss = share > 0.2 ? 1 : share > 0.08 ? 2 : share > 0.02 ? 3 : 4;
    const rtt = stats.rttMs ?? 0;
    const byDelay = rtt > 800 ? 2 : rtt > 300 ? 3 : 4;
    this.value = Math.min(byLoss, byDelay);
    this.#changed();
  }
}
