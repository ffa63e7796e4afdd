// Histories after which days pass, folded event by event or in a scrambled cluster, beside the oracle's people of then.

import { deepEqual } from "node:assert/strict";
import * as fc from "fast-check";
import type { Configuration } from "#core/configuration.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { Cluster } from "./cluster.ts";
import { hash, history, historyOf } from "./histories.ts";
import { runs } from "./property.ts";
import { compareOracle, comparePeople } from "./oracle-comparison.ts";
import { recomputePeople, type OraclePeople, type RecordedEvent } from "./oracle.ts";

export const DAY_MS = 86_400_000;

const untilOf = (events: readonly RecordedEvent[], days: number) =>
  Math.max(...events.map(({ recordedAt }) => recordedAt)) + days * DAY_MS;

export async function foldUntil(told: Configuration, events: readonly FoldEvent[], untilMs: number): Promise<Fold> {
  const fold = new Fold({ configuration: told, hash });
  for (const event of events) await fold.add([event]);
  await fold.advance(untilMs);
  return fold;
}

/** Looks at each fold that has come to the oracle's people. */
export async function comesToTheOracles(
  told: Configuration,
  count: number,
  look: (fold: Fold, oracle: OraclePeople) => void,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.oneof(history(2, 14), historyOf("orders", 8, 20)), fc.nat(20), async ({ events }, days) => {
      const untilMs = untilOf(events, days);
      const inOrder = events.toSorted((a, b) => a.recordedAt - b.recordedAt);
      const oracle = recomputePeople(events, told, hash, untilMs);
      const fold = await foldUntil(told, inOrder, untilMs);
      deepEqual(comparePeople(await fold.readPeople()), compareOracle(oracle));
      look(fold, oracle);
    }),
    runs(count),
  );
}

export async function comesToTheSameInClusters(told: Configuration, count: number): Promise<void> {
  const layout = fc.record({
    shards: fc.integer({ min: 1, max: 4 }),
    resolvers: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(history(2, 10), layout, fc.nat(20), async ({ events }, how, days) => {
      const untilMs = untilOf(events, days);
      const cluster = new Cluster({ configuration: told, hash, faults: 10, ...how });
      await cluster.run(events);
      await cluster.passTime(untilMs);
      deepEqual(comparePeople(await cluster.readPeople()), compareOracle(recomputePeople(events, told, hash, untilMs)));
    }),
    runs(count),
  );
}
