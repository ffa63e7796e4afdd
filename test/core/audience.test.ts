// Audiences: any number, overlapping, each what its rule says of all facts as of the time that has passed (P1, T2).

import { deepEqual, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { AudienceRule, Configuration } from "#core/configuration.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { Cluster } from "#support/cluster.ts";
import { START_MS, tell } from "#support/fold-events.ts";
import { configuration, hash, history, historyOf, runs } from "#support/histories.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";
import { recomputePeople } from "#support/oracle.ts";

const DAY_MS = 86_400_000;
const audiences: readonly AudienceRule[] = [
  { audience: "quiet", when: 'elapsed(profile.lastAt, "10d")' },
  { audience: "spenders", when: "orders.spentMinor.exists(c, orders.spentMinor[c] >= 25000)" },
  { audience: "buyers", when: "orders.valid >= 1" },
  { audience: "reachable", when: "profile.contactPoints > 0" },
  { audience: "broken", when: "orders.valid / profile.checkouts > 0" },
];
const told: Configuration = { ...configuration, rules: { ...configuration.rules, audiences } };

async function foldUntil(events: readonly FoldEvent[], untilMs: number): Promise<Fold> {
  const fold = new Fold({ configuration: told, hash });
  for (const event of events) await fold.add([event]);
  await fold.advance(untilMs);
  return fold;
}

describe("audiences", () => {
  it("overlap, and are told where they change, by time alone too (T2)", async () => {
    const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 30_000 }];
    const order = { orderId: "o", lines, currency: "EUR", totalMinor: 30_000 };
    const events = [
      tell("web", 0, "page-viewed", { customer: "c" }),
      tell("web", 1, "order-placed", { customer: "c" }, { order }),
      tell("web", 2, "order-cancelled", { customer: "c" }, { order }),
    ];
    const { outputs } = await foldUntil(events, START_MS + 30 * DAY_MS);
    const changes = outputs.flatMap((one) =>
      one.kind === "profile-changed"
        ? one.changes
            .filter(({ path }) => path.startsWith("audiences."))
            .map(({ path, before, after }) => `${(one.cause.at - START_MS) / 60_000} ${path} ${before} ${after}`)
        : [],
    );
    deepEqual(changes, [
      "1 audiences.buyers null true",
      "1 audiences.spenders null true",
      "2 audiences.buyers true null",
      "2 audiences.spenders true null",
      `${2 + 10 * 24 * 60} audiences.quiet null true`,
    ]);
    const states = outputs.flatMap((one) => (one.kind === "profile-state" ? [one.state?.audiences] : []));
    deepEqual(states, [[], ["buyers", "spenders"], [], ["quiet"]]);
  });

  it("are what each rule says, in any history and as of any time (P1, T2)", async () => {
    const met = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.oneof(history(2, 14), historyOf("orders", 8, 20)), fc.nat(20), async ({ events }, days) => {
        const untilMs = Math.max(...events.map(({ recordedAt }) => recordedAt)) + days * DAY_MS;
        const inOrder = events.toSorted((a, b) => a.recordedAt - b.recordedAt);
        const oracle = recomputePeople(events, told, hash, untilMs);
        const fold = await foldUntil(inOrder, untilMs);
        deepEqual(comparePeople(await fold.readPeople()), compareOracle(oracle));
        for (const { audiences: names } of oracle.profiles)
          for (const name of names) met.set(name, (met.get(name) ?? 0) + 1);
        // What was said of each profile last is what she is in.
        const said = new Map<string, readonly string[] | null>();
        for (const one of fold.outputs)
          if (one.kind === "profile-state") said.set(one.profileId, one.state?.audiences ?? null);
        for (const { profileId, audiences: names } of oracle.profiles) deepEqual(said.get(profileId), names);
      }),
      runs(1_000),
    );
    for (const { audience } of audiences) ok((met.get(audience) ?? 0) > 0 || audience === "broken", audience);
  });

  it("come to the same on any number of shards and resolvers, hand-overs between (I1)", async () => {
    const layout = fc.record({
      shards: fc.integer({ min: 1, max: 4 }),
      resolvers: fc.integer({ min: 1, max: 3 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(history(2, 10), layout, fc.nat(20), async ({ events }, how, days) => {
        const untilMs = Math.max(...events.map(({ recordedAt }) => recordedAt)) + days * DAY_MS;
        const cluster = new Cluster({ configuration: told, hash, faults: 10, ...how });
        await cluster.run(events);
        await cluster.passTime(untilMs);
        const oracle = recomputePeople(events, told, hash, untilMs);
        deepEqual(comparePeople(await cluster.readPeople()), compareOracle(oracle));
      }),
      runs(400),
    );
  });
});
