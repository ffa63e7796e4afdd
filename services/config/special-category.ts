// Special categories of personal data (Art. 9): a field that a contract or mapping declares under such a name is refused, unless
// its source says on which exception it stands. Told by its name alone, by the words below: what a value or free text says, what
// comes under `traits` or `preferences` declared whole, and what is called otherwise, nobody sees here.

import type { SourceDocument } from "./document.ts";
import type { Problem } from "./problem.ts";

/** By category, words and sequences of words, in English and French, as they stand in names without accents. */
export const SPECIAL_CATEGORIES: Readonly<Record<string, string>> = {
  health:
    "health, medical, disease, illness, diagnosis, disability, disabled, pregnancy, pregnant, allergy, allergies, medication, blood type, blood group, sante, maladie, handicap, grossesse, enceinte, allergie, medicament, groupe sanguin",
  religion: "religion, religious, faith, church, kosher, halal, religieux, religieuse, croyance, culte, casher",
  politics: "politics, political, political party, ideology, politique, opinion politique",
  "union membership": "trade union, labour union, labor union, union member, union membership, syndicat, syndicale",
  "sexual life": "sexual, sexuality, sex life, sexuel, sexuelle, sexualite, vie sexuelle",
  ethnicity: "ethnicity, ethnic, race, racial, ethnie, ethnique, origine ethnique",
  biometrics: "biometric, biometrics, biometry, faceprint, voiceprint, iris scan, biometrie, biometrique",
  genetics: "genetic, genetics, genome, genotype, dna, genetique, adn",
};

/** The exceptions of Art. 9 (2), a to j. */
export const EXPLICIT_BASES = [
  "explicit-consent",
  "employment-law",
  "vital-interests",
  "members-of-a-body",
  "made-public",
  "legal-claims",
  "substantial-public-interest",
  "health-care",
  "public-health",
  "research",
] as const;

const WORDS = Object.entries(SPECIAL_CATEGORIES).flatMap(([category, words]) =>
  words.split(", ").map((word) => [` ${word} `, category] as const),
);

/** Of the name of a trait, a preference or a namespace, however its words are put together. */
export function findCategory(name: string): string | null {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "");
  const words = plain.replace(/([a-z\d])([A-Z])/g, "$1 $2").replace(/([A-Z])([A-Z][a-z])/g, "$1 $2");
  const text = ` ${words
    .toLowerCase()
    .split(/[^a-z]+/)
    .join(" ")} `;
  return WORDS.find(([word]) => text.includes(word))?.[1] ?? null;
}

type Path = readonly PropertyKey[];

/** fields: as contracts name them, each with where it is declared. */
export function checkCategories(
  fields: readonly (readonly [field: string, at: Path])[],
  bases: Readonly<Record<string, unknown>>,
  document: SourceDocument,
): Problem[] {
  return fields.flatMap(([field, at]) => {
    const entry = field.split(".").slice(1).join(".");
    const category = findCategory(entry);
    const basis = Object.hasOwn(bases, field) ? bases[field] : undefined;
    if (category === null || EXPLICIT_BASES.some((one) => one === basis)) return [];
    const message = `${category} is a special category (Art. 9): leave the field out, or say \`legalBasisByField: { ${field}: … }\` with one of ${EXPLICIT_BASES.join(", ")}`;
    return [document.problemWithKey("special-category", at, message)];
  });
}
