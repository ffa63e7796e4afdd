// Whom a profile's households and accounts link it with, read where each group lives and through whose its anchors are now.

import { isHidden, type Entry } from "#core/component.ts";
import { groupKey, groupPart, listParents, PARENTS_MAX, resolveGroup } from "#core/group.ts";
import type { Chain, Group, GroupKind, GroupState, Holding } from "#core/group.ts";
import type { Registry } from "#core/registry.ts";
import { isGivenUp } from "#core/ruling.ts";
import { locateLife, type LookupServices, readPart } from "./location.ts";

export interface GroupLinks extends Chain {
  /** Profile ids. */
  readonly members: readonly string[];
}

/** Null: it is not known. */
export type FindLinks = (kind: GroupKind, groupId: string) => GroupLinks | null;

export const NO_LINKS: FindLinks = () => null;

/** Of all groups there are, by key. */
export function linkGroups(
  registry: Registry,
  states: ReadonlyMap<string, GroupState>,
  holdingOf: (key: string) => Holding | null,
): FindLinks {
  const groups = new Map<string, Group>();
  const resolve = (key: string, groupId: string): Group | null => {
    const state = states.get(key);
    if (state !== undefined && !groups.has(key)) groups.set(key, resolveGroup(groupId, state, holdingOf));
    return groups.get(key) ?? null;
  };
  return (kind, groupId) => {
    const find = (id: string) => resolve(groupKey(registry, kind, id), id);
    const group = find(groupId);
    return group === null ? null : { members: group.members, ...listParents(group, find) };
  };
}

/** Of some, with those above them. */
export async function findLinks(
  services: LookupServices,
  places: readonly { readonly kind: GroupKind; readonly groupId: string }[],
): Promise<FindLinks> {
  if (places.length === 0) return NO_LINKS;
  const { registry } = services.engine;
  const holdings = new Map<string, Holding | null>();
  const states = new Map<string, GroupState>();
  let next = places;
  for (let level = 0; level <= PARENTS_MAX && next.length > 0; level += 1) {
    const above = new Map<string, { readonly kind: GroupKind; readonly groupId: string }>();
    for (const { kind, groupId } of next) {
      const key = groupKey(registry, kind, groupId);
      const state = states.has(key) ? null : await readGroup(services, key);
      if (state === null) continue;
      states.set(key, state);
      for (const member of Object.keys(state.members))
        if (!holdings.has(member)) holdings.set(member, await findHolding(services, member));
      const parent = resolveGroup(groupId, state, (member) => holdings.get(member) ?? null).parent?.groupId ?? "";
      if (parent !== "") above.set(groupKey(registry, kind, parent), { kind, groupId: parent });
    }
    next = [...above.values()];
  }
  return linkGroups(registry, states, (member) => holdings.get(member) ?? null);
}

async function readGroup(services: LookupServices, key: string): Promise<GroupState | null> {
  const { index } = services;
  await index.prefetch([key]);
  const birth = index.birthOf(key);
  return birth === null ? null : await readPart<GroupState>(services, birth, groupPart(key));
}

/** What an anchor told of groups counts for the profile that it is on. */
export function holdAnchor({ erased }: Entry, profileId: string): Holding {
  return { profileId, erasedUpTo: erased?.kind === "shared" ? erased.at : null };
}

async function findHolding(services: LookupServices, key: string): Promise<Holding | null> {
  const located = await locateLife(services, key);
  if (located === null || isHidden(located.entry) || isGivenUp(located.component, key)) return null;
  const record = located.component.profiles.get(located.entry.profile ?? "");
  return record?.alive === true ? holdAnchor(located.entry, record.id) : null;
}
