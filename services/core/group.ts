// Households and accounts: they link persons and never merge them. That somebody is in one is told by events whose anchor is
// authenticated, so it is kept at that anchor and goes where the anchor goes; who else is in it is kept at the group's own
// home, by anchor, and read through whose the anchors are now. So both leave with the evidence (I2), and claims put nobody
// among strangers (I5).

import type { AcceptedIdentifier } from "./declaration.ts";
import { compareText, sortedEntries } from "./comparison.ts";
import type { ChannelEvent } from "./event.ts";
import { instantOf } from "./erasure.ts";
import { cutText, laterOf, NOTHING_TOLD, type RegisterRules, type Registers, type Telling } from "./facet.ts";
import type { Told } from "./facet.ts";
import { IDENTIFIER_VALUE_LENGTH_MAX } from "./identifier.ts";
import type { ToldPlace } from "./item.ts";
import type { LimitKind } from "./limit.ts";
import type { Registry } from "./registry.ts";

export const GROUP_KINDS = ["household", "account"] as const;
export type GroupKind = (typeof GROUP_KINDS)[number];

/** Groups that a profile is in. */
export const PLACES_MAX = 16;
/** Anchors that a group knows. */
export const GROUP_MEMBERS_MAX = 64;
/** Levels above an account that are read. */
export const PARENTS_MAX = 8;

/** That she is in a group, or has left it. */
export interface Place extends Told {
  readonly kind: GroupKind;
  readonly groupId: string;
  readonly role: string;
  readonly left: boolean;
}

export const PLACE_RULES: RegisterRules<Place> = {
  join: laterPlace,
  max: PLACES_MAX,
  keep: "first",
  classed: false,
  limit: "places",
};

/** Of one instant: who has left has left. */
function laterPlace(a: Place, b: Place): Place {
  if (a.at !== b.at || a.left === b.left) return laterOf(a, b);
  return a.left ? a : b;
}

export function placeKey({ kind, groupId }: Pick<Place, "kind" | "groupId">): string {
  return JSON.stringify([kind, groupId]);
}

/** What is wrong with the part `group`; null: nothing. */
export function findGroupFault({ group }: ChannelEvent): string | null {
  if (group === null || group === undefined) return null;
  if (!isKind(group.kind)) return `group.kind is none of ${GROUP_KINDS.join(", ")}`;
  if ([group.groupId, group.parent ?? ""].some(({ length }) => length > IDENTIFIER_VALUE_LENGTH_MAX))
    return `a group's id of more than ${IDENTIFIER_VALUE_LENGTH_MAX} characters`;
  return group.kind === "household" && (group.parent ?? null) !== null ? "a household has no parent" : null;
}

function isKind(kind: string): kind is GroupKind {
  return GROUP_KINDS.some((one) => one === kind);
}

/** The group that the event puts its anchor in, or takes it from; null: none. */
export function acceptGroup(registry: Registry, { group }: ChannelEvent): Omit<AcceptedIdentifier, "assurance"> | null {
  const groupId = group?.groupId.trim() ?? "";
  if (group === null || group === undefined || !isKind(group.kind) || groupId === "") return null;
  return { namespace: group.kind, value: groupId, key: groupKey(registry, group.kind, groupId) };
}

export function groupKey({ hash }: Pick<Registry, "hash">, kind: GroupKind, groupId: string): string {
  return hash(`group\n${kind}\n${groupId}`);
}

export function readPlaces({ told, authenticated, limits }: Telling, { group }: ChannelEvent): Registers<Place> {
  const groupId = group?.groupId.trim() ?? "";
  if (!authenticated || group === null || group === undefined || !isKind(group.kind) || groupId === "")
    return NOTHING_TOLD;
  const { kind, role, left } = group;
  const place = { ...told, kind, groupId, role: cutText(role ?? "member", limits), left: left === true };
  return new Map([[placeKey(place), place]]);
}

export interface PlaceView {
  readonly kind: GroupKind;
  readonly groupId: string;
  readonly role: string;
  readonly source: string;
  readonly at: number;
}

/** Those that she is in, by kind and id. */
export function viewPlaces(places: Registers<Place>): PlaceView[] {
  return sortedEntries(places).flatMap(([, { kind, groupId, role, source, at, left }]) =>
    left ? [] : [{ kind, groupId, role, source, at }],
  );
}

/**
 * What a group's home knows: by the key of an anchor what its events said last. Keys and instants of persons, nothing else; not
 * what it is called, for whoever is in it says that: so nobody is left in the name of a group that was one person's.
 */
export interface GroupState {
  readonly members: Readonly<Record<string, Member>>;
}

const NOBODY: GroupState = { members: {} };

/** instant: of the telling that counts, as an erasure compares it (instantOf). */
interface Member {
  readonly at: number;
  readonly instant: number;
  readonly left: boolean;
  /** Empty: it has none. Null: nothing was said. */
  readonly parent: { readonly groupId: string; readonly at: number; readonly instant: number } | null;
}

export const GROUP_PARTS = "g/";

export function groupPart(key: string): string {
  return `${GROUP_PARTS}${key}`;
}

/** The key of the group whose part it is. */
export function groupOf(part: string): string {
  return part.slice(GROUP_PARTS.length);
}

/** Commutative, and the limit keeps what the set of keys says: any order of events gives the same (P1). null: nobody yet. */
export function foldMember(
  state: GroupState | null,
  key: string,
  { occurredAt: at, left, parent }: ToldPlace,
  recordedAt: number,
  limits: LimitKind[],
): GroupState {
  const { members } = state ?? NOBODY;
  const instant = instantOf(recordedAt, at);
  const told: Member = {
    at,
    instant,
    left,
    parent: parent === null ? null : { groupId: parent, at, instant },
  };
  const present = members[key];
  const all = { ...members, [key]: present === undefined ? told : joinMembers(present, told) };
  const kept = sortedEntries(new Map(Object.entries(all)));
  for (; kept.length > GROUP_MEMBERS_MAX; kept.pop()) limits.push("group-members");
  return { members: Object.fromEntries(kept) };
}

function joinMembers(a: Member, b: Member): Member {
  const compared = a.at - b.at || Number(a.left) - Number(b.left) || a.instant - b.instant;
  return { ...(compared >= 0 ? a : b), parent: laterParent(a.parent, b.parent) };
}

function laterParent(a: Member["parent"], b: Member["parent"]): Member["parent"] {
  if (a === null || b === null) return a ?? b;
  return (a.at - b.at || compareText(a.groupId, b.groupId) || a.instant - b.instant) >= 0 ? a : b;
}

/** Whose an anchor is, and up to which instant what it told is erased because somebody shared it; null: no instant. */
export interface Holding {
  readonly profileId: string;
  readonly erasedUpTo: number | null;
}

/** Null: nothing that it told is left. What a later telling hid of an earlier one does not come back. */
function withoutErased(member: Member, { erasedUpTo }: Holding): Member | null {
  if (erasedUpTo === null) return member;
  if (member.instant <= erasedUpTo) return null;
  return member.parent !== null && member.parent.instant <= erasedUpTo ? { ...member, parent: null } : member;
}

/** A group as of whose the anchors are now. */
export interface Group {
  readonly groupId: string;
  /** Profile ids. */
  readonly members: readonly string[];
  readonly parent: { readonly groupId: string; readonly at: number } | null;
}

/** holdingOf: the living profile that an anchor belongs to; null: none. */
export function resolveGroup(
  groupId: string,
  { members }: GroupState,
  holdingOf: (key: string) => Holding | null,
): Group {
  const byProfile = new Map<string, Member>();
  for (const [key, told] of Object.entries(members)) {
    const holding = holdingOf(key);
    const member = holding === null ? null : withoutErased(told, holding);
    if (holding === null || member === null) continue;
    const other = byProfile.get(holding.profileId);
    byProfile.set(holding.profileId, other === undefined ? member : joinMembers(other, member));
  }
  let parent: Member["parent"] = null;
  for (const member of byProfile.values()) parent = laterParent(parent, member.parent);
  const present = [...byProfile].flatMap(([holder, { left }]) => (left ? [] : [holder]));
  return { groupId, members: present.sort(compareText), parent };
}

export interface Chain {
  /** From the parent to the ultimate one. */
  readonly parents: readonly string[];
  /** The next one above would have been one of them, or the account itself: of such a cycle the link that was told last does not count. */
  readonly cycleRefused: boolean;
}

/** find: an account by its id, as of now; null: nothing is known of it but its id. */
export function listParents(account: Group, find: (groupId: string) => Group | null): Chain {
  const chain = [account];
  const name = (groups: readonly Group[]) => groups.map(({ groupId }) => groupId);
  while (chain.length <= PARENTS_MAX) {
    const above = chain.at(-1)?.parent?.groupId ?? "";
    if (above === "") break;
    const place = chain.findIndex(({ groupId }) => groupId === above);
    if (place >= 0) {
      const last = chain.slice(place).reduce((a, b) => (compareLinks(a, b) > 0 ? a : b));
      return { parents: name(chain.slice(1, chain.indexOf(last) + 1)), cycleRefused: true };
    }
    chain.push(find(above) ?? { groupId: above, members: [], parent: null });
  }
  return { parents: name(chain.slice(1)), cycleRefused: false };
}

function compareLinks(a: Group, b: Group): number {
  return (a.parent?.at ?? 0) - (b.parent?.at ?? 0) || compareText(a.groupId, b.groupId);
}
