// What a piece of news can move. The identity rule (weighing.ts) is compositional: known identifiers never depend on weak
// ones, and a region (weak identifiers without claims that evidence ties to each other, directly or by others) depends on
// its own evidence, on what those at its rim claim, and on far ends, never on other regions; unless values are at stake of
// which a profile may not have any number, for which units queue: then what the person has of them is of it. So what is new
// about a few cookies is weighed over their region, whatever else the person has or is typed of her (P5).

import { isSameStamp } from "./comparison.ts";
import type { Registry } from "./registry.ts";
import type { Abroad, Component, Entry, Evidence, FarEnd } from "./component.ts";
import { createComponent, evidenceKey, isHidden, openAbroad } from "./component.ts";
import { isScarce, scarceOf } from "./membership.ts";
import { Verdicts, type Ruling } from "./ruling.ts";
import { isKnown } from "./weighed.ts";

/** What is new at a component. */
export interface News {
  /** Weak identifiers of which, or of whose evidence or far ends, something is new. */
  readonly touched: Set<string>;
  /** Something else is new too. */
  whole: boolean;
}

/** Who is tied to whom, by identifier; derived from the evidence, kept while no identifier becomes known, never stored. */
export interface Ties {
  readonly known: Map<string, Entry>;
  /** Evidence without a weak end of this home. */
  readonly firm: Set<Evidence>;
  /** Evidence by those of its ends that are not known here. */
  readonly byEnd: Map<string, Evidence[]>;
  /** Who may have been kept out of a profile that has as many values as it may have. */
  readonly keptOut: Set<string>;
}

export function createNews(): News {
  return { touched: new Set(), whole: false };
}

function openTies(registry: Registry, component: Component): Ties {
  if (component.ties !== null) return component.ties;
  const known = new Map<string, Entry>();
  for (const [key, entry] of component.identifiers) if (isKnown(registry, entry)) known.set(key, entry);
  component.ties = { known, firm: new Set(), byEnd: new Map(), keptOut: new Set() };
  for (const entry of component.identifiers.values()) tieKeptOut(component, entry);
  for (const evidence of component.evidence.values()) tieEvidence(component, evidence);
  return component.ties;
}

/** To be called for evidence that has come, after its ends. */
export function tieEvidence({ ties, identifiers }: Component, evidence: Evidence): void {
  if (ties === null) return;
  let isFirm = true;
  for (const end of [evidence.a, evidence.b]) {
    if (ties.known.has(end)) continue;
    const list = ties.byEnd.get(end);
    if (list === undefined) ties.byEnd.set(end, [evidence]);
    else list.push(evidence);
    isFirm &&= !identifiers.has(end);
  }
  if (isFirm) ties.firm.add(evidence);
}

/** To be called for a weak identifier that has come: as a far end it may have had evidence. */
export function tieIdentifier({ ties }: Component, key: string): void {
  for (const evidence of ties?.byEnd.get(key) ?? []) ties?.firm.delete(evidence);
}

/** To be called where it was decided where an identifier belongs. Of clusters that are contested it is not known why. */
export function tieKeptOut({ ties }: Component, { key, limited, state, status }: Entry): void {
  const claimants = status === null || status.known ? 0 : status.claimants.length;
  if (limited || (state === "contested" && claimants <= 1)) ties?.keptOut.add(key);
  else ties?.keptOut.delete(key);
}

/** A far end's status is another one: news to the weak identifiers that are tied to it, and to all where evidence went. */
export function takeStatus(
  registry: Registry,
  component: Component,
  end: FarEnd,
  { version, status }: Pick<FarEnd, "version" | "status">,
  news: News,
): void {
  if (!isSameStamp(end.status?.released ?? null, status?.released ?? null)) news.whole = true;
  end.version = version;
  end.status = status;
  const { byEnd, known } = openTies(registry, component);
  for (const { a, b } of byEnd.get(end.key) ?? []) {
    const near = a === end.key ? b : a;
    if (!known.has(near)) news.touched.add(near);
  }
}

/** A part of a component, as a component, that can be weighed by itself. */
export interface Region {
  readonly component: Component;
  /** Its weak identifiers that may move. All others of it are there for what they claim, hold or are tied to. */
  readonly movers: ReadonlySet<string>;
  /** Evidence of what is quarantined with far ends, which may have to be told that. */
  readonly confined: readonly Evidence[];
}

/**
 * What is touched may move, and whoever hangs on it: of the clusters that it is tied to, all. What is claimed by itself
 * stands, and speaks by its claims; what is quarantined stands, and speaks of nothing. Null: weigh it all.
 */
export function findRegion(registry: Registry, component: Component, { touched, whole }: News): Region | null {
  if (whole) return null;
  const { known, firm } = openTies(registry, component);
  const isWeak = (key: string) => component.identifiers.has(key) && !known.has(key);
  const walk = new Walk(registry, component, known);
  for (const key of touched) if (isWeak(key)) walk.reach(key, true);
  walk.finish();
  // Who is hidden is on no profile, and takes a place among the values that a person may have all the same.
  if (walk.hasScarce && [...component.identifiers.values()].some(isHidden)) return null;
  // Who is held apart from somebody weak depends on where that one goes.
  const isBeside = (key: string) => isWeak(key) && !walk.identifiers.has(key);
  const parts = ({ a, b }: Ruling) =>
    (walk.identifiers.has(a) && isBeside(b)) || (walk.identifiers.has(b) && isBeside(a));
  if (component.rulings !== null && new Verdicts(component.rulings).list("apart").some(parts)) return null;
  const evidence = new Map([...firm, ...walk.evidence].map((one) => [nameEvidence(one), one]));
  const region = {
    ...component,
    identifiers: new Map([...known, ...walk.identifiers]),
    evidence,
    abroad: walk.abroad(evidence.values()),
  };
  return { component: region, movers: walk.movers, confined: walk.told };
}

/** A quarantined identifier claims nothing and is no claim: like a known one of nobody's. */
const CONFINED = { known: true, person: null, released: null } as const;

class Walk {
  readonly identifiers = new Map<string, Entry>();
  readonly evidence = new Set<Evidence>();
  readonly movers = new Set<string>();
  readonly told: Evidence[] = [];
  readonly #registry: Registry;
  readonly #component: Component;
  readonly #known: ReadonlyMap<string, Entry>;
  readonly #byEnd: ReadonlyMap<string, Evidence[]>;
  readonly #confined = new Map<string, FarEnd>();
  /** Values are at stake of which a profile may not have any number. */
  hasScarce = false;

  constructor(registry: Registry, component: Component, known: ReadonlyMap<string, Entry>) {
    this.#registry = registry;
    this.#component = component;
    this.#known = known;
    this.#byEnd = component.ties?.byEnd ?? new Map();
  }

  /** Of a weak identifier; touched: something of it is new. */
  reach(key: string, touched: boolean): void {
    const queue = [{ key, touched }];
    for (const one of queue) {
      const entry = this.#component.identifiers.get(one.key);
      if (entry === undefined || this.#known.has(one.key)) continue;
      if (entry.state === "quarantined") {
        // Only what is ruled ends that, or that it becomes known: then everything is weighed.
        const { namespace, birth } = entry;
        this.#confined.set(one.key, { key: one.key, namespace, birth, version: 1, status: CONFINED });
        if (one.touched) this.#tellFar(one.key);
        continue;
      }
      const moves = one.touched || !isClaimed(entry);
      if (this.movers.has(one.key) || (!moves && this.identifiers.has(one.key))) continue;
      this.identifiers.set(one.key, entry);
      this.hasScarce ||= isScarce(this.#registry, entry);
      if (moves) this.movers.add(one.key);
      for (const evidence of this.#byEnd.get(one.key) ?? []) {
        const other = evidence.a === one.key ? evidence.b : evidence.a;
        const isBetweenWeak = this.#component.identifiers.has(other) && !this.#known.has(other);
        if (moves) this.evidence.add(evidence);
        else if (!isBetweenWeak) this.evidence.add(evidence);
        if (moves && isBetweenWeak) queue.push({ key: other, touched: false });
      }
    }
  }

  #tellFar(key: string): void {
    const { identifiers } = this.#component;
    for (const evidence of this.#byEnd.get(key) ?? [])
      if (!identifiers.has(evidence.a === key ? evidence.b : evidence.a)) this.told.push(evidence);
  }

  /** Where values are at stake of which a person may not have any number: what she has of them already. */
  finish(): void {
    if (!this.hasScarce) return;
    const asked = new Set<string>();
    for (const entry of this.identifiers.values()) {
      for (const naming of this.#listHolders(entry)) {
        if (asked.has(naming)) continue;
        asked.add(naming);
        // What it reaches is visited in its turn.
        for (const key of scarceOf(this.#registry, this.#component, naming)) this.reach(key, false);
      }
    }
  }

  /** Profiles of who claims it, or did. */
  *#listHolders({ key, status, profile }: Entry): Iterable<string> {
    if (profile !== null) yield profile;
    if (status !== null && !status.known)
      for (const claimant of status.claimants) yield* this.#holderOf(this.#component.identifiers.get(claimant));
    if (this.movers.has(key))
      for (const { a, b } of this.#byEnd.get(key) ?? []) yield* this.#holderOf(this.#known.get(a === key ? b : a));
  }

  *#holderOf(entry: Entry | undefined): Iterable<string> {
    if (entry !== undefined && entry.profile !== null) yield entry.profile;
  }

  /** The far ends that the evidence has here. */
  abroad(evidence: Iterable<Evidence>): Abroad | null {
    const { abroad } = this.#component;
    if (abroad === null && this.#confined.size === 0) return null;
    const far = new Map(this.#confined);
    for (const { a, b } of evidence)
      for (const end of [a, b]) {
        const there = abroad?.far.get(end);
        if (there !== undefined) far.set(end, there);
      }
    return { ...(abroad ?? openAbroad(createComponent(this.#component.id))), far };
  }
}

function isClaimed({ status }: Entry): boolean {
  return status !== null && !status.known && status.claimants.length > 0;
}

function nameEvidence({ a, b, source, assurance }: Evidence): string {
  return evidenceKey(a, b, source, assurance);
}
