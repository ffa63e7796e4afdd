// The identity rule (design: I1 to I5): who is one person, as a function of the set of evidence. Run at a home over its
// own evidence and the statuses of far ends; nothing here depends on the order in which anything arrived.
//
//   0 quarantine an identifier that is tied to too many links nothing
//   1 persons    known unique and personal identifiers, united by strong evidence, best first, unless that would put two
//                values of a unique namespace together
//   2 shareable  a known one belongs to its only strong claimant, or its succession's; several: contested; none: a profile
//                of its own
//   3 claims     a weak identifier belongs to the only person that weak evidence ties to it; authenticated claims outrank
//                typed ones; several: contested
//   4 clusters   weak identifiers without claimant, tied to each other, are one; a cluster follows the claimants of the
//                claimed ones tied to it
// Whatever attaches to a person does so best claim first, and never brings a second value of a unique namespace (I3), nor
// one that an operator holds apart from it. Evidence that an operator cut does not count, nor what was recorded of an
// identifier before it was given up; values of which one has replaced the other are one.

import { isAuthenticated } from "./configuration.ts";
import { markQuarantined } from "./quarantine.ts";
import { joins, type Registry } from "./registry.ts";
import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import { isHidden, type Component, type Entry, type Evidence, type FarEnd } from "./component.ts";
import type { ComponentId } from "./item.ts";
import { NO_SUCCESSIONS, NO_VERDICTS, Successions, Verdicts } from "./ruling.ts";
import { compareWeight, findGroup, isKnown, listCounting, type Claim, type Weighed } from "./weighed.ts";

export interface Weighing {
  /** By key. */
  readonly identifiers: readonly Weighed[];
  /** Births of far ends whose component must be joined with this one. */
  readonly joins: ReadonlySet<ComponentId>;
}

interface WeakTie {
  readonly near: Weighed;
  readonly far: Weighed | FarEnd;
  readonly stamp: Stamp;
}

export function weighComponent(registry: Registry, component: Component): Weighing {
  const scales = new Scales(registry, component);
  scales.quarantine();
  scales.unitePersons();
  scales.attachShareables();
  scales.collectClaims();
  scales.clusterWeak();
  scales.attachWeak();
  return { identifiers: scales.identifiers, joins: scales.joins };
}

const NOBODY: readonly string[] = [];
const NO_CLAIMS: ReadonlyMap<string, Claim> = new Map();

class Scales {
  readonly identifiers: readonly Weighed[];
  readonly joins = new Set<ComponentId>();
  readonly #registry: Registry;
  readonly #component: Component;
  readonly #byKey = new Map<string, Weighed>();
  /** By record time; of quarantined identifiers none. */
  #evidence: readonly Evidence[];
  /** Pairs that an operator holds apart. */
  readonly #apart: (readonly [Weighed, Weighed])[] = [];
  /** Between two known identifiers of this home. */
  #strong: Evidence[] = [];
  readonly #weakTies: WeakTie[] = [];
  readonly #verdicts: Verdicts;
  readonly #successions: Successions;
  readonly #followed = new Map<Weighed, Map<string, Claim>>();

  constructor(registry: Registry, component: Component) {
    this.#registry = registry;
    this.#component = component;
    const verdicts = component.rulings === null ? NO_VERDICTS : new Verdicts(component.rulings);
    this.#verdicts = verdicts;
    this.#successions = component.rulings === null ? NO_SUCCESSIONS : new Successions(verdicts);
    this.#evidence = listCounting(component, verdicts).sort(
      (x, y) => compareStamps(x.stamp, y.stamp) || compareText(x.a, y.a) || compareText(x.b, y.b),
    );
    this.identifiers = [...component.identifiers.values()]
      .sort((a, b) => compareText(a.key, b.key))
      .map((entry) => this.#put(entry));
    for (const { a, b } of verdicts.list("apart")) {
      const [one, other] = [this.#byKey.get(a), this.#byKey.get(b)];
      if (one !== undefined && other !== undefined) this.#apart.push([one, other]);
    }
  }

  /** Unites unless two values of a unique namespace or two that are held apart would meet; says whether they are one now. */
  #unite(a: Weighed, b: Weighed): boolean {
    const [ra, rb] = [findGroup(a), findGroup(b)];
    if (ra === rb) return true;
    if (findCrowded(ra, rb) !== null) return false;
    for (const [x, y] of this.#apart) {
      const [rx, ry] = [findGroup(x), findGroup(y)];
      if ((rx === ra && ry === rb) || (rx === rb && ry === ra)) return false;
    }
    const [leader, other] = compareText(ra.entry.key, rb.entry.key) < 0 ? [ra, rb] : [rb, ra];
    for (const [namespace, { heldMax, values }] of other.scarce ?? []) {
      leader.scarce ??= new Map();
      const held = leader.scarce.get(namespace);
      if (held === undefined) leader.scarce.set(namespace, { heldMax, values: new Set(values) });
      else for (const value of values) held.values.add(value);
    }
    other.parent = leader;
    return true;
  }

  /** Two alike: where both groups would be too many values together, both ends are kept out. */
  #tie(a: Weighed, b: Weighed): void {
    this.#attach(a, b, [a, b]);
  }

  /** What is kept out is what has the value too many, of those that come; else all of them. */
  #attach(person: Weighed, root: Weighed, comers: readonly Weighed[]): boolean {
    if (this.#unite(person, root)) return true;
    const namespace = findCrowded(findGroup(person), findGroup(root));
    if (namespace === null || this.#registry.namespaces.get(namespace)?.kind === "unique") return false;
    const values = comers.filter(({ entry }) => this.#registry.namespaces.get(entry.namespace)?.counted === namespace);
    for (const one of values.length === 0 ? comers : values) one.limited = true;
    return false;
  }

  #put(entry: Entry): Weighed {
    const namespace = this.#registry.namespaces.get(entry.namespace);
    const kind = namespace?.kind ?? "inert";
    const heldMax = namespace?.heldMax ?? null;
    const one = {
      entry,
      kind,
      known: isKnown(this.#registry, entry),
      scarce:
        heldMax === null
          ? null
          : new Map([
              [
                namespace?.counted ?? entry.namespace,
                { heldMax, values: new Set([this.#successions.root(entry.key)]) },
              ],
            ]),
      limited: false,
      quarantined: false,
      released: this.#verdicts.releaseOf(entry.key),
      contested: false,
      pending: false,
      shown: NOBODY,
      person: null,
      claims: [],
      claimants: null,
    } as unknown as Weighed;
    one.parent = one;
    this.#byKey.set(entry.key, one);
    return one;
  }

  quarantine(): void {
    const { size } = markQuarantined(this.#registry, this.#component, this.#successions, this.#byKey, this.#evidence);
    if (size === 0) return;
    const links = (key: string) => this.#byKey.get(key)?.quarantined !== true;
    this.#evidence = this.#evidence.filter(({ a, b }) => links(a) && links(b));
  }

  #ends({ a, b }: Evidence): [Weighed, Weighed] {
    return [this.#byKey.get(a) as Weighed, this.#byKey.get(b) as Weighed];
  }

  unitePersons(): void {
    this.#strong = this.#evidence.filter(({ a, b, assurance }) => {
      return (
        joins(this.#registry, assurance) && this.#byKey.get(a)?.known === true && this.#byKey.get(b)?.known === true
      );
    });
    const joining = this.#strong.filter((one) => this.#ends(one).every(isPersonal));
    if (joining.length > 1) joining.sort((x, y) => compareWeight(this.#registry, this.#component, x, y));
    for (const one of joining) this.#tie(...this.#ends(one));
    for (const one of this.identifiers) if (isPersonal(one)) one.person = findGroup(one);
  }

  attachShareables(): void {
    const attached = new Map<Weighed, Weighed[]>();
    const claimed = this.#listClaimedShareables();
    for (const one of this.identifiers) {
      if (!one.known || one.kind !== "shareable") continue;
      const claimants = new Set<Weighed>();
      for (const person of one.quarantined ? [] : (claimed.get(this.#successions.root(one.entry.key)) ?? []))
        if (!this.#isHeldApart(one, person, attached.get(person) ?? [])) claimants.add(person);
      const [only] = claimants;
      if (claimants.size > 1) {
        one.contested = true;
        one.shown = Array.from(claimants, (person) => this.#represent(person)).sort(compareText);
      } else one.person = only ?? one;
      if (claimants.size === 1 && only !== undefined) attached.set(only, [...(attached.get(only) ?? []), one]);
    }
  }

  /** By succession: who claims a shareable identifier claims whatever it replaced or was replaced by. */
  #listClaimedShareables(): Map<string, Set<Weighed>> {
    const claimed = new Map<string, Set<Weighed>>();
    for (const evidence of this.#strong) {
      const [a, b] = this.#ends(evidence);
      const [one, other] = isPersonal(a) ? [b, a] : [a, b];
      if (one.kind !== "shareable" || !isPersonal(other)) continue;
      const person = findGroup(other);
      if (this.#isHeldApart(one, person, [])) continue;
      const root = this.#successions.root(one.entry.key);
      claimed.set(root, (claimed.get(root) ?? new Set()).add(person));
    }
    return claimed;
  }

  /** By a member that is on her profile; where all of them were erased she has none, and it is shown to nobody. */
  #represent(person: Weighed): string {
    if (!isHidden(person.entry)) return person.entry.key;
    const isHers = (one: Weighed) => isPersonal(one) && findGroup(one) === person && !isHidden(one.entry);
    return this.identifiers.find(isHers)?.entry.key ?? person.entry.key;
  }

  /** From the person, or from a shareable identifier that belongs to it already. */
  #isHeldApart(one: Weighed, person: Weighed, attached: readonly Weighed[]): boolean {
    const belongs = (other: Weighed) => findGroup(other) === person || attached.includes(other);
    return this.#apart.some(([x, y]) => (x === one && belongs(y)) || (y === one && belongs(x)));
  }

  /** A far end speaks through its status. */
  collectClaims(): void {
    for (const evidence of this.#evidence) {
      this.#weigh(evidence, evidence.a, evidence.b);
      this.#weigh(evidence, evidence.b, evidence.a);
    }
    for (const one of this.identifiers) if (one.claims.length > 0) one.claimants = chooseClaimants(one.claims);
  }

  #weigh({ assurance, stamp }: Evidence, near: string, other: string): void {
    const one = this.#byKey.get(near);
    if (one === undefined) return;
    const here = this.#byKey.get(other);
    const level = isAuthenticated(assurance) ? 1 : 0;
    if (here !== undefined) {
      if (one.known) return;
      if (!here.known) this.#weakTies.push({ near: one, far: here, stamp });
      else if (here.person !== null) one.claims.push({ person: here.person.entry.key, level, stamp, farBirth: null });
      return;
    }
    const far = this.#component.abroad?.far.get(other);
    if (one.known) {
      // Strong evidence joins components in the resolver; where it did not get to, the home asks.
      if (
        far !== undefined &&
        joins(this.#registry, assurance) &&
        this.#registry.namespaces.get(far.namespace)?.kind !== "device"
      )
        this.joins.add(far.birth);
      return;
    }
    if (far === undefined || far.status === null) one.pending = true;
    else if (!far.status.known) this.#weakTies.push({ near: one, far, stamp });
    else if (far.status.person !== null)
      one.claims.push({ person: far.status.person, level, stamp, farBirth: far.birth });
  }

  clusterWeak(): void {
    for (const { near, far } of this.#weakTies)
      if ("entry" in far && near.claimants === null && far.claimants === null) this.#tie(near, far);
    for (const { near, far, stamp } of this.#weakTies) {
      if (near.claimants !== null) continue;
      if ("entry" in far) {
        for (const claim of far.claimants?.values() ?? []) this.#follow(near, { ...claim, stamp });
      } else if (far.status?.known === false) {
        if (far.status.claimants.length === 0) {
          this.joins.add(far.birth);
          near.pending = true;
        }
        for (const person of far.status.claimants)
          this.#follow(near, { person, level: 0, stamp, farBirth: this.#byKey.has(person) ? null : far.birth });
      }
    }
  }

  /** Of several ways to the same claimant: the earliest, and one that leads to a home here if there is any. */
  #follow(near: Weighed, claim: Claim): void {
    const root = findGroup(near);
    const persons = this.#followed.get(root) ?? new Map<string, Claim>();
    this.#followed.set(root, persons);
    const earlier = persons.get(claim.person);
    if (earlier === undefined) persons.set(claim.person, claim);
    else {
      const stamp = compareStamps(earlier.stamp, claim.stamp) <= 0 ? earlier.stamp : claim.stamp;
      persons.set(claim.person, { ...earlier, stamp, farBirth: nearer(earlier, claim) });
    }
  }

  /** Units (claimed identifiers, clusters) attach to their sole claimant, earliest claim first. */
  attachWeak(): void {
    const members = new Map<Weighed, Weighed[]>();
    for (const one of this.identifiers) {
      if (one.known) continue;
      const root = findGroup(one);
      const list = members.get(root);
      if (list === undefined) members.set(root, [one]);
      else list.push(one);
    }
    const units: { readonly root: Weighed; readonly claim: Claim }[] = [];
    for (const [root, list] of members) {
      const persons = root.claimants ?? this.#followed.get(root) ?? NO_CLAIMS;
      let isPending = list.some(({ pending }) => pending);
      const [claim] = persons.values();
      if (persons.size > 1) for (const one of list) one.contested = true;
      else if (claim !== undefined) {
        if (claim.farBirth === null) units.push({ root, claim });
        else {
          this.joins.add(claim.farBirth);
          isPending = true;
        }
      }
      if (isPending) for (const one of list) one.pending = true;
    }
    units.sort(
      (x, y) => compareStamps(x.claim.stamp, y.claim.stamp) || compareText(x.root.entry.key, y.root.entry.key),
    );
    for (const one of this.identifiers)
      if (one.kind === "shareable" && one.person !== null && one.person !== one) this.#attach(one.person, one, [one]);
    for (const { root, claim } of units) {
      const unit = members.get(root) ?? [];
      if (!this.#attach(this.#byKey.get(claim.person) as Weighed, root, unit))
        for (const one of unit) one.contested = true;
    }
  }
}

/** A namespace of which the two groups together would have too many values; what replaced each other counts as one. */
function findCrowded(ours: Weighed, theirs: Weighed): string | null {
  for (const [namespace, { heldMax, values }] of theirs.scarce ?? []) {
    const held = ours.scarce?.get(namespace)?.values;
    if (held === undefined) continue;
    let count = held.size;
    for (const value of values) if (!held.has(value)) count += 1;
    if (count > heldMax) return namespace;
  }
  return null;
}

function isPersonal({ known, kind }: Weighed): boolean {
  return known && kind !== "shareable";
}

/** By person; where some claims are authenticated, only those. Null: none. */
function chooseClaimants(claims: readonly Claim[]): ReadonlyMap<string, Claim> {
  const top = Math.max(...claims.map(({ level }) => level));
  const byPerson = new Map<string, Claim>();
  for (const claim of claims) {
    if (claim.level !== top) continue;
    const earlier = byPerson.get(claim.person);
    byPerson.set(claim.person, earlier === undefined ? claim : { ...earlier, farBirth: nearer(earlier, claim) });
  }
  return byPerson;
}

function nearer(a: Claim, b: Claim): ComponentId | null {
  return a.farBirth === null || b.farBirth === null ? null : a.farBirth;
}
