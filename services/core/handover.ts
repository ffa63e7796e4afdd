// Hand-over: a component that the index has given a parent ships its state to the parent's home and keeps a forwarder.
// Whoever parks an item asks again, so a lost `absorb` cannot strand anything. An `absorb` may be repeated; a hand-over is on
// the log once.

import type { Engine } from "./engine.ts";
import { compareStamps, compareText } from "./comparison.ts";
import {
  attachState,
  componentPart,
  identifierOf,
  identifierPart,
  joinSlices,
  openAbroad,
  sliceComponent,
  stateOf,
  type Abroad,
  type Component,
  type Forwarder,
  type IdentifierState,
  type Part,
} from "./component.ts";
import { adoptLooseOrders, listPart, ORDERS_LISTED_PER_PART } from "./order-book.ts";
import { evaluateProfile } from "./evaluation.ts";
import { orderPart } from "./order.ts";
import { settleIdentity } from "./identity.ts";
import type { AbsorbItem, HandoverItem } from "./item.ts";
import { forgetMembership } from "./membership.ts";
import { publishComponent, touchProfile } from "./publication.ts";
import { takeRuling } from "./ruling.ts";
import { restoreTimers } from "./signal.ts";
import { dropTimers } from "./timer.ts";
import { load, loadComponent, type Steps, type Workspace } from "./workspace.ts";

export function* applyAbsorb(engine: Engine, workspace: Workspace, item: AbsorbItem): Steps<void> {
  const { component: id, into, cause } = item;
  if (id === into || compareText(into, id) > 0) return;
  const present = yield* loadComponent(workspace, id);
  if (present?.forward !== undefined) {
    if (present.forward === into) return;
    // Both are ancestors of this one, so one is an ancestor of the other: the later must be absorbed by the earlier.
    const [higher, lower] = compareText(present.forward, into) < 0 ? [present.forward, into] : [into, present.forward];
    workspace.sends.push({ item: { kind: "absorb", component: lower, into: higher, cause }, event: null });
    return;
  }
  const parts: Part[] = [];
  if (present !== null) {
    publishComponent(engine, workspace, id);
    const orderKeys = yield* listOrders(workspace, present);
    yield* load(workspace, orderKeys.map(orderPart));
    for (const slice of sliceComponent(present)) parts.push({ key: componentPart(id), value: slice });
    for (const key of present.identifiers.keys()) {
      const state = stateOf(present, key);
      if (state === null) continue;
      parts.push({ key: identifierPart(key), value: state });
      workspace.dropState(key);
    }
    for (const key of orderKeys) parts.push({ key: orderPart(key), value: workspace.read(orderPart(key)) });
    for (const key of orderKeys) workspace.write(orderPart(key), null);
    for (const [key, entry] of present.identifiers) {
      for (let n = 0; n * ORDERS_LISTED_PER_PART < entry.ordersListed; n += 1) {
        parts.push({ key: listPart(key, n), value: workspace.read(listPart(key, n)) });
        workspace.write(listPart(key, n), null);
      }
    }
    for (const naming of present.profiles.keys()) {
      dropTimers(workspace, id, naming);
    }
  }
  workspace.sends.push({
    item: { kind: "handover", component: into, from: id, last: true, parts, cause },
    event: null,
  });
  const forwarder: Forwarder = { id, forward: into };
  workspace.write(componentPart(id), forwarder);
}

/** Keys of all orders that live at the component. */
export function* listOrders(workspace: Workspace, component: Component): Steps<string[]> {
  const lists: string[] = [];
  for (const [key, entry] of component.identifiers) {
    for (let n = 0; n * ORDERS_LISTED_PER_PART < entry.ordersListed; n += 1) lists.push(listPart(key, n));
  }
  yield* load(workspace, lists);
  const listed = lists.flatMap((part) => workspace.read<string[]>(part) ?? []);
  return [...new Set([...listed, ...(component.abroad?.looseOrders ?? [])])];
}

/** Returns true when the hand-over is complete and the component has settled. */
export function* applyHandover(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  item: HandoverItem,
): Steps<boolean> {
  const { arriving, asked } = openAbroad(component);
  const chunks = [...(arriving.get(item.from) ?? []), ...item.parts];
  arriving.set(item.from, chunks);
  if (!item.last) return false;
  arriving.delete(item.from);
  const absorbed = joinSlices(
    chunks.filter(({ key }) => key === componentPart(item.from)).map(({ value }) => value as Component),
  );
  for (const { key, value } of chunks) {
    if (key === componentPart(item.from)) continue;
    const identifier = identifierOf(key);
    if (identifier === null) workspace.write(key, value);
    else if (absorbed !== undefined) attachState(absorbed, identifier, value as IdentifierState);
  }
  if (absorbed === undefined) component.held.add(item.from);
  else mergeComponent(engine, workspace, component, absorbed, item);
  for (const birth of asked) if (component.held.has(birth)) asked.delete(birth);
  const affected = new Set(settleIdentity(engine, workspace, component, item.cause));
  yield* adoptLooseOrders(engine, workspace, component, item.cause, affected);
  for (const naming of [...affected].sort(compareText))
    evaluateProfile(engine, workspace, component, naming, item.cause, null);
  return true;
}

function mergeComponent(
  engine: Engine,
  workspace: Workspace,
  into: Component,
  from: Component,
  item: HandoverItem,
): void {
  for (const [naming, record] of from.profiles)
    if (record.alive) touchProfile(engine, workspace, from, naming, item.cause);
  for (const birth of from.held) into.held.add(birth);
  for (const [key, entry] of from.identifiers) into.identifiers.set(key, entry);
  for (const [naming, record] of from.profiles) into.profiles.set(naming, record);
  for (const [key, evidence] of from.evidence) {
    const present = into.evidence.get(key);
    if (present === undefined || compareStamps(evidence.stamp, present.stamp) < 0) into.evidence.set(key, evidence);
  }
  if (from.rulings !== null) {
    into.rulings ??= new Map();
    for (const ruling of from.rulings.values()) takeRuling(into.rulings, ruling);
  }
  mergeAbroad(openAbroad(into), from.abroad);
  const { far, told } = openAbroad(into);
  for (const key of far.keys()) if (into.identifiers.has(key)) far.delete(key);
  told.clear();
  forgetMembership(into);
  for (const key of from.identifiers.keys()) workspace.writeState(into, key);
  for (const [naming, record] of from.profiles) {
    if (record.alive) touchProfile(engine, workspace, into, naming, item.cause);
    restoreTimers(engine, workspace, into, naming, record);
  }
}

function mergeAbroad(into: Abroad, from: Abroad | null): void {
  if (from === null) return;
  for (const order of from.looseOrders) into.looseOrders.add(order);
  for (const [key, end] of from.far) {
    const present = into.far.get(key);
    if (present === undefined || end.version > present.version) into.far.set(key, end);
  }
  into.parked.push(...from.parked);
  for (const [id, chunks] of from.arriving) into.arriving.set(id, [...(into.arriving.get(id) ?? []), ...chunks]);
  for (const birth of from.asked) into.asked.add(birth);
}
