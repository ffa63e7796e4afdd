// The oracle's demographics: of everything told under a field's names, in the order of survivorship, the first.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { DEMOGRAPHIC_FIELDS } from "#core/demographics.ts";
import type { Registry } from "#core/registry.ts";
import { iso } from "./oracle-facts.ts";
import { must } from "./oracle-identity.ts";

/** survivors: the facts, best first. How a value is read has its own vectors. */
export function listDemographics(registry: Registry, survivors: readonly AcceptedEvent[]) {
  return Object.keys(DEMOGRAPHIC_FIELDS)
    .toSorted()
    .flatMap((field) => {
      const { names, read } = must(DEMOGRAPHIC_FIELDS[field]);
      const telling = survivors.find(({ event }) => names.some((name) => Object.hasOwn(event.traits ?? {}, name)));
      const name = names.find((one) => Object.hasOwn(telling?.event.traits ?? {}, one));
      if (telling === undefined || name === undefined) return [];
      const told = telling.event.traits?.[name] ?? "";
      if (told === "") return [];
      const { country, purpose = null, legalBasis = null } = must(registry.sources.get(telling.source));
      const reading = read(String(told), country, telling.event.occurredAt);
      const value = reading.value ?? String(told);
      const original = value === String(told) ? null : String(told);
      const { source, event } = telling;
      return [{ field, value, original, flag: reading.flag, source, at: iso(event.occurredAt), purpose, legalBasis }];
    });
}
