// What the news at a component comes to: who is to be one profile, and what that profile is named by. Of a region (region.ts)
// it takes that nothing beside it can move: the profiles of its known ones keep their names, and whoever of it names a
// profile has nobody outside; else everything is weighed.

import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import { isHidden, type Component, type Entry, type Evidence } from "./component.ts";
import { isMailbox } from "./mailbox.ts";
import { isProfileKnown, isScarce, membersOf } from "./membership.ts";
import { findRegion, type News, type Region } from "./region.ts";
import type { Registry } from "./registry.ts";
import { isGivenUp } from "./ruling.ts";
import { findGroup, type Weighed } from "./weighed.ts";
import { weighComponent, type Weighing } from "./weighing.ts";

export interface Settlement {
  readonly isWhole: boolean;
  readonly weighing: Weighing;
  /** Who may move: everybody, or the weak identifiers of a region. */
  readonly movers: readonly Weighed[];
  /** The groups with movers, and those that movers leave. */
  readonly groups: readonly Group[];
  /** The evidence of the movers, and what ties known identifiers to far ends. */
  readonly evidence: Iterable<Evidence>;
  /** Living profiles that may change. */
  readonly namings: readonly string[];
  /** Profiles, living or dead, whose naming identifier may move. */
  readonly named: Iterable<string>;
}

export interface Group {
  /** Keys; of a profile of known identifiers not all of its weak ones. */
  readonly members: readonly string[];
  /** Null: on no profile, for it is contested and shareable, hidden, or by itself a mailbox or what was given up. */
  readonly naming: string | null;
}

export function weighNews(registry: Registry, component: Component, news: News): Settlement {
  const region = findRegion(registry, component, news);
  return (region === null ? null : weighRegion(registry, component, region)) ?? weighWhole(registry, component);
}

function weighWhole(registry: Registry, component: Component): Settlement {
  const weighing = weighComponent(registry, component);
  const namings: string[] = [];
  for (const [naming, record] of component.profiles) if (record.alive) namings.push(naming);
  return {
    isWhole: true,
    weighing,
    movers: weighing.identifiers,
    groups: listGroups(weighing).flatMap((list) => {
      const members = list.flatMap(({ entry }) => (isHidden(entry) ? [] : [entry.key]));
      if (members.length === 0) return hide(list);
      const isShown = list.some(({ shown }) => shown.length > 0);
      return [...hide(list), { members, naming: isShown ? null : nameProfile(registry, component, members) }];
    }),
    evidence: component.evidence.values(),
    namings: namings.sort(compareText),
    named: component.profiles.keys(),
  };
}

/** Null: it may move what is beside it. */
function weighRegion(registry: Registry, component: Component, region: Region): Settlement | null {
  const weighing = weighComponent(registry, region.component);
  const moving = region.movers;
  const movers = weighing.identifiers.filter(({ entry }) => moving.has(entry.key));
  const left = new Set(movers.flatMap(({ entry }) => entry.profile ?? []));
  for (const naming of left) {
    if (component.profiles.get(naming)?.alive !== true) return null;
    if (moving.has(naming) && [...membersOf(component, naming)].some((member) => !moving.has(member))) return null;
  }
  const groups: Group[] = [];
  for (const list of listGroups(weighing)) {
    const standing = list.find(({ known }) => known)?.entry.profile;
    if (list.some((one) => !one.known && !moving.has(one.entry.key) && !stands(registry, component, one, standing)))
      return null;
    if (list.some((one) => moving.has(one.entry.key) && takesPlace(registry, component, one, standing))) return null;
    const members = list.flatMap(({ entry }) => (isHidden(entry) ? [] : [entry.key]));
    groups.push(...hide(list.filter(({ entry }) => moving.has(entry.key))));
    if (members.length === 0) continue;
    const isBeside = !list.some(({ entry }) => moving.has(entry.key)) && !left.has(standing ?? "");
    if (isBeside) continue;
    if (standing !== undefined) {
      if (standing === null || component.profiles.get(standing)?.alive !== true) return null;
      if (!members.includes(standing)) members.push(standing);
    }
    const naming = nameProfile(registry, component, members);
    if (standing !== undefined && naming !== standing) return null;
    groups.push({ members, naming });
  }
  const named = new Set(groups.map(({ naming }) => naming));
  for (const naming of left) if (!moving.has(naming) && !named.has(naming)) return null;
  const changing = [...left, ...named].filter((naming) => component.profiles.get(naming ?? "")?.alive === true);
  return {
    isWhole: false,
    weighing,
    movers,
    groups,
    evidence: [...region.component.evidence.values(), ...region.confined],
    namings: [...new Set(changing as string[])].sort(compareText),
    named: moving,
  };
}

/** Whether somebody who is not to move is where and what he was. standing: the profile of the known ones of his group. */
function stands(registry: Registry, component: Component, one: Weighed, standing: string | null | undefined): boolean {
  const { entry, contested, limited, pending } = one;
  const alone = mayName(registry, component, entry) ? entry.key : null;
  const profile = isHidden(entry) ? null : standing === undefined ? alone : standing;
  return (
    entry.profile === profile &&
    (entry.state === "contested") === contested &&
    entry.limited === limited &&
    entry.pending === pending
  );
}

/**
 * Whether it takes or leaves one of the places of which a person has not any number, and others were kept out: what is new of
 * it may let one of them in, or be another reason why it is out.
 */
function takesPlace(registry: Registry, component: Component, { entry }: Weighed, standing: string | null | undefined) {
  if (component.ties?.keptOut.size === 0 || !isScarce(registry, entry)) return false;
  return standing !== undefined || (entry.profile !== null && isProfileKnown(registry, component, entry.profile));
}

function hide(list: readonly Weighed[]): Group[] {
  const members = list.flatMap(({ entry }) => (isHidden(entry) ? [entry.key] : []));
  return members.length === 0 ? [] : [{ members, naming: null }];
}

function listGroups({ identifiers }: Weighing): Weighed[][] {
  const groups = new Map<Weighed, Weighed[]>();
  for (const one of identifiers) {
    const group = findGroup(one);
    const list = groups.get(group);
    if (list === undefined) groups.set(group, [one]);
    else list.push(one);
  }
  return [...groups.values()];
}

/** A group of which nobody may has no profile. */
export function mayName(registry: Registry, component: Component, entry: Entry): boolean {
  return !isHidden(entry) && !isMailbox(registry, entry) && !isGivenUp(component, entry.key);
}

/** By its earliest authenticated personal or unique identifier, else by its earliest (I6). Null: by none. */
function nameProfile(registry: Registry, component: Component, members: readonly string[]): string | null {
  const { identifiers } = component;
  const candidates = members.flatMap((key) => {
    const entry = identifiers.get(key) as Entry;
    if (!mayName(registry, component, entry)) return [];
    const kind = registry.namespaces.get(entry.namespace)?.kind;
    const naming = (kind === "unique" || kind === "personal") && entry.firstAuthenticated !== null;
    return { key, entry, naming, stamp: naming ? (entry.firstAuthenticated as Stamp) : entry.first };
  });
  candidates.sort((a, b) => Number(b.naming) - Number(a.naming) || compareNaming(a, b));
  return candidates[0]?.key ?? null;
}

export function compareNaming(a: { stamp: Stamp; entry: Entry }, b: { stamp: Stamp; entry: Entry }): number {
  return (
    compareStamps(a.stamp, b.stamp) ||
    compareText(a.entry.namespace, b.entry.namespace) ||
    compareText(a.entry.value, b.entry.value)
  );
}
