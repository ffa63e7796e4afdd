// What a dossier says, as readers and topics see it: lists in the one order, claimed only where nothing was
// authenticated, internal keys and event ids left away. Times are occurredAt.

import { viewCases, type CaseView } from "./case.ts";
import { viewConsents, type ConsentView } from "./consent.ts";
import type { Dossier } from "./dossier.ts";
import { viewMessages, viewPressure, type MessagesView, type PressureView } from "./message.ts";
import type { Registry } from "./registry.ts";

export interface DossierView {
  readonly consents: readonly ConsentView[];
  readonly cases: readonly CaseView[];
  readonly messages: readonly MessagesView[];
  readonly pressure: readonly PressureView[];
}

export const NO_DOSSIER: DossierView = {
  consents: [],
  cases: [],
  messages: [],
  pressure: [],
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
    messages: viewMessages(dossier.messages),
    pressure: viewPressure(dossier.pressure),
  };
  views.set(dossier, { registry, view });
  return view;
}

/** Paths that profile-changed names, each with what automation may wait for. */
export function describeDossier({ consents, cases }: DossierView): Map<string, unknown> {
  const paths = new Map<string, unknown>();
  for (const { purpose, channel, granted } of consents) paths.set(`consents.${purpose}.${channel ?? "*"}`, granted);
  for (const { caseId, source, status } of cases) paths.set(`cases.${source}.${caseId}`, status);
  return paths;
}
