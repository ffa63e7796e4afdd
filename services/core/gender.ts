// Gender as forms and files tell it, in one of three words. What a country uses for two of them stays as it was told.

import { AMBIGUOUS, foldWords, readAs, UNREADABLE, type Reading } from "./reading.ts";

const WORDS: Readonly<Record<"female" | "male" | "other", string>> = {
  // 1 and 2 are ISO 5218.
  female:
    "f female woman girl 2 femme feminin mme madame mlle mademoiselle w weiblich frau mujer sra femenino donna femmina signora femminile vrouw vrouwelijk mevr mrs ms miss",
  male: "m male man boy 1 homme h masculin monsieur mr maennlich mannlich mann herr hombre sr masculino uomo maschio maschile mannelijk heer dhr",
  other: "x d o other autre nonbinary nb divers diverse otro altro anders",
};

const GENDERS = new Map(
  Object.entries(WORDS).flatMap(([gender, words]) => words.split(" ").map((word) => [word, gender] as const)),
);

const LENGTH_MAX = 32;

/** M is a man or mujer. */
const BOTH: ReadonlySet<string> = new Set(["ES m"]);

export function readGender(told: string, country: string): Reading {
  if (told.length > LENGTH_MAX) return UNREADABLE;
  const word = foldWords(told).replace(/^non binar(y|io)$|^non binaire$/, "nonbinary");
  if (BOTH.has(`${country} ${word}`)) return AMBIGUOUS;
  const gender = GENDERS.get(word);
  return gender === undefined ? UNREADABLE : readAs(gender);
}
