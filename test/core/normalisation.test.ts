// Golden vectors of normalisation by country: names, dates of birth, countries, phone numbers (Normalisation).

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { readBirthDate } from "#core/calendar-date.ts";
import { readCountry } from "#core/country.ts";
import { normaliseIdentifier } from "#core/identifier.ts";
import { readPersonName } from "#core/person-name.ts";
import type { Reading } from "#core/reading.ts";
import { registry } from "#support/fold-facts.ts";
import { runs } from "#support/property.ts";

const TOLD_AT = Date.UTC(2026, 0, 1);

/** What it is read as, or why it stays as it was told. */
const say = ({ value, flag }: Reading) => value ?? `(${flag})`;

interface Vectors {
  readonly names: Readonly<Record<string, string>>;
  readonly dates: Readonly<Record<string, string>>;
  readonly countries: Readonly<Record<string, string>>;
  readonly phones: Readonly<Record<string, string | null>>;
}

const VECTORS: Readonly<Record<string, Vectors>> = {
  FR: {
    names: {
      DUPONT: "Dupont",
      "jean-pierre": "Jean-Pierre",
      "  ÉLODIE  ": "Élodie",
      "DE GAULLE": "de Gaulle",
      "JEAN DE LA FONTAINE": "Jean de La Fontaine",
      "d’artagnan": "d'Artagnan",
      "L'HOSTIS": "L'Hostis",
      "LE GOFF": "Le Goff",
      MACRON: "Macron",
      "SAINT-EXUPÉRY": "Saint-Exupéry",
      LeBlanc: "LeBlanc",
      "de Villepin": "de Villepin",
      İNCE: "İnce",
      ß: "ß",
      ᾠ: "ᾠ",
      ŒUVRARD: "Œuvrard",
      "n/a": "(unreadable)",
      "—": "(unreadable)",
      "1234": "(unreadable)",
    },
    dates: {
      "1985-03-12": "1985-03-12",
      "12/03/1985": "1985-03-12",
      "12-03-1985": "1985-03-12",
      "12.03.1985": "1985-03-12",
      "12/3/1985": "1985-03-12",
      "12 03 1985": "1985-03-12",
      "19850312": "1985-03-12",
      "1985/03/12": "1985-03-12",
      "1985-03-12T00:00:00Z": "1985-03-12",
      "1985-03-12T23:30:00-10:00": "1985-03-12",
      "12/03/1985 00:00:00": "1985-03-12",
      "12 mars 1985": "1985-03-12",
      "1er août 1985": "1985-08-01",
      "3 févr. 1985": "1985-02-03",
      "le 3 décembre 1985": "1985-12-03",
      "12/25/1985": "1985-12-25",
      "29/02/2000": "2000-02-29",
      "29/02/1900": "(unreadable)",
      "30/02/1985": "(unreadable)",
      "00/00/0000": "(unreadable)",
      "12/03/85": "(ambiguous)",
      "12 mars 85": "(ambiguous)",
      "01/01/1900": "(implausible)",
      "12/03/1890": "(implausible)",
      "12/03/2400": "(implausible)",
      "2026-01-05": "(implausible)",
      "12/03-1985": "(unreadable)",
      mars: "(unreadable)",
      "": "(unreadable)",
    },
    countries: {
      France: "FR",
      FRANCE: "FR",
      fr: "FR",
      FRA: "FR",
      "la Réunion": "(unreadable)",
      Réunion: "RE",
      Guadeloupe: "GP",
      Belgique: "BE",
      Allemagne: "DE",
      "Royaume-Uni": "GB",
      Angleterre: "GB",
      "États-Unis": "US",
      "etats unis": "US",
      Espagne: "ES",
      Italie: "IT",
      "Pays-Bas": "NL",
      Suisse: "CH",
      "Côte d'Ivoire": "CI",
      Congo: "(ambiguous)",
      "République démocratique du Congo": "CD",
      "": "(unreadable)",
      Atlantide: "(unreadable)",
      ZZ: "(unreadable)",
    },
    phones: {
      "06 39 98 00 17": "+33639980017",
      "06.39.98.00.17": "+33639980017",
      "+33 (0)6 39 98 00 17": "+33639980017",
      "0033639980017": "+33639980017",
      "01 99 00 12 34": "+33199001234",
      "12": null,
      "0000000000": null,
      "+44 20 7946 0018": "+442079460018",
    },
  },
  BE: {
    names: { "VAN DEN BERG": "Van den Berg", "de smet": "De Smet", "PEETERS-JANSSENS": "Peeters-Janssens" },
    dates: { "12/03/1985": "1985-03-12", "12 maart 1985": "1985-03-12", "12-03-1985": "1985-03-12" },
    countries: { België: "BE", Belgique: "BE", Belgien: "BE", Duitsland: "DE", Holland: "NL" },
    phones: { "0470 12 34 56": "+32470123456", "02 555 12 34": "+3225551234" },
  },
  DE: {
    names: { MÜLLER: "Müller", "VON DER LEYEN": "von der Leyen", "müller-lüdenscheidt": "Müller-Lüdenscheidt" },
    dates: { "12.03.1985": "1985-03-12", "12. März 1985": "1985-03-12", "1.2.1985": "1985-02-01" },
    countries: { Deutschland: "DE", DEU: "DE", Österreich: "AT", Großbritannien: "GB", "Vereinigte Staaten": "US" },
    phones: { "030 12345678": "+493012345678", "0151 23456789": "+4915123456789" },
  },
  GB: {
    names: { "O'BRIEN": "O'Brien", MCDONALD: "McDonald", "smith-jones": "Smith-Jones", macdonald: "Macdonald" },
    dates: { "12/03/1985": "1985-03-12", "12th March 1985": "1985-03-12", "12 Mar 1985": "1985-03-12" },
    countries: { "United Kingdom": "GB", UK: "GB", "U.K.": "GB", England: "GB", Scotland: "GB", GBR: "GB" },
    phones: { "020 7946 0018": "+442079460018", "07700 900123": "+447700900123" },
  },
  US: {
    names: { "MARY ANN": "Mary Ann", "de la cruz": "De La Cruz", DeVito: "DeVito" },
    dates: {
      "12/03/1985": "1985-12-03",
      "03/12/1985": "1985-03-12",
      "25/12/1985": "1985-12-25",
      "March 12, 1985": "1985-03-12",
      "12.03.1985": "1985-03-12",
    },
    countries: { USA: "US", "U.S.A.": "US", "United States of America": "US", us: "US" },
    phones: { "(212) 555-0123": "+12125550123", "1-212-555-0123": "+12125550123" },
  },
  ES: {
    names: {
      "ORTEGA Y GASSET": "Ortega y Gasset",
      "GARCÍA DE LA CRUZ": "García de la Cruz",
      "josé maría": "José María",
    },
    dates: { "12/03/1985": "1985-03-12", "12 de marzo de 1985": "1985-03-12" },
    countries: { España: "ES", Espana: "ES", Francia: "FR", "Reino Unido": "GB", Alemania: "DE", "EE.UU.": "US" },
    phones: { "612 34 56 78": "+34612345678", "91 123 45 67": "+34911234567" },
  },
  IT: {
    names: { "D'ANGELO": "D'Angelo", "DELLA VALLE": "Della Valle", "di caprio": "Di Caprio" },
    dates: { "12/03/1985": "1985-03-12", "12 marzo 1985": "1985-03-12", "1 gen 1990": "1990-01-01" },
    countries: { Italia: "IT", Francia: "FR", Germania: "DE", "Regno Unito": "GB", "Stati Uniti": "US" },
    phones: { "06 6982 1234": "+390669821234", "347 123 4567": "+393471234567" },
  },
  CA: {
    names: {},
    dates: { "12/03/1985": "(ambiguous)", "25/12/1985": "1985-12-25", "05/05/1985": "1985-05-05" },
    countries: { Canada: "CA" },
    phones: {},
  },
};

const phone = registry.namespaces.get("phone");

describe("what sources of a country tell is brought to one spelling", () => {
  for (const [country, { names, dates, countries, phones }] of Object.entries(VECTORS))
    it(`of ${country}: names, dates of birth, countries, phone numbers`, () => {
      const read = <T>(told: Readonly<Record<string, T>>, how: (text: string) => unknown) =>
        Object.fromEntries(Object.keys(told).map((text) => [text, how(text)]));
      deepEqual(
        read(names, (text) => say(readPersonName(text, country))),
        names,
      );
      deepEqual(
        read(dates, (text) => say(readBirthDate(text, country, TOLD_AT))),
        dates,
      );
      deepEqual(
        read(countries, (text) => say(readCountry(text))),
        countries,
      );
      deepEqual(
        read(phones, (text) => phone && normaliseIdentifier(phone, text, country)),
        phones,
      );
    });
});

describe("normalisation", () => {
  const countries = fc.constantFrom(...Object.keys(VECTORS));
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.stringMatching(/^[\d/.\- a-zé]{0,14}$/));

  it("of any letter, alone and at the head of a word, changes nothing the second time, and is composed", () => {
    for (let code = 0x41; code <= 0x1ffff; code++) {
      const letter = String.fromCodePoint(code);
      if (!/\p{L}/u.test(letter)) continue;
      for (const told of [letter, `${letter}a`, `${letter}A`, `Mc${letter}`]) {
        const { value } = readPersonName(told, "FR");
        if (value === null) continue;
        equal(readPersonName(value, "FR").value, value, told);
        equal(value.normalize("NFC"), value, told);
      }
    }
  });

  it("of what it wrote changes nothing, and no text makes it fail", () => {
    const stays = (reading: Reading, again: (value: string) => Reading) => {
      if (reading.value !== null) equal(again(reading.value).value, reading.value);
    };
    fc.assert(
      fc.property(text, countries, (told, country) => {
        stays(readPersonName(told, country), (value) => readPersonName(value, country));
        stays(readCountry(told), readCountry);
        stays(readBirthDate(told, country, TOLD_AT), (value) => readBirthDate(value, country, TOLD_AT));
      }),
      runs(2_000),
    );
  });
});
