import assert from "node:assert/strict";
import { test } from "node:test";
import { SilenceWatch } from "../src/silence.js";

/** Feeds growths of the count, one a look, and returns the looks that found a stop. */
function stops(growths: readonly number[]): number[] {
  const watch = new SilenceWatch();
  let bytes = 0;
  return growths.flatMap((growth, i) => (watch.note((bytes += growth)) ? [i] : []));
}

const flow = (n: number): number[] => new Array<number>(n).fill(1000);
const nothing = (n: number): number[] => new Array<number>(n).fill(0);

test("what was flowing has stopped: told once, and again after it has flowed", () => {
  assert.deepEqual(stops([...flow(20), ...nothing(30), ...flow(12), ...nothing(5)]), [22, 64]);
});

test("a pause is no stop", () => {
  assert.deepEqual(stops([...flow(20), ...nothing(2), ...flow(20), ...nothing(2), ...flow(3)]), []);
});

test("a call in which little or nothing is sent has no silence", () => {
  assert.deepEqual(stops(nothing(100)), []);
  assert.deepEqual(stops(new Array(20).fill([60, 60, 0]).flat() as number[]), []);
  assert.deepEqual(stops([...flow(9), ...nothing(10)]), []);
});
