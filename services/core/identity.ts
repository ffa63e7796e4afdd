// From a weighing to profiles: which profiles go on, which are absorbed, which are new, and what the world and the
// other homes are told. A profile is named by its earliest authenticated personal or unique identifier, else by its
// earliest identifier (I6); the profile goes where its naming identifier goes.

import { announce, pointAliases, tellConfinement, tellFarEnds, tellLimit } from "./announcement.ts";
import type { Engine } from "./engine.ts";
import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import { openAbroad, type Component, type Entry } from "./component.ts";
import type { SegmentTransition, TransitionCause } from "./effect.ts";
import { evaluateProfile, moveSegment } from "./evaluation.ts";
import { forgetMembership, isPending, membersOf } from "./membership.ts";
import { createProfileRecord, profileId, type Cause, type ProfileRecord } from "./profile.ts";
import { touchProfile } from "./publication.ts";
import { endMoves } from "./retraction.ts";
import { closeSignal } from "./signal.ts";
import { setSegmentTimer } from "./timer.ts";
import { findGroup } from "./weighed.ts";
import { weighComponent, type Weighing } from "./weighing.ts";
import type { Workspace } from "./workspace.ts";

/**
 * Weighs the component anew and moves its profiles accordingly. Profiles that existed before and whose membership
 * changed are evaluated at once, so that a transition by evidence alone is told apart from one by facts; newborn ones
 * are evaluated with the facts that bore them, so they are what is returned: everybody is in a segment, also those who
 * brought no facts.
 */
export function settleIdentity(engine: Engine, workspace: Workspace, component: Component, cause: Cause): string[] {
  for (const naming of aliveNamings(component)) touchProfile(engine, workspace, component, naming, cause);
  const weighing = weighComponent(engine.registry, component);
  const wasPending = new Set(
    aliveNamings(component).filter((naming) => isPending(component, membersOf(component, naming))),
  );
  const groups = groupMembers(weighing);
  const former = new Map<string, string | null>();
  const confined: Entry[] = [];
  const limited: Entry[] = [];
  for (const { entry, quarantined, contested, pending, shown, limited: isLimited } of weighing.identifiers) {
    former.set(entry.key, entry.profile);
    if (quarantined !== (entry.state === "quarantined")) confined.push(entry);
    if (isLimited && !entry.limited) limited.push(entry);
    entry.limited = isLimited;
    entry.state = quarantined ? "quarantined" : contested ? "contested" : "owned";
    entry.pending = pending;
    entry.claimants = shown;
  }
  const born = assignProfiles(engine, workspace, component, groups, former, wasPending, cause);
  for (const entry of confined) tellConfinement(engine.registry, workspace, component, entry, former, cause);
  for (const entry of limited) tellLimit(engine.registry, workspace, component, entry, cause);
  tellFarEnds(workspace, component, weighing, cause);
  for (const birth of [...weighing.joins].sort(compareText)) {
    const { asked } = openAbroad(component);
    if (component.held.has(birth) || asked.has(birth)) continue;
    asked.add(birth);
    workspace.joins.push({ a: component.id, b: birth, cause });
  }
  return born;
}

function aliveNamings(component: Component): string[] {
  const namings: string[] = [];
  for (const [naming, record] of component.profiles) if (record.alive) namings.push(naming);
  return namings.sort(compareText);
}

function groupMembers(weighing: Weighing): string[][] {
  const groups = new Map<string, string[]>();
  for (const one of weighing.identifiers) {
    const group = findGroup(one).entry.key;
    const list = groups.get(group);
    if (list === undefined) groups.set(group, [one.entry.key]);
    else list.push(one.entry.key);
  }
  return [...groups.values()];
}

function compareNaming(a: { stamp: Stamp; entry: Entry }, b: { stamp: Stamp; entry: Entry }): number {
  return (
    compareStamps(a.stamp, b.stamp) ||
    compareText(a.entry.namespace, b.entry.namespace) ||
    compareText(a.entry.value, b.entry.value)
  );
}

function nameProfile(engine: Engine, component: Component, members: readonly string[]): string {
  const candidates = members.map((key) => {
    const entry = component.identifiers.get(key) as Entry;
    const kind = engine.registry.namespaces.get(entry.namespace)?.kind;
    const naming = (kind === "unique" || kind === "personal") && entry.firstAuthenticated !== null;
    return { key, entry, naming, stamp: naming ? (entry.firstAuthenticated as Stamp) : entry.first };
  });
  candidates.sort((a, b) => Number(b.naming) - Number(a.naming) || compareNaming(a, b));
  return (candidates[0] as { key: string }).key;
}

function assignProfiles(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  groups: readonly (readonly string[])[],
  former: ReadonlyMap<string, string | null>,
  wasPending: ReadonlySet<string>,
  cause: Cause,
): string[] {
  const isHeldApart = (members: readonly string[]) =>
    members.some((key) => (component.identifiers.get(key) as Entry).claimants.length > 0);
  for (const members of groups.filter(isHeldApart))
    for (const key of members) holdApart(engine, workspace, component, key, cause);
  const named = groups
    .filter((members) => !isHeldApart(members))
    .map((members) => ({ members, naming: nameProfile(engine, component, members) }))
    .sort((a, b) => compareText(a.naming, b.naming));
  const formerSizes = new Map<string, number>();
  for (const profile of former.values())
    if (profile !== null) formerSizes.set(profile, (formerSizes.get(profile) ?? 0) + 1);
  const born: string[] = [];
  const changed: { naming: string; artefact: "merge" | "split" | null }[] = [];
  for (const { members, naming } of named) {
    const incoming = findIncoming(component, members);
    const survivor = incoming.includes(naming) ? naming : firstNamed(component, incoming);
    const record = recordOf(engine, component, naming);
    touchProfile(engine, workspace, component, naming, cause);
    const split = former.get(members.find((key) => former.get(key) !== null) ?? "") ?? null;
    const moved =
      members.some((key) => former.get(key) !== null && former.get(key) !== survivor) ||
      (survivor !== null && (formerSizes.get(survivor) ?? 0) > countFormer(former, members, survivor));
    for (const key of members) (component.identifiers.get(key) as Entry).profile = naming;
    if (survivor === null) {
      record.alive = true;
      record.segment = null;
      record.segmentSince = null;
      record.signal = null;
      if (split !== null) {
        announce(
          engine.registry,
          workspace,
          component,
          "split",
          record,
          component.profiles.get(split) ?? null,
          members,
          cause,
        );
        changed.push({ naming, artefact: "split" });
      } else {
        record.endedBy = null;
        born.push(naming);
      }
      continue;
    }
    if (survivor !== naming) renameProfile(engine, workspace, component, survivor, naming, members, cause);
    for (const absorbed of incoming)
      if (absorbed !== survivor) absorbProfile(engine, workspace, component, absorbed, naming, members, cause);
    if (moved || survivor !== naming || incoming.length > 1 || wasPending.has(survivor))
      changed.push({ naming, artefact: artefactOf(incoming.length, moved, members, former, survivor) });
  }
  forgetMembership(component);
  pointAliases(workspace, component, cause);
  for (const { naming, artefact } of changed) {
    const held = component.profiles.get(naming)?.heldCause ?? null;
    evaluateProfile(engine, workspace, component, naming, held !== null && artefact === null ? held : cause, artefact);
  }
  return born;
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

function artefactOf(
  incoming: number,
  moved: boolean,
  members: readonly string[],
  former: ReadonlyMap<string, string | null>,
  survivor: string,
): "merge" | "split" | null {
  if (incoming > 1 || members.some((key) => former.get(key) !== null && former.get(key) !== survivor)) return "merge";
  return moved ? "split" : null;
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

function recordOf(engine: Engine, component: Component, naming: string): ProfileRecord {
  const present = component.profiles.get(naming);
  if (present !== undefined) return present;
  const record = createProfileRecord(profileId(engine.registry.hash, naming));
  component.profiles.set(naming, record);
  return record;
}

/** A contested shareable identifier is on no profile; one that it had of its own ends. */
function holdApart(engine: Engine, workspace: Workspace, component: Component, key: string, cause: Cause): void {
  (component.identifiers.get(key) as Entry).profile = null;
  const record = component.profiles.get(key);
  if (record === undefined || !record.alive) return;
  closeSignal(workspace, component, key, record);
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
  members: readonly string[],
  cause: Cause,
): void {
  const from = component.profiles.get(old) as ProfileRecord;
  const to = component.profiles.get(naming) as ProfileRecord;
  closeSignal(workspace, component, old, from);
  setSegmentTimer(workspace, component.id, old, from, null);
  to.alive = true;
  to.segment = from.segment;
  to.segmentSince = from.segmentSince;
  to.lastTransitionOccurredAt = from.lastTransitionOccurredAt;
  to.evaluatedAsOf = Math.max(from.evaluatedAsOf, to.evaluatedAsOf);
  to.standing = from.standing;
  to.endedBy = null;
  to.signalledUpTo = latest(from.signalledUpTo, to.signalledUpTo);
  to.heldCause = from.heldCause;
  from.alive = false;
  from.segment = null;
  from.segmentSince = null;
  from.heldCause = null;
  endMoves(from, null);
  announce(engine.registry, workspace, component, "alias", to, from, members, cause);
}

function absorbProfile(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  absorbed: string,
  naming: string,
  members: readonly string[],
  cause: Cause,
): void {
  const from = component.profiles.get(absorbed) as ProfileRecord;
  const to = component.profiles.get(naming) as ProfileRecord;
  closeSignal(workspace, component, absorbed, from);
  setSegmentTimer(workspace, component.id, absorbed, from, null);
  const end = endProfile(engine, workspace, from, cause, cause.backfill ? "backfill" : "merge");
  // Not evaluated since it came out of another one: the world still knows the end before.
  if (end !== null) endMoves(from, end);
  to.signalledUpTo = latest(from.signalledUpTo, to.signalledUpTo);
  from.heldCause = null;
  announce(engine.registry, workspace, component, "merged", to, from, members, cause);
}

/** Null: it was in no segment, because it had not been evaluated yet. */
function endProfile(
  engine: Engine,
  workspace: Workspace,
  record: ProfileRecord,
  cause: Cause,
  why: TransitionCause,
): SegmentTransition | null {
  record.alive = false;
  if (record.segment === null) return null;
  return moveSegment(engine, workspace, record, null, null, cause, why, null);
}

function latest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
