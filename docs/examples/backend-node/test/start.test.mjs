// Starts the backend with the commands of README.md, in a copy of this folder.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..");
let copy;
before(() => {
  copy = mkdtempSync(join(tmpdir(), "callbox-backend-"));
  for (const name of ["server.mjs", "token.mjs", "login.mjs", "key.mjs", "package.json", "config.example.json"]) {
    cpSync(join(folder, name), join(copy, name));
  }
});
after(() => rmSync(copy, { recursive: true }));

const run = (args) => spawn(process.execPath, args, { cwd: copy, env: { ...process.env, PORT: "0" } });

async function refusal() {
  const backend = run(["server.mjs"]);
  let said = "";
  backend.stderr.on("data", (text) => { said += text; });
  const [code] = await once(backend, "close");
  return { code, said };
}

test("what is missing is said in one line, with the command that makes it", async () => {
  let { code, said } = await refusal();
  assert.equal(code, 1);
  assert.equal(said, "cannot read config.json: ENOENT; make it: cp config.example.json config.json\n");
  cpSync(join(copy, "config.example.json"), join(copy, "config.json"));
  ({ code, said } = await refusal());
  assert.equal(said, "cannot read keys.json: ENOENT; make it: npm run key\n");
});

test("key, example configuration, start", async () => {
  execFileSync(process.execPath, ["key.mjs"], { cwd: copy });
  cpSync(join(copy, "config.example.json"), join(copy, "config.json"));
  const backend = run(["server.mjs"]);
  try {
    const [line] = await once(backend.stdout, "data");
    assert.match(line.toString(), /^http:\/\/127\.0\.0\.1:/);
  } finally {
    backend.kill();
  }
});

test("with a broker, the secret of the logins is asked for by its name", async () => {
  const config = JSON.parse(readFileSync(join(copy, "config.json"), "utf8"));
  writeFileSync(join(copy, "config.json"), JSON.stringify({ ...config, broker: { secret: "login-secret", reload: ["true"] } }));
  const { said } = await refusal();
  assert.match(said, /^cannot read login-secret: ENOENT; make it: head -c 32/);
});
