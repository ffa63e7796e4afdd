// A dossier as values of the store's Avro and back: each facet a list, its keys made again out of what they name.

import { caseKey, type CaseRecord } from "#core/case.ts";
import { reachKey, type Reach } from "#core/contact.ts";
import { consentKey, type Consent } from "#core/consent.ts";
import type { Dossier } from "#core/dossier.ts";
import type { Registers } from "#core/facet.ts";

export interface Amount {
  readonly name: string;
  readonly amount: number;
}

export interface DossierState {
  readonly consents: readonly Consent[];
  readonly cases: readonly CaseRecord[];
  readonly messages: readonly Amount[];
  readonly pressure: readonly Amount[];
  readonly reaches: readonly Reach[];
}

export function writeDossier(dossier: Dossier): DossierState {
  return {
    consents: [...dossier.consents.values()],
    cases: [...dossier.cases.values()],
    messages: listAmounts(dossier.messages),
    pressure: listAmounts(dossier.pressure),
    reaches: [...dossier.reaches.values()],
  };
}

export function readDossier(state: DossierState): Dossier {
  return {
    consents: keyed(state.consents, consentKey),
    cases: keyed(state.cases, caseKey),
    messages: mapAmounts(state.messages),
    pressure: mapAmounts(state.pressure),
    reaches: keyed(state.reaches, reachKey),
  };
}

function keyed<T>(list: readonly T[], keyOf: (value: T) => string): Registers<T> {
  return new Map(list.map((value) => [keyOf(value), value]));
}

export function listAmounts(map: ReadonlyMap<string, number>): Amount[] {
  const list: Amount[] = [];
  for (const [name, amount] of map) list.push({ name, amount });
  return list;
}

export function mapAmounts(list: readonly Amount[]): Map<string, number> {
  const map = new Map<string, number>();
  for (const { name, amount } of list) map.set(name, amount);
  return map;
}
