// One order, under (origin, orderId): the set of its events, and the view that follows from the set alone. Origin is
// the source, or the scope in which several sources number their orders together.
// Valid: placed or paid, a line of positive quantity, a total not below zero, not cancelled, not wholly returned.

import { compareText } from "./comparison.ts";
import { isAuthenticated } from "./configuration.ts";
import { readCurrency } from "./currency.ts";
import type { ChannelEvent, OrderLine } from "./event.ts";
import type { ComponentId, EventItem } from "./item.ts";
import { follow, listSteps, type OrderStatus, type OrderStep } from "./order-status.ts";
import type { Registry } from "./registry.ts";

/** Events of one order that are kept; beyond it the latest recorded are left out and counted. */
export const ORDER_EVENTS_MAX = 64;

export interface OrderFact {
  readonly source: string;
  readonly eventId: string;
  readonly recordedAt: number;
  readonly occurredAt: number;
  readonly type: string;
  readonly status: string | null;
  /** Empty: the event says none. */
  readonly currency: string;
  readonly totalMinor: number | null;
  readonly lines: readonly OrderLine[] | null;
  /** Who the event names: the key and birth of its anchor; null where it names nobody. */
  readonly anchor: string | null;
  readonly anchorBirth: ComponentId | null;
  /** Whether it names the anchor as one who knows it. */
  readonly anchorAuthenticated: boolean;
  readonly backfill: boolean;
}

export interface Order {
  readonly key: string;
  readonly birth: ComponentId;
  /** `<origin>/<orderId>`. */
  name: string;
  /** Sorted by (recordedAt, source, eventId). */
  facts: OrderFact[];
  /** The local identifier whose totals hold this order, and what it added there. */
  owner: string | null;
  view: OrderView | null;
  /** Its owner was erased: it says nothing, whatever comes. */
  erased?: true;
}

export interface OrderView {
  readonly orderId: string;
  readonly status: OrderStatus;
  readonly source: string;
  readonly currency: string;
  readonly totalMinor: number;
  readonly lines: readonly OrderLine[];
  readonly valid: boolean;
  readonly spentMinor: number;
  /** occurredAt of the order itself. */
  readonly at: number;
  /** All that is known of it was told as history. */
  readonly backfill: boolean;
}

export function orderPart(key: string): string {
  return `o/${key}`;
}

export function isOrderPart(part: string): boolean {
  return part.startsWith("o/");
}

export function createOrder(key: string, birth: ComponentId, name: string): Order {
  return { key, birth, name, facts: [], owner: null, view: null };
}

/** Nothing of it is left but that it was there. */
export function eraseOrder(order: Order): void {
  order.facts = [];
  order.name = "";
  order.owner = null;
  order.view = null;
  order.erased = true;
}

/**
 * Adds one event. `moved`: it was there already, and this copy of it was recorded earlier, so it counts from there.
 * `known`: nothing of it is new. `limit`: the latest recorded one, perhaps this, had to go.
 */
export function addOrderFact(
  order: Order,
  item: EventItem,
  event: ChannelEvent,
): "added" | "moved" | "known" | "limit" {
  const part = event.order;
  if (part === null || part === undefined) return "known";
  const anchor = item.identifiers.find((identifier) => identifier.key === item.anchor);
  const fact: OrderFact = {
    source: item.source,
    eventId: item.eventId,
    recordedAt: item.recordedAt,
    occurredAt: event.occurredAt,
    type: event.type,
    status: part.status ?? null,
    currency: readCurrency(part.currency) ?? "",
    totalMinor: part.totalMinor ?? null,
    lines: part.lines ?? null,
    anchor: anchor?.key ?? null,
    anchorBirth: anchor?.birth ?? null,
    anchorAuthenticated: anchor !== undefined && isAuthenticated(anchor.assurance),
    backfill: item.backfill,
  };
  const same = order.facts.findIndex((other) => other.source === fact.source && other.eventId === fact.eventId);
  if (same >= 0) {
    if ((order.facts[same] as OrderFact).recordedAt <= fact.recordedAt) return "known";
    order.facts.splice(same, 1);
  }
  order.facts.push(fact);
  order.facts.sort(compareFacts);
  if (order.facts.length <= ORDER_EVENTS_MAX) return same >= 0 ? "moved" : "added";
  order.facts.pop();
  return "limit";
}

function compareFacts(a: OrderFact, b: OrderFact): number {
  return a.recordedAt - b.recordedAt || compareText(a.source, b.source) || compareText(a.eventId, b.eventId);
}

/** The identifier that the order belongs to: whom the first placing event names, else the first event that names anybody. */
export function orderOwner(order: Order): OrderOwner | null {
  const naming = order.facts.filter((fact) => fact.anchor !== null);
  const owner = naming.find((fact) => fact.type === "order-placed") ?? naming[0];
  if (owner === undefined) return null;
  const { anchor, anchorBirth, anchorAuthenticated } = owner;
  return { key: anchor as string, birth: anchorBirth as ComponentId, isAuthenticated: anchorAuthenticated };
}

export interface OrderOwner {
  readonly key: string;
  readonly birth: ComponentId;
  readonly isAuthenticated: boolean;
}

export function viewOrder(registry: Registry, order: Order): OrderView {
  const { lines, totalMinor, currency, basis } = chooseContent(registry, order.facts);
  const steps = order.facts.flatMap((fact) => listSteps(fact.type, fact.status));
  const placing = order.facts.filter((fact) =>
    listSteps(fact.type, fact.status).some((step) => step === "placed" || step === "paid"),
  );
  const placed = placing.length > 0;
  const returns = order.facts.filter((fact) => fact.type === "order-returned");
  const returnedMinor = placed ? returns.reduce((sum, fact) => sum + amountReturned(fact, currency, totalMinor), 0) : 0;
  const whole = !placed || isWhollyReturned(lines, returns, currency, totalMinor, returnedMinor);
  const status = follow(
    steps.map((step): OrderStep => (step !== "return" ? step : whole ? "returned" : "partly-returned")),
  );
  const isUndone = status === "cancelled" || (returns.length > 0 && whole);
  const valid = placed && !isUndone && totalMinor >= 0 && lines.some((line) => line.quantity > 0);
  return {
    orderId: order.name.slice(order.name.indexOf("/") + 1),
    // An order is one because there is an event of it.
    status: status === "none" ? "placed" : status,
    source: basis.source,
    currency,
    totalMinor,
    lines,
    valid,
    spentMinor: valid ? Math.max(0, totalMinor - returnedMinor) : 0,
    at: Math.min(...(placed ? placing : order.facts).map((fact) => fact.occurredAt)),
    backfill: order.facts.every((fact) => fact.backfill),
  };
}

const CONTENT_TYPES = new Set(["order-placed", "order-paid", "order-updated"]);

/**
 * What the order is about, said by placing, paying and updating events: by source rank, then latest occurredAt, then a
 * fixed order. The lines are the best ones said; the money is that of the best event that speaks of lines or of money,
 * so that an update of the total alone changes it, and lines without a total are not given a total of other lines. The
 * currency is the best one said, else that of the source of the money.
 */
function chooseContent(
  registry: Registry,
  facts: readonly OrderFact[],
): { lines: readonly OrderLine[]; totalMinor: number; currency: string; basis: OrderFact } {
  const rank = (fact: OrderFact) => registry.sources.get(fact.source)?.rank ?? Number.MAX_SAFE_INTEGER;
  const candidates = facts.filter(
    (fact) => CONTENT_TYPES.has(fact.type) && (fact.lines !== null || fact.totalMinor !== null),
  );
  candidates.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      b.occurredAt - a.occurredAt ||
      compareText(b.source, a.source) ||
      compareText(b.eventId, a.eventId),
  );
  const basis = (candidates[0] ?? facts[0]) as OrderFact;
  const lines = candidates.find((fact) => fact.lines !== null)?.lines ?? basis.lines ?? [];
  const told = candidates.find((fact) => fact.currency !== "") ?? basis;
  const currency = told.currency || (registry.sources.get(basis.source)?.currency ?? "");
  return { lines, totalMinor: basis.totalMinor ?? sumLines(basis.lines ?? []), currency, basis };
}

function sumLines(lines: readonly OrderLine[]): number {
  return lines.reduce((sum, line) => sum + line.quantity * line.unitPriceMinor, 0);
}

/** Lines where the return names some, else its total, else the whole order. Of another currency: no money. */
function amountReturned(fact: OrderFact, ofOrder: string, orderTotalMinor: number): number {
  if (isAmountAbroad(fact, ofOrder)) return 0;
  if (fact.lines !== null && fact.lines.length > 0)
    return fact.lines.reduce((sum, line) => sum + Math.abs(line.quantity) * Math.abs(line.unitPriceMinor), 0);
  return fact.totalMinor === null ? orderTotalMinor : Math.abs(fact.totalMinor);
}

function isAmountAbroad({ currency, lines, totalMinor }: OrderFact, ofOrder: string): boolean {
  return currency !== "" && currency !== ofOrder && ((lines !== null && lines.length > 0) || totalMinor !== null);
}

function isWhollyReturned(
  lines: readonly OrderLine[],
  returns: readonly OrderFact[],
  ofOrder: string,
  totalMinor: number,
  returnedMinor: number,
): boolean {
  if (
    returns.some(
      (fact) =>
        (fact.lines === null || fact.lines.length === 0) &&
        !isAmountAbroad(fact, ofOrder) &&
        (fact.totalMinor === null || Math.abs(fact.totalMinor) >= totalMinor),
    )
  )
    return true;
  const open = new Map<string, number>();
  for (const line of lines)
    if (line.quantity > 0) open.set(line.productId, (open.get(line.productId) ?? 0) + line.quantity);
  for (const fact of returns)
    for (const line of fact.lines ?? [])
      if (open.has(line.productId)) open.set(line.productId, (open.get(line.productId) ?? 0) - Math.abs(line.quantity));
  return [...open.values()].every((quantity) => quantity <= 0) || (returnedMinor >= totalMinor && totalMinor > 0);
}
