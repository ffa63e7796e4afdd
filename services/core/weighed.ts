// One identifier on the scales of the rule (weighing.ts), and what is read off it.

import { assuranceLevel, type NamespaceKind } from "./configuration.ts";
import type { Registry } from "./registry.ts";
import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import type { Component, Entry, Evidence } from "./component.ts";
import type { ComponentId, Status } from "./item.ts";
import type { Verdicts } from "./ruling.ts";

/** One identifier on the scales. */
export interface Weighed {
  readonly entry: Entry;
  readonly kind: NamespaceKind;
  readonly known: boolean;
  /** Its group's tree: findGroup gives the root, equal for all of a group; the smallest key leads. */
  parent: Weighed;
  /** Of a root: the values in its group of namespaces of which a profile may not have any number; null: none. */
  scarce: Map<string, Scarce> | null;
  /** It was kept out of a profile that has as many values of its namespace as it may have. */
  limited: boolean;
  quarantined: boolean;
  /** The record by which it was given up last. */
  readonly released: Stamp | null;
  contested: boolean;
  pending: boolean;
  /** Of a contested shareable identifier: a member of each person that claims it. */
  shown: readonly string[];
  /** Of a known one: the person that it belongs to; null: a claim of nobody's. */
  person: Weighed | null;
  claims: Claim[];
  /** Of a weak one: its claimants by person; null: none. */
  claimants: ReadonlyMap<string, Claim> | null;
}

export interface Scarce {
  readonly heldMax: number;
  /** Values of which one has replaced the other are the same. */
  readonly values: Set<string>;
}

export interface Claim {
  /** Key of the person's leader, as its home knows it. */
  readonly person: string;
  readonly level: number;
  readonly stamp: Stamp;
  /** Where the claimant lives, if not here. */
  readonly farBirth: ComponentId | null;
}

export function isKnown(registry: Registry, entry: Entry): boolean {
  return entry.firstAuthenticated !== null && registry.namespaces.get(entry.namespace)?.kind !== "device";
}

/** The order in which strong evidence between identifiers of one home counts: assurance, strength, record time, keys. */
export function compareWeight(registry: Registry, { identifiers }: Component, x: Evidence, y: Evidence): number {
  const strengthOf = (key: string) => registry.namespaces.get(identifiers.get(key)?.namespace ?? "")?.strength ?? 0;
  const strength = ({ a, b }: Evidence) => Math.min(strengthOf(a), strengthOf(b));
  return (
    assuranceLevel(y.assurance) - assuranceLevel(x.assurance) ||
    strength(y) - strength(x) ||
    compareStamps(x.stamp, y.stamp) ||
    compareText(x.a + x.b, y.a + y.b)
  );
}

export function findGroup(one: Weighed): Weighed {
  let root = one;
  while (root.parent !== root) root = root.parent;
  return root;
}

/** What a home tells of an identifier. A quarantined one claims nothing and is no claim: like one of nobody's. */
export function statusOf({ known, quarantined, person, claimants, released }: Weighed): Status {
  if (quarantined) return { known: true, person: null, released };
  if (known) return { known: true, person: person?.entry.key ?? null, released };
  return { known: false, claimants: claimants === null ? NOBODY : [...claimants.keys()].sort(compareText), released };
}

/** The evidence that counts: neither cut, nor from before an end of it was given up. */
export function listCounting({ evidence, rulings, abroad }: Component, verdicts: Verdicts): Evidence[] {
  if (rulings === null && abroad === null) return [...evidence.values()];
  const releaseOf = (key: string) => verdicts.releaseOf(key) ?? abroad?.far.get(key)?.status?.released ?? null;
  const isFrom = (stamp: Stamp, release: Stamp | null) => release === null || compareStamps(stamp, release) > 0;
  return [...evidence.values()].filter(
    ({ a, b, source, stamp }) =>
      verdicts.letCount(a, b, source) && isFrom(stamp, releaseOf(a)) && isFrom(stamp, releaseOf(b)),
  );
}

const NOBODY: readonly string[] = [];
