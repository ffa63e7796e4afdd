// The oracle's carts, calls and messages: each from all events of the profile at once.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import type { Registry } from "#core/registry.ts";
import { byTime, chooseVouched, groupBy, iso, isVouched, sourceChannel } from "./oracle-facts.ts";
import { must } from "./oracle-identity.ts";

const LINES = 32;
const CALLS = 16;
const NOTES = 16;
const STEPS = 32;

type Facts = readonly AcceptedEvent[];

export function listCarts(registry: Registry, facts: Facts) {
  const telling = facts.filter(({ event }) => (event.cart ?? null) !== null);
  const carts = groupBy(telling, ({ source, event }) => [source, event.cart?.cartId ?? ""]).map((group) => {
    const told = chooseVouched(group).toSorted(byTime);
    const times = told.map(({ event }) => event.occurredAt);
    const checkouts = told.filter(({ event }) => event.type === "checkout-started");
    const full = told.findLast(({ event }) => (event.cart?.lines ?? null) !== null);
    const { source, event } = must(told[0]);
    const lines = (full?.event.cart?.lines ?? [])
      .slice(0, LINES)
      .map(({ productId, quantity, unitPriceMinor }) => ({ productId, quantity, unitPriceMinor }));
    const sum = lines.reduce((minor, line) => minor + line.quantity * line.unitPriceMinor, 0);
    const currency = full?.event.cart?.currency?.trim().toUpperCase() || must(registry.sources.get(source)).currency;
    return {
      cartId: event.cart?.cartId ?? "",
      source,
      status: full !== undefined && !lines.some(({ quantity }) => quantity > 0) ? "emptied" : "open",
      currency: full === undefined ? null : currency,
      totalMinor: full === undefined ? null : (full.event.cart?.totalMinor ?? sum),
      lines,
      startedAt: iso(Math.min(...times)),
      checkoutAt: checkouts.length === 0 ? null : iso(must(checkouts.at(-1)).event.occurredAt),
      at: iso(Math.max(...times)),
    };
  });
  return carts.toSorted(
    (a, b) => compareText(b.at, a.at) || compareText(a.source, b.source) || compareText(a.cartId, b.cartId),
  );
}

export function describeCorrespondence(registry: Registry, facts: Facts) {
  const said = (text: string | null | undefined) => (text === undefined || text === "" ? null : text);
  const calls = facts
    .filter(({ event }) => event.type === "called")
    .toSorted((a, b) => byTime(b, a))
    .slice(0, CALLS)
    .map((call) => ({
      at: iso(call.event.occurredAt),
      channel: said(call.event.case?.channel) ?? sourceChannel(registry, call),
      caseId: said(call.event.case?.caseId),
      motive: said(call.event.case?.motive),
      source: call.source,
      eventId: call.event.eventId,
    }));
  const notes = facts
    .filter(({ event }) => !/^(page|product|cart)-viewed$/.test(event.type))
    .filter((fact) => isVouched(fact) && said(fact.event.note))
    .toSorted((a, b) => byTime(b, a))
    .slice(0, NOTES)
    .map(({ event: { occurredAt, type, note, eventId }, source }) => {
      return { at: iso(occurredAt), type, text: note, source, eventId };
    });
  const kinds = ["sent", "delivered", "opened", "clicked", "bounced"];
  const steps = facts
    .filter(({ event }) => kinds.some((kind) => event.type === `message-${kind}`) && said(event.message?.messageId))
    .toSorted((a, b) => byTime(b, a))
    .slice(0, STEPS);
  const channelOf = (step: AcceptedEvent) => said(step.event.message?.channel) ?? sourceChannel(registry, step);
  const latestMessages = groupBy(steps, (step) => [channelOf(step), step.event.message?.messageId]).map((group) => {
    const first = (kind: string) => group.findLast(({ event }) => event.type === `message-${kind}`)?.event.occurredAt;
    const when = (kind: string) => [first(kind)].map((at) => (at === undefined ? null : iso(at)))[0];
    return {
      messageId: group[0]?.event.message?.messageId,
      channel: channelOf(must(group[0])),
      campaignId: group.map(({ event }) => said(event.message?.campaignId)).find((id) => id !== null) ?? null,
      sentAt: when("sent"),
      deliveredAt: when("delivered"),
      openedAt: when("opened"),
      clickedAt: when("clicked"),
      bouncedAt: when("bounced"),
      answered: when("opened") !== null || when("clicked") !== null,
      at: iso(must(group[0]).event.occurredAt),
    };
  });
  return {
    calls,
    notes,
    latestMessages: latestMessages.toSorted(
      (a, b) =>
        compareText(b.at, a.at) ||
        compareText(a.channel, b.channel) ||
        compareText(a.messageId ?? "", b.messageId ?? ""),
    ),
  };
}
