// Special categories of data (Art. 9): what is declared under such a name is refused at the start, with its place and what to
// do, unless its source says on which exception it stands.

import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfiguration } from "#services/config/configuration.ts";
import { ConfigurationError } from "#services/config/problem.ts";
import { EXPLICIT_BASES, findCategory, SPECIAL_CATEGORIES } from "#services/config/special-category.ts";
import { makeFolder } from "#support/folder.ts";
import { ROOT } from "#support/source.ts";

const folder = makeFolder("special");
const file = join(folder, "weft.yaml");

function load(lines: readonly string[]) {
  writeFileSync(file, lines.join("\n"));
  return loadConfiguration(file, {});
}

test("a name is told by its words, however they are put together, and no part of a word is one", () => {
  const told = {
    religion: "religion",
    Religion2024: "religion",
    isPregnant: "health",
    "blood-type": "health",
    bloodGroup: "health",
    groupe_sanguin: "health",
    santé: "health",
    HEALTHScore: "health",
    "trade union": "union membership",
    "crm.opinionPolitique": "politics",
    ethnicity: "ethnicity",
    sexualité: "sexual life",
    DNAProfile: "genetics",
    voiceprint: "biometrics",
  };
  for (const [name, category] of Object.entries(told)) equal(findCategory(name), category, name);
  const others = "gender sex wealth city embrace creditUnion deviceFingerprint policy partySize firstName blood";
  for (const name of others.split(" ")) equal(findCategory(name), null, name);
});

test("whatever a contract or a mapping declares of one is refused where it stands, and says what to do (Art. 9)", () => {
  const lines = [
    "sources:",
    "  - name: web",
    "    allowedFields: [order, traits.religion, preferences.halal, traits.city]",
    "  - name: crm",
    "    legalBasisByField: { identifiers: contract, traits.bloodType: consent }",
    "  - name: club",
    "    mapping:",
    "      format: json",
    "      eventId: { path: id }",
    "      type: { constant: identified }",
    "      occurredAt: { path: at }",
    "      traits:",
    "        city: { path: city }",
    "        unionMember: { path: card }",
    "      preferences:",
    "        politics: { path: politics }",
  ];
  throws(
    () => load(lines),
    (error) => {
      ok(error instanceof ConfigurationError);
      deepEqual(
        error.problems.map(({ line, code, path, message }) => `${line} ${code} ${path}: ${message.split(" is ")[0]}`),
        [
          "3 special-category sources[0].allowedFields[1]: religion",
          "3 special-category sources[0].allowedFields[2]: religion",
          "5 special-category sources[1].legalBasisByField.traits.bloodType: health",
          "14 special-category sources[2].mapping.traits.unionMember: union membership",
          "16 special-category sources[2].mapping.preferences.politics: politics",
        ],
      );
      match(
        error.message,
        /leave the field out, or say `legalBasisByField: \{ traits\.religion: … \}` with one of explicit-consent, /,
      );
      return true;
    },
  );
});

test("one that stands on an exception of Art. 9 (2) by its own name is kept, and the data map says which", () => {
  for (const basis of EXPLICIT_BASES) {
    const { configuration } = load([
      "sources:",
      "  - name: crm",
      "    allowedFields: [traits.allergies]",
      `    legalBasisByField: { identifiers: contract, traits.allergies: ${basis} }`,
    ]);
    equal(configuration.sources[0]?.legalBasisByField?.["traits.allergies"], basis);
  }
  // Of all traits together nobody has consented to this one.
  throws(
    () =>
      load([
        "sources:",
        "  - name: crm",
        "    allowedFields: [traits.allergies]",
        "    legalBasisByField: { identifiers: contract, traits: explicit-consent }",
      ]),
    /special-category/,
  );
});

test("the specification lists every category, every word and every exception", () => {
  const text = readFileSync(join(ROOT, "services/core/SPEC.md"), "utf8");
  for (const [category, words] of Object.entries(SPECIAL_CATEGORIES))
    ok(text.includes(`| ${category} | ${words} |`), category);
  for (const basis of EXPLICIT_BASES) ok(text.includes(`\`${basis}\``), basis);
});
