// A dossier as values of the store's Avro and back: each facet a list, its keys made again out of what they name.

import { cartKey, type Cart } from "#core/cart.ts";
import { caseKey, type CaseRecord } from "#core/case.ts";
import { reachKey, type Reach } from "#core/contact.ts";
import { companionKey, type Companion } from "#core/companion.ts";
import { gatherConsents, type Consent } from "#core/consent.ts";
import type { Correspondence } from "#core/correspondence.ts";
import type { Dossier } from "#core/dossier.ts";
import { NONE_TOLD, NOTHING_TOLD, type Registers } from "#core/facet.ts";
import { placeKey, type Place } from "#core/group.ts";
import type { Journey } from "#core/journey.ts";
import { inferredKey, statedKey, type Inferred, type Stated } from "#core/preference.ts";
import { type Restriction, restrictionKey } from "#core/restriction.ts";
import { loyaltyKey, subscriptionKey, type Loyalty, type Subscription } from "#core/standing.ts";

export interface Amount {
  readonly name: string;
  readonly amount: number;
}

export interface DossierState extends Journey, Correspondence {
  readonly consents: readonly Consent[];
  readonly companions: readonly Companion[];
  readonly restrictions: readonly Restriction[];
  readonly cases: readonly CaseRecord[];
  readonly messages: readonly Amount[];
  readonly pressure: readonly Amount[];
  readonly reaches: readonly Reach[];
  readonly subscriptions: readonly Subscription[];
  readonly loyalty: readonly Loyalty[];
  readonly places: readonly Place[];
  readonly carts: readonly Cart[];
  readonly stated: readonly Stated[];
  readonly inferred: readonly Inferred[];
  readonly channels: readonly Amount[];
  readonly categories: readonly Amount[];
  readonly hours: readonly Amount[];
}

export function writeDossier(dossier: Dossier): DossierState {
  const { searches, touches, timeline, calls, notes, messageSteps } = dossier;
  return {
    consents: listValues(dossier.consents).flatMap(({ words }) => words),
    companions: listValues(dossier.companions),
    restrictions: listValues(dossier.restrictions),
    cases: listValues(dossier.cases),
    messages: listAmounts(dossier.messages),
    pressure: listAmounts(dossier.pressure),
    reaches: listValues(dossier.reaches),
    subscriptions: listValues(dossier.subscriptions),
    loyalty: listValues(dossier.loyalty),
    places: listValues(dossier.places),
    carts: listValues(dossier.carts),
    stated: listValues(dossier.stated),
    inferred: listValues(dossier.inferred),
    channels: listAmounts(dossier.channels),
    categories: listAmounts(dossier.categories),
    hours: listAmounts(dossier.hours),
    searches,
    touches,
    timeline,
    calls,
    notes,
    messageSteps,
  };
}

export function readDossier(state: DossierState): Dossier {
  const { searches, touches, timeline, calls, notes, messageSteps } = state;
  return {
    consents: gatherConsents(state.consents),
    companions: keyed(state.companions, companionKey),
    restrictions: keyed(state.restrictions, restrictionKey),
    cases: keyed(state.cases, caseKey),
    messages: readAmounts(state.messages),
    pressure: readAmounts(state.pressure),
    reaches: keyed(state.reaches, reachKey),
    subscriptions: keyed(state.subscriptions, subscriptionKey),
    loyalty: keyed(state.loyalty, loyaltyKey),
    places: keyed(state.places, placeKey),
    carts: keyed(state.carts, cartKey),
    stated: keyed(state.stated, statedKey),
    inferred: keyed(state.inferred, inferredKey),
    channels: readAmounts(state.channels),
    categories: readAmounts(state.categories),
    hours: readAmounts(state.hours),
    searches,
    touches,
    timeline,
    calls,
    notes,
    messageSteps,
  };
}

function listValues<T>(registers: Registers<T>): readonly T[] {
  return registers.size === 0 ? NONE_TOLD : [...registers.values()];
}

/** Most facets are empty, and nothing is ever written into one. */
function keyed<T>(list: readonly T[], keyOf: (value: T) => string): Registers<T> {
  if (list.length === 0) return NOTHING_TOLD;
  return new Map(list.map((value) => [keyOf(value), value]));
}

function readAmounts(list: readonly Amount[]): Registers<number> {
  return list.length === 0 ? NOTHING_TOLD : mapAmounts(list);
}

export function listAmounts(map: ReadonlyMap<string, number>): readonly Amount[] {
  if (map.size === 0) return NONE_TOLD;
  const list: Amount[] = [];
  for (const [name, amount] of map) list.push({ name, amount });
  return list;
}

export function mapAmounts(list: readonly Amount[]): Map<string, number> {
  const map = new Map<string, number>();
  for (const { name, amount } of list) map.set(name, amount);
  return map;
}
