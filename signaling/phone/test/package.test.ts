// What npm packs, as somebody who installs it finds it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

const run = promisify(execFile);
const bin = resolve("node_modules/.bin");

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** A program as an integrator may write it. A `ts-expect-error` that is none fails: the types say something. */
const sample = `
import { CALL_PAGE_PATH, CallboxError, callDevice, devices, forceHangUpVoip, getPluginEnterOptions, onVoipEvent, pair, remoteStream, sendData, takePairingLink } from "callbox-phone";
import type { CallOptions, CallResult, Device, ErrorCode, VoipEvent } from "callbox-phone";

export async function ring(sn: string): Promise<string> {
  const link = takePairingLink();
  if (link !== undefined && link !== "invalid") await pair(link, "Anna's phone");
  const known: readonly Device[] = await devices();
  const device = known.find((d) => d.sn === sn);
  const options: CallOptions = { roomType: "video", timeLimit: 60, payload: { door: 1 }, ...(device && { dkt: device.dkt }) };
  try {
    const { roomId, groupId }: CallResult = await callDevice(options);
    return roomId === groupId ? roomId : "";
  } catch (error) {
    const code: ErrorCode | undefined = error instanceof CallboxError ? error.code : undefined;
    return code ?? "unknown";
  }
}

export const off: () => void = onVoipEvent(({ eventName, roomId, data }: VoipEvent) => {
  if (eventName === "hangUpVoip" && data.origin === "timeLimit" && data.keepTime > 60) void forceHangUpVoip(roomId);
  // @ts-expect-error: no such member in that event
  if (eventName === "busy") console.log(data.keepTime);
  // @ts-expect-error: no such event
  if (eventName === "hungUp") off();
});

export async function open(video: HTMLVideoElement): Promise<string> {
  video.srcObject = remoteStream() ?? null;
  await sendData({ payload: "open", right: "unlock" });
  // @ts-expect-error: no such kind of call
  await callDevice({ roomType: "smell" });
  return CALL_PAGE_PATH + String(getPluginEnterOptions().query["roomId"]);
}
`;

const options = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, skipLibCheck: false, target: "ES2022", lib: ["ES2022", "DOM", "DOM.Iterable"], types: [], noEmit: true };

describe("the published package", () => {
  let project = "";
  let packed: Packed;

  before(async () => {
    project = await mkdtemp(join(tmpdir(), "callbox-package-"));
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project]);
    const list: unknown = JSON.parse(stdout.slice(stdout.indexOf("[\n"))); // behind what prepack said
    packed = (list as readonly Packed[])[0] ?? assert.fail("npm packed nothing");
    await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    await writeFile(join(project, "sample.ts"), sample);
    await writeFile(join(project, "readme.ts"), /```ts\n([^]*?)```/.exec(await readFile("README.md", "utf8"))?.[1] ?? assert.fail("README.md has no sample"));
    // Offline: it depends on no other package.
    await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${packed.filename}`], { cwd: project });
  });
  after(async () => {
    await rm(project, { recursive: true, force: true });
  });

  it("has the module, its types, the licences and the manual, and nothing else", async () => {
    const paths = packed.files.map((f) => f.path);
    for (const path of ["LICENSE", "README.md", "package.json", "lib/sdk.js", "lib/sdk.d.ts", "lib/sw.js", "lib/mqtt.LICENSE.txt"]) assert.ok(paths.includes(path), path);
    assert.deepEqual(paths.filter((p) => !/^(LICENSE|README\.md|package\.json|lib\/([\w-]+(\.d\.ts|\.js)|mqtt\.LICENSE\.txt))$/.test(p)), []);
    // MQTT.js, what it depends on, and what it was built with.
    const licences = await readFile(join(project, "node_modules/callbox-phone/lib/mqtt.LICENSE.txt"), "utf8");
    for (const name of ["mqtt", "ieee754", "split2", "@jspm/core"]) assert.match(licences, new RegExp(`^={80}\n${name} \\d`, "m"));
    for (const text of ["MQTT.js contributors", "Neither the name of the copyright holder", "ISC License", "Apache License"]) assert.ok(licences.includes(text), text);
    for (const path of paths.filter((p) => p.startsWith("lib/"))) {
      const text = await readFile(join(project, "node_modules/callbox-phone", path), "utf8");
      for (const [, name] of text.matchAll(/(?:from |import |import\()"(\.[^"]*)"/g)) {
        const target = join(dirname(path), name ?? "");
        assert.ok(paths.includes(path.endsWith(".d.ts") ? target.replace(/\.js$/, ".d.ts") : target), `${path} imports ${target}`);
      }
    }
  });

  for (const [module, moduleResolution] of [["NodeNext", "NodeNext"], ["ESNext", "bundler"]] as const) {
    it(`type-checks with the module resolution ${moduleResolution}`, async () => {
      const config = `tsconfig.${moduleResolution}.json`;
      await writeFile(join(project, config), JSON.stringify({ compilerOptions: { ...options, module, moduleResolution }, files: ["sample.ts", "readme.ts"] }));
      await run(join(bin, "tsc"), ["-p", config], { cwd: project }).catch((error: unknown) => assert.fail((error as { stdout: string }).stdout));
    });
  }

  it("is bundled by esbuild without a word", async () => {
    const { stdout, stderr } = await run(join(bin, "esbuild"), ["sample.ts", "--bundle", "--splitting", "--format=esm", "--outdir=out", "--minify", "--log-level=warning"], { cwd: project });
    assert.equal(stdout + stderr, "");
    const bundle = await readFile(join(project, "out/sample.js"), "utf8");
    assert.ok(bundle.includes("RTCPeerConnection"));
    // What is loaded only when it is needed is in chunks of its own: MQTT.js, and what wakes the phone.
    const chunks = (await readdir(join(project, "out"))).filter((name) => name !== "sample.js");
    const others = (await Promise.all(chunks.map(async (name) => readFile(join(project, "out", name), "utf8")))).join("\n");
    for (const late of ["connack", "applicationServerKey"]) assert.deepEqual([bundle.includes(late), others.includes(late)], [false, true], late);
    // The SDK itself has this limit (scripts/sizes.mjs).
    assert.ok(gzipSync(bundle).length <= 25_000, `${String(gzipSync(bundle).length)} bytes gzip`);
  });

  it("is imported where there is no browser, and says so", async () => {
    const script = `
      const { CallboxError, callDevice, environment, getPluginOnloadOptions } = await import("callbox-phone");
      const error = await callDevice({ roomType: "voice" }).catch((error) => error);
      console.log(JSON.stringify([environment(), getPluginOnloadOptions(), error instanceof CallboxError, error.code]));`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: project });
    assert.deepEqual(JSON.parse(stdout), ["insecureContext", { path: "", query: {} }, true, "insecureContext"]);
  });
});
