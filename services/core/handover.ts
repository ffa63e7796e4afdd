// Hand-over: a component that the index has given a parent ships its state to the parent's home and keeps a forwarder.
// Whoever parks an item asks again, so a lost `absorb` cannot strand anything. An `absorb` may be repeated; a hand-over is on
// the log once.

import type { Engine } from "./engine.ts";
import { compareStamps, compareText, sortedEntries } from "./comparison.ts";
import {
  attachState,
  componentPart,
  identifierOf,
  identifierPart,
  joinSlices,
  openAbroad,
  pagePart,
  sliceComponent,
  stateOf,
  tieKey,
  type Abroad,
  type Component,
  type Entry,
  type Evidence,
  type Forwarder,
  type IdentifierState,
  type Part,
} from "./component.ts";
import { tellSize } from "./announcement.ts";
import { adoptLooseOrders, listParts } from "./order-book.ts";
import { evaluateProfile } from "./evaluation.ts";
import { isOrderPart, orderPart } from "./order.ts";
import { settleIdentity } from "./identity.ts";
import { handoverKey, type AbsorbItem, type ComponentId, type HandoverItem } from "./item.ts";
import { joinProfile } from "./membership.ts";
import { publishComponent, touchProfile } from "./publication.ts";
import { createNews, takeStatus, tieEvidence, tieIdentifier, type News } from "./region.ts";
import { reviseProfiles } from "./rule-change.ts";
import { causeOfRules, rulesInForce } from "./rules-in-force.ts";
import { takeRuling } from "./ruling.ts";
import { restoreTimers } from "./signal.ts";
import { dropTimers } from "./timer.ts";
import { isKnown } from "./weighed.ts";
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
    const orders = [...(yield* listOrders(workspace, present)).map(orderPart), ...listErasedOrders(present)];
    yield* load(workspace, orders);
    for (const slice of sliceComponent(present)) parts.push({ key: componentPart(id), value: slice });
    for (const key of present.identifiers.keys()) {
      const state = stateOf(present, key);
      if (state === null) continue;
      parts.push({ key: identifierPart(key), value: state });
      workspace.drop(identifierPart(key));
    }
    for (const place of present.pages?.keys() ?? []) workspace.drop(pagePart(id, place));
    for (const key of orders) parts.push({ key, value: workspace.read(key) });
    for (const key of orders) workspace.write(key, null);
    for (const key of [...present.identifiers.values()].flatMap(listParts)) {
      parts.push({ key, value: workspace.read(key) });
      workspace.write(key, null);
    }
    for (const [naming, record] of present.profiles) {
      dropTimers(workspace, id, naming, record);
    }
  }
  const rules = rulesInForce(workspace)?.sequence ?? 0;
  workspace.sends.push({
    item: {
      kind: "handover",
      component: into,
      from: id,
      last: true,
      parts,
      forgets: listForgotten(present),
      cause,
      rules,
    },
    event: null,
  });
  // Under the keys that it came under: of what is in a hand-over it would stay readable though these are destroyed.
  for (const { item, event } of present?.abroad?.parked ?? [])
    workspace.sends.push({ item: { ...item, component: into }, event });
  const forwarder: Forwarder = { id, forward: into };
  workspace.write(componentPart(id), forwarder);
}

/** With somebody's erasure, all that was handed over to the component: it is in what it hands over now. */
function listForgotten(component: Component | null): string[] {
  const forgets = [...(component?.abroad?.forgets ?? [])];
  if (component === null || forgets.every(isOrderPart)) return forgets;
  const came = [...component.held].filter((birth) => birth !== component.id);
  return [...forgets, ...came.map(handoverKey)];
}

function listErasedOrders({ abroad }: Component): string[] {
  return [...(abroad?.forgets ?? [])].filter(isOrderPart);
}

/** Keys of all orders that live at the component. */
export function* listOrders(workspace: Workspace, component: Component): Steps<string[]> {
  const lists = [...component.identifiers.values()].flatMap(listParts);
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
  const { forgets = [] } = item;
  const keys = forgets.filter((key) => !isOrderPart(key));
  if (keys.length > 0) workspace.effects.push({ kind: "keys-forgotten", keys });
  for (const part of forgets) if (isOrderPart(part)) openAbroad(component).forgets.add(part);
  const absorbed = joinSlices(
    chunks.filter(({ key }) => key === componentPart(item.from)).map(({ value }) => value as Component),
  );
  for (const { key, value } of chunks) {
    if (key === componentPart(item.from)) continue;
    const identifier = identifierOf(key);
    if (identifier === null) workspace.write(key, value);
    else if (absorbed !== undefined) attachState(absorbed, identifier, value as IdentifierState);
  }
  const news = createNews();
  const sizeBefore = component.identifiers.size;
  if (absorbed === undefined) holdBirth(workspace, component, item.from);
  else {
    mergeComponent(engine, workspace, component, absorbed, item, news);
    // These shards heard of the rules later than this one. Never earlier: the rules are on all their logs together.
    const inForce = rulesInForce(workspace);
    if (inForce !== null && inForce.sequence > (item.rules ?? 0)) {
      const cause = causeOfRules(inForce, Math.max(inForce.recordedAt, item.cause.at));
      reviseProfiles(engine, workspace, component, absorbed.profiles.keys(), cause);
    }
  }
  tellSize(workspace, component, sizeBefore);
  for (const birth of asked) if (component.held.has(birth)) asked.delete(birth);
  const affected = new Set(settleIdentity(engine, workspace, component, item.cause, news));
  yield* adoptLooseOrders(engine, workspace, component, item.cause, affected);
  for (const naming of [...affected].sort(compareText))
    evaluateProfile(engine, workspace, component, naming, item.cause, null);
  return true;
}

function holdBirth(workspace: Workspace, component: Component, birth: ComponentId): void {
  component.held.add(birth);
  workspace.change(component, birth);
}

function mergeComponent(
  engine: Engine,
  workspace: Workspace,
  into: Component,
  from: Component,
  item: HandoverItem,
  news: News,
): void {
  const profiles = sortedEntries(from.profiles);
  for (const [naming, record] of profiles) if (record.alive) touchProfile(engine, workspace, from, naming, item.cause);
  for (const birth of from.held) holdBirth(workspace, into, birth);
  for (const [naming, record] of profiles) into.profiles.set(naming, record);
  for (const entry of from.identifiers.values()) takeEntry(engine, workspace, into, entry, news);
  for (const [key, evidence] of from.evidence) takeEvidence(workspace, into, key, evidence);
  if (from.rulings !== null) {
    news.whole = true;
    into.rulings ??= new Map();
    for (const ruling of from.rulings.values()) takeRuling(into.rulings, ruling);
  }
  mergeAbroad(engine, workspace, into, from.abroad, news);
  for (const [naming, record] of profiles) {
    if (record.alive) touchProfile(engine, workspace, into, naming, item.cause);
    restoreTimers(engine, workspace, into, naming, record);
  }
}

function takeEntry({ registry }: Engine, workspace: Workspace, into: Component, entry: Entry, news: News): void {
  const { key } = entry;
  into.identifiers.set(key, entry);
  into.abroad?.far.delete(key);
  tieIdentifier(into, key);
  joinProfile(registry, into, entry);
  if (isKnown(registry, entry)) news.whole = true;
  else news.touched.add(key);
  workspace.change(into, key);
  workspace.writeState(into, key);
}

/** Between identifiers that both live here now nobody has to be told anything. */
function takeEvidence(workspace: Workspace, into: Component, key: string, evidence: Evidence): void {
  const { a, b, stamp } = evidence;
  const present = into.evidence.get(key);
  if (present === undefined) {
    into.evidence.set(key, evidence);
    tieEvidence(into, evidence);
  } else if (compareStamps(stamp, present.stamp) < 0) present.stamp = stamp;
  workspace.change(into, key);
  for (const tie of [tieKey(a, b), tieKey(b, a)])
    if (into.abroad?.told.delete(tie) === true) workspace.change(into, tie);
}

function mergeAbroad(
  { registry }: Engine,
  workspace: Workspace,
  component: Component,
  from: Abroad | null,
  news: News,
): void {
  if (from === null) return;
  const into = openAbroad(component);
  for (const order of from.looseOrders) into.looseOrders.add(order);
  for (const [key, end] of from.far) {
    if (component.identifiers.has(key)) continue;
    const present = into.far.get(key);
    if (present === undefined) into.far.set(key, end);
    else if (end.version > present.version) takeStatus(registry, component, present, end, news);
    workspace.change(component, key);
  }
  for (const [id, chunks] of from.arriving) into.arriving.set(id, [...(into.arriving.get(id) ?? []), ...chunks]);
  for (const birth of from.asked) into.asked.add(birth);
  for (const [key, at] of from.ended) into.ended.set(key, at);
}
