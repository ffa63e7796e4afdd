// The oracle's account of what the person has, prefers, did lately and does as a habit.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { Registry } from "#core/registry.ts";
import { byTime, chooseVouched, groupBy, iso, sourceChannel } from "./oracle-facts.ts";
import { must } from "./oracle-identity.ts";
import type { OrderFacts } from "./oracle-orders.ts";

type Facts = readonly AcceptedEvent[];

/** The last that was said of a field, by those events that say anything of it. */
function lastSaid<T>(told: Facts, read: (event: ChannelEvent) => T | null | undefined): T | null {
  const said = told.toSorted(byTime).findLast(({ event }) => (read(event) ?? "") !== "");
  return said === undefined ? null : (read(said.event) ?? null);
}

export function listSubscriptions(facts: Facts) {
  const named = facts.filter(({ event }) => (event.subscription?.subscriptionId ?? "") !== "");
  return groupBy(named, ({ source, event }) => [source, event.subscription?.subscriptionId]).map((group) => {
    const told = chooseVouched(group);
    const { source, event } = must(told[0]);
    const times = told.map((one) => one.event.occurredAt);
    return {
      subscriptionId: event.subscription?.subscriptionId,
      source,
      status: lastSaid(told, (one) => one.subscription?.status),
      productId: lastSaid(told, (one) => one.subscription?.productId),
      startedAt: iso(Math.min(...times)),
      at: iso(Math.max(...times)),
    };
  });
}

export function listLoyalty(facts: Facts) {
  const told = facts.filter(({ event }) => (event.loyalty ?? null) !== null);
  return groupBy(told, ({ source, event }) => event.loyalty?.programId ?? source).map((group) => {
    const vouched = chooseVouched(group);
    const last = must(vouched.toSorted(byTime).at(-1));
    return {
      programId: last.event.loyalty?.programId ?? last.source,
      tier: lastSaid(vouched, (one) => one.loyalty?.tier),
      points: lastSaid(vouched, (one) => one.loyalty?.points),
      source: last.source,
      at: iso(last.event.occurredAt),
    };
  });
}

export function listPreferences(facts: Facts) {
  const names = new Set(facts.flatMap(({ event }) => Object.keys(event.preferences ?? {})));
  return [...names].toSorted(compareText).flatMap((name) => {
    const told = facts.filter(({ event }) => Object.hasOwn(event.preferences ?? {}, name));
    const valueOf = ({ event }: AcceptedEvent) => event.preferences?.[name] ?? null;
    const evidence = told.filter((one) => one.event.type !== "preference-stated" && valueOf(one) !== null);
    const counted = groupBy(evidence, valueOf).map((group) => ({
      value: valueOf(must(group[0])),
      count: group.length,
      at: Math.max(...group.map(({ event }) => event.occurredAt)),
    }));
    const stated = chooseVouched(told.filter(({ event }) => event.type === "preference-stated"))
      .toSorted(byTime)
      .at(-1);
    const value = stated === undefined ? null : valueOf(stated);
    if (stated !== undefined && value !== null) {
      const agreeing = counted.find((one) => one.value === value)?.count ?? 0;
      return [{ name, value, basis: "stated", evidence: agreeing, at: iso(stated.event.occurredAt) }];
    }
    const [best] = counted.toSorted((a, b) => b.count - a.count || b.at - a.at);
    if (best === undefined) return [];
    return [{ name, value: best.value, basis: "inferred", evidence: best.count, at: iso(best.at) }];
  });
}

const VIEWS = ["page-viewed", "product-viewed", "cart-viewed"];

export function describeJourney(registry: Registry, facts: Facts) {
  const latest = facts.toSorted((a, b) => byTime(b, a));
  const searches = latest.flatMap(({ source, event }) => {
    if ((event.search ?? null) === null) return [];
    const { query, results } = must(event.search ?? undefined);
    return [{ at: iso(event.occurredAt), query, results: results ?? null, source }];
  });
  const touches = latest.flatMap((told) => {
    const { type, touch, message, occurredAt } = told.event;
    const clicked =
      type === "message-clicked"
        ? {
            channel: message?.channel ?? sourceChannel(registry, told),
            campaignId: message?.campaignId,
            medium: "message",
          }
        : null;
    const brought = touch ?? clicked;
    if (brought === null) return [];
    const { channel, campaignId, medium } = brought;
    const { source } = told;
    return [{ at: iso(occurredAt), channel, campaignId: campaignId ?? null, medium: medium ?? null, source }];
  });
  const timeline = latest
    .filter(({ event }) => !VIEWS.includes(event.type))
    .map((told) => {
      const { occurredAt, type, eventId } = told.event;
      return { at: iso(occurredAt), type, channel: sourceChannel(registry, told), source: told.source, eventId };
    });
  return { searches: searches.slice(0, 16), touches: touches.slice(0, 32), timeline: timeline.slice(0, 50) };
}

export function describeHabits(registry: Registry, facts: Facts, orders: readonly OrderFacts[]) {
  const count = (names: readonly string[]) =>
    groupBy(names, (name) => name).map((group) => ({ name: must(group[0]), count: group.length }));
  const answers = facts.filter(({ event }) =>
    ["message-opened", "message-clicked", "order-placed"].includes(event.type),
  );
  const hours = Array.from(
    { length: 24 },
    (_, hour) => answers.filter(({ event }) => new Date(event.occurredAt).getUTCHours() === hour).length,
  );
  const instants = orders.flatMap(({ valid, at }) => (valid ? [at] : [])).toSorted((a, b) => a - b);
  const gaps = instants.flatMap((at, place) => (place === 0 ? [] : [at - must(instants[place - 1])]));
  const middle = gaps.toSorted((a, b) => a - b)[Math.ceil(gaps.length / 2) - 1];
  return {
    channels: count(
      facts.filter(({ event }) => !VIEWS.includes(event.type)).map((event) => sourceChannel(registry, event)),
    ),
    categories: count(facts.flatMap(({ event }) => event.product?.category ?? []).filter((name) => name !== "")),
    hours: answers.length === 0 ? [] : hours,
    bestHour: answers.length === 0 ? null : hours.indexOf(Math.max(...hours)),
    cadence: middle === undefined ? null : { orders: instants.length, medianDays: Math.floor(middle / 86_400_000) },
  };
}
