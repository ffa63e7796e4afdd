// The view: the fold of a profile's fragments that rules and people read. Survivorship is applied here, at reading,
// so no value is ever destroyed (P3).

import type { Registry } from "./acceptance.ts";
import { bareRecord, compareText, sortedKeys } from "./comparison.ts";
import type { Component, Entry } from "./component.ts";
import { compareCartActivities, type CartActivity, type TraitValue } from "./fragment.ts";
import { membersOf, shownOn } from "./membership.ts";
import { isKnown } from "./weighing.ts";

export interface IdentifierView {
  readonly namespace: string;
  readonly value: string;
  readonly state: "owned" | "contested" | "quarantined";
}

/** What a ladder rule may read. */
export interface Facts {
  readonly profile: {
    readonly known: boolean;
    readonly contactPoints: number;
    readonly checkouts: number;
    readonly cartsFilled: number;
  };
  readonly orders: { readonly valid: number; readonly spentMinor: Readonly<Record<string, number>> };
}

export interface ProfileView {
  readonly identifiers: readonly IdentifierView[];
  readonly facts: Facts;
  readonly traits: Readonly<Record<string, TraitValue>>;
  readonly counters: Readonly<Record<string, number>>;
  readonly ordersCount: number;
  readonly cart: CartActivity | null;
  readonly latestValidOrderAt: number | null;
  readonly firstAt: number | null;
  readonly lastAt: number | null;
}

/** Survivorship between sources: authenticated before claimed, then source rank, then latest occurredAt, then a fixed order. */
export function compareTraits(registry: Registry, a: TraitValue, b: TraitValue): number {
  const rank = (value: TraitValue) => registry.sources.get(value.source)?.rank ?? Number.MAX_SAFE_INTEGER;
  return (
    Number(b.authenticated) - Number(a.authenticated) ||
    rank(a) - rank(b) ||
    b.at - a.at ||
    compareText(a.source, b.source) ||
    compareText(b.eventId, a.eventId)
  );
}

export function viewProfile(registry: Registry, component: Component, naming: string): ProfileView {
  const entries = membersOf(component, naming).map((key) => component.identifiers[key] as Entry);
  const shown = shownOn(component, naming).map((key) => component.identifiers[key] as Entry);
  const traits = bareRecord<TraitValue>();
  const counters = bareRecord<number>();
  const spentMinor = bareRecord<number>();
  let [valid, count, contactPoints, checkouts, cartsFilled] = [0, 0, 0, 0, 0];
  let cart: CartActivity | null = null;
  let latestValidOrderAt: number | null = null;
  let firstAt: number | null = null;
  let lastAt: number | null = null;
  for (const { fragment } of entries) {
    if (fragment === null) continue;
    for (const [name, slots] of Object.entries(fragment.traits)) {
      for (const candidate of Object.values(slots)) {
        const present = traits[name];
        if (present === undefined || compareTraits(registry, candidate, present) < 0) traits[name] = candidate;
      }
    }
    for (const [type, number] of Object.entries(fragment.byType)) counters[type] = (counters[type] ?? 0) + number;
    for (const [currency, spent] of Object.entries(fragment.orders.spentMinor))
      spentMinor[currency] = (spentMinor[currency] ?? 0) + spent;
    valid += fragment.orders.valid;
    count += fragment.orders.count;
    contactPoints += fragment.contactPoints;
    checkouts += fragment.checkouts;
    cartsFilled += fragment.cartsFilled;
    if (fragment.cart !== null && (cart === null || compareCartActivities(fragment.cart, cart) > 0))
      cart = fragment.cart;
    const latest = fragment.orders.latestValid[0]?.at ?? null;
    if (latest !== null) latestValidOrderAt = Math.max(latestValidOrderAt ?? latest, latest);
    if (fragment.firstAt !== null) firstAt = Math.min(firstAt ?? fragment.firstAt, fragment.firstAt);
    if (fragment.lastAt !== null) lastAt = Math.max(lastAt ?? fragment.lastAt, fragment.lastAt);
  }
  return {
    identifiers: viewIdentifiers([...entries, ...shown]),
    facts: {
      profile: { known: entries.some((entry) => isKnown(registry, entry)), contactPoints, checkouts, cartsFilled },
      orders: { valid, spentMinor: sorted(spentMinor) },
    },
    traits: sorted(traits),
    counters: sorted(counters),
    ordersCount: count,
    cart,
    latestValidOrderAt,
    firstAt,
    lastAt,
  };
}

function viewIdentifiers(entries: readonly Entry[]): IdentifierView[] {
  return entries
    .map((entry) => ({ namespace: entry.namespace, value: entry.value, state: entry.state }))
    .sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.value, b.value));
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  const copy = bareRecord<T>();
  for (const key of sortedKeys(record)) copy[key] = record[key] as T;
  return copy;
}
