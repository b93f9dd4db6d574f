// Builds the page and the SDK into dist/, which the daemon embeds and serves.
import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

const maxSdk = 27_000; // bytes of gzip

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
await build({ ...common, entryPoints: ["src/sdk.ts"], outfile: "dist/sdk.js" });
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

const size = gzipSync(await readFile("dist/sdk.js"), { level: 9 }).length;
console.log(`sdk.js: ${size} bytes gzip`);
if (size > maxSdk) throw new Error(`sdk.js is larger than ${maxSdk} bytes gzip`);
