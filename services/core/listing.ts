// Which of many identifiers a record of an output names: a record is bounded, a person's cookies are not. Known ones first,
// so that no flood of claims drives them out (I5), then the best anchors, so what goes unnamed are devices; how many there
// are is said beside.

import { compareText } from "./comparison.ts";
import type { Registry } from "./registry.ts";
import type { Workspace } from "./workspace.ts";

/** Identifiers that one record names. */
export const LISTED_IDENTIFIERS_MAX = 200;

/** In the order given where all are named. Tells the limit where not (O4). */
export function listBest<T extends { readonly namespace: string }>(
  registry: Registry,
  workspace: Workspace,
  identifiers: readonly T[],
  isKnown: (identifier: T) => boolean,
): readonly T[] {
  if (identifiers.length <= LISTED_IDENTIFIERS_MAX) return identifiers;
  workspace.effects.push({ kind: "limit", limit: "identifiers-listed" });
  const rankOf = ({ namespace }: T) => registry.namespaces.get(namespace)?.anchorRank ?? Number.MAX_SAFE_INTEGER;
  const known = new Set(identifiers.filter(isKnown));
  const ranked = identifiers.toSorted((a, b) => Number(known.has(b)) - Number(known.has(a)) || rankOf(a) - rankOf(b));
  return ranked.slice(0, LISTED_IDENTIFIERS_MAX).sort((a, b) => compareText(a.namespace, b.namespace));
}
