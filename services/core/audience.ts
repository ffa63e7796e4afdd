// Audiences: any number of memberships beside the segment, overlapping, each a rule of its own over the facts that the
// ladder reads. They depend on the facts and the time that has passed, never on the path.

import { compareText } from "./comparison.ts";
import type { Rules } from "./configuration.ts";
import { isTrue } from "./rung.ts";
import { openRules } from "./segment.ts";
import type { Facts } from "./view.ts";

export interface Audiences {
  /** Those that she is in at that time, by name; and the next instant at which passing time alone may change them. */
  evaluate(facts: Facts, atMs: number): { readonly audiences: readonly string[]; readonly until: number | null };
}

const NONE = { audiences: [], until: null };

export function compileAudiences({ audiences: rules = [] }: Rules): Audiences {
  if (rules.length === 0) return { evaluate: () => NONE };
  const asked = openRules();
  const conditions = rules
    .map(({ audience, when }) => ({ audience, holds: asked.parse(when) }))
    .sort((a, b) => compareText(a.audience, b.audience));
  return {
    evaluate(facts, atMs) {
      const context = asked.begin(facts, atMs);
      const audiences = conditions.filter(({ holds }) => isTrue(holds, context)).map(({ audience }) => audience);
      return { audiences, until: asked.until() };
    },
  };
}
