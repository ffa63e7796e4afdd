// A fragment: what the events anchored at one identifier add up to. Folding is commutative: sums of integers, and for
// each trait and for the cart the latest by a fixed order; so any order of distinct events gives the same fragment (P1).

import { assuranceLevel, isAuthenticated, type Registry } from "./acceptance.ts";
import { bareRecord, compareText, sortedKeys } from "./comparison.ts";
import type { ChannelEvent, Scalar } from "./event.ts";
import type { EventItem } from "./item.ts";
import { createOrderTotals, type OrderTotals } from "./order-totals.ts";

/** A duplicate is recognised while its first copy is among this many latest records of its anchor. */
export const DUPLICATE_WINDOW_EVENTS = 256;
export const TRAITS_MAX = 128;
export const TRAIT_LENGTH_MAX = 2048;
export const EVENT_TYPES_COUNTED_MAX = 64;
/** Types beyond the limit are counted together under this name. */
export const OTHER_TYPES = "other-types";

export interface TraitValue {
  readonly value: Scalar;
  readonly source: string;
  readonly at: number;
  readonly eventId: string;
  readonly authenticated: boolean;
}

export interface CartActivity {
  readonly at: number;
  readonly source: string;
  readonly eventId: string;
  readonly emptied: boolean;
  readonly backfill: boolean;
  readonly currency: string | null;
  readonly totalMinor: number | null;
}

export interface Fragment {
  events: number;
  readonly byType: Record<string, number>;
  /** By trait name, then `<source>/<1 authenticated, 0 claimed>`: each source's latest value. */
  readonly traits: Record<string, Record<string, TraitValue>>;
  contactPoints: number;
  checkouts: number;
  cartsFilled: number;
  cart: CartActivity | null;
  readonly orders: OrderTotals;
  firstAt: number | null;
  lastAt: number | null;
  /** Events that this fragment has folded lately: short hash of (source, eventId) to record time. */
  readonly seen: Record<string, number>;
}

export function createFragment(): Fragment {
  return {
    events: 0,
    byType: bareRecord(),
    traits: bareRecord(),
    contactPoints: 0,
    checkouts: 0,
    cartsFilled: 0,
    cart: null,
    orders: createOrderTotals(),
    firstAt: null,
    lastAt: null,
    seen: bareRecord(),
  };
}

/** How an event is recognised again: a short hash of (source, eventId). */
export function eventMark(registry: Registry, item: EventItem): string {
  return registry.hash(`event\n${item.source}\n${item.eventId}`).slice(0, 14);
}

/** Marks an event as folded, in the window of the anchor's latest records. */
export function rememberEvent(registry: Registry, fragment: Fragment, item: EventItem): void {
  fragment.seen[eventMark(registry, item)] = item.recordedAt;
  const ids = Object.keys(fragment.seen);
  if (ids.length > DUPLICATE_WINDOW_EVENTS) {
    const oldest = ids.reduce((a, b) =>
      ((fragment.seen[a] as number) - (fragment.seen[b] as number) || compareText(a, b)) <= 0 ? a : b,
    );
    delete fragment.seen[oldest];
  }
}

export function foldEvent(registry: Registry, fragment: Fragment, item: EventItem, event: ChannelEvent): void {
  const source = registry.sources.get(item.source);
  fragment.events += 1;
  const type =
    fragment.byType[event.type] === undefined && Object.keys(fragment.byType).length >= EVENT_TYPES_COUNTED_MAX
      ? OTHER_TYPES
      : event.type;
  fragment.byType[type] = (fragment.byType[type] ?? 0) + 1;
  fragment.firstAt = Math.min(fragment.firstAt ?? event.occurredAt, event.occurredAt);
  fragment.lastAt = Math.max(fragment.lastAt ?? event.occurredAt, event.occurredAt);
  const anchored = item.identifiers.find((identifier) => identifier.key === item.anchor);
  const authenticated =
    anchored !== undefined && isAuthenticated(anchored.assurance) && assuranceLevel(anchored.assurance) >= 1;
  for (const name of sortedKeys(event.traits ?? {}))
    foldTrait(fragment, name, {
      value: event.traits?.[name] ?? null,
      source: item.source,
      at: event.occurredAt,
      eventId: item.eventId,
      authenticated,
    });
  const names = (namespace: string) => registry.namespaces.get(namespace)?.contact === true;
  if (
    item.identifiers.some((identifier) => names(identifier.namespace)) ||
    Object.keys(event.traits ?? {}).some((name) => names(name) && event.traits?.[name] !== null)
  )
    fragment.contactPoints += 1;
  if (event.type === "checkout-started") fragment.checkouts += 1;
  const activity = readCartActivity(item, event, source?.currency ?? null);
  if (activity !== null) {
    if (!activity.emptied && event.type === "product-added") fragment.cartsFilled += 1;
    if (fragment.cart === null || compareCartActivities(activity, fragment.cart) > 0) fragment.cart = activity;
  }
}

/** Survivorship inside one source: the latest occurredAt, then the greater eventId, then the greater value. */
function foldTrait(fragment: Fragment, name: string, candidate: TraitValue): void {
  if (fragment.traits[name] === undefined && Object.keys(fragment.traits).length >= TRAITS_MAX) return;
  const value = typeof candidate.value === "string" ? candidate.value.slice(0, TRAIT_LENGTH_MAX) : candidate.value;
  const slots = (fragment.traits[name] ??= bareRecord());
  const slot = `${candidate.source}/${candidate.authenticated ? 1 : 0}`;
  const present = slots[slot];
  if (
    present === undefined ||
    candidate.at > present.at ||
    (candidate.at === present.at && compareText(candidate.eventId, present.eventId) > 0)
  )
    slots[slot] = { ...candidate, value };
}

const CART_TYPES = new Set(["product-added", "product-removed", "cart-viewed", "checkout-started"]);

function readCartActivity(item: EventItem, event: ChannelEvent, currency: string | null): CartActivity | null {
  if (!CART_TYPES.has(event.type)) return null;
  const lines = event.cart?.lines;
  const emptied =
    event.type !== "product-added" &&
    event.type !== "checkout-started" &&
    lines !== null &&
    lines !== undefined &&
    lines.every((line) => line.quantity <= 0);
  return {
    at: event.occurredAt,
    source: item.source,
    eventId: item.eventId,
    emptied,
    backfill: item.backfill,
    currency: event.cart?.currency ?? currency,
    totalMinor: event.cart?.totalMinor ?? null,
  };
}

export function compareCartActivities(a: CartActivity, b: CartActivity): number {
  return a.at - b.at || compareText(a.source, b.source) || compareText(a.eventId, b.eventId);
}
