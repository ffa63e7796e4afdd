// The dossier of a fragment: its facets together. Null until an event brings one: whoever only looks at pages has none.

import { CART_RULES, readCarts, type Cart } from "./cart.ts";
import { CASE_RULES, readCases, type CaseRecord } from "./case.ts";
import { mergeCompanions, readCompanions, type Companion } from "./companion.ts";
import { REACH_RULES, readReaches, type Reach } from "./contact.ts";
import { CONSENT_RULES, gatherConsents, readConsents, type Consent, type Said } from "./consent.ts";
import { CALL_RULES, MESSAGE_STEP_RULES, NO_CORRESPONDENCE, NOTE_RULES, readCorrespondence } from "./correspondence.ts";
import type { Correspondence } from "./correspondence.ts";
import type { ChannelEvent } from "./event.ts";
import { isAnchorAuthenticated, mergeLatest, mergeRegisters, NOTHING_TOLD } from "./facet.ts";
import type { RegisterRules, Registers, Telling } from "./facet.ts";
import { CATEGORY_RULES, CHANNEL_RULES, HOUR_RULES, readHabits, type Habits } from "./habit.ts";
import { PLACE_RULES, readPlaces, type Place } from "./group.ts";
import type { EventItem } from "./item.ts";
import {
  isViewing,
  NO_JOURNEY,
  readJourney,
  SEARCH_RULES,
  TIMELINE_RULES,
  TOUCH_RULES,
  type Journey,
} from "./journey.ts";
import type { LimitKind } from "./limit.ts";
import { MESSAGE_RULES, PRESSURE_RULES, readMessages, type Messages } from "./message.ts";
import { INFERRED_RULES, readPreferences, STATED_RULES, type Preferences } from "./preference.ts";
import type { Registry } from "./registry.ts";
import { readRestriction, RESTRICTION_RULES, type Restriction } from "./restriction.ts";
import { LOYALTY_RULES, readLoyalty, readSubscriptions, SUBSCRIPTION_RULES } from "./standing.ts";
import type { Loyalty, Subscription } from "./standing.ts";

/** Nothing in it is ever written into: fragments and sums share facets, and a facet is what it was if it is the same. */
export interface Dossier extends Messages, Preferences, Journey, Habits, Correspondence {
  readonly consents: Registers<Said>;
  readonly companions: Registers<Companion>;
  readonly restrictions: Registers<Restriction>;
  readonly cases: Registers<CaseRecord>;
  readonly reaches: Registers<Reach>;
  readonly subscriptions: Registers<Subscription>;
  readonly loyalty: Registers<Loyalty>;
  readonly places: Registers<Place>;
  readonly carts: Registers<Cart>;
}

const EMPTY: Dossier = {
  consents: NOTHING_TOLD,
  companions: NOTHING_TOLD,
  restrictions: NOTHING_TOLD,
  cases: NOTHING_TOLD,
  messages: NOTHING_TOLD,
  pressure: NOTHING_TOLD,
  reaches: NOTHING_TOLD,
  subscriptions: NOTHING_TOLD,
  loyalty: NOTHING_TOLD,
  places: NOTHING_TOLD,
  carts: NOTHING_TOLD,
  stated: NOTHING_TOLD,
  inferred: NOTHING_TOLD,
  channels: NOTHING_TOLD,
  categories: NOTHING_TOLD,
  hours: NOTHING_TOLD,
  ...NO_JOURNEY,
  ...NO_CORRESPONDENCE,
};

/** Null where the event brings nothing that a dossier keeps. */
export function readDossier(
  registry: Registry,
  item: EventItem,
  event: ChannelEvent,
  limits: LimitKind[],
): Dossier | null {
  const companions = readCompanions(registry, item, event.occurredAt);
  if (!isTelling(event)) return companions.size === 0 ? null : { ...EMPTY, companions };
  const source = registry.sources.get(item.source);
  const telling: Telling = {
    told: { at: event.occurredAt, source: item.source, eventId: item.eventId },
    type: event.type,
    channel: source?.channel ?? item.source,
    authenticated: isAnchorAuthenticated(item),
    backfill: item.backfill,
    limits,
  };
  const { messages, pressure } = readMessages(telling, event);
  const { stated, inferred } = readPreferences(telling, event);
  const { channels, categories, hours } = readHabits(telling, event);
  const { searches, touches, timeline } = readJourney(telling, event);
  const { calls, notes, messageSteps } = readCorrespondence(telling, event);
  return {
    consents: readConsents(telling, event, item),
    companions,
    restrictions: readRestriction(telling, event),
    cases: readCases(telling, event, source?.caseIdScope ?? item.source),
    messages,
    pressure,
    reaches: readReaches(registry, item, event.type, event.occurredAt),
    subscriptions: readSubscriptions(telling, event),
    loyalty: readLoyalty(telling, event),
    places: readPlaces(telling, event),
    carts: readCarts(telling, event, source?.currency ?? ""),
    stated,
    inferred,
    channels,
    categories,
    hours,
    searches,
    touches,
    timeline,
    calls,
    notes,
    messageSteps,
  };
}

/** The dossier, these consents told as well. */
export function tellConsents(
  dossier: Dossier | null,
  told: readonly Consent[],
): { readonly dossier: Dossier; readonly limits: LimitKind[] } {
  const limits: LimitKind[] = [];
  return { dossier: mergeDossiers(dossier, { ...EMPTY, consents: gatherConsents(told) }, limits) ?? EMPTY, limits };
}

/** Whatever is not a mere view is; and so is a view that says more than that something was seen. */
function isTelling(event: ChannelEvent): boolean {
  if (!isViewing(event.type)) return true;
  const { cart, consents, restriction, search, product, touch, preferences, loyalty, group } = event;
  const parts = [cart, event.case, event.subscription, consents, restriction, search, product, touch, preferences];
  return [...parts, loyalty, group].some((part) => part !== null && part !== undefined);
}

/** limits: what had to be left out for want of room is noted there. */
export function mergeDossiers(a: Dossier | null, b: Dossier | null, limits: LimitKind[]): Dossier | null {
  if (b === null) return a;
  const into = a ?? EMPTY;
  const merge = <T>(rules: RegisterRules<T>, one: Registers<T>, other: Registers<T>) =>
    mergeRegisters(rules, one, other, limits);
  return {
    consents: merge(CONSENT_RULES, into.consents, b.consents),
    companions: mergeCompanions(into.companions, b.companions, limits),
    restrictions: merge(RESTRICTION_RULES, into.restrictions, b.restrictions),
    cases: merge(CASE_RULES, into.cases, b.cases),
    messages: merge(MESSAGE_RULES, into.messages, b.messages),
    pressure: merge(PRESSURE_RULES, into.pressure, b.pressure),
    reaches: merge(REACH_RULES, into.reaches, b.reaches),
    subscriptions: merge(SUBSCRIPTION_RULES, into.subscriptions, b.subscriptions),
    loyalty: merge(LOYALTY_RULES, into.loyalty, b.loyalty),
    places: merge(PLACE_RULES, into.places, b.places),
    carts: merge(CART_RULES, into.carts, b.carts),
    stated: merge(STATED_RULES, into.stated, b.stated),
    inferred: merge(INFERRED_RULES, into.inferred, b.inferred),
    channels: merge(CHANNEL_RULES, into.channels, b.channels),
    categories: merge(CATEGORY_RULES, into.categories, b.categories),
    hours: merge(HOUR_RULES, into.hours, b.hours),
    searches: mergeLatest(SEARCH_RULES, into.searches, b.searches, limits),
    touches: mergeLatest(TOUCH_RULES, into.touches, b.touches, limits),
    timeline: mergeLatest(TIMELINE_RULES, into.timeline, b.timeline, limits),
    calls: mergeLatest(CALL_RULES, into.calls, b.calls, limits),
    notes: mergeLatest(NOTE_RULES, into.notes, b.notes, limits),
    messageSteps: mergeLatest(MESSAGE_STEP_RULES, into.messageSteps, b.messageSteps, limits),
  };
}
