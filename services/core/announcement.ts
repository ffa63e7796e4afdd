// What the world and other homes are told of a change of identity: merges, splits, aliases and quarantines to consumers,
// statuses to the far ends of ties.

import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import type { Component, Entry } from "./component.ts";
import type { IdentityChangeKind } from "./effect.ts";
import type { Status } from "./item.ts";
import { listBest } from "./listing.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import type { Registry } from "./registry.ts";
import { isKnown, statusOf } from "./weighed.ts";
import type { Weighing } from "./weighing.ts";
import type { Workspace } from "./workspace.ts";

export function announce(
  registry: Registry,
  workspace: Workspace,
  component: Component,
  change: IdentityChangeKind,
  profile: ProfileRecord,
  other: ProfileRecord | null,
  members: readonly string[],
  cause: Cause,
): void {
  profile.changes += 1;
  workspace.effects.push({
    kind: "identity-changed",
    changeId: `${profile.id}.i${profile.changes}`,
    change,
    profileId: profile.id,
    otherProfileId: other?.id ?? null,
    identifiers: listBest(
      registry,
      workspace,
      [...members]
        .sort(compareText)
        .map((key) => ({ namespace: (component.identifiers.get(key) as Entry).namespace, key })),
      ({ key }) => isKnown(registry, component.identifiers.get(key) as Entry),
    ),
    identifiersCount: members.length,
    cause,
  });
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
  const profile = entry.profile === null ? undefined : component.profiles.get(entry.profile);
  if (profile === undefined) return;
  const before = former.get(entry.key) ?? null;
  const other = before === entry.profile || before === null ? null : (component.profiles.get(before) ?? null);
  const change = entry.state === "quarantined" ? "quarantined" : "released";
  announce(registry, workspace, component, change, profile, other, [entry.key], cause);
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
  const profile = entry.profile === null ? undefined : component.profiles.get(entry.profile);
  if (profile !== undefined) announce(registry, workspace, component, "limited", profile, null, [entry.key], cause);
}

/** An old id resolves, in one hop, to the profile that holds its naming identifier now (I6). */
export function pointAliases(workspace: Workspace, component: Component, cause: Cause): void {
  for (const naming of [...component.profiles.keys()].sort(compareText)) {
    const record = component.profiles.get(naming) as ProfileRecord;
    const holder = component.identifiers.get(naming)?.profile ?? null;
    const target = record.alive || holder === null ? null : (component.profiles.get(holder)?.id ?? null);
    if (target === record.aliasOf) continue;
    record.aliasOf = target;
    workspace.writeState(component, naming);
    workspace.effects.push({ kind: "alias", oldProfileId: record.id, profileId: target, at: cause.at });
  }
}

/** Each home tells the other end of a tie the status of its own end, when it changes, and again after a hand-over. */
export function tellFarEnds(workspace: Workspace, component: Component, weighing: Weighing, cause: Cause): void {
  for (const weighed of weighing.identifiers) {
    const { entry } = weighed;
    const status = statusOf(weighed);
    if (isSameStatus(status, entry.status)) continue;
    entry.status = status;
    entry.statusVersion += 1;
  }
  const { abroad } = component;
  if (abroad === null || abroad.far.size === 0) return;
  const { far: ends, told } = abroad;
  for (const evidence of component.evidence.values()) {
    for (const [near, far] of [
      [evidence.a, evidence.b],
      [evidence.b, evidence.a],
    ] as const) {
      const entry = component.identifiers.get(near);
      const end = ends.get(far);
      if (entry === undefined || end === undefined || entry.status === null) continue;
      if (told.get(`${near} ${far}`) === entry.statusVersion) continue;
      told.set(`${near} ${far}`, entry.statusVersion);
      workspace.sends.push({
        item: {
          kind: "status",
          component: end.birth,
          of: near,
          to: far,
          namespace: entry.namespace,
          birth: entry.birth,
          version: entry.statusVersion,
          status: entry.status,
          cause,
        },
        event: null,
      });
    }
  }
}

function isSameStatus(a: Status, b: Status | null): boolean {
  if (b === null || !isSameRelease(a.released, b.released)) return false;
  if (a.known) return b.known && a.person === b.person;
  if (b.known) return false;
  return a.claimants.length === b.claimants.length && a.claimants.every((claimant, i) => claimant === b.claimants[i]);
}

function isSameRelease(a: Stamp | null, b: Stamp | null): boolean {
  return a === null || b === null ? a === b : compareStamps(a, b) === 0;
}
