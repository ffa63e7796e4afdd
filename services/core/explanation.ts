// Why identifiers are one person, and why they are not (I7): read off the evidence of a component after the fact, by the
// same order in which the rule of weighing.ts takes it.

import { isAuthenticated } from "./configuration.ts";
import { joins, type Registry } from "./registry.ts";
import { compareStamps, compareText } from "./comparison.ts";
import type { Component, Entry, Evidence } from "./component.ts";
import { evidenceKey } from "./component.ts";
import { isMailbox } from "./mailbox.ts";
import { membersOf } from "./membership.ts";
import { isGivenUp, Successions, Verdicts } from "./ruling.ts";
import { compareWeight, isKnown, listCounting } from "./weighed.ts";

/** Which line of the rule a link stands on. */
export const LINK_RULES = [
  "strong-evidence",
  "sole-strong-claimant",
  "sole-claimant",
  "cluster",
  "followed",
  /** Of an address and the mailbox that it has in common with another one. */
  "same-mailbox",
] as const;
export type LinkRule = (typeof LINK_RULES)[number];

/** One piece of evidence that holds a profile together. */
export interface Link {
  readonly rule: LinkRule;
  readonly evidence: Evidence;
}

/** Why two identifiers are not one person. */
export const OBSTACLES = [
  /** No event named both, nor any two identifiers of their persons. */
  "no-evidence",
  /** An operator holds them, or two of their persons' identifiers, apart. */
  "held-apart",
  /** Some did, and an operator took that back. */
  "cut",
  /** Some did, before one of the two was given up; or both were, and nothing that was not is with them. */
  "released",
  /** Some did, but with less than `joinAssurance` for one of the ends: claims never join two known people (I5). */
  "claims-only",
  /** Two values of a unique namespace would share a profile (I3). */
  "unique-namespace",
  /** The profile of one has as many values of the other's namespace as it may have. */
  "limit",
  /** One of them is tied to too many, so its evidence counts for nothing (I4). */
  "quarantined",
  /** Several persons claim it, so it is nobody's. */
  "contested",
  /** The home of the other end has not said yet whose it is. */
  "pending",
] as const;
export type Obstacle = (typeof OBSTACLES)[number];

export interface Separation {
  readonly obstacle: Obstacle;
  /** Evidence between the two, or between their persons, that did not suffice. */
  readonly evidence: readonly Evidence[];
  /** The unique namespaces of which each has a value of its own. */
  readonly namespaces: readonly string[];
}

/**
 * The evidence that holds a profile together: as many links as it takes, each the best by the rule. Known identifiers by
 * strong evidence, then shareable ones, then weak ones by the claim they follow, then what only hangs on other weak ones,
 * of the profile or beside it.
 */
export function explainProfile(registry: Registry, component: Component, naming: string): Link[] {
  const members = new Set(membersOf(component, naming));
  const entryOf = (key: string) => component.identifiers.get(key) as Entry;
  const verdicts = new Verdicts(component.rulings);
  const counting = listCounting(component, verdicts);
  counting.sort((x, y) => compareStamps(x.stamp, y.stamp) || compareText(x.a + x.b, y.a + y.b));
  const evidence = counting.filter(({ a, b }) => members.has(a) && members.has(b));
  const links: Link[] = [];
  const forest = new Forest(component.identifiers.keys());
  const take = (rule: LinkRule, candidates: readonly Evidence[]): void => {
    for (const one of candidates) {
      const tiesMailbox = [one.a, one.b].some((key) => isMailbox(registry, entryOf(key)));
      if (forest.unite(one.a, one.b)) links.push({ rule: tiesMailbox ? "same-mailbox" : rule, evidence: one });
    }
  };
  const kinds = (one: Evidence) => [one.a, one.b].map((key) => kindOf(registry, entryOf(key)));
  const strong = evidence.filter((one) => joins(registry, one.assurance) && !kinds(one).includes("weak"));
  take(
    "strong-evidence",
    strong.filter((one) => !kinds(one).includes("shareable")).sort((x, y) => compareWeight(registry, component, x, y)),
  );
  take("sole-strong-claimant", strong);
  const claims = evidence.filter((one) => kinds(one).filter((kind) => kind === "weak").length === 1);
  take("sole-claimant", [
    ...claims.filter(({ assurance }) => isAuthenticated(assurance)),
    ...claims.filter(({ assurance }) => !isAuthenticated(assurance)),
  ]);
  take(
    "cluster",
    evidence.filter((one) => kinds(one).every((kind) => kind === "weak")),
  );
  if (links.length < members.size - 1)
    take(
      "followed",
      counting.filter((one) => isWay(registry, component, members, one)),
    );
  const listed = new Set([...members].filter((key) => !isMailbox(registry, entryOf(key))));
  return dropLooseEnds(links, listed);
}

/** From a member to a weak identifier beside the profile: its cluster follows the claimants of that one. */
function isWay(registry: Registry, component: Component, members: ReadonlySet<string>, { a, b }: Evidence): boolean {
  if (members.has(a) === members.has(b)) return false;
  const entry = component.identifiers.get(members.has(a) ? b : a);
  return entry !== undefined && !isKnown(registry, entry) && entry.state !== "quarantined";
}

/** Without ways that end beside the profile, or at a mailbox. */
function dropLooseEnds(links: readonly Link[], members: ReadonlySet<string>): Link[] {
  const uses = (key: string) => links.filter(({ evidence: { a, b } }) => a === key || b === key).length;
  const kept = links.filter(({ evidence: { a, b } }) => [a, b].every((key) => members.has(key) || uses(key) > 1));
  return kept.length === links.length ? kept : dropLooseEnds(kept, members);
}

function kindOf(registry: Registry, entry: Entry): "weak" | "shareable" | "personal" {
  if (!isKnown(registry, entry)) return "weak";
  return registry.namespaces.get(entry.namespace)?.kind === "shareable" ? "shareable" : "personal";
}

/** The links between two identifiers of one profile, in order; empty where they are the same identifier. */
export function findChain(links: readonly Link[], from: string, to: string): Link[] {
  const reached = new Map<string, { readonly link: Link; readonly before: string } | null>([[from, null]]);
  for (const key of reached.keys()) {
    for (const link of links) {
      const { a, b } = link.evidence;
      const next = a === key ? b : b === key ? a : null;
      if (next !== null && !reached.has(next)) reached.set(next, { link, before: key });
    }
  }
  const chain: Link[] = [];
  for (let step = reached.get(to); step !== null && step !== undefined; step = reached.get(step.before))
    chain.unshift(step.link);
  return chain;
}

/** One end of the question why two are not one: an identifier at its home. */
export interface Standing {
  readonly component: Component;
  readonly entry: Entry;
}

/** Why the two are on different profiles; they may live at different homes. */
export function explainSeparation(registry: Registry, one: Standing, other: Standing): Separation {
  const [mine, theirs] = [personOf(one), personOf(other)];
  const evidence = new Map<string, Evidence>();
  const isBetween = ({ a, b }: { readonly a: string; readonly b: string }) =>
    (mine.has(a) && theirs.has(b)) || (mine.has(b) && theirs.has(a));
  /** What does not count. */
  const without = new Map<string, Evidence>();
  let heldApart = false;
  let isCut = false;
  for (const { component } of [one, other]) {
    const verdicts = new Verdicts(component.rulings);
    heldApart ||= verdicts.list("apart").some(isBetween);
    const counting = new Set(listCounting(component, verdicts));
    for (const piece of component.evidence.values()) {
      if (!isBetween(piece)) continue;
      isCut ||= !verdicts.letCount(piece.a, piece.b, piece.source);
      (counting.has(piece) ? evidence : without).set(
        evidenceKey(piece.a, piece.b, piece.source, piece.assurance),
        piece,
      );
    }
  }
  const list = (pieces: ReadonlyMap<string, Evidence>) =>
    [...pieces.values()].sort((x, y) => compareStamps(x.stamp, y.stamp) || compareText(x.a, y.a));
  const found = list(evidence);
  const namespaces = findConflicts(registry, one, mine, other, theirs);
  const states = [one.entry, other.entry];
  const obstacle = (): Obstacle => {
    if (heldApart) return "held-apart";
    if (states.some(({ state }) => state === "quarantined")) return "quarantined";
    if (states.some(({ pending }) => pending)) return "pending";
    if (found.length === 0 && without.size > 0) return isCut ? "cut" : "released";
    if (found.length === 0) return "no-evidence";
    if (isLimited(one, mine) || isLimited(other, theirs)) return "limit";
    const contested = states.find(({ state }) => state === "contested");
    if (contested !== undefined && (namespaces.length === 0 || countClaimants(contested) > 1)) return "contested";
    if ([one, other].every(({ component, entry }) => entry.profile === null && isGivenUp(component, entry.key)))
      return "released";
    const isStrong = found.some(({ assurance }) => joins(registry, assurance));
    return namespaces.length > 0 && (isStrong || contested !== undefined) ? "unique-namespace" : "claims-only";
  };
  return { obstacle: obstacle(), evidence: found.length > 0 ? found : list(without), namespaces };
}

function personOf({ component, entry }: Standing): ReadonlySet<string> {
  return new Set(entry.profile === null ? [entry.key] : membersOf(component, entry.profile));
}

/** Whether a value of it was kept out of a profile that has as many as it may have. */
function isLimited({ component }: Standing, person: ReadonlySet<string>): boolean {
  return [...person].some((key) => component.identifiers.get(key)?.limited === true);
}

function countClaimants({ status, claimants }: Entry): number {
  return status !== null && !status.known ? status.claimants.length : claimants.length;
}

function findConflicts(
  registry: Registry,
  one: Standing,
  mine: ReadonlySet<string>,
  other: Standing,
  theirs: ReadonlySet<string>,
): string[] {
  const uniques = ({ component }: Standing, keys: ReadonlySet<string>) => {
    const entries = [...keys].flatMap((key) => component.identifiers.get(key) ?? []);
    return entries.filter(({ namespace }) => registry.namespaces.get(namespace)?.kind === "unique");
  };
  const successions = [one, other].map(({ component }) => new Successions(new Verdicts(component.rulings)));
  const countedOf = ({ namespace }: Entry) => registry.namespaces.get(namespace)?.counted ?? namespace;
  const isReplaced = (a: Entry, b: Entry) => successions.some((known) => known.root(a.key) === known.root(b.key));
  const held = uniques(one, mine);
  const shared = uniques(other, theirs).filter((value) =>
    held.some((entry) => countedOf(entry) === countedOf(value) && !isReplaced(entry, value)),
  );
  return [...new Set(shared.map(countedOf))].sort(compareText);
}

class Forest {
  readonly #parent: Map<string, string>;

  constructor(keys: Iterable<string>) {
    this.#parent = new Map(Array.from(keys, (key) => [key, key]));
  }

  #find(key: string): string {
    let root = key;
    for (let parent = this.#parent.get(root); parent !== undefined && parent !== root; parent = this.#parent.get(root))
      root = parent;
    return root;
  }

  /** True where they were apart. */
  unite(a: string, b: string): boolean {
    const [ra, rb] = [this.#find(a), this.#find(b)];
    if (ra !== rb) this.#parent.set(ra, rb);
    return ra !== rb;
  }
}
