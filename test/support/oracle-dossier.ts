// The oracle's dossier: each part described from all events of the profile at once, as section 5 of the design says it.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import type { Registry } from "#core/registry.ts";
import { byTime, chooseVouched, groupBy, iso, sourceChannel } from "./oracle-facts.ts";
import { describeCorrespondence, listCarts } from "./oracle-correspondence.ts";
import { listConsents } from "./oracle-consents.ts";
import { listContacts } from "./oracle-contacts.ts";
import { describeHabits, describeJourney, listLoyalty, listPreferences, listSubscriptions } from "./oracle-habits.ts";
import { type Identifier, must } from "./oracle-identity.ts";
import type { Refusal } from "./oracle-erasure.ts";
import type { OrderFacts } from "./oracle-orders.ts";

export function describeDossier(
  registry: Registry,
  members: readonly Identifier[],
  facts: readonly AcceptedEvent[],
  orders: readonly OrderFacts[],
  refusals: readonly Refusal[],
) {
  return {
    consents: listConsents(registry, facts, refusals),
    restrictions: listRestrictions(facts),
    cases: listCases(registry, facts),
    contacts: listContacts(registry, members, facts),
    messages: countMessages(registry, facts),
    pressure: countPressure(registry, facts),
    subscriptions: listSubscriptions(facts),
    loyalty: listLoyalty(facts),
    preferences: listPreferences(facts),
    ...describeJourney(registry, facts),
    ...describeCorrespondence(registry, facts),
    carts: listCarts(registry, facts),
    ...describeHabits(registry, facts, orders),
  };
}

/** An operator's word alone; those that nobody lifted, since they were told first. */
function listRestrictions(facts: readonly AcceptedEvent[]) {
  const told = facts.flatMap(({ source, event: { restriction, occurredAt: at } }) =>
    source === "operator" && restriction ? [{ ...restriction, at }] : [],
  );
  return groupBy(told, ({ restrictionId }) => [restrictionId])
    .flatMap((group) => {
      const { restrictionId } = must(group[0]);
      const at = Math.min(...group.map((one) => one.at));
      return group.some(({ lifted }) => lifted) ? [] : [{ restrictionId, at: iso(at) }];
    })
    .toSorted((a, b) => compareText(a.restrictionId, b.restrictionId));
}

/** Each case relived from its first event to its last; open ones first, then whoever was heard of last. */
function listCases(registry: Registry, facts: readonly AcceptedEvent[]) {
  const channelOf = (event: AcceptedEvent) => event.event.case?.channel ?? sourceChannel(registry, event);
  const stepOf = ({ event }: AcceptedEvent): "opened" | "updated" | "closed" => {
    if (event.type === "case-opened" || event.type === "case-closed")
      return event.type === "case-opened" ? "opened" : "closed";
    return event.case?.status === "closed" ? "closed" : event.case?.status === "open" ? "opened" : "updated";
  };
  const order = ["opened", "updated", "closed"];
  const named = facts.filter(({ event }) => (event.case?.caseId ?? "") !== "");
  const cases = groupBy(named, ({ source, event }) => [
    must(registry.sources.get(source)).caseIdScope ?? source,
    event.case?.caseId,
  ]).map((group) => {
    const told = chooseVouched(group).toSorted(byTime);
    const lived = told.toSorted(
      (a, b) =>
        a.event.occurredAt - b.event.occurredAt || order.indexOf(stepOf(a)) - order.indexOf(stepOf(b)) || byTime(a, b),
    );
    let status = "none";
    for (const event of lived) {
      const step = stepOf(event);
      if (step === "closed") status = "closed";
      else if (status === "none") status = "open";
      else if (step === "opened" && status === "closed") status = "reopened";
    }
    const opening = told.find((event) => stepOf(event) === "opened") ?? must(told[0]);
    const closing = status === "closed" ? told.findLast((event) => stepOf(event) === "closed") : undefined;
    const latest = must(told.at(-1));
    return {
      latest,
      view: {
        caseId: latest.event.case?.caseId ?? "",
        source: must(told[0]).source,
        status,
        motive: told.findLast(({ event }) => (event.case?.motive ?? "") !== "")?.event.case?.motive ?? null,
        channel: channelOf(opening),
        openedAt: iso(opening.event.occurredAt),
        closedAt: closing === undefined ? null : iso(closing.event.occurredAt),
        closedOn: closing === undefined ? null : channelOf(closing),
      },
    };
  });
  return cases
    .toSorted(
      (a, b) =>
        Number(a.view.status === "closed") - Number(b.view.status === "closed") ||
        byTime(b.latest, a.latest) ||
        compareText(a.view.caseId, b.view.caseId),
    )
    .map(({ view }) => view);
}

const STEPS = ["sent", "delivered", "opened", "clicked", "bounced"];

function messagesOf(registry: Registry, facts: readonly AcceptedEvent[]) {
  return facts
    .filter(({ event }) => STEPS.some((step) => event.type === `message-${step}`))
    .map((event) => ({
      step: event.event.type.slice("message-".length),
      channel: event.event.message?.channel ?? sourceChannel(registry, event),
      day: iso(event.event.occurredAt).slice(0, "2026-01-31".length),
    }));
}

function countMessages(registry: Registry, facts: readonly AcceptedEvent[]) {
  return groupBy(messagesOf(registry, facts), ({ channel }) => channel).map((group) => ({
    channel: must(group[0]).channel,
    ...Object.fromEntries(STEPS.map((step) => [step, group.filter((message) => message.step === step).length])),
  }));
}

function countPressure(registry: Registry, facts: readonly AcceptedEvent[]) {
  const sent = messagesOf(registry, facts).filter(({ step }) => step === "sent");
  return groupBy(sent, ({ channel, day }) => [channel, day]).map((group) => {
    const { channel, day } = must(group[0]);
    return { channel, day, sent: group.length };
  });
}
