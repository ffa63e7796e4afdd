// Restrictions of processing (Art. 18): each is a fact that an operator told under an identifier, and may lift. While any of a
// profile's stands, the profile is frozen: all of it is kept and goes on, and nothing of it is told to automation
// (evaluation.ts, publication.ts). Two people who turn out to be one have the restrictions of both, so of a merge the
// stricter side counts.

import { compareText } from "./comparison.ts";
import { OPERATOR } from "./configuration.ts";
import type { Dossier } from "./dossier.ts";
import type { ChannelEvent } from "./event.ts";
import { classedKey, cutText, earlierOf, NOTHING_TOLD } from "./facet.ts";
import type { RegisterRules, Registers, Telling, Told } from "./facet.ts";

/** Of whoever has as many, all stand, lifted or not: so may one that there was no room for. */
export const RESTRICTIONS_MAX = 64;

export interface Restriction extends Told {
  readonly restrictionId: string;
  readonly lifted: boolean;
}

/** What is lifted is so for good: another restriction is another id. */
export const RESTRICTION_RULES: RegisterRules<Restriction> = {
  join: (a, b) => (a.lifted === b.lifted ? earlierOf(a, b) : a.lifted ? a : b),
  max: RESTRICTIONS_MAX,
  keep: "first",
  classed: true,
  limit: "restrictions",
};

export function restrictionKey({ restrictionId }: Pick<Restriction, "restrictionId">): string {
  return classedKey(true, restrictionId);
}

export function readRestriction({ told, limits }: Telling, { restriction }: ChannelEvent): Registers<Restriction> {
  if (restriction === null || restriction === undefined || told.source !== OPERATOR) return NOTHING_TOLD;
  const { restrictionId, lifted } = restriction;
  const one = { ...told, restrictionId: cutText(restrictionId, limits), lifted };
  return new Map([[restrictionKey(one), one]]);
}

export interface RestrictionView {
  readonly restrictionId: string;
  readonly at: number;
}

/** Those that stand. */
export function viewRestrictions(restrictions: Registers<Restriction>): RestrictionView[] {
  const isFull = restrictions.size >= RESTRICTIONS_MAX;
  return [...restrictions.values()]
    .flatMap(({ restrictionId, at, lifted }) => (lifted && !isFull ? [] : [{ restrictionId, at }]))
    .sort((a, b) => compareText(a.restrictionId, b.restrictionId));
}

export function isRestricted(dossier: Pick<Dossier, "restrictions"> | null): boolean {
  const restrictions = dossier?.restrictions ?? NOTHING_TOLD;
  return restrictions.size > 0 && viewRestrictions(restrictions).length > 0;
}
