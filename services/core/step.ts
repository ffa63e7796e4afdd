// One item of the inner log, applied: what the parts are next, and what the world and other homes are told.

import type { FoldOutcome, OutcomeReason } from "./acceptance.ts";
import { isAuthenticated, tellsOrders } from "./configuration.ts";
import { isWithoutFacts } from "./declaration.ts";
import { compareText } from "./comparison.ts";
import { restate } from "./assertion.ts";
import { componentPart, createComponent, isUntold, openAbroad, type Component, type Entry } from "./component.ts";
import type { Engine } from "./engine.ts";
import { tellSize } from "./announcement.ts";
import { applyErasure } from "./erasing.ts";
import { evaluateProfile } from "./evaluation.ts";
import { OCCURRED_AHEAD_MAX_MS, type ChannelEvent } from "./event.ts";
import { recordEvidence } from "./evidence.ts";
import { eventMark, recallEvent, rememberEvent } from "./event-window.ts";
import {
  createFragment,
  EVENT_TYPES_COUNTED_MAX,
  foldEvent,
  type Fragment,
  LOOSE_IN_SUMS,
  mergeFragment,
  TRAITS_MAX,
} from "./fragment.ts";
import { groupPart } from "./group.ts";
import { applyPlace } from "./group-home.ts";
import { applyAbsorb, applyHandover } from "./handover.ts";
import { settleIdentity } from "./identity.ts";
import type { Carried, ComponentId, EventItem, Item, RoutedIdentifier, StatusItem } from "./item.ts";
import { adoptLooseOrders, emptyFragment, foldOrderEvent, openFragment } from "./order-book.ts";
import { forgetMembership, forgetSummary, standingSum } from "./membership.ts";
import { orderPart } from "./order.ts";
import { keepObjections } from "./objection.ts";
import type { Cause } from "./profile.ts";
import { touchProfile } from "./publication.ts";
import { createNews, takeStatus } from "./region.ts";
import { applyRules } from "./rule-change.ts";
import { CHANGE_PART, openRuled, RULES_PART } from "./rules-in-force.ts";
import { createRuling, isGivenUp, takeRuling } from "./ruling.ts";
import { isErasedFor, shred } from "./shredding.ts";
import { SHARD_PART } from "./shard-time.ts";
import { applyProgress } from "./time.ts";
import { load, loadComponent, type Steps, type Workspace } from "./workspace.ts";

/** Items that may wait for a hand-over at one component; beyond it the shard stops with an alarm rather than lose one. */
export const PARKED_MAX = 10_000;

/** Folds one item. The caller ends the bundle with publishChanges. */
export function* applyItem(opened: Engine, workspace: Workspace, carried: Carried): Steps<void> {
  const { item, event } = carried;
  if (item.kind === "rules") return yield* applyRules(opened, workspace, item);
  const engine = yield* openRuled(opened, workspace);
  // Rules that depend on time, and what a restriction held back, are asked as of the shard's time.
  yield* load(workspace, [SHARD_PART]);
  if (item.kind === "progress") return yield* applyProgress(engine, workspace, item);
  if (item.kind === "event" && item.role === "place") return yield* applyPlace(workspace, item);
  if (item.kind === "absorb") return yield* applyAbsorb(engine, workspace, item);
  const present = yield* loadComponent(workspace, item.component);
  if (present?.forward !== undefined) {
    workspace.sends.push({ item: { ...item, component: present.forward }, event });
    return;
  }
  const component = present ?? createComponent(item.component);
  if (present === null) workspace.write(componentPart(component.id), component);
  switch (item.kind) {
    case "event":
      yield* applyEvent(engine, workspace, component, { item, event });
      break;
    case "status":
      applyStatus(engine, workspace, component, item);
      break;
    case "handover":
      workspace.write(componentPart(component.id), component);
      if (yield* applyHandover(engine, workspace, component, item)) yield* unpark(engine, workspace, component);
      break;
  }
}

/** The keys that an item is sure to need: for the shell to load a bundle's parts in one round trip. */
export function partsOf(item: Item): string[] {
  if (item.kind === "rules") return [SHARD_PART, RULES_PART, CHANGE_PART];
  if (item.kind === "progress") return [SHARD_PART, RULES_PART];
  if (item.kind === "event" && item.role === "place") return [RULES_PART, groupPart(item.order?.key ?? "")];
  const keys = [SHARD_PART, RULES_PART, componentPart(item.component)];
  if (item.kind === "event" && item.order?.local === true) keys.push(orderPart(item.order.key));
  return keys;
}

export function causeOf(item: EventItem, occurredAt: number | null): Cause {
  return {
    source: item.source,
    eventId: item.eventId,
    at: item.recordedAt,
    occurredAt,
    backfill: item.backfill,
    traceparent: item.traceparent,
  };
}

function* unpark(engine: Engine, workspace: Workspace, component: Component): Steps<void> {
  const { abroad } = component;
  if (abroad === null) return;
  const { parked } = abroad;
  abroad.parked = [];
  for (const carried of parked) yield* applyEvent(engine, workspace, component, carried);
}

/** Takes in what the item rules; true where that is news. */
function takeVerdict(component: Component, { ruling, recordedAt, source, eventId }: EventItem): boolean {
  if (ruling === null) return false;
  component.rulings ??= new Map();
  const stamp = { t: recordedAt, source, eventId };
  return takeRuling(component.rulings, createRuling(ruling.one, ruling.other, ruling.verdict, stamp));
}

/** The birth that a local identifier or order of the item has and this home does not hold yet. */
function findMissingBirth(component: Component, item: EventItem): ComponentId | null {
  const isMissing = ({ local, birth }: RoutedIdentifier) => local && !component.held.has(birth);
  const missing = item.identifiers.find(isMissing);
  if (missing !== undefined) return missing.birth;
  return item.order !== null && isMissing(item.order) ? item.order.birth : null;
}

function* applyEvent(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  arrived: Carried<EventItem>,
): Steps<void> {
  const { order } = arrived.item;
  if (order?.local === true) yield* load(workspace, [orderPart(order.key)]);
  const carried = shred(workspace, component, arrived);
  const { item, event: bytes } = carried;
  const missing = findMissingBirth(component, item);
  if (missing !== null) {
    const { parked } = openAbroad(component);
    if (parked.length >= PARKED_MAX)
      throw new Error(`component ${component.id} waits for ${missing} with ${PARKED_MAX} items`);
    parked.push(carried);
    workspace.write(componentPart(component.id), component);
    workspace.sends.push({
      item: { kind: "absorb", component: missing, into: component.id, cause: causeOf(item, null) },
      event: null,
    });
    return;
  }
  const event = bytes === null ? null : engine.decode(bytes);
  const toldAt = event?.occurredAt ?? item.ruling?.occurredAt ?? null;
  const clampedAt = toldAt === null ? null : Math.min(toldAt, item.recordedAt + OCCURRED_AHEAD_MAX_MS);
  const isClamped = clampedAt !== toldAt;
  const folded = event !== null && clampedAt !== null && isClamped ? { ...event, occurredAt: clampedAt } : event;
  const cause = causeOf(item, clampedAt);
  const mark = eventMark(item);
  const duplicate = item.role === "anchor" ? findDuplicate(component, item, mark) : null;
  if (duplicate === "later") return reportOutcome(workspace, item, "duplicate");

  if (item.erasure !== null && item.erasure !== undefined) {
    const touched = yield* applyErasure(engine, workspace, component, item, item.erasure, cause);
    return evaluateAffected(engine, workspace, component, touched, cause);
  }
  const affected = new Set<string>();
  // How a profile looked has to be seen before an identifier of it becomes known, or no longer is, or is called otherwise.
  for (const { key, namespace, assurance } of item.identifiers) {
    const entry = component.identifiers.get(key);
    if (entry === undefined || entry.profile === null) continue;
    const becomesKnown = entry.firstAuthenticated === null && isAuthenticated(assurance);
    if (becomesKnown || item.role === "ruling" || namespace !== entry.namespace || isUntold(entry))
      touchProfile(engine, workspace, component, entry.profile, cause);
  }
  const news = createNews();
  const ruled = takeVerdict(component, item);
  if (ruled) {
    news.whole = true;
    for (const { key } of item.identifiers)
      if (restate(engine.registry, component, key)) workspace.change(component, key);
    workspace.write(componentPart(component.id), component);
  }
  const emptied = ruled && item.ruling?.verdict === "released" ? component.identifiers.get(item.ruling.one) : undefined;
  if (emptied !== undefined) {
    if (emptied.profile !== null) touchProfile(engine, workspace, component, emptied.profile, cause);
    emptyFragment(workspace, component, emptied);
    forgetMembership(component);
  }
  const tells = !isWithoutFacts(item) || item.ruling?.verdict === "linked";
  const sizeBefore = component.identifiers.size;
  if ((tells && recordEvidence(engine, workspace, component, item, news)) || ruled) {
    tellSize(workspace, component, sizeBefore);
    for (const naming of settleIdentity(engine, workspace, component, cause, news)) affected.add(naming);
    // Being known is a fact: it can change where nobody's membership does, on profiles that this event brings no facts to.
    for (const { key } of item.identifiers) {
      const profile = component.identifiers.get(key)?.profile ?? null;
      if (profile === null) continue;
      touchProfile(engine, workspace, component, profile, cause);
      affected.add(profile);
    }
    // Whoever goes on having it has lost what was kept under it.
    if (emptied !== undefined && emptied.profile !== null)
      evaluateProfile(engine, workspace, component, emptied.profile, cause, "split");
    if (component.abroad !== null) yield* adoptLooseOrders(engine, workspace, component, cause, affected);
  }
  if (tells) keepObjectionsOf(engine, workspace, component, item, clampedAt ?? item.recordedAt, cause, affected);
  if (folded === null || item.role === "tie" || item.role === "ruling") {
    evaluateAffected(engine, workspace, component, affected, cause);
    // Its key was forgotten.
    if (item.role === "anchor") reportOutcome(workspace, item, "suppressed");
    // Told once, where the better of its two identifiers lives; the other home's copy may have come with a hand-over first.
    if (item.role === "ruling" && item.identifiers.some(({ key, local }) => local && key === item.anchor))
      reportOutcome(workspace, item, "folded", isClamped ? "occurred-at-clamped" : null);
    return;
  }
  const isNew = duplicate === null;
  const anchor = component.identifiers.get(item.anchor);
  if (anchor !== undefined && isErasedFor(anchor, item, folded.occurredAt)) {
    evaluateAffected(engine, workspace, component, affected, cause);
    if (item.role === "anchor") reportOutcome(workspace, item, "suppressed");
    return;
  }
  if (item.role === "anchor" && anchor !== undefined) {
    if (anchor.profile !== null) touchProfile(engine, workspace, component, anchor.profile, cause);
    // Also where the anchor is on no profile (a contested shareable one): it may be somebody's again.
    const fragment = openFragment(workspace, component, anchor);
    rememberEvent(fragment.seen, mark, item.recordedAt);
    if (isNew && !isGivenUp(component, anchor.key))
      foldFacts(engine, workspace, component, anchor, fragment, item, folded);
    if (isNew && anchor.profile !== null) affected.add(anchor.profile);
  }
  let outcome: FoldOutcome = isNew ? "folded" : "duplicate";
  const source = engine.registry.sources.get(item.source);
  if (item.order?.local === true && source !== undefined && tellsOrders(source, folded.type)) {
    const added = yield* foldOrderEvent(engine, workspace, component, item, folded, cause, affected);
    if (anchor === undefined) outcome = added;
  }
  evaluateAffected(engine, workspace, component, affected, cause);
  if (item.role === "anchor") reportOutcome(workspace, item, outcome, isClamped ? "occurred-at-clamped" : null);
}

/** Of the identifiers that live here. */
function keepObjectionsOf(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  item: EventItem,
  occurredAt: number,
  cause: Cause,
  affected: Set<string>,
): void {
  for (const { key, local, objections } of item.identifiers) {
    const entry = (objections ?? null) === null || !local ? undefined : component.identifiers.get(key);
    if (entry === undefined || isGivenUp(component, key) || isErasedFor(entry, item, occurredAt)) continue;
    const { profile } = entry;
    keepObjections(workspace, component, entry, objections ?? [], () => {
      if (profile === null) return;
      touchProfile(engine, workspace, component, profile, cause);
      affected.add(profile);
    });
  }
}

/** Adds the event to its anchor's fragment, and to the sum of the profile where that stands and no limit was met. */
function foldFacts(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  anchor: Entry,
  fragment: Fragment,
  item: EventItem,
  event: ChannelEvent,
): void {
  const limits = foldEvent(engine.registry, fragment, item, event);
  for (const limit of limits) workspace.effects.push({ kind: "limit", limit });
  if (anchor.profile === null) return;
  const sum = standingSum(component, anchor.profile, fragment);
  if (sum === null) return;
  if (limits.some((limit) => LOOSE_IN_SUMS.has(limit))) forgetSummary(component, anchor.profile);
  else if (sum.traits.size >= TRAITS_MAX || sum.byType.size >= EVENT_TYPES_COUNTED_MAX) {
    // The limits of a fragment do not bind the sum.
    const alone = createFragment();
    foldEvent(engine.registry, alone, item, event);
    mergeFragment(sum, alone);
  } else foldEvent(engine.registry, sum, item, event);
}

function evaluateAffected(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  affected: ReadonlySet<string>,
  cause: Cause,
): void {
  const namings = affected.size > 1 ? [...affected].sort(compareText) : affected;
  for (const naming of namings) evaluateProfile(engine, workspace, component, naming, cause, null);
}

/** later: nothing of it is new. earlier: the copy was recorded before the one that was folded, so its evidence counts from there. */
function findDuplicate(component: Component, item: EventItem, mark: number): "later" | "earlier" | null {
  const fragment = component.identifiers.get(item.anchor)?.fragment ?? null;
  const seen = fragment === null ? undefined : recallEvent(fragment.seen, mark);
  if (seen === undefined) return null;
  return item.recordedAt >= seen ? "later" : "earlier";
}

function reportOutcome(
  workspace: Workspace,
  item: EventItem,
  outcome: FoldOutcome,
  reason: OutcomeReason | null = null,
): void {
  workspace.effects.push({
    kind: "outcome",
    source: item.source,
    eventId: item.eventId,
    outcome,
    reason,
    anchor: item.anchor,
  });
}

function applyStatus(engine: Engine, workspace: Workspace, component: Component, item: StatusItem): void {
  if (component.identifiers.has(item.of) || component.held.has(item.birth)) return;
  const { far } = openAbroad(component);
  const end = far.get(item.of);
  if (end === undefined) {
    // It is sent once, and has overtaken the tie (parked here) or the hand-over (of the home that knows the tie).
    const { of: key, namespace, birth, version, status } = item;
    far.set(key, { key, namespace, birth, version, status });
    workspace.change(component, key);
    return;
  }
  if (end.version >= item.version) return;
  const news = createNews();
  takeStatus(engine.registry, component, end, item, news);
  workspace.change(component, end.key);
  const born = settleIdentity(engine, workspace, component, item.cause, news);
  evaluateAffected(engine, workspace, component, new Set(born), item.cause);
}
