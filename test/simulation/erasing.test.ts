// Requests to be forgotten, at random points of whatever else goes on, two thousand in each whole run, every other seed with
// payload keys: `npm run simulate -- --erasures N [--sealed]` makes more. WEFT_PROPERTY_RUNS scales them; the seeds are the same each time.

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { FACTOR } from "#support/property.ts";
import { createTally, listMissing, runCampaign, VACUITY_SEEDS_MIN } from "./campaign.ts";
import { ERASURES } from "./circumstances.ts";

const REQUESTS = 2000 * FACTOR;
const DOUBLE_EVERY = 20;

describe("who asks to be forgotten in a simulated deployment", () => {
  it("is, at whatever point, and nobody sees anything of it afterwards (G1)", async (t) => {
    const tally = createTally();
    const failures: string[] = [];
    const heard = () => tally.counts.get(ERASURES) ?? 0;
    for (let from = 1; from <= VACUITY_SEEDS_MIN || heard() < REQUESTS; from += 1)
      await runCampaign(
        { kind: from % 2 === 0 ? "sealed" : "erasing", from, seeds: 1, doubleEvery: DOUBLE_EVERY },
        tally,
        ({ seed, failure }) => {
          if (failure !== null) failures.push(`seed ${seed}: ${failure}`);
        },
      );
    t.diagnostic(`${heard()} erasures in ${tally.seeds} seeds; ${tally.faults} faults, ${tally.hard} of them hard`);
    deepEqual(failures, []);
    deepEqual(listMissing(tally, "erasing"), []);
  });
});
