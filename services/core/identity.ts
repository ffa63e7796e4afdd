// From a settlement to profiles: which profiles go on, which are absorbed, which are new, and what the world and the
// other homes are told. The profile goes where its naming identifier goes.

import { announce, pointAliases, tellConfinement, tellFarEnds, tellLimit, tellMoves } from "./announcement.ts";
import type { Engine } from "./engine.ts";
import { compareText } from "./comparison.ts";
import { componentPart, openAbroad, type Component, type Entry } from "./component.ts";
import type { SegmentTransition, TransitionCause } from "./effect.ts";
import { evaluateProfile, evaluateRemainder, moveSegment, thawProfile } from "./evaluation.ts";
import { forgetMembership, isPending, setStanding } from "./membership.ts";
import { NO_PASSAGE } from "./passage.ts";
import { createProfileRecord, profileId, type Cause, type ProfileRecord } from "./profile.ts";
import { touchProfile } from "./publication.ts";
import { tieKeptOut, type News } from "./region.ts";
import { isMailbox } from "./mailbox.ts";
import { endMoves } from "./retraction.ts";
import type { Registry } from "./registry.ts";
import { isGivenUp } from "./ruling.ts";
import { closeSignals, joinSignalled } from "./signal.ts";
import { setSegmentTimer } from "./timer.ts";
import { compareNaming, weighNews, type Settlement } from "./settlement.ts";
import type { Workspace } from "./workspace.ts";

/**
 * Weighs what the news may move, the whole component or a region of it, and moves its profiles accordingly. Profiles that
 * existed before and whose membership changed are evaluated at once, so that a transition by evidence alone is told apart
 * from one by facts; newborn ones are evaluated with the facts that bore them, so they are what is returned: everybody is
 * in a segment, also those who brought no facts.
 */
export function settleIdentity(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  cause: Cause,
  news: News,
): string[] {
  const { registry } = engine;
  const settlement = weighNews(registry, component, news);
  const { weighing, movers, groups, evidence, namings } = settlement;
  for (const naming of namings) touchProfile(engine, workspace, component, naming, cause);
  const wasPending = new Set(namings.filter((naming) => isPending(component, naming)));
  const former = new Map<string, string | null>();
  const namingOf = new Map<string, string | null>();
  for (const { members, naming } of groups) {
    for (const key of members) {
      former.set(key, component.identifiers.get(key)?.profile ?? null);
      namingOf.set(key, naming);
    }
  }
  if (settlement.isWhole) {
    forgetMembership(component);
    component.ties = null;
  }
  /** They were on no profile, and are on one again, with what they had brought. */
  const freed = new Set<string>();
  const confined: Entry[] = [];
  const limited: Entry[] = [];
  for (const { entry, quarantined, contested, pending, shown, limited: isLimited } of movers) {
    if (quarantined !== (entry.state === "quarantined")) confined.push(entry);
    if (isLimited && !entry.limited) limited.push(entry);
    if (isLimited !== entry.limited || shown.length + entry.claimants.length > 0)
      workspace.change(component, entry.key);
    entry.limited = isLimited;
    const wasNobodys = entry.status !== null && entry.profile === null && isGivenUp(component, entry.key);
    if (wasNobodys || (entry.claimants.length > 0 && shown.length === 0)) freed.add(entry.key);
    entry.claimants = shown;
    const state = quarantined ? "quarantined" : contested ? "contested" : "owned";
    const profile = namingOf.get(entry.key) ?? null;
    if (setStanding(registry, component, entry, { profile, state, pending })) workspace.change(component, entry.key);
  }
  const born = assignProfiles(engine, workspace, component, settlement, former, freed, wasPending, cause);
  for (const entry of confined) tellConfinement(registry, workspace, component, entry, former, cause);
  for (const entry of limited) tellLimit(registry, workspace, component, entry, cause);
  tellFarEnds(workspace, component, movers, evidence, cause);
  for (const { entry } of movers) tieKeptOut(component, entry);
  for (const birth of [...weighing.joins].sort(compareText)) {
    const { asked } = openAbroad(component);
    if (component.held.has(birth) || asked.has(birth)) continue;
    asked.add(birth);
    workspace.write(componentPart(component.id), component);
    workspace.joins.push({ a: component.id, b: birth, cause });
  }
  return born;
}

function assignProfiles(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  { groups, named }: Settlement,
  former: ReadonlyMap<string, string | null>,
  freed: ReadonlySet<string>,
  wasPending: ReadonlySet<string>,
  cause: Cause,
): string[] {
  const { registry } = engine;
  const profiles = groups.flatMap(({ members, naming }) => (naming === null ? [] : { members, naming }));
  for (const { members, naming } of groups)
    for (const key of members)
      if (naming === null || isGivenUp(component, key)) endHeldApart(engine, workspace, component, key, cause);
  const formerSizes = new Map<string, number>();
  for (const profile of former.values())
    if (profile !== null) formerSizes.set(profile, (formerSizes.get(profile) ?? 0) + 1);
  const born: string[] = [];
  const told = new Set<string>();
  const renamed = new Map<string, string>();
  const changed: { naming: string; artefact: "merge" | "split" | null }[] = [];
  for (const { members, naming } of profiles.sort((a, b) => compareText(a.naming, b.naming))) {
    const incoming = findIncoming(component, members);
    const survivor = incoming.includes(naming) ? naming : firstNamed(component, incoming);
    const record = openRecord(engine, workspace, component, naming);
    touchProfile(engine, workspace, component, naming, cause);
    const split = findFormer(registry, component, members, former);
    const gained = members.some((key) => freed.has(key) || (former.get(key) !== null && former.get(key) !== survivor));
    const moved =
      gained || (survivor !== null && (formerSizes.get(survivor) ?? 0) > countFormer(former, members, survivor));
    if (survivor === null) {
      record.alive = true;
      record.segment = null;
      record.segmentSince = null;
      record.leavingSince = null;
      record.audiences = [];
      record.scores = [];
      record.signals = [];
      if (split !== null) {
        const other = component.profiles.get(split) ?? null;
        const moved = listEntries(component, members, (key) => former.get(key) === split);
        announce(registry, workspace, component, "split", naming, other, moved, cause);
        for (const { key } of moved) told.add(key);
        changed.push({ naming, artefact: "split" });
      } else {
        record.endedBy = null;
        born.push(naming);
      }
      continue;
    }
    if (survivor !== naming) {
      renameProfile(engine, workspace, component, survivor, naming, cause);
      renamed.set(survivor, naming);
    }
    for (const absorbed of incoming)
      if (absorbed !== survivor) {
        const moved = listEntries(component, members, (key) => former.get(key) === absorbed);
        if (moved.length < (formerSizes.get(absorbed) ?? 0))
          evaluateRemainder(engine, workspace, component, absorbed, moved, cause);
        absorbProfile(engine, workspace, component, absorbed, naming, moved, cause);
        for (const { key } of moved) told.add(key);
      }
    if (moved || survivor !== naming || incoming.length > 1 || wasPending.has(survivor))
      changed.push({ naming, artefact: incoming.length > 1 || gained ? "merge" : moved ? "split" : null });
  }
  tellMoves(registry, workspace, component, groups, { former, told, renamed }, cause);
  pointAliases(workspace, component, named, cause);
  for (const { naming, artefact } of changed) {
    const held = component.profiles.get(naming)?.heldCause ?? null;
    evaluateProfile(engine, workspace, component, naming, held !== null && artefact === null ? held : cause, artefact);
  }
  return born;
}

function listEntries(component: Component, keys: readonly string[], isWanted: (key: string) => boolean): Entry[] {
  return keys.filter(isWanted).map((key) => component.identifiers.get(key) as Entry);
}

/** The profile that a member comes from; of a mailbox, which no output lists, it is not asked. */
function findFormer(
  registry: Registry,
  { identifiers }: Component,
  members: readonly string[],
  former: ReadonlyMap<string, string | null>,
): string | null {
  const isFrom = (key: string) =>
    (former.get(key) ?? null) !== null && !isMailbox(registry, identifiers.get(key) as Entry);
  return former.get(members.find(isFrom) ?? "") ?? null;
}

/** The living profiles whose naming identifier is a member; groups are disjoint, so this group alone changes them. */
function findIncoming(component: Component, members: readonly string[]): string[] {
  return members.filter((key) => component.profiles.get(key)?.alive === true).sort(compareText);
}

function countFormer(former: ReadonlyMap<string, string | null>, members: readonly string[], profile: string): number {
  let count = 0;
  for (const key of members) if (former.get(key) === profile) count += 1;
  return count;
}

function firstNamed(component: Component, namings: readonly string[]): string | null {
  const entries = namings.map((naming) => {
    const entry = component.identifiers.get(naming) as Entry;
    return { naming, entry, stamp: entry.firstAuthenticated ?? entry.first };
  });
  entries.sort(
    (a, b) =>
      Number(b.entry.firstAuthenticated !== null) - Number(a.entry.firstAuthenticated !== null) || compareNaming(a, b),
  );
  return entries[0]?.naming ?? null;
}

function openRecord(engine: Engine, workspace: Workspace, component: Component, naming: string): ProfileRecord {
  const present = component.profiles.get(naming);
  if (present !== undefined) return present;
  const record = createProfileRecord(profileId(engine.registry.hash, naming));
  component.profiles.set(naming, record);
  // That there is state under it stands in the component.
  workspace.change(component, naming);
  return record;
}

/** What is on no profile, and what was given up, names none: one that it had named ends. */
function endHeldApart(engine: Engine, workspace: Workspace, component: Component, key: string, cause: Cause): void {
  const record = component.profiles.get(key);
  if (record === undefined || !record.alive) return;
  closeSignals(workspace, component, key, record);
  setSegmentTimer(workspace, component.id, key, record, null);
  endProfile(engine, workspace, record, cause, "split");
  endMoves(record, null);
}

/** The same profile under another id: segment and open signal go with it, and no transition is made of it. */
function renameProfile(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  old: string,
  naming: string,
  cause: Cause,
): void {
  const from = component.profiles.get(old) as ProfileRecord;
  const to = component.profiles.get(naming) as ProfileRecord;
  closeSignals(workspace, component, old, from);
  setSegmentTimer(workspace, component.id, old, from, null);
  to.alive = true;
  to.segment = from.segment;
  to.segmentSince = from.segmentSince;
  to.leavingSince = from.leavingSince;
  to.audiences = from.audiences;
  to.scores = from.scores;
  to.frozen = from.frozen;
  to.lastTransitionOccurredAt = from.lastTransitionOccurredAt;
  to.touchedUpTo = from.touchedUpTo;
  to.evaluatedAsOf = Math.max(from.evaluatedAsOf, to.evaluatedAsOf);
  to.standing = from.standing;
  to.endedBy = null;
  joinSignalled(to, from);
  to.heldCause = from.heldCause;
  from.alive = false;
  from.segment = null;
  from.segmentSince = null;
  from.frozen = null;
  from.heldCause = null;
  endMoves(from, null);
  announce(engine.registry, workspace, component, "alias", naming, from, null, cause);
}

function absorbProfile(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  absorbed: string,
  naming: string,
  moved: readonly Entry[],
  cause: Cause,
): void {
  const from = component.profiles.get(absorbed) as ProfileRecord;
  const to = component.profiles.get(naming) as ProfileRecord;
  closeSignals(workspace, component, absorbed, from);
  setSegmentTimer(workspace, component.id, absorbed, from, null);
  const end = endProfile(engine, workspace, from, cause, cause.backfill ? "backfill" : "merge");
  // Not evaluated since it came out of another one: the world still knows the end before.
  if (end !== null) endMoves(from, end);
  joinSignalled(to, from);
  from.heldCause = null;
  announce(engine.registry, workspace, component, "merged", naming, from, moved, cause);
}

/** Null: nobody was told that it was in a segment, because it had not been evaluated yet, or only while it was frozen. */
export function endProfile(
  engine: Engine,
  workspace: Workspace,
  record: ProfileRecord,
  cause: Cause,
  why: TransitionCause,
): SegmentTransition | null {
  record.alive = false;
  thawProfile(record);
  if (record.segment === null) return null;
  return moveSegment(engine, workspace, record, null, null, cause, why, NO_PASSAGE);
}
