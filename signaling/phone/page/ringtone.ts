import { sound, type Make } from "./sounds.js";

/**
 * What this phone rings with: three rising tones of a chime, then a pause, and its
 * vibration. Until somebody has touched the page it rings in silence, and begins with
 * the first touch.
 */
export class Ringtone {
  #end: (() => void) | undefined;
  #shaking: ReturnType<typeof setInterval> | undefined;

  start(): void {
    if (this.#end) return;
    shake();
    this.#shaking = setInterval(shake, period * 1000);
    this.#end = sound(chime);
  }

  stop(): void {
    if (!this.#end) return;
    clearInterval(this.#shaking);
    this.#end();
    this.#end = undefined;
    if (mayShake()) navigator.vibrate(0);
  }
}

/** Seconds from one chime to the next. */
const period = 2.6;
/** Seconds that are written down beforehand: longer than any ring time in use. */
const longest = 300;

// The clock of a context that may not sound yet stands still, and so does the chime.
const chime: Make = (context, out) =>
  [659, 784, 988].map((frequency, i) => {
    const gain = new GainNode(context, { gain: 0 });
    const tone = new OscillatorNode(context, { frequency, type: "triangle" });
    tone.connect(gain).connect(out);
    tone.start();
    for (let at = context.currentTime + 0.05 + i * 0.22, last = at + longest; at < last; at += period) {
      gain.gain.setTargetAtTime(0.22, at, 0.012);
      gain.gain.setTargetAtTime(0, at + 0.16, i === 2 ? 0.28 : 0.09);
    }
    return tone;
  });

function shake(): void {
  if (mayShake()) navigator.vibrate([350, 120, 350]);
}

/** A browser complains on its console about a page that vibrates before it was touched. */
function mayShake(): boolean {
  const { userActivation } = navigator as { readonly userActivation?: UserActivation };
  return "vibrate" in navigator && userActivation?.hasBeenActive === true;
}
