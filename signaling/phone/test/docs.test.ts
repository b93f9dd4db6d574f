// The guides for integrators, held to what they speak of.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as suite, test } from "node:test";
import * as callbox from "../src/sdk.js";

const doc = (name: string): string => readFileSync(`../../docs/${name}`, "utf8");
const source = (name: string): string => readFileSync(`src/${name}`, "utf8");

/** The part of a text under a heading, up to the next one that is not below it. */
function section(text: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? assert.fail(heading);
  const from = text.indexOf(`\n${heading}\n`);
  assert.notEqual(from, -1, `there is no "${heading}"`);
  const rest = text.slice(from + heading.length + 2);
  const end = rest.search(new RegExp(`\n#{1,${String(level)}} `));
  return end < 0 ? rest : rest.slice(0, end);
}

/** What stands in backticks in a column of all tables of a text, without the head. */
function inColumn(text: string, column: number): Set<string> {
  const rows = text.split("\n").filter((line, i, all) => line.startsWith("|") && !line.startsWith("|---") && !all[i + 1]?.startsWith("|---"));
  return new Set(rows.flatMap((row) => [...(row.split("|")[column] ?? "").matchAll(/`([^`]+)`/g)].map((m) => m[1] ?? "")));
}

/** The words of a union of strings in a source file. */
function union(text: string, name: string): Set<string> {
  const body = new RegExp(`export type ${name} =([^]*?)\n\n`).exec(text)?.[1] ?? assert.fail(name);
  return new Set([...body.matchAll(/^\s*\| "(\w+)"/gm)].map((m) => m[1] ?? ""));
}

const sorted = (names: Iterable<string>): string[] => [...names].sort();

suite("docs/from-wechat.md", () => {
  const guide = doc("from-wechat.md");

  test("names every function and constant of the SDK, and no other", () => {
    const functions = section(guide, "## Functions");
    const table = functions.slice(0, functions.indexOf("### Options"));
    assert.deepEqual(sorted(inColumn(table, 2)), sorted(Object.keys(callbox)));
  });

  test("names every option of callDevice, and no other", () => {
    const body = /export interface CallOptions \{([^]*?)\n\}/.exec(source("options.ts"))?.[1] ?? assert.fail();
    const options = [...body.matchAll(/^ {2}readonly (\w+)/gm)].map((m) => m[1] ?? "");
    assert.deepEqual(sorted(inColumn(section(guide, "### Options of `callDevice`"), 2)), sorted(options));
  });

  test("names every event, and no other", () => {
    const others = [...(/eventName: VoipEventName([^;]*);/.exec(source("view.ts"))?.[1] ?? assert.fail()).matchAll(/"(\w+)"/g)].map((m) => m[1] ?? "");
    assert.deepEqual(sorted(inColumn(section(guide, "## Events"), 1)), sorted([...union(source("state.ts"), "VoipEventName"), ...others]));
  });

  test("names every error code, and no other", () => {
    const codes = [...union(source("errors.ts"), "ErrorCode"), ...union(source("errors.ts"), "PushHindrance")];
    assert.deepEqual(sorted(inColumn(section(guide, "## Error codes"), 2)), sorted(codes));
  });

  test("has a place for every cause, origin and detail", () => {
    const words = new Set([...guide.matchAll(/`(\w+)`/g)].map((m) => m[1]));
    assert.deepEqual([...Object.keys(callbox.causes), ...callbox.origins, ...callbox.details].filter((word) => !words.has(word)), []);
  });

  test("names requests, commands and keys that exist", () => {
    const device = section(guide, "## The device: `wx_*`");
    const requests = [...device.matchAll(/`((?:GET|POST) \/v1\/[\w/]+)/g)].map((m) => m[1] ?? "");
    const api = doc("api.md");
    assert.ok(requests.length > 10);
    for (const request of requests) assert.match(api, new RegExp(`\\| \`${request}[?\`]`), request);
    const commands = [...guide.matchAll(/`callboxctl ([a-z ]+?)( --json)?`/g)].map((m) => m[1] ?? "");
    const manual = doc("callboxctl.md");
    assert.ok(commands.length > 8);
    for (const command of commands) assert.match(manual, new RegExp(`^## ${command}( |$)`, "m"), command);
    const keys = [...guide.matchAll(/`((?:device|hal|call|signaling)\.[\w.]+)`/g)].map((m) => m[1] ?? "");
    const configuration = doc("configuration.md");
    assert.ok(keys.length > 5);
    for (const key of keys) assert.match(configuration, new RegExp(`^(## ${key}$|\\*\\*\`${key}\`)`, "m"), key);
  });
});
