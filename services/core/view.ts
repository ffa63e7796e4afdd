// The view: the fold of a profile's fragments that rules and people read. Survivorship is applied here, at reading,
// so no value is ever destroyed (P3).

import type { Registry } from "./registry.ts";
import { compareText, sortedEntries } from "./comparison.ts";
import type { Component } from "./component.ts";
import { viewContacts, type ContactView } from "./contact.ts";
import type { Dossier } from "./dossier.ts";
import { NOTHING_TOLD } from "./facet.ts";
import type { Scalar } from "./event.ts";
import type { CartActivity, Fragment, TraitValue } from "./fragment.ts";
import type { LimitKind } from "./limit.ts";
import { contactsOf, isProfileKnown, summaryOf } from "./membership.ts";

export const SCORE_NAMES = [
  "alivePerMille",
  "expectedMinor",
  "expectedPerMille",
  "frequency",
  "historicMinor",
  "lead",
  "monetary",
  "recency",
] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];

/** What a ladder rule may read. */
export interface Facts {
  readonly profile: {
    readonly known: boolean;
    readonly contactPoints: number;
    readonly checkouts: number;
    readonly cartsFilled: number;
    /** occurredAt of the first and last event; 0: none. */
    readonly firstAt: number;
    readonly lastAt: number;
  };
  readonly orders: {
    readonly valid: number;
    /** By currency. */
    readonly spentMinor: ReadonlyMap<string, number>;
    /** Instant of the latest valid order; 0: none. */
    readonly latestAt: number;
  };
  /** Where the rules declare scores (score.ts); 0: there is none. */
  readonly scores?: Readonly<Record<ScoreName, number>>;
}

/** Maps belong to the state and change with it: whoever keeps one copies it. */
export interface ProfileView {
  readonly facts: Facts;
  readonly traits: ReadonlyMap<string, TraitValue>;
  readonly counters: ReadonlyMap<string, number>;
  readonly ordersCount: number;
  readonly cart: CartActivity | null;
  /** The latest first. */
  readonly latestValidOrders: Fragment["orders"]["latestValid"];
  readonly recency: Fragment["recency"];
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  readonly dossier: Dossier | null;
  /** Every value that was told of each trait. */
  readonly told: Fragment["traits"];
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

const NOTHING = new Map<string, never>();

export function viewProfile(registry: Registry, component: Component, naming: string): ProfileView {
  const sum = summaryOf(component, naming);
  return {
    facts: viewFacts(sum, isProfileKnown(registry, component, naming)),
    traits: sum === null || sum.traits.size === 0 ? NOTHING : chooseTraits(registry, sum),
    counters: sum?.byType ?? NOTHING,
    ordersCount: sum?.orders.count ?? 0,
    cart: sum?.cart ?? null,
    latestValidOrders: sum?.orders.latestValid ?? [],
    recency: sum?.recency ?? NOTHING,
    firstAt: sum?.firstAt ?? null,
    lastAt: sum?.lastAt ?? null,
    dossier: sum?.dossier ?? null,
    told: sum?.traits ?? NOTHING,
  };
}

/** A value of a trait that another one stands before. */
export interface LosingValue extends Pick<TraitValue, "value" | "source" | "at"> {
  readonly trait: string;
}

/** By trait, the next best first: of each source the latest, authenticated and claimed apart (P3). */
export function viewLosingValues(registry: Registry, { traits, told }: ProfileView): LosingValue[] {
  return sortedEntries(told).flatMap(([trait, slots]) =>
    [...slots.values()]
      .filter((value) => value !== traits.get(trait))
      .sort((a, b) => compareTraits(registry, a, b))
      .map(({ value, source, at }) => ({ trait, value, source, at })),
  );
}

/** The share of the declared fields that are filled, per mille: each a trait or a kind of contact point. */
export function viewCompleteness(
  { configuration }: Registry,
  traits: ProfileView["traits"],
  contacts: readonly ContactView[],
): number {
  if (traits.size + contacts.length === 0) return 0;
  const filled = configuration.declaredFields.filter((name) => isFilled(name, traits, contacts));
  return Math.floor((1000 * filled.length) / configuration.declaredFields.length);
}

/**
 * Of the declared fields that are filled, the share that is vouched for, per mille: a trait that was authenticated and that
 * no other source has authenticated otherwise, or a kind of contact point at which a message arrived. None filled: 0.
 */
export function viewConfidence(
  { configuration }: Registry,
  { traits, told }: Pick<ProfileView, "traits" | "told">,
  contacts: readonly ContactView[],
): number {
  const filled = configuration.declaredFields.filter((name) => isFilled(name, traits, contacts));
  const vouched = filled.filter((name) => {
    const best = traits.get(name);
    const isAgreed =
      best?.authenticated === true &&
      !isBlank(best.value) &&
      [...(told.get(name)?.values() ?? [])].every(({ authenticated, value }) => !authenticated || value === best.value);
    return isAgreed || contacts.some(({ kind, verification }) => kind === name && ARRIVED.has(verification));
  });
  return filled.length === 0 ? 0 : Math.floor((1000 * vouched.length) / filled.length);
}

const ARRIVED: ReadonlySet<ContactView["verification"]> = new Set(["verified", "delivered"]);

function isBlank(value: Scalar): boolean {
  return value === null || value === "";
}

function isFilled(name: string, traits: ProfileView["traits"], contacts: readonly ContactView[]): boolean {
  return !isBlank(traits.get(name)?.value ?? null) || contacts.some(({ kind }) => kind === name);
}

/** limits: what a view has no room for is noted there. */
export function viewContactsOf(
  registry: Registry,
  component: Component,
  naming: string,
  { traits, told, dossier }: ProfileView,
  limits: LimitKind[],
): readonly ContactView[] {
  const entries = contactsOf(registry, component, naming);
  return viewContacts(registry, { entries, told, traits, reaches: dossier?.reaches ?? NOTHING_TOLD }, limits);
}

function viewFacts(sum: Fragment | null, known: boolean): Facts {
  return {
    profile: {
      known,
      contactPoints: sum?.contactPoints ?? 0,
      checkouts: sum?.checkouts ?? 0,
      cartsFilled: sum?.cartsFilled ?? 0,
      firstAt: sum?.firstAt ?? 0,
      lastAt: sum?.lastAt ?? 0,
    },
    orders: {
      valid: sum?.orders.valid ?? 0,
      spentMinor: sum?.orders.spentMinor ?? NOTHING,
      latestAt: sum?.orders.latestValid[0]?.at ?? 0,
    },
  };
}

function chooseTraits(registry: Registry, sum: Fragment): Map<string, TraitValue> {
  const chosen = new Map<string, TraitValue>();
  for (const [name, slots] of sum.traits) {
    let best: TraitValue | null = null;
    for (const candidate of slots.values())
      if (best === null || compareTraits(registry, candidate, best) < 0) best = candidate;
    if (best !== null) chosen.set(name, best);
  }
  return chosen;
}
