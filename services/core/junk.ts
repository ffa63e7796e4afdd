// Junk: values that stand for "no value" and so never link anybody (I4), in any dress: case, quotes, space, width, invisible
// characters, letters and digits of other scripts.

import { blur, isForeign, listLooks } from "./lookalike.ts";

/** The list of I4. */
export const JUNK: readonly string[] = [
  "",
  "null",
  "undefined",
  "none",
  "nil",
  "nan",
  "n/a",
  "na",
  "unknown",
  "anonymous",
  "guest",
  "true",
  "false",
  "test",
  "-",
  "0",
  "-1",
  "[object object]",
  "{}",
  "[]",
  "test@test.com",
  "test@example.com",
  "none@none.com",
  "noemail@noemail.com",
];

/** Beside what Unicode calls ignorable: separators of lines, blanks that are drawn, and marks of annotations. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|[\u2028\u2029\u2800\ufff9-\ufffb]/gu;
const QUOTE = "[\\p{Quotation_Mark}`\\u02b9-\\u02bf\\u2032-\\u2037]";
const QUOTES = new RegExp(`^${QUOTE}+|${QUOTE}+$`, "gu");
const NOTHING = /^[0\-\s.]*$/;
const SPACES = /\s+/g;
const SEPARATORS = /[\s().+-]/g;
const SAME_DIGIT = /^(\d)\1{2,}$/;
/** The same of a text that was blurred. */
const BLURRED_NOTHING = /^[o\-\s.]*$/;
const BLURRED_SAME_DIGIT = /^([2-9lo])\1{2,}$/;

/** Width, invisible characters and surrounding quotes and space taken away: what is left is what somebody meant. */
export function cleanText(raw: string): string {
  let text = (isForeign(raw) ? raw.normalize("NFKC").replace(INVISIBLE, "").normalize("NFKC") : raw).trim();
  for (let before = ""; before !== text; ) {
    before = text;
    text = text.replace(QUOTES, "").trim();
  }
  return text;
}

/** Values as they are compared: as they are said, in small letters, and as what looks like them is read. */
export interface JunkList {
  readonly said: ReadonlySet<string>;
  readonly looks: ReadonlySet<string>;
}

export function createJunkList(values: readonly string[]): JunkList {
  const texts = values.map(cleanText);
  return {
    said: new Set(texts.map((text) => text.toLowerCase().replace(SPACES, ""))),
    looks: new Set(
      texts
        .map((text) => text.replace(SPACES, ""))
        .flatMap((text) => (isForeign(text) ? listLooks(text) : [blur(text)])),
    ),
  };
}

const BUILT_IN = createJunkList(JUNK);

/** True where a cleaned text stands for "no value": on a list, only zeros or dashes, or three and more of one digit. */
export function isJunk(text: string, more: JunkList | null = null): boolean {
  const said = text.toLowerCase().replace(SPACES, "");
  if (BUILT_IN.said.has(said) || more?.said.has(said) === true || NOTHING.test(said)) return true;
  if (SAME_DIGIT.test(said.replace(SEPARATORS, ""))) return true;
  return (
    isForeign(text) &&
    listLooks(text.replace(SPACES, "")).some(
      (look) =>
        BUILT_IN.looks.has(look) ||
        more?.looks.has(look) === true ||
        BLURRED_NOTHING.test(look) ||
        BLURRED_SAME_DIGIT.test(look.replace(SEPARATORS, "")),
    )
  );
}
