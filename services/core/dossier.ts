// The dossier of a fragment: its facets together. Null until an event brings one: whoever only looks at pages has none.

import { CASE_RULES, readCases, type CaseRecord } from "./case.ts";
import { REACH_RULES, readReaches, type Reach } from "./contact.ts";
import { type Consent, CONSENT_RULES, readConsents } from "./consent.ts";
import type { ChannelEvent } from "./event.ts";
import { isAnchorAuthenticated, mergeRegisters, NOTHING_TOLD, type Registers, type Telling } from "./facet.ts";
import type { EventItem } from "./item.ts";
import type { LimitKind } from "./limit.ts";
import { MESSAGE_RULES, PRESSURE_RULES, readMessages } from "./message.ts";
import type { Registry } from "./registry.ts";

/** Nothing in it is ever written into: fragments and sums share facets, and a facet is what it was if it is the same. */
export interface Dossier {
  readonly consents: Registers<Consent>;
  readonly cases: Registers<CaseRecord>;
  readonly messages: Registers<number>;
  readonly pressure: Registers<number>;
  readonly reaches: Registers<Reach>;
}

const EMPTY: Dossier = {
  consents: NOTHING_TOLD,
  cases: NOTHING_TOLD,
  messages: NOTHING_TOLD,
  pressure: NOTHING_TOLD,
  reaches: NOTHING_TOLD,
};

/** Null where the event brings nothing that a dossier keeps. */
export function readDossier(
  registry: Registry,
  item: EventItem,
  event: ChannelEvent,
  limits: LimitKind[],
): Dossier | null {
  if (!isTelling(event)) return null;
  const source = registry.sources.get(item.source);
  const telling: Telling = {
    told: { at: event.occurredAt, source: item.source, eventId: item.eventId },
    type: event.type,
    channel: source?.channel ?? item.source,
    authenticated: isAnchorAuthenticated(item),
    limits,
  };
  return {
    consents: readConsents(telling, event),
    cases: readCases(telling, event, source?.caseIdScope ?? item.source),
    ...readMessages(telling, event),
    reaches: readReaches(registry, item, event.type, event.occurredAt),
  };
}

function isTelling(event: ChannelEvent): boolean {
  return event.type.startsWith("message-") || isPresent(event.consents) || isPresent(event.case);
}

function isPresent(part: unknown): boolean {
  return part !== null && part !== undefined;
}

/** limits: what had to be left out for want of room is noted there. */
export function mergeDossiers(a: Dossier | null, b: Dossier | null, limits: LimitKind[]): Dossier | null {
  if (b === null) return a;
  const into = a ?? EMPTY;
  return {
    consents: mergeRegisters(CONSENT_RULES, into.consents, b.consents, limits),
    cases: mergeRegisters(CASE_RULES, into.cases, b.cases, limits),
    messages: mergeRegisters(MESSAGE_RULES, into.messages, b.messages, limits),
    pressure: mergeRegisters(PRESSURE_RULES, into.pressure, b.pressure, limits),
    reaches: mergeRegisters(REACH_RULES, into.reaches, b.reaches, limits),
  };
}
