/** A value of parsed JSON whose shape is not known yet. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };

/** A JSON object. */
export type JsonObject = Readonly<Record<string, Json>>;

const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;
const loneSurrogate = /\p{Surrogate}/u;

/**
 * Parses I-JSON (RFC 7493): JSON.parse, but two members of one name in an object
 * and surrogates without a partner are errors. JSON.parse itself keeps the last
 * of two members, other parsers the first, so that one signed text would say two
 * things.
 * @throws SyntaxError
 */
export function parseIJSON(text: string): Json {
  const value = JSON.parse(text) as Json;
  const open: (Set<string> | undefined)[] = []; // a set of names for an object, undefined for an array
  let name: string | undefined;
  for (const [part] of text.matchAll(token)) {
    switch (part) {
      case "{":
        open.push(new Set());
        break;
      case "[":
        open.push(undefined);
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ":": {
        const names = open.at(-1);
        if (name !== undefined && names) {
          if (names.has(name)) throw new SyntaxError(`member ${name} stands twice`);
          names.add(name);
        }
        break;
      }
      case ",":
        break;
      default:
        name = JSON.parse(part) as string;
        if (loneSurrogate.test(name)) throw new SyntaxError("a surrogate without its partner");
    }
  }
  return value;
}

/** Reports whether a value is a JSON object (not an array, not null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
