// Prints the sizes of the built page's parts, as they go over the wire, and fails when the SDK is too large.
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const maxSdk = 25_000; // bytes of gzip of what a page loads; push.js (for who wants to be woken) and mqtt.js (for a broker) come when they are needed
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
for (const name of (await readdir(dist)).sort()) {
  if (!/\.(js|css|html)$/.test(name)) continue;
  const size = gzipSync(await readFile(dist + name), { level: 9 }).length;
  console.log(`# ${name}: ${size} bytes gzip`);
  if (name === "sdk.js" && size > maxSdk) {
    console.error(`sdk.js is larger than ${maxSdk} bytes gzip: what is rarely used belongs into a file of its own`);
    process.exitCode = 1;
  }
}
