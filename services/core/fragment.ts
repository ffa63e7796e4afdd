// A fragment: what the events anchored at one identifier add up to. Folding is commutative: sums of integers, and for
// each trait and for the cart the latest by a fixed order; so any order of distinct events gives the same fragment (P1).

import { isAuthenticated, type Registry } from "./acceptance.ts";
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

/** Limits that a fold may meet; each hit is an effect, so nothing is left out in silence (O4). */
export const LIMIT_KINDS = ["traits", "trait-length", "event-types", "order-events"] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

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

/**
 * How an event is recognised again: (source, eventId) through two lanes of FNV-1a, 64 bits as 13 characters. Not keyed
 * and not for strangers: it only tells apart the 256 events of one window.
 */
export function eventMark(item: EventItem): string {
  const text = `${item.source}\n${item.eventId}`;
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b) ^ (b >>> 13);
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36).padStart(7, "0");
}

/** Marks an event as folded, in the window of the anchor's latest records. */
export function rememberEvent(fragment: Fragment, item: EventItem): void {
  fragment.seen[eventMark(item)] = item.recordedAt;
  const ids = Object.keys(fragment.seen);
  if (ids.length > DUPLICATE_WINDOW_EVENTS) {
    const oldest = ids.reduce((a, b) =>
      ((fragment.seen[a] as number) - (fragment.seen[b] as number) || compareText(a, b)) <= 0 ? a : b,
    );
    delete fragment.seen[oldest];
  }
}

/** Adds the event; returns the limits that it met. */
export function foldEvent(registry: Registry, fragment: Fragment, item: EventItem, event: ChannelEvent): LimitKind[] {
  const limits: LimitKind[] = [];
  const source = registry.sources.get(item.source);
  fragment.events += 1;
  if (countType(fragment.byType, event.type)) limits.push("event-types");
  fragment.firstAt = Math.min(fragment.firstAt ?? event.occurredAt, event.occurredAt);
  fragment.lastAt = Math.max(fragment.lastAt ?? event.occurredAt, event.occurredAt);
  const anchored = item.identifiers.find((identifier) => identifier.key === item.anchor);
  const authenticated = anchored !== undefined && isAuthenticated(anchored.assurance);
  for (const name of sortedKeys(event.traits ?? {})) {
    const value = event.traits?.[name] ?? null;
    const cut = typeof value === "string" && value.length > TRAIT_LENGTH_MAX ? value.slice(0, TRAIT_LENGTH_MAX) : value;
    if (cut !== value) limits.push("trait-length");
    if (makeRoom(fragment.traits, name)) limits.push("traits");
    if (fragment.traits[name] === undefined) continue;
    foldTrait(fragment.traits[name], {
      value: cut,
      source: item.source,
      at: event.occurredAt,
      eventId: item.eventId,
      authenticated,
    });
  }
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
  return limits;
}

/** Counts by type; of too many types, those that sort last are counted together. True where that was needed. */
function countType(byType: Record<string, number>, type: string): boolean {
  const named = Object.keys(byType).filter((name) => name !== OTHER_TYPES);
  if (byType[type] === undefined && named.length >= EVENT_TYPES_COUNTED_MAX) {
    const last = named.reduce((a, b) => (compareText(a, b) > 0 ? a : b));
    const moved = compareText(type, last) > 0 ? type : last;
    byType[OTHER_TYPES] = (byType[OTHER_TYPES] ?? 0) + (moved === type ? 1 : (byType[last] ?? 0));
    if (moved === type) return true;
    delete byType[last];
    byType[type] = 1;
    return true;
  }
  byType[type] = (byType[type] ?? 0) + 1;
  return false;
}

/**
 * Opens a trait. Of too many, those that sort last are left out: which ones are kept is a function of the names alone,
 * never of the order in which they came. True where one had to go.
 */
function makeRoom(traits: Fragment["traits"], name: string): boolean {
  if (traits[name] !== undefined) return false;
  const names = Object.keys(traits);
  if (names.length < TRAITS_MAX) {
    traits[name] = bareRecord();
    return false;
  }
  const last = names.reduce((a, b) => (compareText(a, b) > 0 ? a : b));
  if (compareText(name, last) > 0) return true;
  delete traits[last];
  traits[name] = bareRecord();
  return true;
}

/** Survivorship inside one source: the latest occurredAt, then the greater eventId. */
function foldTrait(slots: Record<string, TraitValue>, candidate: TraitValue): void {
  const slot = `${candidate.source}/${candidate.authenticated ? 1 : 0}`;
  const present = slots[slot];
  const isLater =
    present === undefined ||
    candidate.at > present.at ||
    (candidate.at === present.at && compareText(candidate.eventId, present.eventId) > 0);
  if (isLater) slots[slot] = candidate;
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
