// Countries as people write them (a name in one of six languages, alpha-2, alpha-3) to ISO 3166-1 alpha-2.

import countries from "i18n-iso-countries/index.js";
import german from "i18n-iso-countries/langs/de.json" with { type: "json" };
import english from "i18n-iso-countries/langs/en.json" with { type: "json" };
import spanish from "i18n-iso-countries/langs/es.json" with { type: "json" };
import french from "i18n-iso-countries/langs/fr.json" with { type: "json" };
import italian from "i18n-iso-countries/langs/it.json" with { type: "json" };
import dutch from "i18n-iso-countries/langs/nl.json" with { type: "json" };
import { AMBIGUOUS, foldWords, readAs, UNREADABLE, type Reading } from "./reading.ts";

/** What people write and no list of states has. */
const USUAL: Readonly<Record<string, string>> = {
  england: "GB",
  scotland: "GB",
  wales: "GB",
  "northern ireland": "GB",
  angleterre: "GB",
  ecosse: "GB",
  inghilterra: "GB",
  inglaterra: "GB",
  engeland: "GB",
  holland: "NL",
  hollande: "NL",
  olanda: "NL",
  holanda: "NL",
  "etats unis": "US",
  "stati uniti": "US",
  eeuu: "US",
  "ee uu": "US",
  brd: "DE",
  espana: "ES",
};

const LOCALES = [english, french, german, spanish, italian, dutch];

const LENGTH_MAX = 128;

/** Null: a name that two countries have. */
const NAMES = listNames();

function listNames(): ReadonlyMap<string, string | null> {
  const names = new Map<string, string | null>();
  for (const locale of LOCALES) {
    countries.registerLocale(locale);
    for (const [code, spellings] of Object.entries(countries.getNames(locale.locale, { select: "all" })))
      for (const spelling of spellings) {
        const name = foldWords(spelling);
        names.set(name, (names.get(name) ?? code) === code && names.get(name) !== null ? code : null);
      }
  }
  // A code beats a name, and what one means by a word beats both.
  for (const [alpha2, alpha3] of Object.entries(countries.getAlpha2Codes()))
    names.set(alpha2.toLowerCase(), alpha2).set(alpha3.toLowerCase(), alpha2);
  for (const [name, code] of Object.entries(USUAL)) names.set(name, code);
  return names.set("uk", "GB").set("el", "GR");
}

export function readCountry(told: string): Reading {
  if (told.length > LENGTH_MAX) return UNREADABLE;
  const words = foldWords(told);
  // U.S.A. and U. K. are words of one letter.
  const code = NAMES.get(words) ?? (/^(\p{L} ?){2,3}$/u.test(words) ? NAMES.get(words.replace(/ /g, "")) : undefined);
  if (NAMES.get(words) === null) return AMBIGUOUS;
  return code === undefined || code === null ? UNREADABLE : readAs(code);
}
