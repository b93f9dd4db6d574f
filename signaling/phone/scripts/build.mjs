// Builds the page and the SDK into dist/, which the daemon embeds and serves.
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build as esbuild } from "esbuild";
import { checkBundled, licences } from "./bundled.mjs";
import { draw, icons } from "./icons.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

for (const name of await readdir("dist").catch(() => [])) {
  if (name !== ".gitignore") await rm(`dist/${name}`, { recursive: true });
}
await mkdir("dist", { recursive: true });

const common = {
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome109", "firefox115", "safari16.4"],
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
};
const build = async (options) => checkBundled((await esbuild(options)).metafile);
// What the SDK loads only when it is needed is a file of its own. Errors are the SDK's.
const later = ["push.js", "mqtt.js"];
await build({ ...common, entryPoints: ["src/sdk.ts"], outfile: "dist/sdk.js", external: later.map((name) => `./${name}`) });
await build({ ...common, entryPoints: ["src/push.ts"], outfile: "dist/push.js", plugins: [from("./sdk.js", /\/errors\.js$/)] });
await build({ ...common, entryPoints: ["src/mqtt.ts"], outfile: "dist/mqtt.js", legalComments: "eof" });
// MQTT.js and what it brings want their licences in copies.
await writeFile("dist/mqtt.LICENSE.txt", await licences());
await build({
  ...common,
  entryPoints: { app: "page/main.ts", style: "page/style.css" },
  outdir: "dist",
  // One copy of the SDK: the page imports the file that others may import too.
  plugins: [from("./sdk.js", /\/src\/sdk\.js$/)],
});
await cp("page/static", "dist", { recursive: true });
const drawing = await readFile("page/static/icon.svg", "utf8");
for (const { name, size, full } of icons) await writeFile(`dist/${name}`, draw(drawing, size, full));

// The service worker keeps the page's files, each as it is in this build.
const files = {};
for (const name of (await readdir("dist")).sort()) {
  if (name === ".gitignore" || name.endsWith(".LICENSE.txt")) continue; // no page loads them
  files[name === "index.html" ? "./" : name] = `sha256-${createHash("sha256").update(await readFile(`dist/${name}`)).digest("base64")}`;
}
const version = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
await build({
  ...common,
  format: "iife", // a worker that is a module is too new for Firefox ESR
  entryPoints: ["worker/sw.ts"],
  outfile: "dist/sw.js",
  define: { SHELL: JSON.stringify({ version, files }) },
});

/** Imports of what fits are left to the file that has it. */
function from(path, filter) {
  return {
    name: path,
    setup(b) {
      b.onResolve({ filter }, () => ({ path, external: true }));
    },
  };
}
