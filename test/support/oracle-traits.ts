// The oracle's traits: which value holds, which ones lose, and how much of what is declared is filled.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import type { Scalar } from "#core/event.ts";
import type { Registry } from "#core/registry.ts";
import { iso, isVouched } from "./oracle-facts.ts";
import { compareIds, compareSurvivors } from "./oracle-orders.ts";

export type OracleTraits = Readonly<Record<string, { value: Scalar; source: string; at: number }>>;

/** I5: what arrives by a claim overrides nothing authenticated; then P3. */
export function sortSurvivors(registry: Registry, facts: readonly AcceptedEvent[]): AcceptedEvent[] {
  return facts.toSorted(
    (a, b) =>
      Number(isVouched(b)) - Number(isVouched(a)) ||
      compareSurvivors(registry, a, b) ||
      compareText(a.source, b.source) ||
      compareIds(b, a),
  );
}

/** The best value of each source, claimed and vouched for apart, save the one that holds: none is destroyed (P3). */
export function listOthers(sorted: readonly AcceptedEvent[]) {
  const names = [...new Set(sorted.flatMap(({ event }) => Object.keys(event.traits ?? {})))].toSorted(compareText);
  return names.flatMap((trait) => {
    const told = sorted.filter(({ event }) => Object.hasOwn(event.traits ?? {}, trait));
    const isSame = (a: AcceptedEvent, b: AcceptedEvent) => a.source === b.source && isVouched(a) === isVouched(b);
    const best = told.filter((event, place) => told.findIndex((other) => isSame(other, event)) === place);
    return best.slice(1).map(({ source, event }) => {
      return { trait, value: event.traits?.[trait], source, at: iso(event.occurredAt) };
    });
  });
}

/** Per mille of the declared fields that a trait or a contact point fills. */
export function shareFilled(
  { configuration: { declaredFields } }: Registry,
  traits: OracleTraits,
  kinds: readonly string[],
): number {
  const isFilled = (name: string) => Object.hasOwn(traits, name) && !["", null].includes(traits[name]?.value as string);
  const filled = declaredFields.filter((name) => isFilled(name) || kinds.includes(name));
  return Math.floor((filled.length * 1000) / declaredFields.length);
}

/** Per mille of the filled declared fields of which all who may know say the same, or where a message arrived. */
export function shareVouched(
  { configuration: { declaredFields } }: Registry,
  sorted: readonly AcceptedEvent[],
  contacts: readonly { readonly kind: string; readonly verification: string }[],
): number {
  const valueOf = ({ event }: AcceptedEvent, name: string) => event.traits?.[name] ?? null;
  let [filled, vouched] = [0, 0];
  for (const name of declaredFields) {
    const told = sorted.filter(({ event }) => Object.hasOwn(event.traits ?? {}, name));
    const [best] = told;
    const hasValue = best !== undefined && !["", null].includes(valueOf(best, name) as string);
    const points = contacts.filter(({ kind }) => kind === name);
    if (!hasValue && points.length === 0) continue;
    filled += 1;
    const known = told.filter(isVouched);
    const sources = [...new Set(known.map(({ source }) => source))];
    const latest = sources.map((source) => known.find((event) => event.source === source) as AcceptedEvent);
    const isAgreed = hasValue && isVouched(best) && new Set(latest.map((event) => valueOf(event, name))).size === 1;
    if (isAgreed || points.some(({ verification }) => /^(verified|delivered)$/.test(verification))) vouched += 1;
  }
  return filled === 0 ? 0 : Math.floor((vouched * 1000) / filled);
}

export function chooseTraits(sorted: readonly AcceptedEvent[]): OracleTraits {
  const traits: Record<string, { value: Scalar; source: string; at: number }> = Object.create(null);
  for (const { source, event } of sorted)
    for (const [name, value] of Object.entries(event.traits ?? {}))
      if (!Object.hasOwn(traits, name)) traits[name] = { value, source, at: event.occurredAt };
  return traits;
}
