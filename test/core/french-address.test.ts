// Golden vectors of French postal addresses: the one form after AFNOR NF Z10-011 (Normalisation).

import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readFrenchAddress, writeFrenchAddress } from "#core/french-address.ts";
import { runs } from "#support/property.ts";

const WHOLE: Readonly<Record<string, string | null>> = {
  "12 bis, av. du Gal de Gaulle, 75011 Paris": "12 BIS AVENUE DU GENERAL DE GAULLE, 75011 PARIS",
  "12bis avenue du général de gaulle 75 011 PARIS 11e": "12 BIS AVENUE DU GENERAL DE GAULLE, 75011 PARIS",
  "12 BIS AVENUE DU GENERAL DE GAULLE\n75011 PARIS": "12 BIS AVENUE DU GENERAL DE GAULLE, 75011 PARIS",
  "3, bd. St-Michel, 75005 Paris 5ème arrondissement": "3 BOULEVARD SAINT MICHEL, 75005 PARIS",
  "4 ter bld Ste Anne, 13001 Marseille 1er": "4 TER BOULEVARD SAINTE ANNE, 13001 MARSEILLE",
  "4 quater pl. Bellecour 69002 Lyon": "4 QUATER PLACE BELLECOUR, 69002 LYON",
  "B.P. 12 - 13001 Marseille Cedex 1": "BP 12, 13001 MARSEILLE CEDEX 01",
  "CS 12345, 35042 Rennes cédex": "CS 12345, 35042 RENNES CEDEX",
  "1 rte de Paris, 75380 PARIS CEDEX 08": "1 ROUTE DE PARIS, 75380 PARIS CEDEX 08",
  "Apt 4 Bât B, 7 r. de l'Église, F-67000 Strasbourg": "APPARTEMENT 4 BATIMENT B 7 RUE DE L EGLISE, 67000 STRASBOURG",
  "5 rue du 11 Novembre 1918, 01000 Bourg-en-Bresse": "5 RUE DU 11 NOVEMBRE 1918, 01000 BOURG EN BRESSE",
  "n°8 pl. de la République 59000 Lille, France": "8 PLACE DE LA REPUBLIQUE, 59000 LILLE",
  "12 B rue Haute 44000 Nantes": "12 B RUE HAUTE, 44000 NANTES",
  "Rue du Dr Roux, 97410 St-Pierre": "RUE DU DOCTEUR ROUX, 97410 SAINT PIERRE",
  "Lieu-dit Le Bourg 46100 Figeac": "LIEU DIT LE BOURG, 46100 FIGEAC",
  "10 imp. des Œillets, 33000 Bordeaux": "10 IMPASSE DES OEILLETS, 33000 BORDEAUX",
  "10 ch. du Col, 74000 Annecy": "10 CHEMIN DU COL, 74000 ANNECY",
  "6 all. des Pins 40600 Biscarrosse": "6 ALLEE DES PINS, 40600 BISCARROSSE",
  "1 rue du Port, Nantes": null,
  "1 rue du Port, 44000": null,
  "75001 Paris": null,
  "": null,
  "10115 Berlin, Invalidenstraße 117": null,
};

test("a French address told in one text is brought to capitals, whole words, postcode and place", () => {
  deepEqual(Object.fromEntries(Object.keys(WHOLE).map((told) => [told, readFrenchAddress(told)])), WHOLE);
});

test("a French address told in parts is written the same way, and a lost zero of the postcode put back", () => {
  const vectors: readonly (readonly [string, string, string, string | null])[] = [
    ["18 r Ste Anne", "1000", "Bourg en Bresse", "18 RUE SAINTE ANNE, 01000 BOURG EN BRESSE"],
    ["12 bis av. Foch", "F-75116", "Paris 16e", "12 BIS AVENUE FOCH, 75116 PARIS"],
    ["Z.I. Nord", "62000", "Arras Cedex 9", "ZI NORD, 62000 ARRAS CEDEX 09"],
    ["1 rue du Port", "440000", "Nantes", null],
    ["1 rue du Port", "00123", "Nantes", null],
    ["1 rue du Port", "44000", "", null],
    ["", "44000", "Nantes", null],
  ];
  for (const [street, postcode, city, written] of vectors)
    equal(writeFrenchAddress(street, postcode, city), written, street);
});

test("the form of a form is itself, and no text makes the reading fail", () => {
  const words = fc.constantFrom("12", "bis", "av.", "r", "St", "du", "Port", "44000", "Nantes", "Cedex", "8", ",", "é");
  const told = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(words, { maxLength: 10 }).map((list) => list.join(" ")),
  );
  fc.assert(
    fc.property(told, (text) => {
      const written = readFrenchAddress(text);
      if (written !== null) equal(readFrenchAddress(written), written);
    }),
    runs(5_000),
  );
});
