import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import "./support/tab.js"; // before the SDK
import { give } from "../src/listeners.js";
import { onData } from "../src/sdk.js";

suite("the device's data", () => {
  const throws = () => (): void => {
    throw new Error("of the app");
  };
  const cases: readonly (readonly [string, readonly ("takes" | "throws")[], boolean])[] = [
    ["nobody listens: not taken", [], false],
    ["somebody does: taken", ["takes"], true],
    ["who listens has thrown: not taken", ["throws"], false],
    ["one of two has thrown: taken", ["throws", "takes"], true],
    ["all have thrown: not taken", ["throws", "throws"], false],
  ];
  for (const [name, listeners, want] of cases) {
    test(name, (t) => {
      const report = t.mock.fn();
      Object.defineProperty(globalThis, "reportError", { value: report, configurable: true });
      const heard: unknown[] = [];
      const offs = listeners.map((kind) => onData(kind === "throws" ? throws() : (payload) => heard.push(payload)));
      assert.equal(give({ door: 1 }), want);
      for (const off of offs) off();
      assert.deepEqual(heard, listeners.filter((kind) => kind === "takes").map(() => ({ door: 1 })));
      assert.equal(report.mock.callCount(), listeners.filter((kind) => kind === "throws").length);
      assert.equal(give(1), false);
    });
  }
});
