// Makes a private key for signing tokens: node key.mjs keys.json
// A second call adds the next key in front: the first signs, the others are still
// published, until their last token has expired and they are taken out.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { makeKey } from "./token.mjs";

const file = process.argv[2] ?? "keys.json";
const keys = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
let kid = new Date().toISOString().slice(0, 10);
for (let n = 2; keys.some((k) => k.kid === kid); n++) kid = `${kid.slice(0, 10)}.${n}`;
keys.unshift(makeKey(kid));
writeFileSync(`${file}.new`, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
renameSync(`${file}.new`, file);
console.log(`${file}: signs with ${kid}, publishes ${keys.map((k) => k.kid).join(", ")}`);
