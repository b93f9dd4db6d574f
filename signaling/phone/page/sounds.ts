/**
 * What the page itself sounds, through one AudioContext. Browsers keep a page silent
 * until somebody has touched it, and Safari wants the touch at the very moment of
 * `resume()`: so the first touch of any screen unlocks the context, which is then kept.
 * It stands still while nothing sounds, which spares a phone's battery.
 */

/** Makes a sound that goes into `out`. Returns the tones that end with it. */
export type Make = (context: AudioContext, out: GainNode) => readonly OscillatorNode[];

/** Those that browsers take for somebody's will. */
const touches = ["pointerup", "click", "keydown"] as const;
/** A context that may sound by itself does so within so many milliseconds. */
const settles = 1000;

let context: AudioContext | undefined;
let settled = false;
let unlocked = false;
let sounding = 0;
const listeners = new Set<() => void>();

/** Begins to wait for the touch. Once, when the page is opened. */
export function waitForTouch(): void {
  try {
    context = new AudioContext();
  } catch {
    return; // no sound output: the page shows that it rings
  }
  context.addEventListener("statechange", changed);
  for (const touch of touches) addEventListener(touch, touched, { capture: true });
  setTimeout(() => {
    settled = true;
    tell();
  }, settles);
  changed();
}

/** Whether somebody has to touch the page before it can ring. */
export function needsTouch(): boolean {
  if (!context || !settled) return false;
  return sounding > 0 ? context.state !== "running" : !unlocked;
}

/** Hears when that may have changed. */
export function onSounds(listener: () => void): void {
  listeners.add(listener);
}

/** Begins a sound, at once or with the first touch, and returns its end. */
export function sound(make: Make): () => void {
  if (!context) return () => undefined;
  const out = new GainNode(context);
  out.connect(context.destination);
  sounding += 1;
  const tones = make(context, out);
  resume();
  tell();
  let over = false;
  return () => {
    if (over) return;
    over = true;
    sounding -= 1;
    for (const tone of tones) tone.stop();
    out.disconnect();
    rest();
    tell();
  };
}

function touched(): void {
  if (context?.state !== "running" && (sounding > 0 || !unlocked)) resume();
}

function resume(): void {
  void context?.resume().catch(() => undefined); // not before the next touch
}

function changed(): void {
  if (context?.state === "running") unlocked = true;
  rest();
  tell();
}

function rest(): void {
  if (sounding === 0 && context?.state === "running") void context.suspend();
}

function tell(): void {
  for (const listener of listeners) listener();
}
