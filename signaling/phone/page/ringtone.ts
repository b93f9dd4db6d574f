/**
 * What this phone rings with: three rising tones of a chime, then a pause, and its
 * vibration. Browsers let a page sound and vibrate only after somebody has touched
 * it: until then it rings in silence, and begins with the first touch.
 */
export class Ringtone {
  #context: AudioContext | undefined;
  #shaking: ReturnType<typeof setInterval> | undefined;

  start(): void {
    if (this.#shaking !== undefined) return;
    shake();
    this.#shaking = setInterval(shake, period * 1000);
    let context: AudioContext;
    try {
      context = new AudioContext();
    } catch {
      return; // no sound output: the page shows that it rings
    }
    this.#context = context;
    // The clock of a context that may not sound yet stands still, and so does the chime.
    chime(context);
    for (const touch of touches) addEventListener(touch, this.#resume);
  }

  stop(): void {
    clearInterval(this.#shaking);
    this.#shaking = undefined;
    for (const touch of touches) removeEventListener(touch, this.#resume);
    const context = this.#context;
    this.#context = undefined;
    if (context) void context.close();
    if (mayShake()) navigator.vibrate(0);
  }

  readonly #resume = (): void => {
    void this.#context?.resume().catch(() => undefined); // stopped meanwhile
  };
}

const touches = ["pointerdown", "keydown"] as const;
/** Seconds from one chime to the next. */
const period = 2.6;
/** Seconds that are written down beforehand: longer than any ring time in use. */
const longest = 300;

function chime(context: AudioContext): void {
  for (const [i, frequency] of [659, 784, 988].entries()) {
    const gain = new GainNode(context, { gain: 0 });
    const tone = new OscillatorNode(context, { frequency, type: "triangle" });
    tone.connect(gain).connect(context.destination);
    tone.start();
    for (let at = context.currentTime + 0.05 + i * 0.22, last = at + longest; at < last; at += period) {
      gain.gain.setTargetAtTime(0.22, at, 0.012);
      gain.gain.setTargetAtTime(0, at + 0.16, i === 2 ? 0.28 : 0.09);
    }
  }
}

function shake(): void {
  if (mayShake()) navigator.vibrate([350, 120, 350]);
}

/** A browser complains on its console about a page that vibrates before it was touched. */
function mayShake(): boolean {
  const { userActivation } = navigator as { readonly userActivation?: UserActivation };
  return "vibrate" in navigator && userActivation?.hasBeenActive === true;
}
