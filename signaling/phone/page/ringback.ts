import { sound, type Make } from "./sounds.js";

/** The tone that a caller hears while it rings: 440 and 480 Hz, 1.2 s of every 4 s, quiet. */
export class Ringback {
  #end: (() => void) | undefined;

  start(): void {
    this.#end ??= sound(tone);
  }

  stop(): void {
    this.#end?.();
    this.#end = undefined;
  }
}

const tone: Make = (context, out) => {
  const gain = new GainNode(context, { gain: 0 });
  gain.connect(out);
  // Five minutes of rings, written down beforehand: longer than any ring time in use.
  for (let at = context.currentTime + 0.1, last = at + 300; at < last; at += 4) {
    gain.gain.setTargetAtTime(0.04, at, 0.02);
    gain.gain.setTargetAtTime(0, at + 1.2, 0.03);
  }
  return [440, 480].map((frequency) => {
    const one = new OscillatorNode(context, { frequency });
    one.connect(gain);
    one.start();
    return one;
  });
};
