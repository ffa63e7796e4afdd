// How a told value is read: brought to the one spelling of its kind, or left as it was told and said why. The value that
// was told is never changed: it stays in the fragment, and is read again at each look (P3).

/** Why a value stays as it was told. Closed; documented in SPEC.md. */
export const READING_FLAGS = ["ambiguous", "implausible", "unreadable"] as const;
export type ReadingFlag = (typeof READING_FLAGS)[number];

export type Reading =
  | { readonly value: string; readonly flag: null }
  | { readonly value: null; readonly flag: ReadingFlag };

export const UNREADABLE: Reading = { value: null, flag: "unreadable" };
export const AMBIGUOUS: Reading = { value: null, flag: "ambiguous" };
export const IMPLAUSIBLE: Reading = { value: null, flag: "implausible" };

export function readAs(value: string): Reading {
  return { value, flag: null };
}

/** Small letters without accents, and whatever is no letter or digit as one space: how words are looked up. */
export function foldWords(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/œ/g, "oe")
    .replace(/æ/g, "ae")
    .replace(/ß/g, "ss")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
