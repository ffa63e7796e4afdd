// A small campaign for every push: what failed once, canaries, seeds, and double runs; mutants.test.ts has the planted bugs, erasing.test.ts
// what is about erasures.
// `npm run simulate` is the long one. WEFT_PROPERTY_RUNS scales the seeds; they are the same each time.

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { FACTOR } from "#support/property.ts";
import {
  createTally,
  listMissing,
  listSilentCanaries,
  replayRegressions,
  runCampaign,
  VACUITY_SEEDS_MIN,
} from "./campaign.ts";

const SEEDS = Math.max(VACUITY_SEEDS_MIN, Math.round(200 * FACTOR));
/** Each of them, where all are run. */
const DOUBLE_EVERY = FACTOR >= 1 ? 1 : 4;
describe("a simulated deployment", () => {
  it("does not fail again where it failed once", async () => {
    deepEqual(await replayRegressions(), []);
  });

  it("sounds the alarm at the canary seeds", async () => {
    deepEqual(await listSilentCanaries(), []);
  });

  it("keeps its promises under every mix of faults, and leaves the same trace twice (I1, O1, O2, O3, S1, G1)", async (t) => {
    const tally = createTally();
    const failures: string[] = [];
    await runCampaign({ kind: "any", from: 1, seeds: SEEDS, doubleEvery: DOUBLE_EVERY }, tally, ({ seed, failure }) => {
      if (failure !== null) failures.push(`seed ${seed}: ${failure}`);
    });
    const { seeds, events, faults, hard, doubles } = tally;
    t.diagnostic(`${seeds} seeds, ${events} events, ${faults} faults, ${hard} of them hard; ${doubles} ran twice`);
    deepEqual(failures, []);
    deepEqual(listMissing(tally, "any"), []);
  });
});
