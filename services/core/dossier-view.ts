// What a dossier says, as readers and topics see it: lists in the one order, claimed only where nothing was
// authenticated, internal keys left away. Times are occurredAt.

import { viewCarts, type CartView } from "./cart.ts";
import { viewCases, type CaseView } from "./case.ts";
import { viewConsents, type ConsentView } from "./consent.ts";
import { NO_CORRESPONDENCE, viewCorrespondence, type CorrespondenceView } from "./correspondence.ts";
import type { Dossier } from "./dossier.ts";
import type { Path } from "./effect.ts";
import { NOTHING_TOLD, type Registers } from "./facet.ts";
import { viewPlaces, type PlaceView } from "./group.ts";
import { viewHabits, type HabitView } from "./habit.ts";
import { NO_JOURNEY, viewJourney, type JourneyView } from "./journey.ts";
import { viewMessages, viewPressure, type MessagesView, type PressureView } from "./message.ts";
import { viewPreferences, type PreferenceView } from "./preference.ts";
import type { Registry } from "./registry.ts";
import { type RestrictionView, viewRestrictions } from "./restriction.ts";
import { viewLoyalty, viewSubscriptions, type LoyaltyView, type SubscriptionView } from "./standing.ts";

/** What profile-state tells. */
export interface DossierView extends HabitView {
  readonly consents: readonly ConsentView[];
  readonly restrictions: readonly RestrictionView[];
  readonly cases: readonly CaseView[];
  readonly subscriptions: readonly SubscriptionView[];
  readonly loyalty: readonly LoyaltyView[];
  readonly groups: readonly PlaceView[];
  readonly preferences: readonly PreferenceView[];
  readonly messages: readonly MessagesView[];
  readonly pressure: readonly PressureView[];
}

const NONE: readonly never[] = [];

type ViewFacet<T, V> = (facet: Registers<T>) => readonly V[];

/** A facet is never written into, so its view is made once; of most people most facets are empty. */
function once<T, V>(view: ViewFacet<T, V>): ViewFacet<T, V> {
  const made = new WeakMap<Registers<T>, readonly V[]>();
  return (facet) => {
    if (facet.size === 0) return NONE;
    const known = made.get(facet);
    if (known !== undefined) return known;
    const list = view(facet);
    made.set(facet, list);
    return list;
  };
}

const viewRestrictionsOnce = once(viewRestrictions);
const viewCasesOnce = once(viewCases);
const viewSubscriptionsOnce = once(viewSubscriptions);
const viewLoyaltyOnce = once(viewLoyalty);
const viewPlacesOnce = once(viewPlaces);
const viewMessagesOnce = once(viewMessages);
const viewPressureOnce = once(viewPressure);

const NO_DOSSIER: DossierView = {
  consents: NONE,
  restrictions: NONE,
  cases: NONE,
  subscriptions: NONE,
  loyalty: NONE,
  groups: NONE,
  preferences: NONE,
  messages: NONE,
  pressure: NONE,
  ...viewHabits({ channels: NOTHING_TOLD, categories: NOTHING_TOLD, hours: NOTHING_TOLD }),
};

export function viewDossier(registry: Registry, dossier: Dossier | null): DossierView {
  if (dossier === null) return NO_DOSSIER;
  const { restrictions, cases, subscriptions, loyalty, places, stated, inferred, messages, pressure } = dossier;
  const { channels, categories, hours, bestHour } = viewHabits(dossier);
  return {
    consents: viewConsentsOf(registry, dossier),
    restrictions: viewRestrictionsOnce(restrictions),
    cases: viewCasesOnce(cases),
    subscriptions: viewSubscriptionsOnce(subscriptions),
    loyalty: viewLoyaltyOnce(loyalty),
    groups: viewPlacesOnce(places),
    preferences: stated.size + inferred.size === 0 ? NONE : viewPreferences(stated, inferred),
    messages: viewMessagesOnce(messages),
    pressure: viewPressureOnce(pressure),
    channels,
    categories,
    hours,
    bestHour,
  };
}

export function viewConsentsOf(registry: Registry, dossier: Dossier | null): DossierView["consents"] {
  return dossier === null || dossier.consents.size === 0 ? NONE : viewConsents(registry, dossier);
}

/** What is for look-ups alone: it would be told again with every event. */
export type LatestView = JourneyView & CorrespondenceView & { readonly carts: readonly CartView[] };

export function viewLatest(registry: Registry, dossier: Dossier | null): LatestView {
  return {
    ...viewJourney(registry, dossier ?? NO_JOURNEY),
    ...viewCorrespondence(dossier ?? NO_CORRESPONDENCE),
    carts: viewCarts(dossier?.carts ?? NOTHING_TOLD),
  };
}

/** Those that profile-changed names paths of. */
const DESCRIBED = [
  "consents",
  "restrictions",
  "cases",
  "subscriptions",
  "loyalty",
  "places",
  "stated",
  "inferred",
] as const;

/** True where nothing that describeDossier tells can be other: the facets are the same or empty. */
export function isDescribedAlike(a: Dossier | null, b: Dossier | null): boolean {
  const hasConsents = (a?.consents.size ?? 0) + (b?.consents.size ?? 0) > 0;
  if (hasConsents && a?.companions !== b?.companions) return false;
  return DESCRIBED.every((name) => {
    const [one, other] = [a?.[name] ?? NOTHING_TOLD, b?.[name] ?? NOTHING_TOLD];
    return one === other || one.size + other.size === 0;
  });
}

/** Paths that profile-changed names, each with what automation may wait for. */
export function describeDossier(registry: Registry, dossier: Dossier | null): ReadonlyMap<Path, unknown> {
  const view = viewDossier(registry, dossier);
  const paths = new Map<Path, unknown>();
  for (const { purpose, channel, granted } of view.consents)
    paths.set(`consents.${purpose}.${channel ?? "*"}`, granted);
  for (const { restrictionId } of view.restrictions) paths.set(`restrictions.${restrictionId}`, true);
  for (const { caseId, source, status } of view.cases) paths.set(`cases.${source}.${caseId}`, status);
  for (const { subscriptionId, source, status } of view.subscriptions)
    paths.set(`subscriptions.${source}.${subscriptionId}`, status);
  for (const { programId, tier } of view.loyalty) paths.set(`loyalty.${programId}.tier`, tier);
  for (const { kind, groupId, role } of view.groups) paths.set(`groups.${kind}.${groupId}`, role);
  for (const { name, value } of view.preferences) paths.set(`preferences.${name}`, value);
  return paths;
}
