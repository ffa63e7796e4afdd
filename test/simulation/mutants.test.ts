// The planted bugs that die quickly; `npm run simulate -- --mutants` has all of them.

import { equal, notEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { readSource } from "#support/source.ts";
import { MUTANTS } from "./mutants.ts";
import { kill } from "./slaughter.ts";

const QUICK = new Set([
  "published-before-fold",
  "outbox-not-published-at-take-over",
  "outbox-off-by-one",
  "refold-published",
  "unknown-outcome-is-success",
  "no-fence-and-no-compare",
  "torn-commit",
  "position-before-resolving",
  "remembered-before-it-is-resolved",
  "stale-index-read",
  "parked-item-dropped",
  "readers-see-uncommitted",
]);

describe("the simulation notices", () => {
  it("no bug that cannot be planted: each names one place of the code", () => {
    for (const { name, patches = [] } of MUTANTS)
      for (const { file, from } of patches) equal(readSource(`services/${file}`).split(from).length, 2, name);
  });

  for (const mutant of MUTANTS.filter(({ name }) => QUICK.has(name)))
    it(mutant.name, async () => {
      const { killedBy } = await kill(mutant, 1, 40);
      notEqual(killedBy, null, "it survives");
    });
});
