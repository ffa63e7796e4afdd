// Orders of a component: each order's part, the totals of the identifier that it belongs to, and the lists by which a
// profile's orders are found again.

import type { FoldOutcome } from "./acceptance.ts";
import type { Engine } from "./engine.ts";
import { compareText } from "./comparison.ts";
import { componentPart, openAbroad, type Component, type Entry } from "./component.ts";
import type { ChannelEvent } from "./event.ts";
import { createFragment, type Fragment } from "./fragment.ts";
import type { EventItem } from "./item.ts";
import { forgetSummary, noteFragment, standingSum } from "./membership.ts";
import {
  addOrderFact,
  createOrder,
  eraseOrder,
  orderOwner,
  orderPart,
  viewOrder,
  type Order,
  type OrderView,
} from "./order.ts";
import { moveOrder, uncoversOthers } from "./order-totals.ts";
import type { Cause } from "./profile.ts";
import { touchProfile } from "./publication.ts";
import { isGivenUp } from "./ruling.ts";
import { moveAway } from "./successor.ts";
import { load, type Steps, type Workspace } from "./workspace.ts";

const ORDERS_LISTED_PER_PART = 64;

function listPart(identifierKey: string, n: number): string {
  return `l/${identifierKey}/${n}`;
}

/** The parts that list the orders of an identifier. */
export function listParts({ key, ordersListed }: Pick<Entry, "key" | "ordersListed">): string[] {
  return Array.from({ length: Math.ceil(ordersListed / ORDERS_LISTED_PER_PART) }, (_, n) => listPart(key, n));
}

/** Folds an order event into its order, unless that knows the event already, or went with who placed it. */
export function* foldOrderEvent(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  item: EventItem,
  event: ChannelEvent,
  cause: Cause,
  affected: Set<string>,
): Steps<FoldOutcome> {
  const named = item.order;
  if (named === null) return "duplicate";
  yield* load(workspace, [orderPart(named.key)]);
  const order = workspace.read<Order>(orderPart(named.key)) ?? createOrder(named.key, named.birth, named.value);
  if (order.erased === true) return "suppressed";
  const added = addOrderFact(order, item, event);
  if (added === "known") return "duplicate";
  if (added === "limit") workspace.effects.push({ kind: "limit", limit: "order-events" });
  workspace.write(orderPart(order.key), order);
  yield* adoptOrder(engine, workspace, component, order, cause, affected);
  return added === "moved" ? "duplicate" : "folded";
}

/**
 * Counts the order where it belongs now: under its owner's identifier, or loose while that lives elsewhere or is nobody, or
 * while the event that names it as one who knows it has not come here: until then it may be a stranger's who claimed it (I5).
 * Where its owner was erased it goes, and its key with it.
 * The profiles whose totals moved are added to `affected`.
 */
export function* adoptOrder(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  order: Order,
  cause: Cause,
  affected: Set<string>,
): Steps<void> {
  const owner = orderOwner(order);
  const named = owner === null ? undefined : component.identifiers.get(owner.key);
  const isOver = named?.erased?.kind === "own";
  const isUnconfirmed = named !== undefined && owner?.isAuthenticated === true && isUnknownYet(engine, named);
  const entry = isOver || isUnconfirmed ? undefined : named;
  const before = { owner: order.owner, view: order.view };
  const view = viewOrder(engine.registry, order);
  for (const key of [before.owner, entry === undefined ? null : owner?.key]) {
    const profile = key === null || key === undefined ? null : (component.identifiers.get(key)?.profile ?? null);
    if (profile === null) continue;
    touchProfile(engine, workspace, component, profile, cause);
    affected.add(profile);
  }
  const former = before.owner === null ? undefined : component.identifiers.get(before.owner);
  if (former !== undefined && (former !== entry || before.view !== null))
    moveTotals(workspace, component, former, order.key, before.view, former === entry ? view : null);
  if (isOver) {
    eraseOrder(order);
    workspace.write(orderPart(order.key), order);
    component.abroad?.looseOrders.delete(order.key);
    moveAway(engine, workspace, component, [order.key], [orderPart(order.key)], cause);
    return;
  }
  if (entry !== undefined && former !== entry) moveTotals(workspace, component, entry, order.key, null, view);
  order.view = view;
  order.owner = entry === undefined || owner === null ? null : owner.key;
  workspace.write(orderPart(order.key), order);
  if (entry === undefined || owner === null) {
    const { looseOrders, asked } = openAbroad(component);
    looseOrders.add(order.key);
    workspace.write(componentPart(component.id), component);
    if (owner !== null && !component.held.has(owner.birth) && !asked.has(owner.birth)) {
      asked.add(owner.birth);
      workspace.joins.push({ a: component.id, b: owner.birth, cause });
    }
  } else {
    if (component.abroad?.looseOrders.delete(order.key) === true)
      workspace.write(componentPart(component.id), component);
    if (former !== entry) yield* listOrder(workspace, component, entry, order.key);
  }
}

function isUnknownYet({ registry }: Engine, entry: Entry): boolean {
  return entry.firstAuthenticated === null && registry.namespaces.get(entry.namespace)?.kind !== "device";
}

/** The identifier's fragment, to be written into. */
export function openFragment(workspace: Workspace, component: Component, entry: Entry): Fragment {
  workspace.writeState(component, entry.key);
  if (entry.fragment === null) {
    entry.fragment = createFragment();
    // That there is one stands in the component.
    workspace.change(component, entry.key);
    noteFragment(component, entry);
  }
  return entry.fragment;
}

/** What is kept under an identifier that was given up is nobody's; that it has folded an event is still known. */
export function emptyFragment(workspace: Workspace, component: Component, entry: Entry): void {
  if (entry.fragment === null) return;
  entry.fragment = { ...createFragment(), seen: entry.fragment.seen };
  workspace.writeState(component, entry.key);
}

/** Moves the totals of the identifier, and of the profile's sum where that stands: what was taken back may uncover others. */
function moveTotals(
  workspace: Workspace,
  component: Component,
  entry: Entry,
  orderKey: string,
  before: OrderView | null,
  after: OrderView | null,
): void {
  if (isGivenUp(component, entry.key)) return;
  const fragment = openFragment(workspace, component, entry);
  moveOrder(fragment.orders, orderKey, before, after);
  if (entry.profile === null) return;
  const sum = standingSum(component, entry.profile, fragment);
  if (sum === null) return;
  if (uncoversOthers(sum.orders, orderKey, before, after)) forgetSummary(component, entry.profile);
  else moveOrder(sum.orders, orderKey, before, after);
}

function* listOrder(workspace: Workspace, component: Component, entry: Entry, orderKey: string): Steps<void> {
  const part = listPart(entry.key, Math.floor(entry.ordersListed / ORDERS_LISTED_PER_PART));
  yield* load(workspace, [part]);
  workspace.write(part, [...(workspace.read<string[]>(part) ?? []), orderKey]);
  entry.ordersListed += 1;
  workspace.change(component, entry.key);
}

/** Loose orders whose owner has come to live here. */
export function* adoptLooseOrders(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  cause: Cause,
  affected: Set<string>,
): Steps<void> {
  if (component.abroad === null || component.abroad.looseOrders.size === 0) return;
  const loose = [...component.abroad.looseOrders].sort(compareText);
  yield* load(workspace, loose.map(orderPart));
  for (const key of loose) {
    const order = workspace.read<Order>(orderPart(key));
    if (order !== null) yield* adoptOrder(engine, workspace, component, order, cause, affected);
  }
}
