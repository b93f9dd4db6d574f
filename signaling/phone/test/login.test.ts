/** What the ready page gives away: a login, for brokers that its own maker names. */
import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { endAddress } from "../page/address.js";
import { brokerLogin } from "../page/login.js";

/** What callbox.json says; undefined: there is none. */
let file: unknown;
const asked: { readonly url: string; readonly body: string }[] = [];
Object.assign(globalThis, {
  document: { baseURI: "https://call.example/door/" },
  location: { hostname: "call.example" },
  fetch: async (url: URL | string, init?: { readonly body: string }) => {
    await Promise.resolve();
    if (!init) {
      assert.equal(String(url), "https://call.example/door/callbox.json");
      return file === undefined ? new Response("", { status: 404 }) : Response.json(file);
    }
    asked.push({ url: String(url), body: init.body });
    return Response.json({ password: "secret" });
  },
});

const request = (url: string): Parameters<typeof brokerLogin>[0] => ({ url, user: "p.x", jkt: "x", sign: async (audience) => Promise.resolve(`proof for ${audience}`) });

// The page asks for the file until it could read it, and then keeps it: the order of these tests counts.
suite("callbox.json", () => {
  for (const [name, content] of Object.entries<unknown>({
    "without brokers": { brokerLogin: "https://maker.example/login" },
    "with no broker": { brokerLogin: "https://maker.example/login", brokers: [] },
    "with what is no URL": { brokerLogin: "https://maker.example/login", brokers: ["broker"] },
    "with a backend that is read on the way": { brokerLogin: "http://maker.example/login", brokers: ["wss://good/"] },
  })) {
    test(`${name} gives no login and says why`, async () => {
      file = content;
      await assert.rejects(brokerLogin(request("wss://good/")), /callbox\.json|Invalid URL/);
      assert.deepEqual(asked, []);
    });
  }
  test("names the brokers for which the backend is asked; others get nothing", async () => {
    file = { brokerLogin: "https://maker.example/login", brokers: ["wss://good/mqtt", "WSS://second.example:443"] };
    assert.equal(await brokerLogin(request("wss://evil/mqtt")), undefined);
    assert.equal(await brokerLogin(request("wss://good/mqtt/other")), undefined);
    assert.deepEqual(asked, []);
    for (const url of ["wss://good/mqtt", "wss://second.example/"]) assert.deepEqual(await brokerLogin(request(url)), { password: "secret" });
    assert.deepEqual(asked, Array.from({ length: 2 }, () => ({ url: "https://maker.example/login", body: "proof for https://maker.example/login" })));
  });
});

suite("where Done leads to", () => {
  for (const [url, options, want] of [
    ["https://a.example/list", undefined, "https://a.example/list"],
    ["https://a.example/list", "from=call", "https://a.example/list?from=call"],
    ["https://a.example/list?a=1", "from=call", "https://a.example/list?a=1&from=call"],
    ["https://a.example/list?a=1#x", "from=call&b=2", "https://a.example/list?a=1&from=call&b=2#x"],
    ["https://a.example/list#x", "", "https://a.example/list#x"],
  ] as const) {
    test(`${url} with ${String(options)}`, () => {
      assert.equal(endAddress(options === undefined ? { url } : { url, options }), want);
    });
  }
});
