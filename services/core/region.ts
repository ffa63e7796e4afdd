// What a piece of news can move. The identity rule (weighing.ts) is compositional: known identifiers never depend on weak
// ones, and a region (weak identifiers that evidence ties to each other, directly or by others) depends on its own evidence
// and on the known identifiers and far ends at its rim, never on other regions; unless values are at stake of which a
// profile may not have any number, or pairs that an operator holds apart, for which units queue. So what is new about a few
// cookies is weighed over their region, whatever else the person has (P5).

import { isSameStamp } from "./comparison.ts";
import type { Registry } from "./registry.ts";
import type { Component, Entry, Evidence, FarEnd } from "./component.ts";
import { evidenceKey } from "./component.ts";
import { Verdicts } from "./ruling.ts";
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
}

/** Of identifiers and of evidence: beyond it everything is weighed. */
const REGION_MAX = 128;

export function createNews(): News {
  return { touched: new Set(), whole: false };
}

function openTies(registry: Registry, component: Component): Ties {
  if (component.ties !== null) return component.ties;
  const known = new Map<string, Entry>();
  for (const [key, entry] of component.identifiers) if (isKnown(registry, entry)) known.set(key, entry);
  component.ties = { known, firm: new Set(), byEnd: new Map() };
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

/** The region of what is touched, its rim and what says who the known ones are, as a component; null: weigh it all. */
export function findRegion(registry: Registry, component: Component, { touched, whole }: News): Component | null {
  if (whole) return null;
  const { known, firm, byEnd } = openTies(registry, component);
  const identifiers = new Map(known);
  const evidence = new Map<string, Evidence>();
  const queue = [...touched];
  for (const key of queue) {
    const entry = component.identifiers.get(key);
    if (entry === undefined || identifiers.has(key)) continue;
    if (registry.namespaces.get(entry.namespace)?.heldMax !== null) return null;
    identifiers.set(key, entry);
    for (const one of byEnd.get(key) ?? []) {
      evidence.set(evidenceKey(one.a, one.b, one.source, one.assurance), one);
      queue.push(one.a === key ? one.b : one.a);
    }
    if (identifiers.size - known.size > REGION_MAX || evidence.size > REGION_MAX) return null;
  }
  const isWeak = (key: string) => component.identifiers.has(key) && !known.has(key);
  const apart = component.rulings === null ? [] : new Verdicts(component.rulings).list("apart");
  if (apart.some(({ a, b }) => isWeak(a) || isWeak(b))) return null;
  for (const one of firm) evidence.set(evidenceKey(one.a, one.b, one.source, one.assurance), one);
  return { ...component, identifiers, evidence };
}
