// What is said of the people of a log depends on the log alone: not on who folds it, in which steps, with what in memory (O2).

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { Campaign } from "#support/campaign.ts";
import { Cluster, replayLog } from "#support/cluster.ts";
import { foldBatches } from "#support/fold-events.ts";
import { bits, configuration, cut, hash, usual } from "#support/histories.ts";
import { runs } from "#support/property.ts";
import { comparePeople } from "#support/oracle-comparison.ts";

const campaign = new Campaign();
const print = (value: unknown) => JSON.stringify(value);

describe("what is said of the people of a log", () => {
  it("is the same, byte for byte, when the same log is folded again (O2)", async () => {
    await fc.assert(
      fc.asyncProperty(usual, bits, async ({ events }, ends) => {
        campaign.add(events);
        const batches = cut(events, ends);
        const [one, two] = [await foldBatches(batches), await foldBatches(batches)];
        equal(JSON.stringify(one.outputs), JSON.stringify(two.outputs));
        equal(JSON.stringify(one.outcomes), JSON.stringify(two.outcomes));
        equal(JSON.stringify(await one.readPeople()), JSON.stringify(await two.readPeople()));
      }),
      runs(1_500),
    );
  });

  it("has the same transitions however the same inner log is cut into bundles and steps (O2)", async () => {
    await fc.assert(
      fc.asyncProperty(usual, fc.nat(), bits, bits, async ({ events }, scramble, ends, steps) => {
        campaign.add(events);
        const cluster = new Cluster({ configuration, hash, shards: 1, resolvers: 2, seed: scramble, faults: 0 });
        await cluster.run(events);
        const log = cluster.readLog(0);
        const each = await replayLog(
          cluster.engine,
          log.map((item) => [[item]]),
        );
        const other = await replayLog(cluster.engine, cut(cut(log, ends), steps));
        const moves = ({ outputs }: typeof each) =>
          outputs.filter(
            ({ kind }) =>
              kind === "transition" || kind === "retraction" || kind === "identity-changed" || kind === "signal",
          );
        deepEqual(moves(other), moves(each));
        deepEqual(comparePeople(other.people), comparePeople(each.people));
      }),
      runs(1_500),
    );
  });

  it("is the same, byte for byte, whatever the stitcher still holds in memory (O2)", async () => {
    await fc.assert(
      fc.asyncProperty(usual, fc.nat(), bits, bits, async ({ events }, scramble, ends, steps) => {
        campaign.add(events);
        const cluster = new Cluster({ configuration, hash, shards: 1, resolvers: 2, seed: scramble, faults: 0 });
        await cluster.run(events);
        const log = cut(cut(cluster.readLog(0), ends), steps);
        const one = await replayLog(cluster.engine, log);
        const two = await replayLog(cluster.engine, log, true);
        deepEqual(two.outputs.map(print), one.outputs.map(print));
      }),
      runs(1_500),
    );
  });

  it("is checked on histories of 5 to 60 events", (t) => {
    t.diagnostic(campaign.describe());
    campaign.checkSizes();
  });
});
