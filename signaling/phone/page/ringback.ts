/** The tone that a caller hears while it rings: 440 and 480 Hz, 1.2 s of every 4 s, quiet. */
export class Ringback {
  #context: AudioContext | undefined;

  start(): void {
    if (this.#context) return;
    let context: AudioContext;
    try {
      context = new AudioContext();
    } catch {
      return; // no sound output: the page shows that it rings
    }
    this.#context = context;
    const gain = new GainNode(context, { gain: 0 });
    gain.connect(context.destination);
    for (const frequency of [440, 480]) {
      const tone = new OscillatorNode(context, { frequency });
      tone.connect(gain);
      tone.start();
    }
    // Five minutes of rings, written down beforehand: longer than any ring time in use.
    for (let at = context.currentTime + 0.1, last = at + 300; at < last; at += 4) {
      gain.gain.setTargetAtTime(0.04, at, 0.02);
      gain.gain.setTargetAtTime(0, at + 1.2, 0.03);
    }
  }

  stop(): void {
    const context = this.#context;
    this.#context = undefined;
    if (context) void context.close();
  }
}
