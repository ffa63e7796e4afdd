// What is ruled about identifiers: by an operator about two of them, or by a source that may say that one has taken the
// place of another or was given up. Records of the log like any evidence, undone by a later one: of several about one pair
// the latest by record time holds, in whatever order they arrive.

import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import { OPERATOR } from "./configuration.ts";

/**
 * linked: evidence of the strongest assurance. cut: what says that they belong together does not count. apart: nor may
 * anything else bring them together. lifted: as if nothing had been ruled.
 */
export const OPERATOR_VERDICTS = ["linked", "cut", "apart", "lifted"] as const;
export type OperatorVerdict = (typeof OPERATOR_VERDICTS)[number];
/**
 * replaced: two values of a namespace count as one. released (about one identifier, which stands for both): no
 * evidence with it that was recorded before counts.
 */
export type Verdict = OperatorVerdict | "replaced" | "released";

/** Types of the events that rule, where both identifiers are asserted with assurance `operator`. */
const VERDICT_BY_TYPE: ReadonlyMap<string, OperatorVerdict> = new Map([
  ["identifiers-linked", "linked"],
  ["evidence-cut", "cut"],
  ["identifiers-parted", "apart"],
  ["ruling-lifted", "lifted"],
]);

export function verdictOf(eventType: string): OperatorVerdict | null {
  return VERDICT_BY_TYPE.get(eventType) ?? null;
}

/** A type of event by which an operator says that two identifiers do not belong together, or that nothing was ruled. */
export function takesBack(eventType: string): boolean {
  const verdict = verdictOf(eventType);
  return verdict !== null && verdict !== "linked";
}

export function rulingType(verdict: OperatorVerdict): string {
  return [...VERDICT_BY_TYPE].find(([, ruled]) => ruled === verdict)?.[0] as string;
}

export interface Ruling {
  /** Keys of the two, the smaller first. */
  readonly a: string;
  readonly b: string;
  readonly verdict: Verdict;
  readonly stamp: Stamp;
}

/** Each under its pair and its event, with the earliest record of it: a copy that was recorded before counts from there. */
export type Rulings = Map<string, Ruling>;

function pairKey(one: string, other: string): string {
  return compareText(one, other) < 0 ? `${one} ${other}` : `${other} ${one}`;
}

export function createRuling(one: string, other: string, verdict: Verdict, stamp: Stamp): Ruling {
  const [a, b] = compareText(one, other) < 0 ? [one, other] : [other, one];
  return { a, b, verdict, stamp };
}

/** True where it is new, or recorded earlier than was known. */
export function takeRuling(rulings: Rulings, ruling: Ruling): boolean {
  const key = `${pairKey(ruling.a, ruling.b)} ${ruling.stamp.source} ${ruling.stamp.eventId}`;
  const present = rulings.get(key);
  if (present !== undefined && present.stamp.t <= ruling.stamp.t) return false;
  rulings.set(key, ruling);
  return true;
}

/**
 * Whether an identifier was ever given up: then it names nobody, and what is kept under it is nobody's, from before and after,
 * for what was recorded when is not to be told from a sum (SPEC.md, section 2).
 */
export function isGivenUp({ rulings }: { readonly rulings: Rulings | null }, key: string): boolean {
  if (rulings === null) return false;
  for (const { a, b, verdict } of rulings.values()) if (verdict === "released" && a === key && b === key) return true;
  return false;
}

/** The verdicts that hold: of each pair the latest of an operator, and apart from it what sources said of it. */
export class Verdicts {
  readonly #latest = new Map<string, Ruling>();

  constructor(rulings: Rulings | null) {
    for (const ruling of rulings?.values() ?? []) {
      // What an operator lifts is what operators ruled: a replacement that a source told stands as it stood.
      const key =
        ruling.verdict === "replaced" ? `${pairKey(ruling.a, ruling.b)} replaced` : pairKey(ruling.a, ruling.b);
      const other = this.#latest.get(key);
      if (other === undefined || compareStamps(ruling.stamp, other.stamp) > 0) this.#latest.set(key, ruling);
    }
  }

  /** Whether evidence between two identifiers counts, as far as it was ruled about both. A link is the operator's evidence. */
  letCount(a: string, b: string, source: string | null = null): boolean {
    const verdict = this.#latest.size === 0 ? undefined : this.#latest.get(pairKey(a, b))?.verdict;
    return verdict !== "cut" && verdict !== "apart" && !(verdict === "lifted" && source === OPERATOR);
  }

  /** What holds of two by an operator's word; null: nothing was ruled, or that was lifted. */
  holding(a: string, b: string): Verdict | null {
    const verdict = this.#latest.get(pairKey(a, b))?.verdict ?? null;
    return verdict === "lifted" ? null : verdict;
  }

  /** The record by which an identifier was given up last. */
  releaseOf(key: string): Stamp | null {
    const ruling = this.#latest.size === 0 ? undefined : this.#latest.get(pairKey(key, key));
    return ruling?.verdict === "released" ? ruling.stamp : null;
  }

  /** The pairs of which this holds. */
  list(verdict: Verdict): Ruling[] {
    return [...this.#latest.values()].filter((ruling) => ruling.verdict === verdict);
  }
}

/** Of a component without rulings. */
export const NO_VERDICTS = new Verdicts(null);

/** Values that count as one, since one has taken the place of the other; not from before one of them was given up. */
export class Successions {
  readonly #parents = new Map<string, string>();

  constructor(verdicts: Verdicts) {
    const isFrom = (stamp: Stamp, release: Stamp | null) => release === null || compareStamps(stamp, release) > 0;
    for (const { a, b, stamp } of verdicts.list("replaced")) {
      if (!verdicts.letCount(a, b)) continue;
      if (!isFrom(stamp, verdicts.releaseOf(a)) || !isFrom(stamp, verdicts.releaseOf(b))) continue;
      const [ra, rb] = [this.root(a), this.root(b)];
      if (ra !== rb) this.#parents.set(ra, rb);
    }
  }

  /** The same for all that count as one. */
  root(key: string): string {
    let root = key;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent;
    return root;
  }
}

/** Of a component without rulings. */
export const NO_SUCCESSIONS = new Successions(NO_VERDICTS);
