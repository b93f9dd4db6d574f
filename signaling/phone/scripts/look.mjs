// Drives the built page in headless Chromium against the fake device of the
// tests, and writes pictures of it to build/look. For whoever changes the page:
//   npm run build && node scripts/look.mjs [chromium]
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const browserPath = process.argv[2] ?? "/usr/bin/chromium";
const csp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; " +
  "connect-src 'self' ws: wss:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml", png: "image/png", webmanifest: "application/manifest+json" };

const server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://x").pathname;
  const name = path === "/" ? "index.html" : path.slice(1);
  readFile(`dist/${name}`).then(
    (body) => response.writeHead(200, { "content-type": types[name.split(".").at(-1)], "content-security-policy": csp }).end(body),
    () => response.writeHead(404).end(),
  );
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${server.address().port}/`;

const fake = await build({
  entryPoints: ["test/support/browser.ts"],
  bundle: true,
  format: "iife",
  write: false,
  target: "es2022",
});
const inject = fake.outputFiles[0].text;

const profile = await mkdtemp(join(tmpdir(), "callbox-look-"));
const browser = spawn(
  browserPath,
  [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required",
    "--hide-scrollbars", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank",
  ],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
);

let next = 0;
const waiting = new Map();
const listeners = new Set();
let buffer = "";
browser.stdio[4].on("data", (chunk) => {
  buffer += chunk;
  const parts = buffer.split("\0");
  buffer = parts.pop();
  for (const part of parts) {
    const message = JSON.parse(part);
    if (message.id === undefined) for (const listener of listeners) listener(message);
    else {
      const { resolve, reject } = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) reject(new Error(JSON.stringify(message.error)));
      else resolve(message.result);
    }
  }
});
const send = (method, params = {}, sessionId = undefined) =>
  new Promise((resolve, reject) => {
    next += 1;
    waiting.set(next, { resolve, reject });
    browser.stdio[3].write(`${JSON.stringify({ id: next, method, params, sessionId })}\0`);
  });

/** A tab: its page, with the fake device in the place of WebSocket. */
async function tab({ width, height, dark, language, context, path = "", deny = false }) {
  const { targetId } = await send("Target.createTarget", { url: "about:blank", browserContextId: context });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const cdp = (method, params) => send(method, params, sessionId);
  listeners.add((message) => {
    if (message.sessionId !== sessionId) return;
    if (message.method === "Runtime.exceptionThrown") console.log("exception:", message.params.exceptionDetails.exception?.description);
    if (message.method === "Log.entryAdded") console.log("log:", message.params.entry.text);
    if (message.method === "Runtime.consoleAPICalled") console.log("console:", ...message.params.args.map((a) => a.value ?? a.description));
  });
  await cdp("Page.enable");
  await cdp("Runtime.enable");
  await cdp("Log.enable");
  const phone = width < 600;
  await cdp("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: phone });
  if (phone) await cdp("Emulation.setTouchEmulationEnabled", { enabled: true, maxTouchPoints: 5 });
  await cdp("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] });
  await cdp("Emulation.setUserAgentOverride", { userAgent: "Mozilla/5.0 (Linux; Android 14) Chrome/140", acceptLanguage: language });
  await cdp("Page.addScriptToEvaluateOnNewDocument", { source: inject });
  if (deny) await cdp("Page.addScriptToEvaluateOnNewDocument", { source: "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };" });
  await cdp("Page.navigate", { url: origin + path });
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await cdp("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  const until = async (expression) => {
    const end = Date.now() + 20_000;
    for (;;) {
      if (await evaluate(`Boolean(${expression})`).catch(() => false)) return;
      if (Date.now() > end) throw new Error(`never: ${expression}: ${await evaluate("document.body.innerText + JSON.stringify(window.callbox?.events())")}`);
      await new Promise((r) => setTimeout(r, 50));
    }
  };
  return {
    evaluate,
    until,
    cdp,
    click: (id) => evaluate(`document.querySelector('[data-testid="${id}"]').click()`),
    picture: async (name) => {
      await new Promise((r) => setTimeout(r, 450)); // transitions
      const { data } = await cdp("Page.captureScreenshot", { format: "png" });
      await writeFile(`build/look/${name}.png`, Buffer.from(data, "base64"));
      console.log(`build/look/${name}.png`);
    },
  };
}

const phone = { width: 390, height: 844 };
const desktop = { width: 1280, height: 800 };

try {
  await mkdir("build/look", { recursive: true });
  for (const [name, shape] of [
    ["phone-light-en", { ...phone, dark: false, language: "en-US" }],
    ["phone-dark-zh", { ...phone, dark: true, language: "zh-CN" }],
    ["desktop-light-zh", { ...desktop, dark: false, language: "zh-CN" }],
    ["desktop-dark-en", { ...desktop, dark: true, language: "en-US" }],
  ]) {
    const { browserContextId: context } = await send("Target.createBrowserContext");
    const page = await tab({ ...shape, context });
    await page.until("document.querySelector('[data-testid=no-device]')");
    await page.picture(`${name}-0-none`);
    await page.evaluate("location.hash = fakeDevice.fragment()");
    await page.until("document.querySelector('[data-testid=pair-confirm]')");
    if ((await page.evaluate("location.hash")) !== "") throw new Error("the link stays in the address bar");
    await page.picture(`${name}-1-pair`);
    await page.click("pair-confirm");
    await page.until("document.querySelector('[data-testid=call-video]')");
    await page.until("document.querySelector('[data-link=up]')");
    await page.picture(`${name}-2-home`);
    await page.click("call-video");
    await page.until("document.querySelector('[data-state=ringing]')");
    await page.picture(`${name}-3-ringing`);
    await page.evaluate("fakeDevice.accept(42)");
    await page.until("callbox.events().filter((e) => e.eventName === 'calling').length >= 3");
    await page.until("document.querySelector('[data-testid=remote-video]').videoWidth > 0");
    await page.picture(`${name}-4-talking`);
    if (name.startsWith("phone-light")) {
      const second = await tab({ ...shape, context, path: await page.evaluate("location.search") });
      await second.until("document.querySelector('[data-testid=call]')");
      await second.picture(`${name}-4-elsewhere`);
      await page.until("callbox.currentCall().phase === 'talking'");
    }
    await page.click("mute");
    await page.click("camera");
    await page.until("document.querySelector('[data-testid=camera].off')");
    await page.picture(`${name}-5-muted`);
    await page.evaluate("fakeDevice.end()");
    await page.until("document.querySelector('[data-testid=toast]')");
    await page.picture(`${name}-6-end`);
    const names = await page.evaluate("callbox.events().map((e) => e.eventName)");
    console.log(names.filter((n) => n !== "calling").join(" "));
  }
  const { browserContextId: context } = await send("Target.createBrowserContext");
  const denied = await tab({ ...phone, dark: false, language: "en-US", context, deny: true });
  await denied.until("globalThis.callbox && document.querySelector('[data-testid=no-device]')");
  await denied.evaluate("location.hash = fakeDevice.fragment()");
  await denied.until("document.querySelector('[data-testid=pair-confirm]')");
  await denied.click("pair-confirm");
  await denied.until("document.querySelector('[data-link=up]')");
  await denied.click("call-video");
  await denied.until("document.querySelector('[data-state=ringing]')");
  await denied.evaluate("fakeDevice.accept()");
  await denied.until("document.querySelector('[data-testid=remote-video]').videoWidth > 0");
  await denied.picture("denied");
  await denied.evaluate("fakeDevice.end()");
  await denied.until("document.querySelector('[data-testid=call-voice]')");
  await denied.click("call-voice");
  await denied.until("document.querySelector('[data-state=ringing]')");
  await denied.picture("voice-ringing");
  await denied.click("hang-up");
  await denied.until("document.querySelector('[data-testid=toast]')");
  await denied.picture("voice-cancelled");
  const insecure = await tab({ ...phone, dark: false, language: "en-US", context });
  await insecure.cdp("Page.addScriptToEvaluateOnNewDocument", { source: "Object.defineProperty(globalThis, 'isSecureContext', { value: false });" });
  await insecure.cdp("Page.reload");
  await insecure.until("document.querySelector('[data-testid=problem]')");
  await insecure.picture("insecure");
} finally {
  browser.kill();
  server.close();
  await new Promise((r) => browser.once("exit", r));
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
