// Why one identifier is with nobody, or was kept out (I7): what it is tied to, and why that does not count.

import type { Registry } from "./registry.ts";
import { compareStamps, compareText } from "./comparison.ts";
import type { Evidence } from "./component.ts";
import { explainSeparation, type Obstacle, type Standing } from "./explanation.ts";
import { isMailbox } from "./mailbox.ts";
import { isGivenUp } from "./ruling.ts";

/** Of more pieces of evidence the earliest are shown, and how many there are. */
export const EVIDENCE_SHOWN_MAX = 20;

export interface Refusal {
  readonly obstacle: Obstacle;
  /** With identifiers that are not with it: the earliest of it. */
  readonly evidence: readonly Evidence[];
  readonly evidenceCount: number;
}

/** Null: it is with whom its evidence says. */
export function explainRefusal(registry: Registry, standing: Standing): Refusal | null {
  const obstacle = findObstacle(registry, standing);
  if (obstacle === null) return null;
  const { component, entry } = standing;
  const isWith = (key: string) =>
    entry.profile !== null && component.identifiers.get(key)?.profile === entry.profile && key !== entry.key;
  const evidence: Evidence[] = [];
  for (const piece of component.evidence.values()) {
    const other = piece.a === entry.key ? piece.b : piece.b === entry.key ? piece.a : null;
    if (other === null || isWith(other)) continue;
    const end = component.identifiers.get(other) ?? component.abroad?.far.get(other);
    if (end === undefined || !isMailbox(registry, end)) evidence.push(piece);
  }
  evidence.sort((x, y) => compareStamps(x.stamp, y.stamp) || compareText(x.a + x.b, y.a + y.b));
  return { obstacle, evidence: evidence.slice(0, EVIDENCE_SHOWN_MAX), evidenceCount: evidence.length };
}

function findObstacle(registry: Registry, standing: Standing): Obstacle | null {
  const { component, entry } = standing;
  if (entry.state === "quarantined") return "quarantined";
  if (entry.profile === null && isGivenUp(component, entry.key)) return "released";
  if (entry.limited) return "limit";
  if (entry.state !== "contested") return null;
  // Of one claimant it was kept away, by a rule of that person's.
  const [only, ...others] = entry.status?.known === false ? entry.status.claimants : [];
  const claimant = others.length > 0 ? undefined : component.identifiers.get(only ?? "");
  return claimant === undefined
    ? "contested"
    : explainSeparation(registry, standing, { component, entry: claimant }).obstacle;
}
