import { fill, languageOf, tables, type StringKey } from "./strings.js";

export const language = languageOf(navigator.language);

/** The words for a key, in the reader's language. */
export function words(key: StringKey, parts: Readonly<Record<string, string>> = {}): string {
  return fill(tables[language][key], parts);
}
