// A request to forget a person, at the home of what it names (G1): facts go, profiles end, identifiers of hers are on no
// profile from here on and weigh as before. What is left of her are keyed hashes: that something was evidence, and nothing
// of what it said.

import type { Component, Entry, Erased } from "./component.ts";
import { componentPart, openAbroad } from "./component.ts";
import type { Engine } from "./engine.ts";
import type { ErasureKind } from "./erasure.ts";
import { endProfile, settleIdentity } from "./identity.ts";
import type { EventItem, RoutedErasure } from "./item.ts";
import { listKeyNames } from "./item.ts";
import { findClaiming, forgetMembership, membersOf } from "./membership.ts";
import { listParts } from "./order-book.ts";
import { createOrder, eraseOrder, orderPart, type Order } from "./order.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import { touchProfile } from "./publication.ts";
import { createNews } from "./region.ts";
import { forgetAgain, silence } from "./shredding.ts";
import { closeSignals } from "./signal.ts";
import { moveAway } from "./successor.ts";
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
  const { marked, again } = markEntries(component, item, erasure);
  forgetAgain(workspace, component, again);
  endUnmet(workspace, component, item, erasure);
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
  dropParked(workspace, component, new Set(gone.keys));
  const news = createNews();
  news.whole = true;
  forgetMembership(component);
  for (const born of settleIdentity(engine, workspace, component, cause, news)) affected.add(born);
  // Those whose identifiers were hers in part have lost facts.
  for (const { entry } of marked) if (entry.profile !== null) affected.add(entry.profile);
  const keys = new Set([...marked.flatMap(({ over }) => over), ...gone.keys]);
  moveAway(engine, workspace, component, [...keys], gone.parts, cause);
  return affected;
}

interface Marked {
  readonly entry: Entry;
  readonly erased: Erased;
  /** Names of its keys that end with this. */
  readonly over: readonly string[];
}

/**
 * again: names of keys that ended before this item came. Of a request that is told again they are destroyed; of what was met
 * as erased first, by whoever had read the request sooner, they may not be.
 */
function markEntries(
  component: Component,
  item: EventItem,
  { at, own, claimed, shared }: RoutedErasure,
): { readonly marked: readonly Marked[]; readonly again: readonly string[] } {
  const marked: Marked[] = [];
  const again: string[] = [];
  const hers = new Set(own);
  const mark = (keys: readonly string[], kind: ErasureKind, isWanted: (entry: Entry) => boolean): void => {
    for (const { key, local, rotation = 0 } of item.identifiers) {
      const entry = keys.includes(key) && local ? component.identifiers.get(key) : undefined;
      if (entry === undefined) continue;
      const { at: before, hidden, rotation: from } = entry.erased ?? { at: 0, hidden: false, rotation: 0 };
      if (entry.erased?.kind === "own" || (kind !== "own" && rotation <= from)) {
        again.push(...listKeyNames(key, 0, kind === "own" ? rotation + 1 : rotation));
        continue;
      }
      if (!isWanted(entry)) continue;
      // What is hidden stays so, whoever else shared it.
      const stays = kind === "shared" && hidden;
      const erased = {
        at: Math.max(at, before),
        hidden: stays || kind !== "shared",
        rotation: Math.max(rotation, from),
      };
      const end = kind === "own" ? erased.rotation + 1 : erased.rotation;
      marked.push({
        entry,
        erased: { kind: stays ? "claimed" : kind, ...erased },
        over: listKeyNames(key, from, end),
      });
    }
  };
  mark(own, "own", () => true);
  // Somebody may have become known by it since, or have claimed it.
  mark(claimed, "claimed", (entry) => isMeant(component, entry, hers));
  mark(shared, "shared", () => true);
  return { marked, again };
}

/** Whether a request of these lives means an identifier that only claims had tied to her. */
function isMeant(component: Component, { firstAuthenticated, profile }: Entry, hers: ReadonlySet<string>): boolean {
  if (firstAuthenticated !== null) return false;
  const members = profile === null ? [] : [...membersOf(component, profile)];
  const isKnownHers = members.some((key) => hers.has(key));
  return isKnownHers || !members.some((key) => component.identifiers.get(key)?.firstAuthenticated !== null);
}

/** Whether a request with these lives, which lists the identifier as of this kind and rotation, has nothing to do here any more. */
export function isForgottenAt(
  component: Component,
  entry: Entry,
  kind: ErasureKind,
  rotation: number,
  hers: ReadonlySet<string>,
): boolean {
  if (entry.erased?.kind === "own") return true;
  if (kind === "own") return false;
  return (entry.erased?.rotation ?? 0) >= rotation || (kind === "claimed" && !isMeant(component, entry, hers));
}

/**
 * Lives of hers that have nothing here. What was told of one is on its way, parked perhaps, from whoever did not know of the
 * request; or it was that the identifier was given up, which leaves no entry, and its name on the log.
 */
function endUnmet(workspace: Workspace, component: Component, item: EventItem, { at, own }: RoutedErasure): void {
  for (const { key, local, rotation = 0 } of item.identifiers) {
    if (!local || !own.includes(key) || component.identifiers.has(key)) continue;
    forgetAgain(workspace, component, listKeyNames(key, 0, rotation + 1));
    openAbroad(component).ended.set(key, at);
    workspace.write(componentPart(component.id), component);
  }
}

/**
 * Her orders, whatever named them: by the lists of her identifiers, and those that the request names. Returns their parts, and
 * the names of the keys that end with them: of what has gone before nothing is new.
 */
function* eraseOrders(
  workspace: Workspace,
  component: Component,
  { identifiers }: EventItem,
  marked: readonly Marked[],
): Steps<{ readonly parts: readonly string[]; readonly keys: readonly string[] }> {
  const lists = marked.flatMap(({ entry }) => listParts(entry));
  yield* load(workspace, lists);
  const named = identifiers.filter(({ local, namespace }) => local && namespace === "order");
  const births = new Map(named.map(({ key, birth }) => [key, birth]));
  const keys = new Set([...lists.flatMap((part) => workspace.read<string[]>(part) ?? []), ...births.keys()]);
  yield* load(workspace, [...keys].map(orderPart));
  const owners = new Set(marked.map(({ entry }) => entry.key));
  const parts: string[] = [];
  const ended: string[] = [];
  for (const key of keys) {
    const birth = births.get(key);
    // Of a life of which nothing has come yet: whatever does goes with it.
    const order = workspace.read<Order>(orderPart(key)) ?? (birth === undefined ? null : createOrder(key, birth, ""));
    if (order === null || (order.owner !== null && !owners.has(order.owner))) continue;
    if (order.erased !== true) ended.push(key);
    eraseOrder(order);
    parts.push(orderPart(key));
    workspace.write(orderPart(key), order);
    if (component.abroad?.looseOrders.delete(key) === true) workspace.write(componentPart(component.id), component);
  }
  for (const part of lists) workspace.write(part, null);
  return { parts, keys: ended };
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
function dropParked(workspace: Workspace, component: Component, orders: ReadonlySet<string>): void {
  const { abroad } = component;
  if (abroad === null || abroad.parked.length === 0) return;
  abroad.parked = abroad.parked.map((carried) => silence(component, carried, orders));
  workspace.write(componentPart(component.id), component);
}
