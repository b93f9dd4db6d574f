/** One connection to a broker: who logs in, when it is tried again, and what is shared. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as suite, test } from "node:test";
import { Brokers, type BrokerSeat } from "../src/brokers.js";
import { generateKey, importPeer, open, parseJwk, peek, type OwnKey } from "../src/jws.js";
import { loginRequest, type BrokerLogin, type BrokerLoginProvider } from "../src/login.js";
import type { LinkState } from "../src/way.js";
import { FakeBroker, presence } from "./support/broker.js";
import { FakeClock, calm, until } from "./support/clock.js";

interface Bench {
  readonly broker: FakeBroker;
  readonly clock: FakeClock;
  readonly key: OwnKey;
  readonly device: OwnKey;
  readonly states: LinkState[];
  readonly messages: string[];
  readonly epochs: number[];
  readonly brokers: Brokers;
  readonly seat: (endpoints?: readonly string[], sn?: string) => BrokerSeat;
}

async function bench(login?: BrokerLoginProvider): Promise<Bench> {
  const [broker, clock, key, device] = [new FakeBroker(), new FakeClock(), await generateKey(), await generateKey()];
  const [states, messages, epochs]: [LinkState[], string[], number[]] = [[], [], []];
  const brokers = new Brokers({ key, clock, dial: broker.dial, login: () => login });
  const seat = (endpoints: readonly string[] = ["mqtt+wss://a/mqtt"], sn = "door-1"): BrokerSeat =>
    brokers.seat({ sn, dkt: device.jkt, endpoints }, {
      state: (state) => states.at(-1) === state || states.push(state),
      hello: (epoch) => epochs.push(epoch),
      message: (text) => messages.push(text),
    });
  return { broker, clock, key, device, states, messages, epochs, brokers, seat };
}

/** Turns the clock until the next connection, and tells how long it took. */
async function next(b: Bench): Promise<number> {
  const [before, n] = [b.clock.now(), b.broker.clients.length];
  while (b.broker.clients.length === n && b.clock.now() - before < 100_000) {
    b.clock.pass(100);
    await Promise.resolve();
    await Promise.resolve();
  }
  await calm();
  return b.clock.now() - before;
}

suite("logging in", () => {
  test("the client id is the user name, and both are the phone's address", async () => {
    const b = await bench();
    const seat = b.seat(["mqtt+wss://a/mqtt?prefix=acme/doors"]);
    seat.open();
    await until(() => seat.up, "up");
    assert.deepEqual(b.broker.client.to, { url: "wss://a/mqtt", user: `p.${b.key.jkt}`, password: undefined });
    assert.deepEqual(b.broker.client.subscribed, [`acme/doors/p.${b.key.jkt}/rx/+`, "acme/doors/d.door-1/status"]);
    assert.deepEqual(b.states, ["connecting", "up"]);
    assert.ok(seat.send("hi"));
    assert.deepEqual(b.broker.client.published, [{ topic: `acme/doors/d.door-1/rx/p.${b.key.jkt}`, text: "hi" }]);
  });
  test("the maker's backend is shown a proof of the key, for it alone", async () => {
    const asked: { url: string; user: string; jkt: string; proof: string }[] = [];
    const b = await bench(async ({ url, user, jkt, sign }) => {
      asked.push({ url, user, jkt, proof: await sign("https://maker.example/login") });
      return { password: "secret" };
    });
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    assert.equal(b.broker.client.to.password, "secret");
    const [one] = asked;
    assert.deepEqual([one?.url, one?.user, one?.jkt], ["wss://a/mqtt", `p.${b.key.jkt}`, b.key.jkt]);
    const peer = await importPeer(b.key.jwk);
    const payload = peer && (await open(one?.proof ?? "", peer, "callbox-login+jws"));
    const { iat, nonce, ...rest } = payload ?? {};
    assert.deepEqual(rest, { v: 1, from: `p.${b.key.jkt}`, aud: "https://maker.example/login", broker: "wss://a/mqtt", jwk: b.key.jwk });
    assert.ok(typeof iat === "number" && Math.abs(iat - Date.now() / 1000) < 5 && typeof nonce === "string" && nonce.length === 22);
    assert.equal(peer && (await open(one?.proof ?? "", peer)), undefined, "it is no message");
  });
  test("the proof is what backends read", async () => {
    const vectors = JSON.parse(readFileSync(new URL("../../../testdata/logins.json", import.meta.url), "utf8")) as readonly {
      readonly text: string;
      readonly reason?: string;
      readonly broker?: string;
    }[];
    const key = await generateKey();
    const own = await loginRequest(key, "wss://b/").sign("https://maker.example/");
    const members = (text: string): string[] => Object.keys(peek(text, "callbox-login+jws") ?? {});
    assert.equal(members(own).length, 7);
    assert.deepEqual(members(vectors[0]?.text ?? "").sort(), members(own).sort());
    // What is refused as another broker's is right but for the broker, which is the URL that the phone would connect to.
    const broker = (text: string): unknown => peek(text, "callbox-login+jws")?.["broker"];
    assert.equal(broker(own), "wss://b/");
    const foreign = vectors.filter((v) => v.reason === "broker");
    assert.ok(foreign.length > 0);
    for (const { text } of foreign) {
      assert.deepEqual(members(text).sort(), members(own).sort());
      const jwk = parseJwk(peek(text, "callbox-login+jws")?.["jwk"]);
      const by = jwk && (await importPeer(jwk));
      assert.ok(by && (await open(text, by, "callbox-login+jws")));
      assert.notEqual(broker(text), vectors[0]?.broker);
    }
  });
  test("a login is kept until it has run out or is refused", async () => {
    let asked = 0;
    const life: { expires?: number } = {};
    const b = await bench(async () => {
      asked += 1;
      const login: BrokerLogin = { password: String(asked), ...life };
      return Promise.resolve(login);
    });
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    b.broker.cut();
    b.broker.greet = "refuse";
    await next(b);
    assert.deepEqual([asked, b.broker.client.to.password], [1, "1"]);
    assert.match(b.brokers.reports()[0]?.problem ?? "", /Not authorized/);
    b.broker.greet = "up";
    life.expires = Date.now() / 1000 - 1;
    await next(b);
    assert.deepEqual([asked, b.broker.client.to.password], [2, "2"]);
    b.broker.cut();
    await next(b);
    assert.deepEqual([asked, b.broker.client.to.password], [3, "3"]);
  });
  test("a backend that fails is asked again, and the reason is told", async () => {
    let fails = true;
    const b = await bench(async () => {
      await Promise.resolve();
      if (fails) throw new Error("no login: 503");
      return undefined;
    });
    const seat = b.seat();
    seat.open();
    await until(() => seat.state === "down", "down");
    assert.equal(b.broker.clients.length, 0);
    assert.match(b.brokers.reports()[0]?.problem ?? "", /503/);
    fails = false;
    await next(b);
    assert.ok(seat.up);
    assert.equal(b.brokers.reports()[0]?.problem, undefined);
  });
  test("a backend that never answers does not hold the connection up for ever", async () => {
    const b = await bench(async () => new Promise(() => undefined));
    const seat = b.seat();
    seat.open();
    await calm();
    assert.equal(seat.state, "connecting");
    b.clock.pass(25_000);
    assert.equal(seat.state, "down");
  });
  test("what may not be read is told; without the inbox nothing is up", async () => {
    const b = await bench();
    b.broker.refused = /status$/;
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    assert.match(b.brokers.reports()[0]?.problem ?? "", /may not|let this phone read .*status/);
    seat.close();
    b.broker.refused = /rx/;
    seat.open();
    await calm();
    assert.ok(!seat.up && !seat.send("x") && seat.state === "connecting");
    assert.match(b.brokers.reports()[0]?.problem ?? "", /rx/);
  });
});

suite("coming back", () => {
  test("pauses grow from 1 to 60 s, with full jitter", async () => {
    const b = await bench();
    b.broker.greet = "close";
    b.seat().open();
    await calm();
    let sum = 0;
    for (let i = 0; i < 30; i++) {
      const waited = await next(b);
      assert.ok(waited <= Math.min(60_000, Math.max(1000, sum)) + 200, `pause ${String(i)}, after ${String(sum)} ms: ${String(waited)} ms`);
      sum += waited;
    }
    assert.ok(sum > 60_000, `${String(sum)} ms in all`);
  });
  test("all URLs are tried before the pauses grow; a place keeps its own prefix at each", async () => {
    const b = await bench();
    b.broker.greet = "close";
    const seat = b.seat(["mqtt+wss://a/?prefix=x", "mqtt+wss://b/?prefix=y"]);
    seat.open();
    await calm();
    for (let i = 0; i < 2; i++) assert.ok((await next(b)) <= 1200);
    assert.deepEqual(b.broker.clients.map((c) => c.to.url), ["wss://a/", "wss://b/", "wss://a/"]);
    b.broker.greet = "up";
    await next(b);
    assert.equal(seat.url, "mqtt+wss://b/?prefix=y");
    assert.equal(b.broker.client.subscribed[1], "y/d.door-1/status");
  });
  test("only a connection that has lived for a minute was a good one", async () => {
    const b = await bench();
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    // Two phones with one key throw each other out.
    for (let i = 0; i < 8; i++) {
      b.clock.pass(100);
      b.broker.cut();
      await next(b);
    }
    b.clock.pass(60_000);
    b.broker.cut();
    assert.ok((await next(b)) <= 1200);
  });
  test("time with the broker is no time without it", async () => {
    const b = await bench();
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    b.clock.pass(55_000);
    b.broker.cut();
    assert.ok((await next(b)) <= 1200);
  });
  test("a network that is back is used at once; a connection that stands is looked at", async () => {
    const b = await bench();
    b.broker.greet = "close";
    const seat = b.seat();
    seat.open();
    await calm();
    for (let i = 0; i < 8; i++) await next(b);
    b.broker.greet = "up";
    seat.hurry();
    await until(() => seat.up, "up");
    assert.equal(b.broker.client.checks, 0);
    seat.hurry();
    assert.equal(b.broker.client.checks, 1);
  });
  test("what an earlier connection still says does not count", async () => {
    const b = await bench();
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    const old = b.broker.client;
    b.broker.cut();
    await next(b);
    old.events.closed("late", true);
    old.events.message(`callbox/1/p.${b.key.jkt}/rx/d.door-1`, "late", false);
    assert.ok(seat.up);
    assert.deepEqual(b.messages, []);
  });
});

suite("sharing", () => {
  test("devices at one broker share the connection, and the last one closes it", async () => {
    const b = await bench();
    const [one, two] = [b.seat(["mqtt+wss://a/"], "door-1"), b.seat(["mqtt+wss://b/", "mqtt+wss://a/"], "door-2")];
    one.open();
    two.open();
    await until(() => one.up && two.up, "both");
    assert.equal(b.broker.clients.length, 1);
    one.close();
    assert.ok(two.up && !b.broker.client.ended && one.state === "closed");
    two.close();
    assert.ok(b.broker.client.ended);
    assert.equal(b.clock.waiting, 0);
  });
  test("a code that names a known broker beside a foreign one leads neither this phone's login nor another device there", async () => {
    const asked: string[] = [];
    const b = await bench(async ({ url }) => {
      asked.push(url);
      return Promise.resolve({ password: `for ${url}` });
    });
    const one = b.seat(["mqtt+wss://good/"]);
    one.open();
    await until(() => one.up, "up");
    const two = b.seat(["mqtt+wss://good/", "mqtt+wss://evil/"], "door-2");
    two.open();
    await until(() => two.up, "both");
    b.broker.greet = "close";
    b.broker.cut();
    for (let i = 0; i < 6; i++) await next(b);
    assert.deepEqual([...new Set(b.broker.clients.map((c) => c.to.url))], ["wss://good/"]);
    assert.deepEqual([...new Set(asked)], ["wss://good/"]);
    b.broker.greet = "up";
    await next(b);
    assert.ok(one.up && two.up);
    two.close(); // and takes its URLs along
    b.broker.greet = "close";
    b.broker.cut();
    for (let i = 0; i < 3; i++) await next(b);
    assert.deepEqual([...new Set(asked)], ["wss://good/"]);
    one.close();
    // Alone, it goes where it says: with what is given for that URL, and nothing else.
    two.open();
    await calm();
    for (let i = 0; i < 3; i++) await next(b);
    const there = b.broker.clients.filter((c) => c.to.url === "wss://evil/").map((c) => c.to.password);
    assert.deepEqual([...new Set(there)], ["for wss://evil/"]);
  });
  for (const lists of [
    [["a", "b"], ["b"], ["a"]],
    [["a", "b"], ["b", "c"], ["a", "b"]],
    [["a"], ["b", "a"], ["a"]],
  ]) {
    test(`${JSON.stringify(lists)} name one broker: one connection, which nobody moves`, async () => {
      const b = await bench();
      const seats = lists.map((urls, i) => b.seat(urls.map((url) => `mqtt+wss://${url}/`), `door-${String(i)}`));
      for (const seat of seats) {
        seat.open();
        await until(() => seat.up, "up");
      }
      assert.ok(seats.every((seat) => seat.up));
      assert.deepEqual(b.broker.clients.map((c) => [c.to.url, c.ended]), [["wss://a/", false]]);
      // Whoever came first takes its URLs along.
      seats[0]?.close();
      await until(() => seats.slice(1).every((seat) => seat.up), "the others");
      assert.ok(lists[1]?.some((url) => b.broker.client.to.url === `wss://${url}/`));
      assert.equal(b.broker.clients.filter((c) => !c.ended).length, 1);
    });
  }
  test("a code that names a broker which is away beside a foreign one keeps no device off its own", async () => {
    const b = await bench();
    const one = b.seat(["mqtt+wss://a/", "mqtt+wss://b/"]);
    one.open();
    await until(() => one.up, "up");
    b.seat(["mqtt+wss://b/", "mqtt+wss://evil/"], "door-2").open();
    b.broker.greet = "close";
    b.broker.cut();
    for (let i = 0; i < 6; i++) await next(b);
    assert.deepEqual([...new Set(b.broker.clients.map((c) => c.to.url))].sort(), ["wss://a/", "wss://b/"]);
  });
  test("without a URL in common there are two connections", async () => {
    const b = await bench();
    const [one, two] = [b.seat(["mqtt+wss://a/"]), b.seat(["mqtt+wss://b/"], "door-2")];
    one.open();
    two.open();
    await until(() => one.up && two.up, "both");
    assert.equal(b.brokers.reports().length, 2);
  });
  test("one URL under two prefixes is one URL", async () => {
    const b = await bench();
    b.broker.greet = "close";
    b.seat(["mqtt+wss://a/?prefix=x", "mqtt+wss://a/?prefix=y", "mqtt+wss://b/"]).open();
    await calm();
    await next(b);
    assert.deepEqual(b.broker.clients.map((c) => c.to.url), ["wss://a/", "wss://b/"]);
  });
  test("a device that comes later gets its place", async () => {
    const b = await bench();
    const one = b.seat(["mqtt+wss://a/"]);
    one.open();
    await until(() => one.up, "up");
    const two = b.seat(["mqtt+wss://a/"], "door-2");
    two.open();
    await until(() => two.up, "the second");
    assert.equal(b.broker.clients.length, 1);
  });
  test("each gets what is for it, and nothing else", async () => {
    const b = await bench();
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    const me = `callbox/1/p.${b.key.jkt}`;
    const { client } = b.broker;
    client.deliver(`${me}/rx/d.door-2`, "of another device");
    client.deliver(`${me}/rx/d.door-1/x`, "deeper");
    client.deliver("callbox/1/p.other/rx/d.door-1", "for another phone");
    client.deliver(`${me}/rx/d.door-1`, "kept", true);
    client.deliver(`${me}/rx/d.door-1`, "x".repeat(32 * 1024 + 1));
    client.deliver(`${me}/rx/d.door-1`, "right");
    assert.deepEqual(b.messages, ["right"]);
  });
});

suite("presence on the way", () => {
  test("up until something else is said, sure only by the device's own word", async () => {
    const b = await bench();
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    assert.deepEqual([seat.state, seat.sure], ["up", false]);
    b.broker.status("door-1", await presence(b.device, "door-1"));
    await until(() => seat.sure, "sure");
    b.broker.will("door-1", 7);
    await calm();
    assert.deepEqual([seat.state, seat.up, seat.sure], ["down", true, false], "offline is a hint: a call may be tried");
    b.broker.status("door-1", await presence(b.device, "door-1", { epoch: 8, state: "busy" }));
    await until(() => seat.sure, "back");
    b.broker.will("door-1", 7);
    await calm();
    assert.ok(seat.sure, "the will of an earlier start says nothing");
    assert.deepEqual(b.epochs, [7, 8]);
  });
  test("the same word again is no news", async () => {
    const b = await bench();
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    b.broker.status("door-1", await presence(b.device, "door-1", { nonce: "YQ" }));
    await until(() => b.epochs.length > 0, "the first word");
    b.broker.status("door-1", await presence(b.device, "door-1", { nonce: "Yg" }));
    await calm();
    assert.deepEqual(b.epochs, [7]);
  });
  test("what does not verify changes nothing", async () => {
    const b = await bench();
    b.broker.status("door-1", await presence(b.device, "door-1"));
    const seat = b.seat();
    seat.open();
    await until(() => seat.sure, "sure");
    for (const text of ["", "garbage", (await presence(b.device, "door-1", { epoch: 99 })).slice(0, -4), await presence(b.device, "door-2")]) b.broker.status("door-1", text);
    await calm();
    assert.ok(seat.sure);
  });
  test("a newer word is not overtaken by an older one that takes longer to read", async () => {
    const b = await bench();
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    b.broker.status("door-1", await presence(b.device, "door-1"));
    b.broker.will("door-1", 7);
    await calm();
    assert.equal(seat.state, "down");
  });
  test("another key and another version are told, until the right word comes", async () => {
    const b = await bench();
    const seat = b.seat();
    seat.open();
    await until(() => seat.up, "up");
    b.broker.status("door-1", await presence(await generateKey(), "door-1"));
    await until(() => seat.state === "keyChanged", "key changed");
    b.broker.status("door-1", await presence(b.device, "door-1", { versions: [2] }));
    await until(() => seat.state === "unsupported", "unsupported");
    b.broker.status("door-1", await presence(b.device, "door-1"));
    await until(() => seat.state === "up", "up");
  });
});
