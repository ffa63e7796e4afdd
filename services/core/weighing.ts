// The identity rule (design: I1 to I5): who is one person, as a function of the set of evidence. Run at a home over its
// own evidence and the statuses of far ends; nothing here depends on the order in which anything arrived.
//
//   1 persons    known unique and personal identifiers, united by strong evidence, best first, unless that would put two
//                values of a unique namespace together
//   2 shareable  a known one belongs to its only strong claimant; several: contested; none: a profile of its own
//   3 claims     a weak identifier belongs to the only person that weak evidence ties to it; authenticated claims outrank
//                typed ones; several: contested
//   4 clusters   weak identifiers without claimant, tied to each other, are one; a cluster follows the claimants of the
//                claimed ones tied to it
// Whatever attaches to a person does so best claim first, and never brings a second value of a unique namespace (I3).

import { assuranceLevel, isAuthenticated, type Registry } from "./acceptance.ts";
import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import type { Component, Entry, Evidence } from "./component.ts";
import type { NamespaceKind } from "./configuration.ts";
import type { ComponentId, Status } from "./item.ts";

export interface Weighing {
  /** Every local identifier to the key of its group (any member's key; equal within a group). */
  readonly group: ReadonlyMap<string, string>;
  readonly contested: ReadonlySet<string>;
  /** Of each contested shareable identifier: a member of each person that claims it. */
  readonly claimants: ReadonlyMap<string, readonly string[]>;
  readonly pending: ReadonlySet<string>;
  /** Births of far ends whose component must be joined with this one. */
  readonly joins: ReadonlySet<ComponentId>;
  readonly status: ReadonlyMap<string, Status>;
}

export function isKnown(registry: Registry, entry: Entry): boolean {
  return entry.firstAuthenticated !== null && kindOf(registry, entry.namespace) !== "device";
}

function kindOf(registry: Registry, namespace: string): NamespaceKind {
  return registry.namespaces.get(namespace)?.kind ?? "inert";
}

function strengthOf(registry: Registry, namespace: string): number {
  return registry.namespaces.get(namespace)?.strength ?? 0;
}

/** Union-find whose groups carry their values of unique namespaces. */
class Groups {
  readonly #parent = new Map<string, string>();
  readonly #unique = new Map<string, Map<string, string>>();

  add(key: string, uniqueNamespace: string | null): void {
    this.#parent.set(key, key);
    this.#unique.set(key, new Map(uniqueNamespace === null ? [] : [[uniqueNamespace, key]]));
  }

  find(key: string): string {
    let root = key;
    for (let parent = this.#parent.get(root); parent !== undefined && parent !== root; parent = this.#parent.get(root))
      root = parent;
    return root;
  }

  /** Unites unless two values of a unique namespace would meet; says whether they are one now. The smaller key leads. */
  unite(a: string, b: string): boolean {
    const [ra, rb] = [this.find(a), this.find(b)];
    if (ra === rb) return true;
    const [leader, other] = compareText(ra, rb) < 0 ? [ra, rb] : [rb, ra];
    const [mine, theirs] = [
      this.#unique.get(leader) as Map<string, string>,
      this.#unique.get(other) as Map<string, string>,
    ];
    for (const namespace of theirs.keys()) if (mine.has(namespace)) return false;
    for (const [namespace, key] of theirs) mine.set(namespace, key);
    this.#parent.set(other, leader);
    return true;
  }
}

interface Claim {
  readonly person: string;
  readonly level: number;
  readonly stamp: Stamp;
  /** Where the claimant lives, if not here. */
  readonly farBirth: ComponentId | null;
}

export function weighComponent(registry: Registry, component: Component): Weighing {
  const entries = component.identifiers;
  const keys = [...entries.keys()].sort(compareText);
  const entryOf = (key: string) => entries.get(key) as Entry;
  const known = new Set(keys.filter((key) => isKnown(registry, entryOf(key))));
  const kinds = new Map(keys.map((key) => [key, kindOf(registry, entryOf(key).namespace)]));
  const evidence = [...component.evidence.values()].sort(
    (x, y) => compareStamps(x.stamp, y.stamp) || compareText(x.a, y.a) || compareText(x.b, y.b),
  );
  const contested = new Set<string>();
  const pending = new Set<string>();
  const joins = new Set<ComponentId>();
  const isPersonal = (key: string) => known.has(key) && kinds.get(key) !== "shareable";

  // 1 persons
  const groups = new Groups();
  for (const key of keys) groups.add(key, kinds.get(key) === "unique" ? entryOf(key).namespace : null);
  const strength = (e: Evidence) =>
    Math.min(strengthOf(registry, entryOf(e.a).namespace), strengthOf(registry, entryOf(e.b).namespace));
  const strong = evidence.filter((e) => isAuthenticated(e.assurance) && known.has(e.a) && known.has(e.b));
  const joining = strong.filter((e) => isPersonal(e.a) && isPersonal(e.b));
  joining.sort(
    (x, y) =>
      assuranceLevel(y.assurance) - assuranceLevel(x.assurance) ||
      strength(y) - strength(x) ||
      compareStamps(x.stamp, y.stamp) ||
      compareText(x.a + x.b, y.a + y.b),
  );
  for (const e of joining) groups.unite(e.a, e.b);
  const personOf = new Map<string, string | null>();
  for (const key of keys) if (isPersonal(key)) personOf.set(key, groups.find(key));

  // 2 shareable
  const strongClaimants = new Map<string, Set<string>>();
  for (const e of strong) {
    for (const [key, other] of [
      [e.a, e.b],
      [e.b, e.a],
    ] as const) {
      if (kinds.get(key) === "shareable" && isPersonal(other)) addTo(strongClaimants, key, groups.find(other));
    }
  }
  const attached = new Map<string, string>();
  const shown = new Map<string, readonly string[]>();
  for (const key of keys) {
    if (!known.has(key) || kinds.get(key) !== "shareable") continue;
    const claimants = strongClaimants.get(key) ?? new Set<string>();
    if (claimants.size > 1) {
      contested.add(key);
      shown.set(key, [...claimants].sort(compareText));
    }
    const [only] = claimants;
    if (claimants.size === 1 && only !== undefined) attached.set(key, only);
    personOf.set(key, claimants.size > 1 ? null : (only ?? key));
  }

  // 3 claims on weak identifiers, and ties between weak ones; a far end speaks through its status
  const claims = new Map<string, Claim[]>();
  const weakTies: { near: string; far: string; evidence: Evidence }[] = [];
  const claim = (weak: string, person: string | null, e: Evidence, farBirth: ComponentId | null): void => {
    if (person === null) return;
    const list = claims.get(weak);
    const one = { person, level: isAuthenticated(e.assurance) ? 1 : 0, stamp: e.stamp, farBirth };
    if (list === undefined) claims.set(weak, [one]);
    else list.push(one);
  };
  for (const e of evidence) {
    for (const [near, other] of [
      [e.a, e.b],
      [e.b, e.a],
    ] as const) {
      if (!entries.has(near)) continue;
      const far = component.abroad?.far.get(other);
      if (entries.has(other)) {
        if (known.has(near)) continue;
        if (known.has(other)) claim(near, personOf.get(other) ?? null, e, null);
        else weakTies.push({ near, far: other, evidence: e });
        continue;
      }
      if (known.has(near)) {
        // Strong evidence joins components in the resolver; where it did not get to, the home asks.
        if (far !== undefined && isAuthenticated(e.assurance) && kindOf(registry, far.namespace) !== "device")
          joins.add(far.birth);
        continue;
      }
      if (far === undefined || far.status === null) pending.add(near);
      else if (far.status.known) claim(near, far.status.person, e, far.birth);
      else weakTies.push({ near, far: other, evidence: e });
    }
  }
  const claimantsOf = (weak: string): Map<string, Claim> | null => {
    const list = claims.get(weak);
    if (list === undefined) return null;
    const top = list.some((c) => c.level === 1) ? list.filter((c) => c.level === 1) : list;
    const byPerson = new Map<string, Claim>();
    for (const c of top) {
      const earlier = byPerson.get(c.person);
      if (earlier === undefined) byPerson.set(c.person, c);
      else
        byPerson.set(c.person, {
          ...earlier,
          farBirth: earlier.farBirth === null || c.farBirth === null ? null : earlier.farBirth,
        });
    }
    return byPerson;
  };

  // 4 clusters of weak identifiers without claimant
  const weak = keys.filter((key) => !known.has(key));
  const claimants = new Map(weak.map((key) => [key, claimantsOf(key)]));
  const isClaimed = (key: string) => claimants.get(key) !== null && claimants.get(key) !== undefined;
  const followed = new Map<string, Map<string, Claim>>();
  for (const tie of weakTies) {
    if (isClaimed(tie.near) || !entries.has(tie.far) || isClaimed(tie.far)) continue;
    groups.unite(tie.near, tie.far);
  }
  for (const tie of weakTies) {
    if (isClaimed(tie.near)) continue;
    const root = groups.find(tie.near);
    const farEnd = component.abroad?.far.get(tie.far);
    if (entries.has(tie.far)) {
      for (const c of claimants.get(tie.far)?.values() ?? [])
        follow(followed, root, { ...c, stamp: tie.evidence.stamp });
    } else if (farEnd?.status?.known === false) {
      if (farEnd.status.claimants.length === 0) {
        joins.add(farEnd.birth);
        pending.add(tie.near);
      }
      for (const person of farEnd.status.claimants) {
        const farBirth = !entries.has(person) ? farEnd.birth : null;
        follow(followed, root, { person, level: 0, stamp: tie.evidence.stamp, farBirth });
      }
    }
  }

  // Units (claimed identifiers, clusters) attach to their sole claimant, earliest claim first.
  const units: { root: string; person: Claim }[] = [];
  const pendingRoots = new Set([...pending].map((key) => groups.find(key)));
  const decide = (root: string, members: readonly string[], persons: ReadonlyMap<string, Claim>): void => {
    const [only] = persons.values();
    if (persons.size > 1) for (const key of members) contested.add(key);
    if (persons.size !== 1 || only === undefined) return;
    if (only.farBirth !== null) {
      joins.add(only.farBirth);
      pendingRoots.add(root);
    } else units.push({ root, person: only });
  };
  const members = new Map<string, string[]>();
  for (const key of weak) {
    const list = members.get(groups.find(key));
    if (list === undefined) members.set(groups.find(key), [key]);
    else list.push(key);
  }
  for (const [root, list] of members)
    decide(root, list, claimants.get(root) ?? followed.get(root) ?? new Map<string, Claim>());
  units.sort((x, y) => compareStamps(x.person.stamp, y.person.stamp) || compareText(x.root, y.root));
  for (const [key, person] of attached) groups.unite(person, key);
  for (const { root, person } of units) {
    if (!groups.unite(person.person, root)) for (const key of members.get(root) ?? []) contested.add(key);
  }
  for (const [root, list] of members) if (pendingRoots.has(root)) for (const key of list) pending.add(key);

  const status = new Map<string, Status>();
  for (const key of keys) {
    status.set(
      key,
      known.has(key)
        ? { known: true, person: personOf.get(key) ?? null }
        : { known: false, claimants: [...(claimants.get(key)?.keys() ?? [])].sort(compareText) },
    );
  }
  return {
    group: new Map(keys.map((key) => [key, groups.find(key)])),
    contested,
    claimants: shown,
    pending,
    joins,
    status,
  };
}

function addTo(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([value]));
  else set.add(value);
}

/** Of several ways to the same claimant: the earliest, and one that leads to a home here if there is any. */
function follow(followed: Map<string, Map<string, Claim>>, root: string, claim: Claim): void {
  const persons = followed.get(root) ?? new Map<string, Claim>();
  followed.set(root, persons);
  const earlier = persons.get(claim.person);
  if (earlier === undefined) persons.set(claim.person, claim);
  else {
    const stamp = compareStamps(earlier.stamp, claim.stamp) <= 0 ? earlier.stamp : claim.stamp;
    persons.set(claim.person, {
      ...earlier,
      stamp,
      farBirth: earlier.farBirth === null || claim.farBirth === null ? null : earlier.farBirth,
    });
  }
}
