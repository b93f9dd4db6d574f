import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { DirectLink, subprotocol } from "../src/direct.js";
import { generateKey } from "../src/jws.js";
import type { LinkState } from "../src/way.js";
import { FakeClock, calm, until } from "./support/clock.js";
import { FakeDevice, forge, type FakeSocket } from "./support/device.js";

interface Bench {
  readonly device: FakeDevice;
  readonly clock: FakeClock;
  readonly link: DirectLink;
  readonly states: LinkState[];
  readonly messages: string[];
  readonly epochs: number[];
  readonly urls: string[];
}

async function bench(change: { endpoints?: readonly string[]; sn?: string; dkt?: string; open?: (device: FakeDevice, url: string) => FakeSocket } = {}): Promise<Bench> {
  const device = await FakeDevice.make();
  const clock = new FakeClock();
  const [states, messages, epochs, urls]: [LinkState[], string[], number[], string[]] = [[], [], [], []];
  const target = { sn: change.sn ?? device.sn, dkt: change.dkt ?? device.key.jkt, endpoints: change.endpoints ?? ["http://127.0.0.1:8080"] };
  const link = new DirectLink(
    await generateKey(),
    target,
    (url, protocol) => {
      assert.equal(protocol, subprotocol);
      urls.push(url);
      return change.open ? change.open(device, url) : device.openSocket(url);
    },
    clock,
    {
      state: (state) => states.push(state),
      hello: (epoch) => epochs.push(epoch),
      message: (text) => messages.push(text),
    },
  );
  return { device, clock, link, states, messages, epochs, urls };
}

suite("hello", () => {
  test("the device proves itself first, then the phone answers its nonce", async () => {
    const b = await bench();
    b.link.open();
    await until(() => b.device.received.length > 0, "the phone's hello");
    assert.equal(b.link.state, "up");
    assert.deepEqual(b.epochs, [7]);
    const { payload } = b.device.last("hello");
    assert.deepEqual(Object.keys(payload), ["v", "t", "id", "from", "to", "tkt", "ref", "nonce", "jwk"]);
    assert.equal(payload["to"], "d.door-1");
    assert.equal(payload["tkt"], b.device.key.jkt);
    assert.ok(b.link.peer?.jkt === b.device.key.jkt && b.link.url === "ws://127.0.0.1:8080/signal");
  });

  const wrong: Readonly<Record<string, (d: FakeDevice) => Promise<string>>> = {
    "a forged signature": async (d) => forge(await d.hello()),
    "no hello": async () => Promise.resolve("hello"),
    "another address": async (d) => d.hello({ from: "d.other" }),
    "no versions": async (d) => d.hello({ versions: undefined }),
    "another version of the message": async (d) => d.hello({ v: 2 }),
  };
  for (const [name, make] of Object.entries(wrong)) {
    test(`${name} is not answered`, async () => {
      const b = await bench({
        open: (device, url) => {
          const socket = device.openSocket(url);
          const deliver = socket.deliver.bind(socket);
          socket.deliver = () => {
            void make(device).then(deliver);
          };
          return socket;
        },
      });
      b.link.open();
      await until(() => b.link.state === "down", "the link gives up");
      assert.equal(b.device.received.length, 0);
      assert.ok(!b.link.send("x"));
    });
  }
  test("another key under our serial number stops the link", async () => {
    const b = await bench({ dkt: "A".repeat(43) });
    b.link.open();
    await until(() => b.link.state === "keyChanged", "key changed");
    b.clock.pass(100_000);
    await calm();
    assert.equal(b.urls.length, 1);
    assert.equal(b.device.received.length, 0);
  });
  test("another device at our address is only the wrong one", async () => {
    const b = await bench({ dkt: "A".repeat(43), sn: "other" });
    b.link.open();
    await until(() => b.link.state === "down", "down");
    assert.equal(b.device.received.length, 0);
  });
  test("a device of another version stops the link", async () => {
    const b = await bench();
    b.device.versions = [2];
    b.link.open();
    await until(() => b.link.state === "unsupported", "unsupported");
    assert.equal(b.device.received.length, 0);
  });
  test("a device that says nothing is given up", async () => {
    const b = await bench({ open: (device, url) => Object.assign(device.openSocket(url), { deliver: () => undefined }) });
    b.link.open();
    await calm();
    b.clock.pass(11_000);
    assert.equal(b.states[1], "down");
  });
});

suite("connecting", () => {
  test("endpoints are tried in turn, and again with growing pauses", async () => {
    const b = await bench({ endpoints: ["http://a", "https://b", "ws://c/signal"] });
    b.device.off = true;
    b.link.open();
    for (let i = 1; i < 6; i++) {
      await until(() => b.link.state === "down", "down");
      const before = b.clock.now();
      while (b.link.state === "down") b.clock.pass(50);
      assert.equal(b.urls.length, i + 1);
      // Three endpoints make a round: up to 200 ms between them, then up to 400 ms.
      assert.ok(b.clock.now() - before <= (i <= 3 ? 200 : 400) + 50);
    }
    assert.deepEqual(b.urls.slice(0, 4), ["ws://a/signal", "wss://b/signal", "ws://c/signal", "ws://a/signal"]);
  });
  test("a socket that the browser refuses is skipped", async () => {
    const b = await bench({
      endpoints: ["ws://a", "wss://b"],
      open: (device, url) => {
        if (url.startsWith("ws:")) throw new DOMException("mixed content", "SecurityError");
        return device.openSocket(url);
      },
    });
    b.link.open();
    b.clock.pass(200);
    await until(() => b.link.state === "up", "up");
    assert.equal(b.link.url, "wss://b/signal");
  });
  test("a cut connection comes back", async () => {
    const b = await bench();
    b.link.open();
    await until(() => b.link.state === "up", "up");
    b.device.socket.cut();
    assert.equal(b.link.state, "down");
    b.clock.pass(200);
    await until(() => b.link.state === "up", "up again");
    assert.deepEqual(b.states, ["connecting", "up", "down", "connecting", "up"]);
  });
  test("close is final and leaves no timer", async () => {
    const b = await bench();
    b.device.off = true;
    b.link.open();
    await until(() => b.link.state === "down", "down");
    b.link.close();
    assert.equal(b.clock.waiting, 0);
    b.clock.pass(60_000);
    assert.equal(b.urls.length, 1);
  });
});
