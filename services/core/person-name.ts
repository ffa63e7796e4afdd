// Names of people in one spelling: space, casing. Only what was typed without casing, all in capitals or all in small
// letters, is given one; whoever wrote both knows better. A name is evidence of nobody, and never a key.

import { cleanText } from "./junk.ts";
import { readAs, UNREADABLE, type Reading } from "./reading.ts";

/** Words that stay small: at any place, and where they are not the first one. */
const PARTICLES: Readonly<Record<string, { readonly anywhere: string; readonly inside: string }>> = {
  FR: { anywhere: "de du des d'", inside: "et" },
  DE: { anywhere: "von vom zu zum zur", inside: "der den dem und" },
  NL: { anywhere: "van von de den der te ten ter 't", inside: "" },
  BE: { anywhere: "", inside: "den der ter" },
  ES: { anywhere: "", inside: "de del la las los y" },
  PT: { anywhere: "", inside: "de da do das dos e" },
};

const PARTICLE_LISTS = new Map(
  Object.entries(PARTICLES).map(([country, { anywhere, inside }]) => [
    country,
    { anywhere: new Set(anywhere.split(" ")), inside: new Set(inside.split(" ")) },
  ]),
);

const NOBODY: ReadonlySet<string> = new Set([
  "-",
  ".",
  "?",
  "n/a",
  "na",
  "null",
  "none",
  "undefined",
  "unknown",
  "x",
  "xxx",
]);

/** country: of the source; whose customs of casing hold. */
export function readPersonName(told: string, country: string): Reading {
  const text = cleanText(told)
    .replace(/[\u2019\u02bc`\u00b4]/g, "'")
    .replace(/\s+/g, " ");
  const lower = text.toLowerCase();
  if (NOBODY.has(lower) || !/\p{L}/u.test(text)) return UNREADABLE;
  if (text !== lower && text !== text.toUpperCase()) return readAs(text);
  const { anywhere, inside } = PARTICLE_LISTS.get(country) ?? { anywhere: new Set(), inside: new Set() };
  const words = lower.split(" ").map((word, place) => {
    if (anywhere.has(word) || (place > 0 && inside.has(word))) return word;
    const elided = word.startsWith("d'") && anywhere.has("d'");
    return elided ? `d'${capitalise(word.slice(2))}` : capitalise(word);
  });
  return readAs(words.join(" ").normalize("NFC"));
}

/** Each part of a double name, what follows an apostrophe (O'Brien), and what follows Mc. */
function capitalise(word: string): string {
  return word
    .replace(/(?<=^|[-'.])\p{L}/gu, capitaliseLetter)
    .replace(/(?<=^|-)Mc(\p{L})/gu, (_, letter: string) => `Mc${capitaliseLetter(letter)}`);
}

/** A letter without one capital of its own (ß is SS) stays: two would be read as a word of capitals. */
function capitaliseLetter(letter: string): string {
  const capital = letter.toUpperCase();
  return /^.$/u.test(capital) ? capital : letter;
}
