// The guides for integrators, held to what they speak of.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as suite, test } from "node:test";
import { failure } from "../src/failures.js";
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

/** What a doc comment says, on one line. */
const plain = (comment: string): string => comment.replaceAll(/\s*\n\s*\* ?/g, " ");

/** The functions that each code of ErrorCode is said to come from; those that come from all of a kind are left out. */
function origins(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, comment = "", code = ""] of source("errors.ts").matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\s*\| "(\w+)"/g)) {
    const from = /From (.*?)\.\s*$/.exec(plain(comment))?.[1] ?? assert.fail(`${code} does not say which function rejects with it`);
    if (!from.startsWith("every function")) found.set(code, new Set([...from.matchAll(/`(\w+)`/g)].map((m) => m[1] ?? "")));
  }
  return found;
}

/** The codes that a function's own comment names as failures. */
function failuresOf(name: string): Set<string> {
  for (const file of ["sdk.ts", "contacts.ts", "page.ts", "waking.ts"]) {
    const end = source(file).indexOf(`\nexport async function ${name}(`);
    if (end < 0) continue;
    const comment = plain(source(file).slice(source(file).lastIndexOf("/**", end), end));
    const [, like] = /ejects like \{@link (\w+)\}/.exec(comment) ?? [];
    if (like !== undefined) return failuresOf(like);
    const failures = /(?:Rejects with|rejects with|@throws CallboxError)(.*)/.exec(comment)?.[1] ?? "";
    return new Set([...failures.matchAll(/\w+/g)].map(([word]) => word).filter((word) => codes.has(word)));
  }
  return assert.fail(`${name} is no function of the SDK`);
}

/** Of which no function says that it is its own: the environment's, the browser's storage. */
const anywhere = new Set(["badArgument", "insecureContext", "unsupportedBrowser", "storage"]);
const codes = new Set([...union(source("errors.ts"), "ErrorCode"), ...union(source("errors.ts"), "PushHindrance")]);

const sorted = (names: Iterable<string>): string[] => [...names].sort();

suite("ErrorCode", () => {
  const table = origins();
  test("each code says which functions reject with it, and those say the same", () => {
    assert.deepEqual(sorted([...table.keys(), ...anywhere]), sorted(codes));
    const names = new Set([...table.values()].flatMap((from) => [...from]));
    for (const name of names) {
      const said = [...table].filter(([, from]) => from.has(name)).map(([code]) => code);
      assert.deepEqual(sorted([...failuresOf(name)].filter((code) => !anywhere.has(code))), sorted(said), name);
    }
  });
  test("callDevice rejects with what can come of an attempt, and with nothing that is an event", () => {
    const said = [...table].filter(([, from]) => from.has("callDevice")).map(([code]) => code);
    // What a refused invite may say; phone.test.ts refuses one with each.
    const refusals = (Object.keys(callbox.causes) as callbox.Cause[]).map((cause) => failure({ cause }, "room").code);
    const local = ["notPaired", "ambiguousDevice", "callInProgress", "otherTab", "deviceKeyChanged", "unreachable"];
    assert.deepEqual(sorted(said), sorted(new Set([...refusals, ...local])));
    for (const event of ["busy", "dnd", "forbidden"]) assert.ok(!said.includes(event), event);
  });
  test("the table in docs/from-wechat.md has each code beside the functions that it comes from", () => {
    const rows = section(doc("from-wechat.md"), "## Error codes").split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| plug-in"));
    for (const row of rows) {
      const [, , named = "", where = ""] = row.split("|");
      const functions = [...where.matchAll(/(?:rejection of|and|of) `(\w+)`/g)].map((m) => m[1] ?? "");
      for (const [, code = ""] of named.matchAll(/`(\w+)`/g)) {
        const from = table.get(code);
        if (functions.length > 0) for (const name of functions) assert.ok(from?.has(name) ?? true, `${code}: ${name}`);
        else if (from && where.includes("rejection") && code !== "noCall") assert.ok(from.has("callDevice"), `${code}: the table does not say of which function`);
      }
    }
  });
});

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
    const named = [...(/export interface VoipEventData \{\n([^]*?)\n\}/.exec(source("voipevents.ts"))?.[1] ?? assert.fail()).matchAll(/^ {2}(\w+): /gm)].map((m) => m[1] ?? "");
    assert.deepEqual(sorted(inColumn(section(guide, "## Events"), 1)), sorted(named));
  });

  test("names every error code, and no other", () => {
    assert.deepEqual(sorted(inColumn(section(guide, "## Error codes"), 2)), sorted(codes));
  });

  test("leaves none of the Linux SDK's names out", () => {
    const theirs = `wx_init wx_stop wx_device_is_registered wx_device_register wx_voip_session_new wx_voip_session_destroy wx_voip_session_call
      wx_voip_session_can_call wx_voip_listener_join wx_voip_listener_hangup wx_voip_session_hangup wx_voip_session_get_roomid wx_operation_wait
      wx_cloudvoip_client_call wx_cloudvoip_session_join wx_cloudvoip_session_hangup wx_cloudvoip_listener_hangup wx_error_t wxa_appid wxa_flavor
      model_id device_id data_dir log_dir h265_only set_remote_bandwidth av_status net_poor_status cmd_msg_recv`;
    const words = new Set([...guide.matchAll(/`(\w+)`/g)].map((m) => m[1] ?? ""));
    assert.deepEqual(theirs.split(/\s+/).filter((name) => !words.has(name)), []);
    const numbers = inColumn(section(guide, "### What `wx_*` functions return").replaceAll(/\b(\d+)\b/g, "`$1`"), 1);
    assert.deepEqual([...Array(20).keys()].map(String).filter((n) => !numbers.has(n)), []);
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
