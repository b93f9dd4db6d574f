import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { Awake } from "../page/awake.js";
import { installFirst } from "../page/install.js";
import { cutOff } from "../page/picture.js";
import { calm } from "./support/clock.js";

/** A browser that lets go of the lock when the page is hidden, as all do. */
class Browser extends EventTarget {
  visibilityState: DocumentVisibilityState = "visible";
  refuses = false;
  asked = 0;
  locks: { released: boolean; release: () => Promise<void> }[] = [];

  async request(): Promise<WakeLockSentinel> {
    await Promise.resolve();
    this.asked += 1;
    if (this.refuses || this.visibilityState !== "visible") throw new DOMException("no", "NotAllowedError");
    const lock = {
      released: false,
      release: async (): Promise<void> => {
        lock.released = true;
        await Promise.resolve();
      },
    };
    this.locks.push(lock);
    return lock as unknown as WakeLockSentinel;
  }

  see(visible: boolean): void {
    this.visibilityState = visible ? "visible" : "hidden";
    if (!visible) for (const lock of this.locks) lock.released = true;
    this.dispatchEvent(new Event("visibilitychange"));
  }

  get held(): number {
    return this.locks.filter(({ released }) => !released).length;
  }
}

suite("the screen stays on", () => {
  test("in a call, one lock however often it is said, and none after it", async () => {
    const b = new Browser();
    const awake = new Awake(b, b);
    for (let i = 0; i < 3; i++) awake.keep(true);
    await calm();
    awake.keep(true);
    await calm();
    assert.deepEqual([b.asked, b.held], [1, 1]);
    awake.keep(false);
    await calm();
    assert.equal(b.held, 0);
  });
  test("again, when the person has looked at another app", async () => {
    const b = new Browser();
    const awake = new Awake(b, b);
    awake.keep(true);
    await calm();
    for (let looks = 0; looks < 3; looks++) {
      b.see(false);
      await calm();
      assert.equal(b.held, 0);
      b.see(true);
      await calm();
      assert.equal(b.held, 1);
    }
    b.see(false);
    awake.keep(false);
    b.see(true);
    await calm();
    assert.equal(b.held, 0, "the call is over");
  });
  test("it is asked again after a refusal, and not without end", async () => {
    const b = new Browser();
    b.refuses = true;
    const awake = new Awake(b, b);
    awake.keep(true);
    await calm();
    assert.equal(b.asked, 1);
    b.refuses = false;
    b.see(true);
    await calm();
    assert.equal(b.held, 1);
  });
  test("a call that ends while it is asked leaves no lock", async () => {
    const b = new Browser();
    const awake = new Awake(b, b);
    awake.keep(true);
    awake.keep(false);
    await calm();
    assert.equal(b.held, 0);
  });
  test("a browser without locks", async () => {
    const b = new Browser();
    new Awake(undefined, b).keep(true);
    await calm();
    assert.equal(b.asked, 0);
  });
});

test("the home screen comes before the pairing on iPhone and iPad alone", () => {
  const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";
  const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15";
  const android = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36";
  for (const [userAgent, maxTouchPoints, standalone, first] of [
    [iphone, 5, false, true],
    [iphone, 5, true, false],
    [`${iphone} MicroMessenger/8.0.54(0x18003637) NetType/WIFI miniProgram/wx0`, 5, false, false], // WeChat's web view
    [mac, 5, false, true], // an iPad
    [mac, 5, true, false],
    [mac, 0, false, false],
    [android, 5, false, false],
  ] as const) {
    assert.equal(installFirst({ userAgent, maxTouchPoints, standalone }), first, `${userAgent} ${String(maxTouchPoints)} ${String(standalone)}`);
  }
});

test("how much of a picture is cut off where it fills a page", () => {
  const wide = { width: 1280, height: 720 };
  for (const [picture, box, want] of [
    [wide, { width: 390, height: 844 }, 0.74],
    [wide, { width: 844, height: 390 }, 0.18],
    [wide, { width: 1280, height: 800 }, 0.1],
    [{ width: 720, height: 1280 }, { width: 390, height: 844 }, 0.18],
    [{ width: 0, height: 0 }, { width: 390, height: 844 }, 0],
    [wide, { width: 0, height: 0 }, 0],
  ] as const) {
    assert.ok(Math.abs(cutOff(picture, box) - want) < 0.01, `${JSON.stringify([picture, box])}: ${String(cutOff(picture, box))}`);
  }
});
