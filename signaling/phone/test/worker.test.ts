/** The service worker's parts: what it shows, what it opens, what it keeps. */
import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { deviceOfScope, pushScope } from "../src/pushscope.js";
import { entry, opensPage, type Page } from "../worker/click.js";
import { nameOf } from "../worker/devices.js";
import { notice, readPush } from "../worker/notice.js";
import { Shell } from "../worker/shell.js";
import { tables, wordsIn } from "../worker/words.js";

const dkt = "CRFZQaU4cVWkyh7ORVhYEfwFt99lXGi5oDhoF69j_7s";
const page = new URL("https://door.example/box/");
const text = (said: string): { text(): string } => ({ text: () => said });

suite("a push", () => {
  test("that says a ring", () => {
    assert.deepEqual(readPush(text(`{"v":1,"t":"ring","roomId":"a.B-c_1"}`)), { roomId: "a.B-c_1" });
    assert.deepEqual(readPush(text(`{"v":1,"t":"ring","roomId":"a","later":{}}`)), { roomId: "a" });
  });
  test("that says nothing that is known", () => {
    const said = ["", "{", "null", "1", "[]", `"ring"`, "{}", `{"v":2,"t":"ring","roomId":"a"}`, `{"v":1,"t":"bye","roomId":"a"}`];
    const rooms = [`""`, "1", "null", `"a b"`, `"<b>"`, `"${"a".repeat(129)}"`].map((room) => `{"v":1,"t":"ring","roomId":${room}}`);
    for (const one of [...said, ...rooms]) assert.equal(readPush(text(one)), undefined, one);
    assert.equal(readPush(null), undefined);
    const broken = { text: () => { throw new TypeError("no text"); } };
    assert.equal(readPush(broken), undefined);
  });
});

suite("its notification", () => {
  const ring = { roomId: "room-1" };
  test("names the device in the reader's language", () => {
    const title = (language: string, name?: string): string => notice(wordsIn(language), { dkt, ring, name }, page).title;
    assert.deepEqual(
      [title("en-GB", "Front $& door"), title("zh-CN", "前门"), title("en"), title("zh")],
      ["Front $& door is calling", "前门 来电", "A device is calling", "有设备来电"],
    );
  });
  test("is one for each device, and stays until it is answered", () => {
    const { options } = notice(wordsIn("en"), { dkt, ring, name: "Door" }, page);
    assert.deepEqual([options.tag, options.renotify, options.requireInteraction], [`callbox ${dkt}`, true, true]);
    assert.deepEqual(options.data, { dkt, roomId: "room-1" });
    assert.equal(options.icon, "https://door.example/box/icon-192.png");
  });
  test("of a push that cannot be read says so", () => {
    const { title, options } = notice(wordsIn("en"), { dkt, ring: undefined, name: undefined }, page);
    assert.deepEqual([title, options.body], ["callbox", tables.en.look]);
    assert.deepEqual(options.data, { dkt, roomId: undefined });
  });
  test("has words in both languages", () => {
    for (const key of Object.keys(tables.en) as (keyof typeof tables.en)[]) {
      if (key !== "unknown") assert.match(tables.zh[key], /\p{Script=Han}/u, key);
      assert.equal(tables.zh[key].includes("{name}"), tables.en[key].includes("{name}"), key);
    }
  });
});

suite("its press", () => {
  const woken = { dkt, roomId: "room 1" };
  const address = `https://door.example/box/?roomId=room+1&wokenBy=${dkt}`;
  /** Presses with these pages open; what was focused and opened. */
  const press = async (open: readonly string[], focuses = true): Promise<string[]> => {
    const done: string[] = [];
    const pages = open.map((url): Page => ({
      url,
      focus: async () => {
        if (!focuses) throw new TypeError("not allowed");
        done.push(`focus ${url}`);
        return Promise.resolve();
      },
    }));
    await opensPage({ matchAll: async () => Promise.resolve(pages), openWindow: async (url) => Promise.resolve(done.push(`open ${url}`)) }, page, woken);
    return done;
  };
  test("opens the page with the room", async () => {
    assert.equal(entry(page, woken), address);
    assert.equal(entry(page, { dkt, roomId: undefined }), page.href);
    assert.deepEqual(await press([]), [`open ${address}`]);
  });
  test("brings a page that is open to the front, and only a page of this folder", async () => {
    const others = ["https://door.example/", "https://door.example/box/other.html", "https://door.example/box/push/x/"];
    for (const own of ["https://door.example/box/?roomId=a", "https://door.example/box/index.html#x"]) {
      assert.deepEqual(await press([...others, own]), [`focus ${own}`]);
    }
    assert.deepEqual(await press(others), [`open ${address}`]);
  });
  test("opens another when that one does not come", async () => {
    assert.deepEqual(await press([page.href], false), [`open ${address}`]);
  });
});

test("a scope names its device", () => {
  assert.equal(deviceOfScope(`https://door.example/box${pushScope(dkt)}`), dkt);
  for (const scope of ["https://door.example/", "https://door.example/push/", "https://door.example/push/short/"]) assert.equal(deviceOfScope(scope), undefined);
});

suite("the device's name", () => {
  /** IndexedDB with or without the page's stores in it. */
  const storage = (record: unknown, kind: "there" | "new" | "empty" | "fails"): { idb: IDBFactory; aborted: () => boolean; closed: () => boolean } => {
    let [aborted, closed] = [false, false];
    const reading = { result: record, onsuccess: () => undefined, onerror: () => undefined };
    const opening = {
      transaction: { abort: () => { aborted = true; } },
      result: {
        transaction: () => {
          if (kind === "empty") throw new DOMException("no such store", "NotFoundError");
          queueMicrotask(() => { reading.onsuccess(); });
          return { objectStore: () => ({ get: (key: string) => (assert.equal(key, dkt), reading) }) };
        },
        close: () => { closed = true; },
      },
      onsuccess: () => undefined,
      onerror: () => undefined,
      onupgradeneeded: () => undefined,
    };
    const open = (): unknown => {
      queueMicrotask(() => {
        if (kind === "new") opening.onupgradeneeded();
        if (kind === "new" || kind === "fails") opening.onerror();
        else opening.onsuccess();
      });
      return opening;
    };
    return { idb: { open } as unknown as IDBFactory, aborted: () => aborted, closed: () => closed };
  };
  test("is the one that the page shows", async () => {
    const { idb, closed } = storage({ dkt, name: "Front door" }, "there");
    assert.equal(await nameOf(idb, dkt), "Front door");
    assert.ok(closed());
  });
  test("is unknown when there is none, and no database is made", async () => {
    for (const record of [undefined, {}, { name: 1 }]) assert.equal(await nameOf(storage(record, "there").idb, dkt), undefined);
    for (const kind of ["new", "empty", "fails"] as const) {
      const { idb, aborted } = storage(undefined, kind);
      assert.equal(await nameOf(idb, dkt), undefined, kind);
      assert.equal(aborted(), kind === "new");
    }
  });
});

suite("the page's files", () => {
  const files = { "./": "sha256-a", "app.js": "sha256-b" };
  class FakeCaches {
    readonly all = new Map<string, Map<string, Response>>();
    asked: Request[] = [];
    open = async (name: string): Promise<object> => {
      const kept = this.all.get(name) ?? new Map<string, Response>();
      this.all.set(name, kept);
      return Promise.resolve({
        addAll: async (requests: readonly Request[]) => {
          this.asked.push(...requests);
          for (const { url } of requests) kept.set(url, new Response(url));
          return Promise.resolve();
        },
        match: async (url: string) => Promise.resolve(kept.get(url)),
      });
    };
    keys = async (): Promise<string[]> => Promise.resolve([...this.all.keys()]);
    delete = async (name: string): Promise<boolean> => Promise.resolve(this.all.delete(name));
  }
  const make = (version = "v2"): { shell: Shell; caches: FakeCaches } => {
    const caches = new FakeCaches();
    return { caches, shell: new Shell(page, { version, files }, caches as unknown as CacheStorage) };
  };
  test("are kept as the build has made them", async () => {
    const { shell, caches } = make();
    await shell.install();
    assert.deepEqual(
      caches.asked.map(({ url, integrity, cache }) => [url, integrity, cache]),
      [["https://door.example/box/", "sha256-a", "no-cache"], ["https://door.example/box/app.js", "sha256-b", "no-cache"]],
    );
    assert.deepEqual([...caches.all.keys()], ["callbox /box/ v2"]);
  });
  test("of older builds go, and nobody else's", async () => {
    const { shell, caches } = make();
    const others = ["callbox / v1", "callbox /box/inner/ v1", "another"];
    for (const name of ["callbox /box/ v1", "callbox /box/ v2", ...others]) await caches.open(name);
    await shell.clean();
    assert.deepEqual([...caches.all.keys()], ["callbox /box/ v2", ...others]);
  });
  test("are all that is answered for", () => {
    const { shell } = make();
    const file = (url: string, method = "GET"): string | undefined => shell.fileOf({ method, url });
    for (const url of ["", "?roomId=a", "index.html", "index.html?a"]) assert.equal(file(page.href + url), page.href, url);
    assert.equal(file(`${page.href}app.js?x`), `${page.href}app.js`);
    for (const url of ["signal", "sw.js", "app.js/", "toString", "push/x/", "//other.example/app.js"]) assert.equal(file(page.href + url), undefined, url);
    for (const url of ["https://door.example/", "https://door.example/app.js", "https://other.example/box/app.js"]) assert.equal(file(url), undefined, url);
    assert.equal(file(page.href, "POST"), undefined);
  });
  test("come from the server when the browser has deleted them", async (t) => {
    const { shell } = make();
    const request = new Request(page.href);
    t.mock.method(globalThis, "fetch", async (asked: unknown) => Promise.resolve(new Response(asked === request ? "from the server" : "wrong")));
    assert.equal(await (await shell.answer(page.href, request)).text(), "from the server");
    await shell.install();
    assert.equal(await (await shell.answer(page.href, request)).text(), page.href);
  });
});
