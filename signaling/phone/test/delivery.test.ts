import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { DataSender, FrameBudget, InfoSender, parseFrame } from "../src/channel.js";
import { CallboxError } from "../src/errors.js";
import { Inbox } from "../src/inbox.js";
import { Outbox } from "../src/outbox.js";
import { FakeClock, calm } from "./support/clock.js";
import { frame, textOf } from "./support/device.js";

suite("delivery", () => {
  function box(up = true): { clock: FakeClock; sent: { at: number; text: string }[]; outbox: Outbox; done: string[]; suspected: number[] } {
    const clock = new FakeClock();
    const sent: { at: number; text: string }[] = [];
    const suspected: number[] = [];
    const outbox = new Outbox(clock, up, (text) => sent.push({ at: clock.now(), text }), () => suspected.push(clock.now()));
    return { clock, sent, outbox, done: [], suspected };
  }
  const send = (b: ReturnType<typeof box>, life: number, id = "1"): void => {
    b.outbox.send({ id, text: `text ${id}`, life, done: (how) => b.done.push(how) });
  };

  test("the same bytes after 0.5, 1, 2, 4, 4 s, until they expire", () => {
    const b = box();
    send(b, 30_000);
    b.clock.pass(40_000);
    assert.deepEqual(b.sent.map((s) => s.at), [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500]);
    assert.ok(b.sent.every((s) => s.text === "text 1"));
    assert.deepEqual(b.done, ["expired"]);
    assert.equal(b.clock.waiting, 0);
  });
  test("a life of 10 s ends at 10 s", () => {
    const b = box();
    send(b, 10_000);
    b.clock.pass(9_999);
    assert.deepEqual(b.done, []);
    b.clock.pass(1);
    assert.deepEqual(b.done, ["expired"]);
    assert.equal(b.sent.length, 5);
  });
  test("an answer ends it", () => {
    const b = box();
    send(b, 30_000);
    b.clock.pass(600);
    assert.ok(b.outbox.settle("1"));
    assert.ok(!b.outbox.settle("1"));
    b.clock.pass(60_000);
    assert.equal(b.sent.length, 2);
    assert.deepEqual(b.done, ["answered"]);
  });
  test("time without a transport does not count, and its return sends at once", () => {
    const b = box();
    send(b, 10_000);
    b.clock.pass(700);
    b.outbox.down();
    b.clock.pass(100_000);
    assert.equal(b.sent.length, 2);
    b.outbox.up();
    assert.deepEqual(b.sent.at(-1)?.at, 100_700);
    b.clock.pass(9_299);
    assert.deepEqual(b.done, []);
    b.clock.pass(1);
    assert.deepEqual(b.done, ["expired"]);
  });
  test("sent while down, it goes out when the transport comes", () => {
    const b = box(false);
    send(b, 10_000);
    b.clock.pass(5_000);
    assert.equal(b.sent.length, 0);
    b.outbox.up();
    assert.equal(b.sent.length, 1);
  });
  test("four copies without an answer make the connection suspect", () => {
    const b = box();
    send(b, 30_000);
    b.clock.pass(7_500);
    assert.deepEqual(b.suspected, [1_500, 3_500, 7_500]);
  });
  test("clear leaves no timer behind", () => {
    const b = box();
    send(b, 30_000);
    send(b, 30_000, "2");
    b.outbox.clear();
    assert.deepEqual([b.clock.waiting, b.outbox.size], [0, 0]);
  });
});

suite("arrivals", () => {
  test("a duplicate gets its old answer, other bytes under the same id are dropped", () => {
    const inbox = new Inbox();
    assert.equal(inbox.arrive("a", "x").kind, "new");
    inbox.answered("a", "ack");
    assert.deepEqual(inbox.arrive("a", "x"), { kind: "duplicate", answer: "ack" });
    assert.equal(inbox.arrive("a", "y").kind, "forged");
  });
  test("the signed copy after the data channel's is a duplicate", () => {
    const inbox = new Inbox();
    assert.equal(inbox.arrive("a", undefined).kind, "new");
    assert.deepEqual(inbox.arrive("a", "x"), { kind: "duplicate", answer: undefined });
    assert.equal(inbox.arrive("a", "y").kind, "forged");
  });
  test("the data channel's copy after the signed one is a duplicate", () => {
    const inbox = new Inbox();
    inbox.arrive("a", "x");
    assert.equal(inbox.arrive("a", undefined).kind, "duplicate");
  });
  test("512 ids are remembered", () => {
    const inbox = new Inbox();
    for (let i = 0; i < 512; i++) inbox.arrive(String(i), "x");
    assert.equal(inbox.arrive("0", "x").kind, "duplicate");
    inbox.arrive("512", "x");
    assert.equal(inbox.arrive("1", "x").kind, "duplicate");
    assert.equal(inbox.arrive("0", "x").kind, "new");
  });
});

suite("the data channel", () => {
  test("frames are checked", () => {
    const id = "A".repeat(22);
    assert.deepEqual(parseFrame(`{"t":"start","id":"${id}","timeLimit":5}`), { t: "start", id, timeLimit: 5 });
    assert.deepEqual(parseFrame(`{"t":"bye","id":"${id}","cause":"hangup","origin":"timeLimit"}`), { t: "bye", id, end: { cause: "hangup", origin: "timeLimit" } });
    assert.equal(parseFrame(`{"t":"accept","id":"${id}"}`)?.t, "accept");
    for (const bad of ["", "[]", "{}", '{"t":"start"}', '{"t":"start","id":"short"}', `{"t":"start","id":"${id}","timeLimit":0}`, '{"t":"dance","id":"i"}', '{"t":"info","mic":1}', `{"t":"bye","id":"${id}"}`, `{"t":"start","t":"bye","id":"${id}","cause":"busy"}`, `{"t":"data","id":"i","payload":"${"x".repeat(8192)}"}`]) {
      assert.equal(parseFrame(bad), undefined, bad.slice(0, 40));
    }
  });
  test("20 frames a second", () => {
    const clock = new FakeClock();
    const budget = new FrameBudget(clock);
    const taken = (): number => Array.from({ length: 50 }, () => budget.take()).filter(Boolean).length;
    assert.equal(taken(), 20);
    clock.pass(500);
    assert.equal(taken(), 10);
  });
  test("info on change, once a second at most", () => {
    const clock = new FakeClock();
    const sent: number[] = [];
    let open = false;
    const info = new InfoSender(clock, () => {
      if (open) sent.push(clock.now());
      return open;
    });
    const say = (mic: boolean): void => {
      info.say({ mic, camera: true, speaker: true, quality: 4 });
    };
    say(true);
    clock.pass(250);
    open = true;
    clock.pass(250);
    say(true);
    clock.pass(100);
    say(false);
    say(true);
    say(false);
    clock.pass(5000);
    assert.deepEqual(sent, [300, 1300]);
    info.stop();
    assert.equal(clock.waiting, 0);
  });
  test("data waits for its answer", async () => {
    const clock = new FakeClock();
    const sent: string[] = [];
    const data = new DataSender(clock, (text) => sent.push(text) > 0);
    const code = (e: unknown): string => (e instanceof CallboxError ? e.code : "");
    const results: string[] = [];
    const post = (): void => {
      data.post({ a: 1 }, undefined).then(() => results.push("ok"), (e: unknown) => results.push(code(e)));
    };
    for (let i = 0; i < 4; i++) post();
    const id = (i: number): string => textOf(frame(sent[i] ?? "")["id"]);
    data.answered(id(0), undefined);
    data.answered(id(1), "forbidden");
    clock.pass(10_000);
    await calm();
    assert.deepEqual(results, ["ok", "forbidden", "unreachable", "unreachable"]);
    post();
    data.stop();
    await calm();
    assert.equal(results.at(-1), "noCall");
  });
});
