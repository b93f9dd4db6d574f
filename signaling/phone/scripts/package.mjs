// Builds what is published into lib/, before npm packs it: the SDK as one ES module,
// with chunks for what it loads only when it is needed, the types that it shows, and a
// service worker.
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { checkBundled, licences } from "./bundled.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
await rm("lib", { recursive: true, force: true });
// Not minified: whoever bundles it does that, and may want to read it before.
const { metafile } = await build({
  entryPoints: ["src/sdk.ts"],
  outdir: "lib",
  bundle: true,
  splitting: true,
  chunkNames: "[name]-[hash]",
  format: "esm",
  target: "es2022",
  logLevel: "warning",
  metafile: true,
});
await checkBundled(metafile);

// The service worker that shows who calls; it keeps no page's files.
await build({
  entryPoints: ["worker/sw.ts"],
  outfile: "lib/sw.js",
  define: { SHELL: JSON.stringify({ version: "", files: {} }) },
  bundle: true,
  format: "iife",
  target: "es2022",
  logLevel: "warning",
});

const types = "build/types";
await rm(types, { recursive: true, force: true });
execFileSync("node_modules/.bin/tsc", ["-p", "tsconfig.types.json"], { stdio: "inherit" });
const reached = new Set(["sdk.d.ts"]);
for (const name of reached) {
  const text = await readFile(join(types, name), "utf8");
  for (const [, path] of text.matchAll(/(?:from |import\()"(\.[^"]*)\.js"/g)) reached.add(join(dirname(name), `${path}.d.ts`));
  await mkdir(dirname(join("lib", name)), { recursive: true });
  await copyFile(join(types, name), join("lib", name));
}

await copyFile("../../LICENSE", "LICENSE");
// MQTT.js and what it brings, of which one of the chunks is made, want their licences in copies.
await writeFile("lib/mqtt.LICENSE.txt", await licences());
