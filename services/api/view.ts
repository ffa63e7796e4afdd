// Views of one profile for the teams that ask: what each needs of what was found. Without `profile:pii` values, texts that
// somebody wrote and addresses are masked or left out.

import type * as z from "zod";
import { compareText } from "#core/comparison.ts";
import type { FoundProfile } from "#services/wire/lookup.ts";
import { HIDDEN, mask } from "#services/wire/mask.ts";
import { NOTE_TYPES } from "#services/wire/statement.ts";
import { describeInstant } from "#services/wire/instant.ts";
import { answerCounters, answerHeader, answerOrders, answerProfile, maySee } from "./profile-answer.ts";
import type { Caller } from "./role.ts";
import type { agentAnswer, marketingAnswer, productAnswer, serviceAnswer } from "./view-answer.ts";

/** Types of events that are a contact with the brand's people, beside those of cases and messages. */
const CONTACT_TYPES: ReadonlySet<string> = new Set([...NOTE_TYPES, "called", "store-visited", "reviewed"]);

export function viewForAgent(found: FoundProfile, caller: Caller): z.input<typeof agentAnswer>["profiles"][number] {
  return {
    ...answerProfile(found, caller),
    ...describeCustomer(found),
    cases: describeCases(found, caller),
    pastContacts: listPastContacts(found, caller),
    notes: found.profile.view.notes.map((note) => ({ ...note, text: maySee(caller) ? note.text : HIDDEN })),
    optOuts: describeConsents(found).filter(({ granted }) => !granted),
    contacts: describeContacts(found, caller),
    subscriptions: copy(found.profile.view.subscriptions),
    loyalty: copy(found.profile.view.loyalty),
    groups: describeGroups(found, caller),
    scores: describeScores(found),
  };
}

export function viewForMarketing(found: FoundProfile, caller: Caller): z.input<typeof marketingAnswer> {
  const { view } = found.profile;
  const isOpen = maySee(caller);
  // Who is restricted is nobody's to reach or to choose.
  const isRestricted = view.restrictions.length > 0;
  return {
    ...answerHeader(found, caller),
    ...describeCustomer(found),
    consents: describeConsents(found),
    contacts: isRestricted ? [] : describeContacts(found, caller),
    messages: copy(view.messages),
    pressure: copy(view.pressure),
    preferences: view.preferences.map(({ name, value, basis, evidence }) => {
      return { name, value: isOpen ? value : HIDDEN, basis, evidence };
    }),
    channels: copy(view.channels),
    categories: copy(view.categories),
    bestHour: view.bestHour,
    cadence: view.cadence === null ? null : { ...view.cadence },
    completeness: view.completeness,
    confidence: view.confidence,
    loyalty: copy(view.loyalty),
    groups: describeGroups(found, caller),
    scores: isRestricted ? [] : describeScores(found),
  };
}

export function viewForService(found: FoundProfile, caller: Caller): z.input<typeof serviceAnswer> {
  return {
    ...answerHeader(found, caller),
    ...describeCustomer(found),
    cases: describeCases(found, caller),
    optOuts: describeConsents(found).filter(({ granted }) => !granted),
    orders: answerOrders(found),
    subscriptions: copy(found.profile.view.subscriptions),
    groups: describeGroups(found, caller),
    timeline: copy(found.profile.view.timeline),
  };
}

export function viewForProduct(found: FoundProfile, caller: Caller): z.input<typeof productAnswer> {
  const { view } = found.profile;
  return {
    ...answerHeader(found, caller),
    ...describeCustomer(found),
    categories: copy(view.categories),
    channels: copy(view.channels),
    products: countProducts(found),
    searches: view.searches.map(({ query, results, source, at }) => {
      return { query: maySee(caller) ? query : HIDDEN, results, source, at };
    }),
    counters: answerCounters(found),
  };
}

function describeCustomer({ customerSinceAt }: FoundProfile) {
  return { customerSince: describeInstant(customerSinceAt) };
}

function describeGroups({ profile }: FoundProfile, caller: Caller) {
  const show = (groupId: string) => (maySee(caller) ? groupId : mask(groupId));
  return profile.view.groups.map(({ groupId, members, parents, ...group }) => {
    return { ...group, groupId: show(groupId), members: [...members], parents: parents.map(show) };
  });
}

function describeScores({ profile }: FoundProfile) {
  return profile.scores.map(({ name, value, terms }) => ({ name, value, terms: copy(terms) }));
}

function describeCases({ profile }: FoundProfile, caller: Caller) {
  const isOpen = maySee(caller);
  return profile.view.cases.map((one) => ({ ...one, motive: isOpen ? one.motive : null }));
}

/** With the calls that later events pushed out of the timeline. */
function listPastContacts({ profile }: FoundProfile, caller: Caller) {
  const { timeline, calls, cases } = profile.view;
  const isOpen = maySee(caller);
  const nameOf = ({ source, eventId }: { source: string; eventId: string }) => JSON.stringify([source, eventId]);
  const told = new Set(calls.map(nameOf));
  const lines = timeline.filter(
    (line) => (CONTACT_TYPES.has(line.type) || /^(case|message)-/.test(line.type)) && !told.has(nameOf(line)),
  );
  const contacts = [
    ...calls.map((call) => ({ ...call, type: "called" })),
    ...lines.map((line) => ({ ...line, ...findCase(cases, line) })),
  ];
  return contacts
    .map((one) => ({ ...one, motive: isOpen ? one.motive : null }))
    .sort((a, b) => compareText(b.at, a.at) || compareText(b.source, a.source) || compareText(b.eventId, a.eventId));
}

type ViewedCase = FoundProfile["profile"]["view"]["cases"][number];

/** A line does not name its case: its opening or closing is known by the instant, where that is of one case alone. */
function findCase(cases: readonly ViewedCase[], { type, at }: { type: string; at: string }) {
  const isOf = ({ openedAt, closedAt }: ViewedCase) =>
    (type === "case-opened" && openedAt === at) || (type === "case-closed" && closedAt === at);
  const [one, ...others] = cases.filter(isOf);
  return one === undefined || others.length > 0
    ? { caseId: null, motive: null }
    : { caseId: one.caseId, motive: one.motive };
}

function describeConsents({ profile }: FoundProfile) {
  return profile.view.consents.map(({ purpose, channel, granted, source, at }) => {
    return { purpose, channel, granted, source, at };
  });
}

function describeContacts({ profile }: FoundProfile, caller: Caller) {
  const isOpen = maySee(caller);
  return profile.view.contacts.map(({ original: _original, ...contact }) => ({
    ...contact,
    value: isOpen ? contact.value : mask(contact.value),
  }));
}

function countProducts({ profile }: FoundProfile) {
  const bought = new Map<string, number>();
  for (const { status, lines } of profile.view.orders) {
    if (status === "cancelled" || status === "returned") continue;
    for (const { productId, quantity } of lines) bought.set(productId, (bought.get(productId) ?? 0) + quantity);
  }
  return [...bought]
    .map(([productId, quantity]) => ({ productId, quantity }))
    .sort((a, b) => b.quantity - a.quantity || compareText(a.productId, b.productId));
}

function copy<T extends object>(list: readonly T[]): T[] {
  return list.map((one) => ({ ...one }));
}
