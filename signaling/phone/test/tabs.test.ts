/** The rule by which the tabs of a browser share one key. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe as suite, test } from "node:test";
import { Tabs, type TabMessage } from "../src/tabs.js";
import { calm } from "./support/clock.js";
import { FakeChannel, FakeLocks, globals } from "./support/browser.js";
import { codeOf } from "./support/phone.js";

let locks: FakeLocks;
const made: Tab[] = [];
/** Ends of the channel that the tabs of this test have opened. */
const ends: FakeChannel[] = [];

/** A tab, which may be in a call. */
class Tab {
  inCall = false;
  readonly told: boolean[] = [];
  readonly heard: TabMessage[] = [];
  readonly tabs: Tabs;
  readonly #end: FakeChannel | undefined;
  constructor() {
    this.tabs = new Tabs({
      holding: (held) => {
        this.told.push(held);
        assert.ok(made.filter(({ told }) => told.at(-1) === true).length <= 1, "two tabs hold the connections");
      },
      mayRelease: () => !this.inCall,
      message: (message) => this.heard.push(message),
    });
    this.#end = ends.at(-1);
    made.push(this);
  }
  /** It hears nothing any more; with its lock freed, it is gone. */
  freeze(): void {
    this.#end?.close();
    made.splice(made.indexOf(this), 1);
  }
}

beforeEach(() => {
  locks = new FakeLocks();
  globals({
    navigator: { locks },
    BroadcastChannel: class extends FakeChannel {
      constructor() {
        super();
        ends.push(this);
      }
    },
  });
});
afterEach(() => {
  for (const end of ends.splice(0)) end.close();
  made.length = 0;
});

/** The first holds the connections. */
async function two(): Promise<readonly [Tab, Tab]> {
  const pair = [new Tab(), new Tab()] as const;
  assert.deepEqual([await pair[0].tabs.tryHold(), await pair[1].tabs.tryHold()], [true, false]);
  return pair;
}

suite("the connections", () => {
  test("are one tab's, which is told once however often it asks", async () => {
    const [first, second] = await two();
    assert.equal(await first.tabs.tryHold(), true);
    await first.tabs.hold();
    assert.deepEqual([first.told, second.told, first.tabs.holds, second.tabs.holds], [[true], [], true, false]);
  });
  test("are handed over by a tab that is idle, and the others hear that it has released them", async () => {
    const [first, second] = await two();
    const third = new Tab();
    await second.tabs.hold();
    assert.deepEqual([first.told, second.told, first.tabs.holds, second.tabs.holds], [[true, false], [true], false, true]);
    assert.deepEqual(third.heard, [{ k: "released" }]);
  });
  test("stay where a call is: otherTab, and at once", async () => {
    const [first, second] = await two();
    first.inCall = true;
    const before = locks.asked;
    assert.equal(await codeOf(second.tabs.hold()), "otherTab");
    assert.equal(locks.asked - before, 2, "the tab in the call has said so, and is waited for all the same");
    assert.deepEqual([first.told, second.told], [[true], []]);
  });
  test("are handed over when the call is over, although they were refused before", async () => {
    const [first, second] = await two();
    first.inCall = true;
    assert.equal(await codeOf(second.tabs.hold()), "otherTab");
    first.inCall = false;
    await second.tabs.hold();
    assert.equal(second.tabs.holds, true);
  });
  test("are one tab's when three want them, and each has its turn", async () => {
    const [first, second] = await two();
    const third = new Tab();
    await Promise.all([second.tabs.hold(), third.tabs.hold()]);
    assert.deepEqual([first.told, second.told.includes(true), third.told.includes(true)], [[true, false], true, true]);
    assert.equal(made.filter(({ tabs }) => tabs.holds).length, 1);
  });
  test("a refusal is that of the tab that wanted them", async () => {
    const [first, second] = await two();
    first.freeze();
    const wish = second.tabs.hold();
    first.tabs.post({ k: "inCall", to: "the wish of another tab" });
    setTimeout(() => {
      locks.free();
    }, 150);
    await wish;
    assert.equal(second.tabs.holds, true);
  });
  test("of a tab that is gone are free", async () => {
    const [first, second] = await two();
    first.inCall = true;
    first.freeze();
    locks.free();
    await second.tabs.hold();
    assert.equal(second.tabs.holds, true);
  });
  test("of a tab that says nothing are not waited for any longer than 2 s", async (t) => {
    const [first, second] = await two();
    first.freeze();
    let took = 0; // by a clock that only the pauses turn
    const real = setTimeout;
    t.mock.method(performance, "now", () => took);
    t.mock.method(globalThis, "setTimeout", (then: () => void, ms = 0) => {
      took += ms;
      return real(then, 0);
    });
    assert.equal(await codeOf(second.tabs.hold()), "otherTab");
    assert.ok(took >= 1900 && took < 2100, `it took ${String(took)} ms`);
  });
  test("may be given up twice: the second time there is nothing to say", async () => {
    const [first, second] = await two();
    first.tabs.release();
    first.tabs.release();
    assert.deepEqual([first.told, second.heard], [[true, false], [{ k: "released" }]]);
    await calm();
    assert.equal(await second.tabs.tryHold(), true);
  });
});
