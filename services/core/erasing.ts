// A request to forget a person, at the home of what it names (G1): facts go, profiles end, identifiers of hers are on no
// profile from here on and weigh as before. What is left of her are keyed hashes: that something was evidence, and nothing
// of what it said.

import type { Component, Entry, Erased } from "./component.ts";
import { componentPart, openAbroad } from "./component.ts";
import { isAuthenticated } from "./configuration.ts";
import type { Engine } from "./engine.ts";
import { instantOf, type ErasureKind } from "./erasure.ts";
import { endProfile, settleIdentity } from "./identity.ts";
import type { Carried, ComponentId, EventItem, RoutedErasure, RoutedIdentifier } from "./item.ts";
import { sealedUnder } from "./item.ts";
import { findClaiming, forgetMembership, membersOf } from "./membership.ts";
import { listPart, ORDERS_LISTED_PER_PART } from "./order-book.ts";
import { eraseOrder, orderPart, type Order } from "./order.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import { touchProfile } from "./publication.ts";
import { createNews } from "./region.ts";
import { closeSignals } from "./signal.ts";
import { setSegmentTimer } from "./timer.ts";
import { load, type Steps, type Workspace } from "./workspace.ts";

/** Returns the naming keys of the profiles that are to be evaluated. */
export function* applyErasure(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  item: EventItem,
  erasure: RoutedErasure,
  cause: Cause,
): Steps<Set<string>> {
  const marked = markEntries(component, item, erasure);
  const affected = new Set<string>();
  for (const { entry } of marked) {
    if (entry.profile !== null) touchProfile(engine, workspace, component, entry.profile, cause);
    for (const naming of findClaiming(component, entry)) touchProfile(engine, workspace, component, naming, cause);
  }
  const gone = yield* eraseOrders(workspace, component, item, marked);
  for (const { entry, erased } of marked) {
    const { key } = entry;
    if (erased.kind === "shared" && entry.profile !== null) affected.add(entry.profile);
    entry.fragment = null;
    entry.ordersListed = 0;
    entry.erased = erased;
    if (erased.hidden) entry.value = "";
    workspace.change(component, key);
    workspace.writeState(component, key);
  }
  const ended = marked.filter(({ entry, erased }) => erased.hidden && component.profiles.has(entry.key));
  for (const { entry } of ended) yieldProfile(component, entry.key);
  for (const { entry } of ended) endErased(engine, workspace, component, entry.key, erasure.requestId, cause);
  dropParked(workspace, component);
  const news = createNews();
  news.whole = true;
  forgetMembership(component);
  for (const born of settleIdentity(engine, workspace, component, cause, news)) affected.add(born);
  // Those whose identifiers were hers in part have lost facts.
  for (const { entry } of marked) if (entry.profile !== null) affected.add(entry.profile);
  const own = marked.flatMap(({ entry, erased }) => (erased.kind === "own" ? [entry.key] : []));
  // Of a request that is told again nothing is new.
  const isKnown = own.length === 0 && item.identifiers.some(({ key, local }) => local && erasure.own.includes(key));
  const orders = item.identifiers.flatMap(({ key, local }) => (local && erasure.orders.includes(key) ? [key] : []));
  if (!isKnown) moveAway(engine, workspace, component, [...own, ...orders], gone, erasure.requestId, cause);
  return affected;
}

/**
 * The component goes on as another one: so what is left of it comes onto the log as it is by now, counts and versions of
 * everybody else included, and nobody who folds the log anew needs what led there. Then the keys of that are forgotten.
 */
function moveAway(
  { registry }: Engine,
  workspace: Workspace,
  component: Component,
  keys: readonly string[],
  orders: readonly string[],
  requestId: string,
  cause: Cause,
): void {
  if (keys.length === 0) return;
  const { forgets } = openAbroad(component);
  for (const key of [...keys, ...orders]) forgets.add(key);
  workspace.write(componentPart(component.id), component);
  const next = succeed(component.id, registry.hash(`component\n${component.id}\n${requestId}`));
  workspace.joins.push({ a: component.id, b: next, cause });
}

/** An earlier component of the same class: joined with this one, it is what absorbs it. */
function succeed(id: ComponentId, hash: string): ComponentId {
  const [componentClass = "", recordedAt = ""] = id.split("-", 2);
  return `${componentClass}-${String(Number(recordedAt) - 1).padStart(recordedAt.length, "0")}-${hash}`;
}

/**
 * Whether what the event says is under the key of somebody who was erased: then it counts as not readable, as it will be.
 * Whoever had it on its way may have written her keys anew, so they are forgotten again.
 */
export function isShredded(workspace: Workspace, component: Component, { item, event }: Carried<EventItem>): boolean {
  const isHers = (key: string) => component.identifiers.get(key)?.erased?.kind === "own";
  const isSealedHers = event !== null && isHers(sealedUnder(item));
  const keys = item.identifiers.flatMap(({ key, value }) => (value !== "" && isHers(key) ? [key] : []));
  if (isSealedHers) keys.push(sealedUnder(item));
  if (keys.length > 0) workspace.effects.push({ kind: "keys-forgotten", keys });
  return isSealedHers;
}

/** Whether the facts of an event that is anchored here are none any more. */
export function isErasedFor(entry: Entry, item: EventItem, occurredAt: number): boolean {
  const { erased } = entry;
  if (erased === null) return false;
  if (erased.kind === "own") return true;
  if (instantOf(item.recordedAt, occurredAt) > erased.at) return false;
  return erased.kind === "shared" || item.identifiers.find(({ key }) => key === entry.key)?.assurance === "claimed";
}

interface Marked {
  readonly entry: Entry;
  readonly erased: Erased;
}

function markEntries(component: Component, item: EventItem, { at, own, claimed, shared }: RoutedErasure): Marked[] {
  const marked: Marked[] = [];
  const hers = new Set(own);
  const mark = (keys: readonly string[], kind: ErasureKind, isMeant: (entry: Entry) => boolean): void => {
    for (const { key, local } of item.identifiers) {
      const entry = keys.includes(key) && local ? component.identifiers.get(key) : undefined;
      if (entry === undefined || entry.erased?.kind === "own" || !isMeant(entry)) continue;
      // What is hidden stays so, whoever else shared it.
      const stays = kind === "shared" && entry.erased?.hidden === true;
      const upTo = Math.max(at, entry.erased?.at ?? 0);
      marked.push({
        entry,
        erased: { kind: stays ? "claimed" : kind, at: upTo, hidden: stays || kind !== "shared" },
      });
    }
  };
  mark(own, "own", () => true);
  // Somebody may have become known by it since, or have claimed it.
  mark(claimed, "claimed", ({ firstAuthenticated, profile }) => {
    if (firstAuthenticated !== null) return false;
    const members = profile === null ? [] : [...membersOf(component, profile)];
    const isKnownHers = members.some((key) => hers.has(key));
    return isKnownHers || !members.some((key) => component.identifiers.get(key)?.firstAuthenticated !== null);
  });
  mark(shared, "shared", () => true);
  return marked;
}

/** Her orders, whatever named them: by the lists of her identifiers, and those that the request names. */
function* eraseOrders(
  workspace: Workspace,
  component: Component,
  { identifiers }: EventItem,
  marked: readonly Marked[],
): Steps<string[]> {
  const lists = marked.flatMap(({ entry: { key, ordersListed } }) =>
    Array.from({ length: Math.ceil(ordersListed / ORDERS_LISTED_PER_PART) }, (_, n) => listPart(key, n)),
  );
  yield* load(workspace, lists);
  const named = identifiers.flatMap(({ key, local, namespace }) => (local && namespace === "order" ? [key] : []));
  const keys = new Set([...lists.flatMap((part) => workspace.read<string[]>(part) ?? []), ...named]);
  yield* load(workspace, [...keys].map(orderPart));
  const owners = new Set(marked.map(({ entry }) => entry.key));
  const gone: string[] = [];
  for (const key of keys) {
    const order = workspace.read<Order>(orderPart(key));
    if (order === null || (order.owner !== null && !owners.has(order.owner))) continue;
    eraseOrder(order);
    gone.push(orderPart(key));
    workspace.write(orderPart(key), order);
    if (component.abroad?.looseOrders.delete(key) === true) workspace.write(componentPart(component.id), component);
  }
  for (const part of lists) workspace.write(part, null);
  return gone;
}

/** Whoever was on it is on none, so that nobody is told to come from it. */
function yieldProfile(component: Component, naming: string): void {
  for (const key of membersOf(component, naming)) {
    const entry = component.identifiers.get(key);
    if (entry !== undefined) entry.profile = null;
  }
}

/** The world is told that the id is no more; what is kept of it are numbers, so that they go on. */
function endErased(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  requestId: string,
  cause: Cause,
): void {
  const record = component.profiles.get(naming) as ProfileRecord;
  touchProfile(engine, workspace, component, naming, cause);
  closeSignals(workspace, component, naming, record);
  setSegmentTimer(workspace, component.id, naming, record, null);
  endProfile(engine, workspace, record, cause, "erasure");
  workspace.effects.push({ kind: "profile-erased", profileId: record.id, requestId, cause });
  record.segmentSince = null;
  record.lastTransitionOccurredAt = null;
  record.touchedUpTo = null;
  record.evaluatedAsOf = 0;
  record.standing = [];
  record.endedBy = null;
  record.signalled = [];
  record.heldCause = null;
  record.look = null;
}

/** What waits for a hand-over and is about her brings evidence alone. */
function dropParked(workspace: Workspace, component: Component): void {
  const { abroad } = component;
  if (abroad === null || abroad.parked.length === 0) return;
  abroad.parked = abroad.parked.map((carried) => silence(component, carried));
  workspace.write(componentPart(component.id), component);
}

/** An item that waits here, as it is to be applied when it no longer has to. */
export function silence(component: Pick<Component, "identifiers">, carried: Carried<EventItem>): Carried<EventItem> {
  const { item } = carried;
  const identifiers = item.identifiers.map((one) => silenceIdentifier(component, item, one));
  const isOver = item.role === "anchor" && component.identifiers.get(item.anchor)?.erased?.kind === "own";
  if (isOver) return { item: { ...item, identifiers, role: "tie" }, event: null };
  return { item: { ...item, identifiers }, event: carried.event };
}

/** Of what only claims had tied to her what somebody knows, or says later, is still to be said when it is applied. */
function silenceIdentifier(
  component: Pick<Component, "identifiers">,
  { recordedAt }: EventItem,
  one: RoutedIdentifier,
): RoutedIdentifier {
  const erased = component.identifiers.get(one.key)?.erased ?? null;
  if (erased === null || !erased.hidden) return one;
  if (erased.kind === "own") return { ...one, value: "" };
  return isAuthenticated(one.assurance) || recordedAt > erased.at ? one : { ...one, value: "", erased: "claimed" };
}
