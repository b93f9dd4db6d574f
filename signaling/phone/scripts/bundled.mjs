// What the built files have in them of others: the packages that package.json calls
// bundled, and what those depend on. cmd/debian reads the same list for the Debian
// package's copyright file and its bill of materials.
import { readdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";

const { bundled } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));

/** The paths of the bundled packages in the lock file, as "node_modules/mqtt", in their order. */
export async function bundledPaths() {
  const { packages } = JSON.parse(await readFile("package-lock.json", "utf8"));
  const paths = new Set();
  const add = (from, name) => {
    if (name.startsWith("@types/")) return; // nothing of them is in a program
    const path = resolve(packages, from, name);
    if (paths.has(path)) return;
    paths.add(path);
    for (const next of Object.keys(packages[path].dependencies ?? {})) add(path, next);
  };
  for (const name of bundled) add("", name);
  return [...paths].sort();
}

/** Where the package at a path finds another one: in itself, or in those above it. */
function resolve(packages, from, name) {
  for (let at = from; ; at = dirname(at)) {
    const path = at === "." || at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (path in packages) return path;
    if (at === "." || at === "") throw new Error(`package-lock.json has no ${name}, which ${from || "package.json"} names: npm install writes it`);
  }
}

/** Every licence of the bundled packages, as one text. */
export async function licences() {
  const texts = ["This file goes with mqtt.js, which is made of the packages below. Their licences:\n"];
  for (const path of await bundledPaths()) {
    const { name, version } = JSON.parse(await readFile(`${path}/package.json`, "utf8"));
    const files = (await readdir(path)).filter((file) => /^(licen[cs]e|copying|notice)(?!s)/i.test(file)).sort();
    if (files.length === 0) throw new Error(`${path} has no licence: it may not be bundled`);
    for (const file of files) texts.push(`${"=".repeat(80)}\n${name} ${version}\n\n${(await readFile(`${path}/${file}`, "utf8")).trim()}\n`);
  }
  return texts.join("\n");
}

/** Fails when a build has something in it of a package that package.json does not call bundled. */
export async function checkBundled(metafile) {
  const known = await bundledPaths();
  for (const input of Object.keys(metafile.inputs)) {
    // From the first node_modules on: that folder may be a link to one elsewhere.
    const path = /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input)?.[0];
    if (path !== undefined && !known.includes(path)) throw new Error(`${path} is in a built file: name it under "bundled" in package.json, so that its licence goes along`);
  }
}
