// What the world and other homes are told of a change of identity: merges, splits, aliases and quarantines to consumers,
// statuses to the far ends of ties.

import { compareText, isSameStamp, sortedEntries } from "./comparison.ts";
import { tieKey, type Component, type Entry, type Evidence, type FarEnd } from "./component.ts";
import type { IdentityChangeKind } from "./effect.ts";
import type { Status } from "./item.ts";
import { createListing } from "./listing.ts";
import { isMailbox } from "./mailbox.ts";
import { countMembers, namedMembersOf } from "./membership.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import type { Registry } from "./registry.ts";
import { isGivenUp } from "./ruling.ts";
import { statusOf, type Weighed } from "./weighed.ts";
import type { Workspace } from "./workspace.ts";

/** moved: the identifiers that it is about; null: the whole profile, which is the same under another id. */
export function announce(
  registry: Registry,
  workspace: Workspace,
  component: Component,
  change: IdentityChangeKind,
  naming: string,
  other: ProfileRecord | null,
  moved: readonly Entry[] | null,
  cause: Cause,
): void {
  const profile = component.profiles.get(naming) as ProfileRecord;
  const listed = moved?.filter((entry) => !isMailbox(registry, entry)) ?? null;
  const identifiers =
    listed === null ? namedMembersOf(registry, component, naming) : createListing(registry, listed).keys;
  const identifiersCount = listed?.length ?? countMembers(registry, component, naming);
  if (identifiersCount > identifiers.length) workspace.effects.push({ kind: "limit", limit: "identifiers-listed" });
  profile.changes += 1;
  workspace.effects.push({
    kind: "identity-changed",
    changeId: `${profile.id}.i${profile.changes}`,
    change,
    profileId: profile.id,
    otherProfileId: other?.id ?? null,
    identifiers,
    identifiersCount,
    cause,
  });
}

interface Moves {
  /** The profile that each was on. */
  readonly former: ReadonlyMap<string, string | null>;
  /** Whose move a split or merge has told. */
  readonly told: ReadonlySet<string>;
  /** Profiles that go on under another name. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** Identifiers that go from one profile to another, from none to one or from one to none, and neither begin nor end one. */
export function tellMoves(
  registry: Registry,
  workspace: Workspace,
  component: Component,
  groups: readonly { readonly members: readonly string[]; readonly naming: string | null }[],
  { former, told, renamed }: Moves,
  cause: Cause,
): void {
  const moves = new Map<string, { from: string | null; to: string | null; moved: Entry[] }>();
  for (const { members, naming: to } of groups) {
    for (const key of members) {
      const from = former.get(key) ?? null;
      const entry = component.identifiers.get(key) as Entry;
      const isNew = from === null && (entry.status === null || entry.erased !== null);
      if (from === to || isNew || told.has(key) || entry.erased?.hidden === true || isMailbox(registry, entry))
        continue;
      if (from !== null && renamed.get(from) === to) continue;
      const move = moves.get(`${from} ${to}`) ?? { from, to, moved: [] };
      moves.set(`${from} ${to}`, move);
      move.moved.push(entry);
    }
  }
  for (const [, { from, to, moved }] of sortedEntries(moves)) {
    const other = from === null ? null : (component.profiles.get(from) ?? null);
    if (to !== null) announce(registry, workspace, component, "moved", to, other, moved, cause);
    else if (from !== null) announce(registry, workspace, component, "left", from, null, moved, cause);
  }
}

/** An identifier that links nothing from here on, or again links what its evidence says (I4, O4). */
export function tellConfinement(
  registry: Registry,
  workspace: Workspace,
  component: Component,
  entry: Entry,
  former: ReadonlyMap<string, string | null>,
  cause: Cause,
): void {
  if (entry.state === "quarantined") workspace.effects.push({ kind: "limit", limit: "ties" });
  if (entry.profile === null) return;
  const before = former.get(entry.key) ?? null;
  const other = before === entry.profile || before === null ? null : (component.profiles.get(before) ?? null);
  const change = entry.state === "quarantined" ? "quarantined" : "released";
  announce(registry, workspace, component, change, entry.profile, other, [entry], cause);
}

/** An identifier that evidence would bring to a profile which has as many values of its namespace as it may have (O4). */
export function tellLimit(
  registry: Registry,
  workspace: Workspace,
  component: Component,
  entry: Entry,
  cause: Cause,
): void {
  workspace.effects.push({ kind: "limit", limit: "profile-values" });
  if (entry.profile !== null && !isMailbox(registry, entry))
    announce(registry, workspace, component, "limited", entry.profile, null, [entry], cause);
}

/** An alarm: what concerns all of a component (a ruling, an identifier that becomes known) costs as much as it is large. */
export const COMPONENT_IDENTIFIERS_ALARM = 2_000;

/** Once, when it grows beyond the number (O4); sizeBefore: how many identifiers it had. */
export function tellSize(workspace: Workspace, { identifiers }: Component, sizeBefore: number): void {
  if (sizeBefore <= COMPONENT_IDENTIFIERS_ALARM && identifiers.size > COMPONENT_IDENTIFIERS_ALARM)
    workspace.effects.push({ kind: "limit", limit: "component-identifiers" });
}

/** An old id resolves, in one hop, to the profile that holds its naming identifier now (I6); to none where that was given up. */
export function pointAliases(
  workspace: Workspace,
  component: Component,
  namings: Iterable<string>,
  cause: Cause,
): void {
  for (const naming of [...namings].sort(compareText)) {
    const record = component.profiles.get(naming);
    if (record === undefined) continue;
    const holder = isGivenUp(component, naming) ? null : (component.identifiers.get(naming)?.profile ?? null);
    const target = record.alive || holder === null ? null : (component.profiles.get(holder)?.id ?? null);
    if (target === record.aliasOf) continue;
    record.aliasOf = target;
    workspace.writeState(component, naming);
    workspace.effects.push({ kind: "alias", oldProfileId: record.id, profileId: target, at: cause.at });
  }
}

/** Each home tells the other end of a tie the status of its own end, when it changes, and again after a hand-over. */
export function tellFarEnds(
  workspace: Workspace,
  component: Component,
  movers: readonly Weighed[],
  evidence: Iterable<Evidence>,
  cause: Cause,
): void {
  for (const weighed of movers) {
    const { entry } = weighed;
    const status = statusOf(weighed);
    if (isSameStatus(status, entry.status)) continue;
    entry.status = status;
    entry.statusVersion += 1;
    workspace.change(component, entry.key);
  }
  const { abroad } = component;
  if (abroad === null || abroad.far.size === 0) return;
  const ties = new Map<string, readonly [near: Entry, far: FarEnd]>();
  for (const { a, b } of evidence) {
    for (const [near, far] of [
      [component.identifiers.get(a), abroad.far.get(b)],
      [component.identifiers.get(b), abroad.far.get(a)],
    ] as const) {
      if (near === undefined || far === undefined || near.status === null) continue;
      const tie = tieKey(near.key, far.key);
      if (abroad.told.get(tie) !== near.statusVersion) ties.set(tie, [near, far]);
    }
  }
  for (const [tie, [near, far]] of sortedEntries(ties)) {
    abroad.told.set(tie, near.statusVersion);
    workspace.change(component, tie);
    workspace.sends.push({
      item: {
        kind: "status",
        component: far.birth,
        of: near.key,
        to: far.key,
        namespace: near.namespace,
        birth: near.birth,
        version: near.statusVersion,
        status: near.status as Status,
        cause,
      },
      event: null,
    });
  }
}

function isSameStatus(a: Status, b: Status | null): boolean {
  if (b === null || !isSameStamp(a.released, b.released)) return false;
  if (a.known) return b.known && a.person === b.person;
  if (b.known) return false;
  return a.claimants.length === b.claimants.length && a.claimants.every((claimant, i) => claimant === b.claimants[i]);
}
