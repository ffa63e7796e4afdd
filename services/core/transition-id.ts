// What a transition is called: its profile, and its place among all that were ever told of that profile, from 1.

import { compareText } from "./comparison.ts";

/** The next one's; counts it. */
export function drawTransitionId(record: { readonly id: string; transitions: number }): string {
  record.transitions += 1;
  return `${record.id}.${record.transitions}`;
}

export function placeOfTransition(transitionId: string): number {
  return Number(transitionId.slice(transitionId.lastIndexOf(".") + 1));
}

interface NamedTransition {
  readonly profileId: string;
  readonly transitionId: string;
}

/** By profile, and those of one in the order in which they were told: of one instant there may be several. */
export function compareTransitions(a: NamedTransition, b: NamedTransition): number {
  return compareText(a.profileId, b.profileId) || placeOfTransition(a.transitionId) - placeOfTransition(b.transitionId);
}
