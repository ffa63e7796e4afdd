// The language of a person as ISO 639-1: codes with or without a region, and what each calls itself.

import { foldWords, readAs, UNREADABLE, type Reading } from "./reading.ts";

const LENGTH_MAX = 32;

const WORDS: Readonly<Record<string, string>> = {
  ar: "ara arabic arabe",
  de: "deu ger german deutsch allemand tedesco aleman duits",
  en: "eng english anglais englisch inglese ingles engels",
  es: "spa spanish espanol espagnol spanisch spagnolo castellano spaans",
  fr: "fra fre french francais franzosisch francese frances frans",
  it: "ita italian italiano italien italienisch italiaans",
  nl: "nld dut dutch nederlands neerlandais niederlandisch olandese vlaams",
  pt: "por portuguese portugues portugais portugiesisch portoghese",
};

const NAMES = new Map(
  Object.entries(WORDS).flatMap(([code, names]) => names.split(" ").map((name) => [name, code] as const)),
);

export function readLanguage(told: string): Reading {
  if (told.length > LENGTH_MAX) return UNREADABLE;
  const tag = /^([a-z]{2})(?:[-_](?:[a-z]{4}|[a-z]{2}|\d{3}))*(?:\.[a-z0-9-]+)?$/i.exec(told.trim());
  if (tag?.[1] !== undefined) return readAs(tag[1].toLowerCase());
  const code = NAMES.get(foldWords(told));
  return code === undefined ? UNREADABLE : readAs(code);
}
