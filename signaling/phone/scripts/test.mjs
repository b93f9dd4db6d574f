// Bundles test/*.test.ts and runs them with Node's own runner.
import { spawnSync } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const tests = (await readdir("test")).filter((name) => name.endsWith(".test.ts"));
await rm("build/test", { recursive: true, force: true });
await build({
  entryPoints: tests.map((name) => `test/${name}`),
  outdir: "build/test",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node18",
  sourcemap: "inline",
  logLevel: "warning",
});
const files = tests.map((name) => `build/test/${name.replace(/\.ts$/, ".mjs")}`);
// Node 18, Debian 12's, has WebCrypto behind a flag.
const old = Number(process.versions.node.split(".")[0]) < 20 ? ["--experimental-global-webcrypto"] : [];
const { status } = spawnSync(process.execPath, [...old, "--enable-source-maps", "--test", ...process.argv.slice(2), ...files], { stdio: "inherit" });
process.exitCode = status ?? 1;
