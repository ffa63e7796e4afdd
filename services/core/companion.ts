// Which identifiers a source has vouched for together with an anchor, and since when: what is told under one of two that
// have one in common was told of the other too (consent.ts). A fact of the anchor like any other, so it goes where it goes.

import { isAuthenticated } from "./configuration.ts";
import { type RegisterRules, type Registers, NOTHING_TOLD, isAnchorAuthenticated, mergeRegisters } from "./facet.ts";
import type { EventItem } from "./item.ts";
import type { LimitKind } from "./limit.ts";
import type { Registry } from "./registry.ts";

export const COMPANIONS_MAX = 256;

export interface Companion {
  readonly anchor: string;
  /** Key of another identifier of a person. */
  readonly name: string;
  /** It is of a kind that people share, so two who were told with it need not be one. */
  readonly shareable: boolean;
  /** occurredAt of the first event that names both. */
  readonly at: number;
}

/** Of what is left out it was never said. */
const COMPANION_RULES: RegisterRules<Companion> = {
  join: (a, b) => (a.at <= b.at ? a : b),
  max: COMPANIONS_MAX,
  keep: "first",
  classed: false,
  limit: "companions",
};

export function companionKey({ anchor, name }: Companion): string {
  return `${anchor} ${name}`;
}

export function readCompanions({ namespaces }: Registry, item: EventItem, at: number): Registers<Companion> {
  const { identifiers, anchor } = item;
  if (identifiers.length < 2 || !isAnchorAuthenticated(item)) return NOTHING_TOLD;
  const companions = identifiers.flatMap(({ key, namespace, assurance }) => {
    const kind = namespaces.get(namespace)?.kind;
    if (key === anchor || !isAuthenticated(assurance)) return [];
    const shareable = kind === "shareable";
    return shareable || kind === "unique" || kind === "personal" ? [{ anchor, name: key, shareable, at }] : [];
  });
  return companions.length === 0 ? NOTHING_TOLD : new Map(companions.map((one) => [companionKey(one), one]));
}

/** Most events say what is known. */
export function mergeCompanions(
  a: Registers<Companion>,
  b: Registers<Companion>,
  limits: LimitKind[],
): Registers<Companion> {
  const isKnown = [...b].every(([key, { at }]) => at >= (a.get(key)?.at ?? Number.POSITIVE_INFINITY));
  return isKnown ? a : mergeRegisters(COMPANION_RULES, a, b, limits);
}

/** Whether two anchors were one person's by then: told together, or each with one that nobody shares. */
export function areCompanions(companions: Registers<Companion>, one: string, other: string, at: number): boolean {
  if (one === other) return true;
  const told = [...companions.values()].filter((companion) => companion.at <= at);
  const namesOf = (anchor: string) => told.filter((companion) => companion.anchor === anchor);
  const [ofOne, ofOther] = [namesOf(one), namesOf(other)];
  const hers = new Set(ofOne.flatMap(({ name, shareable }) => (shareable ? [] : [name])));
  return ofOne.some(({ name }) => name === other) || ofOther.some(({ name }) => name === one || hers.has(name));
}
