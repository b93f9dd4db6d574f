// Builds the page and the SDK into dist/, which the daemon embeds and serves.
import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

const maxSdk = 25_000; // bytes of gzip, without what is loaded only when it is needed

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
};
// What the SDK loads only when it is needed is a file of its own.
const later = ["mqtt.js"];
await build({ ...common, entryPoints: ["src/sdk.ts"], outfile: "dist/sdk.js", external: later.map((name) => `./${name}`) });
await build({ ...common, entryPoints: ["src/mqtt.ts"], outfile: "dist/mqtt.js", legalComments: "eof" });
// MQTT.js and what it brings want their licences in copies.
await cp("node_modules/mqtt/LICENSE.md", "dist/mqtt.LICENSE.txt");
await build({
  ...common,
  entryPoints: { app: "page/main.ts", style: "page/style.css" },
  outdir: "dist",
  // One copy of the SDK: the page imports the file that others may import too.
  plugins: [
    {
      name: "sdk",
      setup(b) {
        b.onResolve({ filter: /\/src\/sdk\.js$/ }, () => ({ path: "./sdk.js", external: true }));
      },
    },
  ],
});
await cp("page/static", "dist", { recursive: true });

const sizes = {};
for (const name of ["sdk.js", ...later]) {
  sizes[name] = gzipSync(await readFile(`dist/${name}`), { level: 9 }).length;
  console.log(`${name}: ${sizes[name]} bytes gzip`);
}
if (sizes["sdk.js"] > maxSdk) throw new Error(`sdk.js is larger than ${maxSdk} bytes gzip`);

if (process.argv.includes("--package")) {
  await mkdir("lib", { recursive: true });
  for (const name of ["sdk.js", ...later, "mqtt.LICENSE.txt"]) await cp(`dist/${name}`, `lib/${name}`);
  execFileSync("node_modules/.bin/tsc", ["-p", "tsconfig.types.json"], { stdio: "inherit" });
}
