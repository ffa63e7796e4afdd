// What would have to change for two identifiers to be one person (I7): records that could be written are supposed, the least
// first, until the rule says that they are, and that nobody known is parted from anybody by it.

import { compareText } from "./comparison.ts";
import { OPERATOR } from "./configuration.ts";
import type { Registry } from "./registry.ts";
import type { Component, Entry } from "./component.ts";
import { membersOf } from "./membership.ts";
import { rulingType, Verdicts, type OperatorVerdict } from "./ruling.ts";
import { suppose, weighPair, type Pair, type Saying } from "./supposition.ts";
import { findGroup, isKnown, type Weighed } from "./weighed.ts";

export type Proposal =
  /** Any of these does. */
  | { readonly kind: "say"; readonly sayings: readonly [Saying, ...Saying[]] }
  /** Nothing that was tried; isComplete: nothing at all that is told or ruled of two identifiers that have to do with them. */
  | { readonly kind: "nothing"; readonly isComplete: boolean };

/** Weighings of identifiers and evidence, after which the search ends; small worlds are searched whole. */
const EFFORT_MAX = 100_000;
const TRIALS_MIN = 24;
/** Of a world with no more identifiers every two are tried. */
const EVERY_PAIR_MAX = 16;
const TOLD = "identified";

/** The two once that is said; null: it cannot be. */
export function tryOut(registry: Registry, world: Component, saying: Saying, one: Entry, other: Entry): Trial | null {
  const next = suppose(registry, world, saying);
  const pair = next === null ? null : weighPair(registry, next, one.key, other.key);
  if (pair === null) return null;
  const ends = new Set([one, other, saying.one, saying.other]);
  return { ...pair, parts: [...ends].some((entry) => isParted(registry, world, entry, pair.all)) };
}

export interface Trial extends Pair {
  /** Known identifiers that were one person are no longer. */
  readonly parts: boolean;
}

function isParted(registry: Registry, world: Component, { profile }: Entry, all: readonly Weighed[]): boolean {
  if (profile === null) return false;
  const members = membersOf(world, profile);
  const wasKnown = (key: string) => isKnown(registry, world.identifiers.get(key) as Entry);
  const known = all.filter(({ entry: { key } }) => members.has(key) && wasKnown(key));
  return new Set(known.map(findGroup)).size > 1;
}

/** Of two identifiers of the world that are not one person. */
export function proposeJoin(registry: Registry, world: Component, one: Entry, other: Entry): Proposal {
  const size = world.identifiers.size + world.evidence.size + 1;
  let left = Math.max(TRIALS_MIN, Math.floor(EFFORT_MAX / size));
  const joins = (saying: Saying): boolean => {
    left -= 1;
    const trial = tryOut(registry, world, saying, one, other);
    return trial?.isOne === true && !trial.parts;
  };
  for (const sayings of listSayings(registry, world, one, other)) {
    if (left < 0) return { kind: "nothing", isComplete: false };
    const [first, ...others] = sayings.filter(joins);
    if (first !== undefined) return { kind: "say", sayings: [first, ...others] };
  }
  return { kind: "nothing", isComplete: world.identifiers.size <= EVERY_PAIR_MAX };
}

/** The least first; those of one list differ by their source alone. */
function* listSayings(registry: Registry, world: Component, one: Entry, other: Entry): Iterable<readonly Saying[]> {
  const mine = listSpokesmen(registry, world, one);
  const theirs = listSpokesmen(registry, world, other);
  const between = mine.flatMap((a) => theirs.map((b) => [a, b] as const));
  const ruled = listRuled(world);
  const persons = [one, other].map(({ key, profile }) =>
    profile === null ? new Set([key]) : membersOf(world, profile),
  );
  const isBetween = (a: Entry, b: Entry) =>
    persons.every((person) => person.has(a.key) || person.has(b.key)) && a.key !== b.key;
  for (const [a, b] of ruled) if (isBetween(a, b)) yield [rule("lifted", a, b)];
  yield tell(registry, one, other);
  yield [rule("linked", one, other)];
  for (const [a, b] of between) yield tell(registry, a, b);
  for (const [a, b] of between) yield [rule("linked", a, b)];
  for (const a of persons[0] ?? [])
    for (const b of persons[1] ?? []) {
      const [x, y] = [world.identifiers.get(a), world.identifiers.get(b)];
      if (x === undefined || y === undefined || x.namespace !== y.namespace || x.key === y.key) continue;
      if (registry.namespaces.get(x.namespace)?.kind === "unique") yield [replace(x, y)];
    }
  for (const [a, b] of ruled) yield [rule("lifted", a, b)];
  for (const [a, b] of listTied(world, one, other)) yield [rule("cut", a, b)];
  const claimants = listClaimants(world, [one, other]);
  const rest = world.identifiers.size <= EVERY_PAIR_MAX ? [...world.identifiers.values()] : claimants;
  for (const a of rest)
    for (const b of rest)
      if (compareText(a.key, b.key) < 0)
        yield* [tell(registry, a, b), ...(["linked", "cut", "apart"] as const).map((verdict) => [rule(verdict, a, b)])];
}

/** Itself, whom its profile is named by, and a known one of it. */
function listSpokesmen(registry: Registry, world: Component, entry: Entry): Entry[] {
  const { profile } = entry;
  if (profile === null) return [entry];
  const members = Array.from(membersOf(world, profile), (key) => world.identifiers.get(key) as Entry);
  const known = members.find((one) => isKnown(registry, one));
  return [...new Set([entry, world.identifiers.get(profile) ?? entry, known ?? entry])];
}

type Two = readonly [Entry, Entry];

/** What an operator took back, or holds apart. */
function listRuled(world: Component): Two[] {
  const verdicts = new Verdicts(world.rulings);
  return [...verdicts.list("apart"), ...verdicts.list("cut"), ...verdicts.list("lifted")].flatMap(({ a, b }): Two[] => {
    const [one, other] = [world.identifiers.get(a), world.identifiers.get(b)];
    return one === undefined || other === undefined ? [] : [[one, other]];
  });
}

/** Whom evidence ties, those first that it ties to one of the two. */
function listTied({ identifiers, evidence }: Component, one: Entry, other: Entry): Two[] {
  const pairs = new Map<string, Two>();
  for (const { a, b } of evidence.values()) {
    const [x, y] = [identifiers.get(a), identifiers.get(b)];
    if (x !== undefined && y !== undefined) pairs.set(`${a} ${b}`, [x, y]);
  }
  const isNear = (two: Two) => two.includes(one) || two.includes(other);
  return [...pairs.values()].sort((x, y) => Number(isNear(y)) - Number(isNear(x)));
}

function listClaimants({ identifiers }: Component, entries: readonly Entry[]): Entry[] {
  const keys = entries.flatMap(({ status, claimants }) => [
    ...claimants,
    ...(status !== null && !status.known ? status.claimants : []),
  ]);
  return [...new Set(keys)].flatMap((key) => identifiers.get(key) ?? []);
}

function tell({ configuration }: Registry, one: Entry, other: Entry): Saying[] {
  const sources = configuration.sources.filter(({ name }) => name !== OPERATOR);
  return sources.map(({ name }) => ({ source: name, type: TOLD, one, other }));
}

export function rule(verdict: OperatorVerdict, one: Entry, other: Entry): Saying {
  return { source: OPERATOR, type: rulingType(verdict), one, other };
}

function replace(one: Entry, other: Entry): Saying {
  return { source: OPERATOR, type: "identifier-replaced", one, other };
}
