// A dossier is a function of the set of events: in whatever order they come, and over however many identifiers they are
// spread, the parts merged in any order say the same (P1).

import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Dossier } from "#core/dossier.ts";
import { viewDossier, viewLatest } from "#core/dossier-view.ts";
import { decodePart, encodePart } from "#services/wire/part.ts";
import type { IdentifierState } from "#core/component.ts";
import { type Fact, foldFacts, mergeFragments, registry } from "#support/fold-facts.ts";
import { someParts } from "#support/history-parts.ts";
import { checkMet, runs } from "#support/property.ts";

const AT = Date.UTC(2026, 0, 5);
const HOUR_MS = 3_600_000;
const FRAGMENTS = 3;

/** Few instants and sources, so that much is said of one thing at once; an identifier of its own for each fact. */
const drawn = fc.record({
  parts: someParts,
  hour: fc.nat({ max: 5 }),
  source: fc.constantFrom("web", "store", "crm"),
  assurance: fc.constantFrom("claimed", "authenticated" as const),
  emails: fc.subarray(["a", "b"]),
  fragment: fc.nat({ max: FRAGMENTS - 1 }),
});

const told = fc.array(drawn, { minLength: 1, maxLength: 40, size: "max" }).chain((draws) => {
  const facts = draws.map(({ parts: { type, parts }, hour, fragment, ...rest }, place) => {
    const event = { eventId: `e${place}`, type: type ?? "called", occurredAt: AT + hour * HOUR_MS, identifiers: [] };
    return { fact: { ...rest, event: { ...event, ...parts } } satisfies Fact, fragment };
  });
  return fc.shuffledSubarray(facts, { minLength: facts.length }).map((shuffled) => ({ facts, shuffled }));
});

function say(dossier: Dossier | null) {
  return { ...viewDossier(registry, dossier), ...viewLatest(registry, dossier) };
}

test("a dossier is the same in any order, over any fragments, and after the store has had it (P1)", () => {
  let merged = 0;
  fc.assert(
    fc.property(told, ({ facts, shuffled }) => {
      const whole = foldFacts(facts.map(({ fact }) => fact)).fragment;
      const parts = Array.from({ length: FRAGMENTS }, (_, n) => {
        return foldFacts(shuffled.flatMap(({ fact, fragment }) => (fragment === n ? [fact] : []))).fragment;
      });
      merged += parts.filter(({ dossier }) => dossier !== null).length > 1 ? 1 : 0;
      const [one, two, three] = parts as [(typeof parts)[0], (typeof parts)[0], (typeof parts)[0]];
      const sums = [mergeFragments(one, two, three), mergeFragments(three, mergeFragments(two, one))];
      for (const { dossier } of sums) deepEqual(dossier, whole.dossier);
      const { value } = encodePart({ key: "i/k", value: { fragment: whole, record: null } });
      const read = decodePart({ key: "i/k", value });
      deepEqual(encodePart(read).value, value);
      deepEqual(say((read.value as IdentifierState).fragment?.dossier ?? null), say(whole.dossier));
      for (const { dossier } of sums) deepEqual(say(dossier), say(whole.dossier));
    }),
    runs(1_000),
  );
  checkMet(merged > 0);
});
