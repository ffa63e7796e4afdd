// The oracle's orders: each the set of its events, described from all of them at once.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareStamps, compareText } from "#core/comparison.ts";
import type { ChannelEvent, OrderLine, OrderPart } from "#core/event.ts";
import type { Registry } from "#core/registry.ts";
import { must, stampOf } from "./oracle-identity.ts";

export interface OracleOrder {
  readonly orderId: string;
  readonly status: string;
  readonly source: string;
  readonly currency: string;
  readonly totalMinor: number;
  readonly lines: readonly OrderLine[];
}

export interface OrderFacts {
  readonly key: string;
  readonly owner: string | null;
  /** When it was placed or paid first. */
  readonly at: number;
  readonly order: OracleOrder;
  readonly valid: boolean;
  readonly spentMinor: number;
  /** All that is known of it was told as history. */
  readonly history: boolean;
}

/** Orders of the sources trusted for them, by (origin, orderId). */
export function listOrders(
  registry: Registry,
  events: readonly AcceptedEvent[],
  history: ReadonlySet<AcceptedEvent> = new Set(),
): OrderFacts[] {
  const byKey = new Map<string, AcceptedEvent[]>();
  for (const event of events) {
    const trusted = must(registry.sources.get(event.source)).trustedForOrders;
    if (!trusted || event.order === null || !event.event.type.startsWith("order-")) continue;
    byKey.set(event.order.key, [...(byKey.get(event.order.key) ?? []), event]);
  }
  return [...byKey].map(([key, told]) => ({
    key,
    ...describeOrder(registry, told),
    history: told.every((event) => history.has(event)),
  }));
}

function describeOrder(registry: Registry, told: readonly AcceptedEvent[]): Omit<OrderFacts, "key" | "history"> {
  const recorded = told.toSorted((a, b) => compareStamps(stampOf(a), stampOf(b)));
  const naming = recorded.filter((event) => event.identifiers.length > 0);
  const owner = (naming.find(({ event }) => event.type === "order-placed") ?? naming[0])?.anchor ?? null;
  const has = (type: string, status: string) =>
    told.some(
      ({ event }) => event.type === type || (event.type !== "order-returned" && event.order?.status === status),
    );
  const { lines, totalMinor, currency, source } = chooseContent(registry, recorded);
  const back = told.filter(({ event }) => event.type === "order-returned");
  // What is told in another currency than the order's is no money of it; that everything came back needs no money.
  const returns = back.map((event) => {
    const part = must(event.event.order);
    const isForeign = ![null, currency].includes(toldCurrency(event));
    const isBare = (part.lines ?? []).length === 0 && !isPresent(part.totalMinor);
    return { ...part, isForeign: isForeign && !isBare };
  });
  const placed = has("order-placed", "placed") || has("order-paid", "paid");
  const returnedMinor = returns.reduce((sum, part) => sum + sumReturned(part, totalMinor), 0);
  const whole = returns.length > 0 && (!placed || isWhollyReturned(lines, totalMinor, returns, returnedMinor));
  const cancelled = has("order-cancelled", "cancelled");
  const valid = placed && !cancelled && !whole && totalMinor >= 0 && lines.some(({ quantity }) => quantity > 0);
  const statuses: [boolean, string][] = [
    [cancelled, "cancelled"],
    [has("order-refunded", "refunded"), "refunded"],
    [whole, "returned"],
    [returns.length > 0, "partly-returned"],
    [has("order-paid", "paid"), "paid"],
    [true, "placed"],
  ];
  const [, status] = must(statuses.find(([holds]) => holds));
  const orderId = must(must(recorded[0]).event.order).orderId;
  const order = { orderId, status, source, currency, totalMinor, lines };
  const says = (event: ChannelEvent) =>
    event.type === "order-placed" ||
    event.type === "order-paid" ||
    (event.type !== "order-returned" && ["placed", "paid"].includes(event.order?.status ?? ""));
  const at = Math.min(
    ...(placed ? told.filter(({ event }) => says(event)) : told).map(({ event }) => event.occurredAt),
  );
  return { owner, at, order, valid, spentMinor: valid ? Math.max(0, totalMinor - returnedMinor) : 0 };
}

/** The lines are the best ones told; the money is that of the best event that speaks of lines or money. */
function chooseContent(registry: Registry, recorded: readonly AcceptedEvent[]) {
  const types = ["order-placed", "order-paid", "order-updated"];
  const best = recorded
    .filter(({ event }) => types.includes(event.type))
    .toSorted((a, b) => compareSurvivors(registry, a, b) || compareText(b.source, a.source) || compareIds(b, a));
  const withLines = best.find(({ event }) => isPresent(event.order?.lines));
  const withMoney = best.find(({ event }) => isPresent(event.order?.lines) || isPresent(event.order?.totalMinor));
  const basis = withMoney ?? must(recorded[0]);
  const sold = basis.event.order?.lines ?? [];
  return {
    lines: withLines?.event.order?.lines ?? sold,
    totalMinor:
      basis.event.order?.totalMinor ?? sold.reduce((sum, line) => sum + line.quantity * line.unitPriceMinor, 0),
    currency:
      best
        .filter(({ event }) => isPresent(event.order?.lines) || isPresent(event.order?.totalMinor))
        .map(toldCurrency)
        .find(isPresent) ??
      toldCurrency(basis) ??
      must(registry.sources.get(basis.source)).currency,
    source: basis.source,
  };
}

function toldCurrency({ event }: AcceptedEvent): string | null {
  const told = event.order?.currency?.trim().toUpperCase() ?? "";
  return told === "" ? null : told;
}

type ReturnPart = OrderPart & { readonly isForeign: boolean };

/** What a return takes off: its lines, else its total, else everything. */
function sumReturned({ lines, totalMinor, isForeign }: ReturnPart, ofOrder: number): number {
  if (isForeign) return 0;
  const sum = (lines ?? []).reduce((minor, line) => minor + Math.abs(line.quantity * line.unitPriceMinor), 0);
  return (lines ?? []).length > 0 ? sum : Math.abs(totalMinor ?? ofOrder);
}

function isWhollyReturned(
  lines: readonly OrderLine[],
  totalMinor: number,
  returns: readonly ReturnPart[],
  returnedMinor: number,
): boolean {
  const blanket = returns.filter((part) => (part.lines ?? []).length === 0 && !part.isForeign);
  if (blanket.some((part) => Math.abs(part.totalMinor ?? totalMinor) >= totalMinor)) return true;
  if (returnedMinor >= totalMinor && totalMinor > 0) return true;
  return lines.every(({ productId, quantity }) => {
    const ordered = lines.filter((line) => line.productId === productId && line.quantity > 0);
    const back = returns.flatMap((part) => part.lines ?? []).filter((line) => line.productId === productId);
    const sum = (list: readonly OrderLine[]) => list.reduce((total, line) => total + Math.abs(line.quantity), 0);
    return quantity <= 0 || sum(back) >= sum(ordered);
  });
}

/** P3: source rank, then latest occurredAt; whoever sorts adds the fixed tie-break. */
export function compareSurvivors(registry: Registry, a: AcceptedEvent, b: AcceptedEvent): number {
  const rank = (event: AcceptedEvent) => must(registry.sources.get(event.source)).rank;
  return rank(a) - rank(b) || b.event.occurredAt - a.event.occurredAt;
}

export function compareIds(a: AcceptedEvent, b: AcceptedEvent): number {
  return compareText(a.event.eventId, b.event.eventId);
}

function isPresent(value: unknown): boolean {
  return value !== null && value !== undefined;
}
