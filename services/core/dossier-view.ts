// What a dossier says, as readers and topics see it: lists in the one order, claimed only where nothing was
// authenticated, internal keys left away. Times are occurredAt.

import { viewCases, type CaseView } from "./case.ts";
import { viewConsents, type ConsentView } from "./consent.ts";
import type { Dossier } from "./dossier.ts";
import { NOTHING_TOLD } from "./facet.ts";
import { viewHabits, type HabitView } from "./habit.ts";
import { NO_JOURNEY, viewJourney, type JourneyView } from "./journey.ts";
import { viewMessages, viewPressure, type MessagesView, type PressureView } from "./message.ts";
import { viewPreferences, type PreferenceView } from "./preference.ts";
import type { Registry } from "./registry.ts";
import { viewLoyalty, viewSubscriptions, type LoyaltyView, type SubscriptionView } from "./standing.ts";

/** What profile-state tells. The journey is for look-ups: it would be told again with every event. */
export interface DossierView extends HabitView {
  readonly consents: readonly ConsentView[];
  readonly cases: readonly CaseView[];
  readonly subscriptions: readonly SubscriptionView[];
  readonly loyalty: readonly LoyaltyView[];
  readonly preferences: readonly PreferenceView[];
  readonly messages: readonly MessagesView[];
  readonly pressure: readonly PressureView[];
}

const NO_DOSSIER: DossierView = {
  consents: [],
  cases: [],
  subscriptions: [],
  loyalty: [],
  preferences: [],
  messages: [],
  pressure: [],
  ...viewHabits({ channels: NOTHING_TOLD, categories: NOTHING_TOLD, hours: NOTHING_TOLD }),
};

/** A dossier never changes, so its view is made once. */
const views = new WeakMap<Dossier, { readonly registry: Registry; readonly view: DossierView }>();

export function viewDossier(registry: Registry, dossier: Dossier | null): DossierView {
  if (dossier === null) return NO_DOSSIER;
  const made = views.get(dossier);
  if (made !== undefined && made.registry === registry) return made.view;
  const view: DossierView = {
    consents: viewConsents(registry, dossier.consents),
    cases: viewCases(dossier.cases),
    subscriptions: viewSubscriptions(dossier.subscriptions),
    loyalty: viewLoyalty(dossier.loyalty),
    preferences: viewPreferences(dossier.stated, dossier.inferred),
    messages: viewMessages(dossier.messages),
    pressure: viewPressure(dossier.pressure),
    ...viewHabits(dossier),
  };
  views.set(dossier, { registry, view });
  return view;
}

export function viewJourneyOf(registry: Registry, dossier: Dossier | null): JourneyView {
  return viewJourney(registry, dossier ?? NO_JOURNEY);
}

const described = new WeakMap<DossierView, ReadonlyMap<string, unknown>>();

/** Paths that profile-changed names, each with what automation may wait for. */
export function describeDossier(view: DossierView): ReadonlyMap<string, unknown> {
  const made = described.get(view);
  if (made !== undefined) return made;
  const paths = new Map<string, unknown>();
  for (const { purpose, channel, granted } of view.consents)
    paths.set(`consents.${purpose}.${channel ?? "*"}`, granted);
  for (const { caseId, source, status } of view.cases) paths.set(`cases.${source}.${caseId}`, status);
  for (const { subscriptionId, source, status } of view.subscriptions)
    paths.set(`subscriptions.${source}.${subscriptionId}`, status);
  for (const { programId, tier } of view.loyalty) paths.set(`loyalty.${programId}.tier`, tier);
  for (const { name, value } of view.preferences) paths.set(`preferences.${name}`, value);
  described.set(view, paths);
  return paths;
}
