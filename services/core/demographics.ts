// Demographics: who the person is, read out of her traits. Each field may go by several names; of all that was told under
// them the same value survives as of any trait, and is read into one spelling here, at the look: nothing is kept of it.

import { readBirthDate } from "./calendar-date.ts";
import type { SourceConfiguration } from "./configuration.ts";
import { readCountry } from "./country.ts";
import { readGender } from "./gender.ts";
import { readLanguage } from "./language.ts";
import { readPersonName } from "./person-name.ts";
import type { Reading, ReadingFlag } from "./reading.ts";
import type { Registry } from "./registry.ts";
import { compareTraits, type ProfileView } from "./view.ts";

interface Field {
  /** Traits that tell it. */
  readonly names: readonly string[];
  readonly read: (told: string, country: string, toldAt: number) => Reading;
}

export const DEMOGRAPHIC_FIELDS: Readonly<Record<string, Field>> = {
  birthDate: { names: ["birthDate", "birth_date", "birthday", "dateOfBirth"], read: readBirthDate },
  country: { names: ["country", "countryCode"], read: readCountry },
  firstName: { names: ["firstName", "first_name", "givenName"], read: readPersonName },
  gender: { names: ["gender", "sex", "civility"], read: readGender },
  language: { names: ["language", "lang", "locale"], read: readLanguage },
  lastName: { names: ["lastName", "last_name", "familyName"], read: readPersonName },
  name: { names: ["name", "fullName"], read: readPersonName },
};

export interface DemographicView {
  readonly field: string;
  /** In its one spelling; where it could not be read, as it was told. */
  readonly value: string;
  /** As it was told, where that is another spelling. */
  readonly original: string | null;
  readonly flag: ReadingFlag | null;
  readonly source: string;
  readonly at: number;
  /** Why and on what basis its source may tell it, as far as the configuration says. */
  readonly purpose: string | null;
  readonly legalBasis: string | null;
}

/** By field. What was taken back (null, or nothing) is not there. */
export function viewDemographics(registry: Registry, { told }: Pick<ProfileView, "told">): DemographicView[] {
  return Object.entries(DEMOGRAPHIC_FIELDS).flatMap(([field, { names, read }]): DemographicView[] => {
    const best = findTold(registry, told, names);
    if (best === undefined || best.trait.value === null || best.trait.value === "") return [];
    const { source, at } = best.trait;
    const configured = registry.sources.get(source);
    const text = String(best.trait.value);
    const { value, flag } = read(text, configured?.country ?? "", at);
    return [
      {
        field,
        value: value ?? text,
        original: value === null || value === text ? null : text,
        flag,
        source,
        at,
        purpose: configured?.purpose ?? null,
        legalBasis: basisOf(configured, best),
      },
    ];
  });
}

/** Of all that was told under these names, the value that survives. */
export function findTold(registry: Registry, told: ProfileView["told"], names: readonly string[]) {
  const [best] = names
    .flatMap((name, place) => [...(told.get(name)?.values() ?? [])].map((trait) => ({ name, place, trait })))
    .sort((a, b) => compareTraits(registry, a.trait, b.trait) || a.place - b.place);
  return best;
}

function basisOf(source: SourceConfiguration | undefined, { name }: { readonly name: string }): string | null {
  const bases = source?.legalBasisByField;
  if (bases === undefined) return source?.legalBasis ?? null;
  return (
    [`traits.${name}`, "traits"].flatMap((path) => (Object.hasOwn(bases, path) ? bases[path] : undefined) ?? [])[0] ??
    null
  );
}
