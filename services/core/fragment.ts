// A fragment: what the events anchored at one identifier add up to. Folding is commutative: sums of integers, and for
// each trait and for the cart the latest by a fixed order; so any order of distinct events gives the same fragment (P1).

import type { Registry } from "./registry.ts";
import { compareText, sortedKeys } from "./comparison.ts";
import { readCurrency } from "./currency.ts";
import { mergeDossiers, readDossier, type Dossier } from "./dossier.ts";
import type { ChannelEvent, Scalar } from "./event.ts";
import type { EventWindow } from "./event-window.ts";
import { isAnchorAuthenticated } from "./facet.ts";
import type { EventItem } from "./item.ts";
import type { LimitKind } from "./limit.ts";
import { createOrderTotals, mergeOrderTotals, type OrderTotals } from "./order-totals.ts";
import { foldRecency, mergeRecency, type Recency } from "./recency.ts";

export const TRAITS_MAX = 128;
export const TRAIT_LENGTH_MAX = 2048;
export const EVENT_TYPES_COUNTED_MAX = 64;
/** Limits that do not bind a sum of fragments; those of a dossier bind it as they bind one. */
export const LOOSE_IN_SUMS: ReadonlySet<LimitKind> = new Set<LimitKind>(["traits", "trait-length", "event-types"]);
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
  readonly byType: Map<string, number>;
  /** By trait name, then `<source>/<1 authenticated, 0 claimed>`: each source's latest value. */
  readonly traits: Map<string, Map<string, TraitValue>>;
  contactPoints: number;
  checkouts: number;
  cartsFilled: number;
  cart: CartActivity | null;
  readonly orders: OrderTotals;
  readonly recency: Recency;
  firstAt: number | null;
  lastAt: number | null;
  dossier: Dossier | null;
  /** Events that this fragment has folded lately. */
  readonly seen: EventWindow;
}

export function createFragment(): Fragment {
  return {
    events: 0,
    byType: new Map(),
    traits: new Map(),
    contactPoints: 0,
    checkouts: 0,
    cartsFilled: 0,
    cart: null,
    orders: createOrderTotals(),
    recency: new Map(),
    firstAt: null,
    lastAt: null,
    dossier: null,
    seen: new Map(),
  };
}

/** Adds the event; returns the limits that it met. */
export function foldEvent(registry: Registry, fragment: Fragment, item: EventItem, event: ChannelEvent): LimitKind[] {
  const limits: LimitKind[] = [];
  const source = registry.sources.get(item.source);
  fragment.events += 1;
  if (countType(fragment.byType, event.type)) limits.push("event-types");
  if (foldRecency(fragment.recency, item, event) && !limits.includes("event-types")) limits.push("event-types");
  fragment.firstAt = Math.min(fragment.firstAt ?? event.occurredAt, event.occurredAt);
  fragment.lastAt = Math.max(fragment.lastAt ?? event.occurredAt, event.occurredAt);
  if (event.traits !== null && event.traits !== undefined) foldTraits(fragment, item, event, event.traits, limits);
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
  fragment.dossier = mergeDossiers(fragment.dossier, readDossier(registry, item, event, limits), limits);
  return limits;
}

function foldTraits(
  fragment: Fragment,
  item: EventItem,
  event: ChannelEvent,
  traits: Readonly<Record<string, Scalar>>,
  limits: LimitKind[],
): void {
  const authenticated = isAnchorAuthenticated(item);
  for (const name of sortedKeys(traits)) {
    const value = traits[name] ?? null;
    const cut = typeof value === "string" && value.length > TRAIT_LENGTH_MAX ? value.slice(0, TRAIT_LENGTH_MAX) : value;
    if (cut !== value) limits.push("trait-length");
    const { slots, full } = openTrait(fragment.traits, name, authenticated);
    if (full) limits.push("traits");
    if (slots !== null)
      foldTrait(slots, { value: cut, source: item.source, at: event.occurredAt, eventId: item.eventId, authenticated });
  }
}

/** Counts by type; of too many types, those that sort last are counted together. True where that was needed. */
function countType(byType: Map<string, number>, type: string): boolean {
  const present = byType.get(type);
  const named = byType.size - (byType.has(OTHER_TYPES) ? 1 : 0);
  if (present !== undefined || named < EVENT_TYPES_COUNTED_MAX) {
    byType.set(type, (present ?? 0) + 1);
    return false;
  }
  const names = [...byType.keys()].filter((name) => name !== OTHER_TYPES);
  const last = names.reduce((a, b) => (compareText(a, b) > 0 ? a : b));
  const moved = compareText(type, last) > 0 ? type : last;
  byType.set(OTHER_TYPES, (byType.get(OTHER_TYPES) ?? 0) + (moved === type ? 1 : (byType.get(last) ?? 0)));
  if (moved === type) return true;
  byType.delete(last);
  byType.set(type, 1);
  return true;
}

/**
 * The slots of a trait. Of too many traits, those that sort last are left out (null): which ones are kept is a function
 * of the names alone, never of the order in which they came. Claimed and authenticated ones are counted apart, so that no
 * flood of claims drives out what was authenticated (I5). full: one had to go.
 */
function openTrait(
  traits: Fragment["traits"],
  name: string,
  authenticated: boolean,
): { slots: Map<string, TraitValue> | null; full: boolean } {
  const present = traits.get(name);
  const isCounted = (slots: ReadonlyMap<string, TraitValue>) =>
    [...slots.values()].some((value) => value.authenticated === authenticated);
  if (present !== undefined && isCounted(present)) return { slots: present, full: false };
  let full = false;
  if (traits.size >= TRAITS_MAX) {
    const names = [...traits].flatMap(([other, slots]) => (isCounted(slots) ? [other] : []));
    full = names.length >= TRAITS_MAX;
    const last = names.reduce((a, b) => (compareText(a, b) > 0 ? a : b), "");
    if (full && compareText(name, last) > 0) return { slots: null, full };
    if (full) dropValues(traits, last, authenticated);
  }
  const slots = present ?? new Map<string, TraitValue>();
  traits.set(name, slots);
  return { slots, full };
}

function dropValues(traits: Fragment["traits"], name: string, authenticated: boolean): void {
  const slots = traits.get(name);
  for (const [slot, value] of slots ?? []) if (value.authenticated === authenticated) slots?.delete(slot);
  if (slots?.size === 0) traits.delete(name);
}

/** The slot of a trait that a value competes for. */
export function traitSlot({ source, authenticated }: TraitValue): string {
  return `${source}/${authenticated ? 1 : 0}`;
}

/** Survivorship inside one source: the latest occurredAt, then the greater eventId. */
function foldTrait(slots: Map<string, TraitValue>, candidate: TraitValue): void {
  const slot = traitSlot(candidate);
  const present = slots.get(slot);
  const isLater =
    present === undefined ||
    candidate.at > present.at ||
    (candidate.at === present.at && compareText(candidate.eventId, present.eventId) > 0);
  if (isLater) slots.set(slot, candidate);
}

/** Adds up two fragments: what the events of both anchors say. The limits of a fragment do not bind the sum. */
export function mergeFragment(into: Fragment, from: Fragment): void {
  into.events += from.events;
  for (const [type, count] of from.byType) into.byType.set(type, (into.byType.get(type) ?? 0) + count);
  for (const [name, slots] of from.traits) {
    const present = into.traits.get(name) ?? new Map<string, TraitValue>();
    into.traits.set(name, present);
    for (const candidate of slots.values()) foldTrait(present, candidate);
  }
  into.contactPoints += from.contactPoints;
  into.checkouts += from.checkouts;
  into.cartsFilled += from.cartsFilled;
  if (from.cart !== null && (into.cart === null || compareCartActivities(from.cart, into.cart) > 0))
    into.cart = from.cart;
  mergeOrderTotals(into.orders, from.orders);
  mergeRecency(into.recency, from.recency);
  if (from.firstAt !== null) into.firstAt = Math.min(into.firstAt ?? from.firstAt, from.firstAt);
  if (from.lastAt !== null) into.lastAt = Math.max(into.lastAt ?? from.lastAt, from.lastAt);
  into.dossier = mergeDossiers(into.dossier, from.dossier, []);
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
    currency: readCurrency(event.cart?.currency) ?? currency,
    totalMinor: event.cart?.totalMinor ?? null,
  };
}

export function compareCartActivities(a: CartActivity, b: CartActivity): number {
  return a.at - b.at || compareText(a.source, b.source) || compareText(a.eventId, b.eventId);
}
