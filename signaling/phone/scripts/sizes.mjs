// Prints the sizes of the built page's parts, as they go over the wire.
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
for (const name of (await readdir(dist)).sort()) {
  if (!/\.(js|css|html)$/.test(name)) continue;
  console.log(`# ${name}: ${gzipSync(await readFile(dist + name), { level: 9 }).length} bytes gzip`);
}
