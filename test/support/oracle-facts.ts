// How the oracle reads events: in order of time, by name, and what was vouched for before what was claimed.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import { isAuthenticated } from "#core/configuration.ts";
import type { Registry } from "#core/registry.ts";
import { must } from "./oracle-identity.ts";

export function isVouched({ identifiers, anchor }: AcceptedEvent): boolean {
  return identifiers.some(({ key, assurance }) => key === anchor && isAuthenticated(assurance));
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}

/** A table by what `nameOf` says, in the order of JSON's text. */
export function groupBy<T>(list: readonly T[], nameOf: (one: T) => unknown): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const name = JSON.stringify(nameOf(one));
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups].toSorted(([a], [b]) => compareText(a, b)).map(([, group]) => group);
}

/** What authenticated events say of it, else what was claimed (I5). */
export function chooseVouched(told: readonly AcceptedEvent[]): readonly AcceptedEvent[] {
  const vouched = told.filter(isVouched);
  return vouched.length > 0 ? vouched : told;
}

export function byTime(a: AcceptedEvent, b: AcceptedEvent): number {
  return (
    a.event.occurredAt - b.event.occurredAt ||
    compareText(a.source, b.source) ||
    compareText(a.event.eventId, b.event.eventId)
  );
}

export function sourceChannel(registry: Registry, { source }: AcceptedEvent): string {
  return must(registry.sources.get(source)).channel;
}
