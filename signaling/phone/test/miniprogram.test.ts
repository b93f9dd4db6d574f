// The programs of docs/mini-program.md, as they stand there: the mini program's pages lead
// to the call page; a string goes from that over the backend and the device's program into
// the daemon's API, and one comes back.
import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcessByStdio } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { after, before, describe as suite, test } from "node:test";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";

type Program = ChildProcessByStdio<null, Readable, null>;

/** What a page of a mini program hands to WeChat. */
interface MiniPage {
  data: Record<string, string>;
  setData?: (data: Readonly<Record<string, string>>) => void;
  scan?: () => void;
  call?: () => void;
  onLoad?: (query: Readonly<Record<string, string>>) => void;
}

const phone = `p.${"A".repeat(43)}`;
const secrets = { DEVICE_SECRET: "the device's", WEBHOOK_SECRET: "the webhook's" };

suite("docs/mini-program.md", () => {
  const programs: Program[] = [];
  /** What callboxd was handed, and its streams to phones. */
  const handed: unknown[] = [];
  const streams: ServerResponse[] = [];
  const callboxd = createServer((req, res) => {
    assert.equal(req.url, "/v1/relay");
    if (req.method === "GET") {
      streams.push(res.writeHead(200, { "content-type": "text/event-stream" }));
      res.write(": nothing yet\n\n");
      return;
    }
    assert.equal(req.headers["content-type"], "application/json");
    void req.setEncoding("utf8").toArray().then((parts: string[]) => {
      handed.push(JSON.parse(parts.join("")));
      res.end("{}");
    });
  });
  let dir = "";
  let backend = "";
  let said = "";

  /** Runs one of the guide's programs. */
  async function run(name: string, env: Readonly<Record<string, string>>): Promise<Program> {
    const program = spawn(process.execPath, [join(dir, name)], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
    programs.push(program);
    await once(program, "spawn");
    return program;
  }

  async function until<T>(what: () => Promise<T | undefined> | T | undefined): Promise<T> {
    for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((next) => setTimeout(next, 50))) {
      const found = await what();
      if (found !== undefined) return found;
    }
    return assert.fail("not within 10 s");
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "callbox-mini-"));
    const guide = await readFile("../../docs/mini-program.md", "utf8");
    const blocks = [...guide.matchAll(/```js\n\/\/ ([\w./]+)[^]*?```/g)];
    assert.deepEqual(blocks.map((b) => b[1]), ["pages/index/index.js", "pages/call/call.js", "backend.mjs", "device.mjs"]);
    for (const [text, path = ""] of blocks) {
      const file = join(dir, path.replaceAll("/", "-").replace(/\.js$/, ".mjs"));
      await writeFile(file, text.slice("```js\n".length, -"```".length));
      await promisify(execFile)(process.execPath, ["--check", file]);
    }
    callboxd.listen(join(dir, "control.sock"));
    const { stdout } = await run("backend.mjs", { ...secrets, PORT: "0", PAGE: "https://calls.example.com/door/" });
    stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    backend = await until(() => /http:\S+/.exec(said)?.[0]);
    await run("device.mjs", { ...secrets, BACKEND: backend, CALLBOX_CONTROL_SOCKET: join(dir, "control.sock") });
  });
  after(async () => {
    for (const program of programs) program.kill("SIGKILL");
    callboxd.closeAllConnections();
    callboxd.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function enter(): Promise<URL> {
    const response = await fetch(`${backend}/enter`, { method: "POST", body: JSON.stringify({ code: "of wx.login", roomId: "room-1" }) });
    return new URL(((await response.json()) as { page: string }).page);
  }

  /** A page of the mini program in WeChat, which has scanned a code and answers requests over the network. */
  async function inWeChat(path: string, code: string): Promise<{ readonly page: MiniPage; readonly went: string[] }> {
    const went: string[] = [];
    const wx = {
      scanCode: ({ onlyFromCamera, success }: { readonly onlyFromCamera: boolean; readonly success: (found: object) => void }) => {
        if (onlyFromCamera) success({ result: code });
      },
      navigateTo: ({ url }: { readonly url: string }) => went.push(url),
      login: ({ success }: { readonly success: (login: object) => void }) => {
        success({ code: "of wx.login" });
      },
      request: ({ url, method, data, success }: { readonly url: string; readonly method: string; readonly data: object; readonly success: (response: object) => void }) => {
        // The guide's backend has a name; this one has a port.
        const here = url.replace("https://backend.example.com", backend);
        void fetch(here, { method, body: JSON.stringify(data) }).then(async (response) => {
          const page: unknown = await response.json();
          success({ data: page });
        });
      },
    };
    let page: MiniPage | undefined;
    const text = await readFile(join(dir, `${path.replaceAll("/", "-")}.mjs`), "utf8");
    runInNewContext(text, {
      wx,
      Page: (members: MiniPage) => {
        page = members;
        page.setData = (data) => Object.assign(members.data, data);
      },
      encodeURIComponent,
      decodeURIComponent,
    });
    return { page: page ?? assert.fail(`${path} makes no page`), went };
  }

  for (const [name, enter, roomId, fragment] of [
    ["a pairing code is scanned", (page: MiniPage) => page.scan?.(), "", "pair=eyJzbiI6ImRvb3ItMSJ9-_"],
    ["the person calls", (page: MiniPage) => page.call?.(), "", ""],
  ] as const) {
    test(`${name}: the web-view shows the call page with it`, async () => {
      const index = await inWeChat("pages/index/index", `https://calls.example.com/door/#${fragment}`);
      enter(index.page);
      assert.equal(index.went.length, 1);
      const to = new URL(index.went[0] ?? "", "https://mini.example");
      assert.equal(to.pathname, "/pages/call/call");
      await shown(Object.fromEntries(to.search.slice(1).split("&").map((pair) => pair.split("=") as [string, string])), roomId, fragment);
    });
  }
  test("a message that the device calls is pressed: the web-view shows the call page with the room", async () => {
    await shown({ roomId: "room-2" }, "room-2", "");
  });

  /** Enters the mini program's call page. WeChat hands the query over as it stands in the address. */
  async function shown(query: Readonly<Record<string, string>>, roomId: string, fragment: string): Promise<void> {
    const { page } = await inWeChat("pages/call/call", "");
    assert.equal(page.data["src"], "");
    page.onLoad?.(query);
    const src = new URL(await until(() => page.data["src"] || undefined));
    assert.equal(src.origin + src.pathname, "https://calls.example.com/door/");
    assert.equal(src.searchParams.get("roomId") ?? "", roomId);
    assert.equal(src.searchParams.get("ticket")?.length, 22);
    assert.equal(src.hash, fragment && `#${fragment}`);
  }

  test("the mini program is told the page, with the room", async () => {
    const { origin, pathname, searchParams } = await enter();
    assert.equal(origin + pathname, "https://calls.example.com/door/");
    assert.equal(searchParams.get("roomId"), "room-1");
    assert.equal(searchParams.get("ticket")?.length, 22);
  });

  test("strings go both ways, to and from the address of the ticket only", async () => {
    const ticket = (await enter()).searchParams.get("ticket") ?? "";
    const at = (address: string, of = ticket): string => `${backend}/phone/${address}?ticket=${of}`;
    const { body } = await fetch(at(phone));
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail("no stream");
    await until(async () => {
      assert.equal((await fetch(at(phone), { method: "POST", body: "invite" })).status, 204);
      return handed.length > 0 ? true : undefined; // said again, as a phone does, until the device is there
    });
    assert.deepEqual(handed[0], { from: phone, message: "invite" });

    const stream = await until(() => streams[0]);
    stream.write(`event: relay\ndata: ${JSON.stringify({ to: phone, message: "challenge" })}\n\n`);
    let came = "";
    while (!came.includes("data:")) came += (await reader.read()).value ?? assert.fail("the stream has ended");
    assert.match(came, /data: "challenge"\n\n/);
    await reader.cancel();

    const other = `p.${"B".repeat(43)}`;
    for (const url of [at(other), at(phone, "guessed"), at("p.short")]) assert.equal((await fetch(url, { method: "POST", body: "invite" })).status, 403, url);
    for (const headers of [{}, { authorization: "Bearer wrong" }]) assert.equal((await fetch(`${backend}/device`, { headers })).status, 401);
  });

  test("a wake-up of the device notifies once, and only when it is signed", async () => {
    const ring = JSON.stringify({ event: "ring", id: "1", device: "d.door-1", roomId: "room-2", phone: "jkt" });
    const wake = async (secret: string): Promise<number> => {
      const mac = createHmac("sha256", secret).update(ring).digest("hex");
      return (await fetch(`${backend}/wake`, { method: "POST", headers: { "callbox-signature": `sha256=${mac}` }, body: ring })).status;
    };
    assert.deepEqual([await wake("guessed"), await wake(secrets.WEBHOOK_SECRET), await wake(secrets.WEBHOOK_SECRET)], [403, 204, 204]);
    assert.equal(await until(() => /^notify .*$/m.exec(said)?.[0]), "notify d.door-1 jkt pages/call/call?roomId=room-2");
    assert.equal(said.match(/notify/g)?.length, 1);
  });
});
