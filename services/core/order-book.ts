// Orders of a component: each order's part, the totals of the identifier that it belongs to, and the lists by which a
// profile's orders are found again.

import type { Engine } from "./engine.ts";
import { compareText } from "./comparison.ts";
import type { Component, Entry } from "./component.ts";
import type { ChannelEvent } from "./event.ts";
import { createFragment, type Fragment } from "./fragment.ts";
import type { EventItem } from "./item.ts";
import { addOrderFact, createOrder, orderOwner, orderPart, viewOrder, type Order } from "./order.ts";
import { moveOrder } from "./order-totals.ts";
import type { Cause } from "./profile.ts";
import { touchProfile } from "./publication.ts";
import { load, type Steps, type Workspace } from "./workspace.ts";

export const ORDERS_LISTED_PER_PART = 64;

export function listPart(identifierKey: string, n: number): string {
  return `l/${identifierKey}/${n}`;
}

/** Folds an order event into its order; false where the order knows the event already. */
export function* foldOrderEvent(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  item: EventItem,
  event: ChannelEvent,
  cause: Cause,
  affected: Set<string>,
): Steps<boolean> {
  const named = item.order;
  if (named === null) return false;
  yield* load(workspace, [orderPart(named.key)]);
  const order = workspace.read<Order>(orderPart(named.key)) ?? createOrder(named.key, named.birth, named.value);
  const added = addOrderFact(engine.registry, order, item, event);
  if (added === "known") return false;
  if (added === "limit") workspace.effects.push({ kind: "limit", limit: "order-events" });
  workspace.write(orderPart(order.key), order);
  yield* adoptOrder(engine, workspace, component, order, cause, affected);
  return added !== "moved";
}

/**
 * Counts the order where it belongs now: under its owner's identifier, or loose while that lives elsewhere or is nobody.
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
  const entry = owner === null ? undefined : component.identifiers[owner.key];
  const before = { owner: order.owner, view: order.view };
  const view = viewOrder(engine.registry, order);
  for (const key of [before.owner, entry === undefined ? null : owner?.key]) {
    const profile = key === null || key === undefined ? null : (component.identifiers[key]?.profile ?? null);
    if (profile === null) continue;
    touchProfile(engine, workspace, component, profile, cause);
    affected.add(profile);
  }
  const former = before.owner === null ? undefined : component.identifiers[before.owner];
  if (former !== undefined && (former !== entry || before.view !== null))
    moveOrder(fragmentOf(former).orders, order.key, before.view, former === entry ? view : null);
  if (entry !== undefined && former !== entry) moveOrder(fragmentOf(entry).orders, order.key, null, view);
  order.view = view;
  order.owner = entry === undefined || owner === null ? null : owner.key;
  workspace.write(orderPart(order.key), order);
  if (entry === undefined || owner === null) {
    component.looseOrders[order.key] = true;
    if (owner !== null && component.held[owner.birth] !== true && component.asked[owner.birth] !== true) {
      component.asked[owner.birth] = true;
      workspace.joins.push({ a: component.id, b: owner.birth, cause });
    }
  } else {
    delete component.looseOrders[order.key];
    if (former !== entry) yield* listOrder(workspace, owner.key, entry, order.key);
  }
}

export function fragmentOf(entry: Entry): Fragment {
  entry.fragment ??= createFragment();
  return entry.fragment;
}

function* listOrder(workspace: Workspace, identifierKey: string, entry: Entry, orderKey: string): Steps<void> {
  const part = listPart(identifierKey, Math.floor(entry.ordersListed / ORDERS_LISTED_PER_PART));
  yield* load(workspace, [part]);
  workspace.write(part, [...(workspace.read<string[]>(part) ?? []), orderKey]);
  entry.ordersListed += 1;
}

/** Loose orders whose owner has come to live here. */
export function* adoptLooseOrders(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  cause: Cause,
  affected: Set<string>,
): Steps<void> {
  const loose = Object.keys(component.looseOrders).sort(compareText);
  yield* load(workspace, loose.map(orderPart));
  for (const key of loose) {
    const order = workspace.read<Order>(orderPart(key));
    if (order !== null) yield* adoptOrder(engine, workspace, component, order, cause, affected);
  }
}
