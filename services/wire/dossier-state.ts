// A dossier as values of the store's Avro and back: each facet a list, its keys made again out of what they name.

import { caseKey, type CaseRecord } from "#core/case.ts";
import { consentKey, type Consent } from "#core/consent.ts";
import type { Dossier } from "#core/dossier.ts";
import type { Registers } from "#core/facet.ts";

export interface DossierState {
  readonly consents: readonly Consent[];
  readonly cases: readonly CaseRecord[];
}

export function writeDossier(dossier: Dossier): DossierState {
  return {
    consents: [...dossier.consents.values()],
    cases: [...dossier.cases.values()],
  };
}

export function readDossier(state: DossierState): Dossier {
  return {
    consents: keyed(state.consents, consentKey),
    cases: keyed(state.cases, caseKey),
  };
}

function keyed<T>(list: readonly T[], keyOf: (value: T) => string): Registers<T> {
  return new Map(list.map((value) => [keyOf(value), value]));
}
