// Audiences: any number, overlapping, each what its rule says of all facts as of the time that has passed (P1, T2).

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import type { AudienceRule, Configuration } from "#core/configuration.ts";
import { START_MS, tell } from "#support/fold-events.ts";
import { configuration } from "#support/histories.ts";
import { checkMet } from "#support/property.ts";
import { comesToTheOracles, comesToTheSameInClusters, DAY_MS, foldUntil } from "#support/passed-time.ts";

const audiences: readonly AudienceRule[] = [
  { audience: "quiet", when: 'elapsed(profile.lastAt, "10d")' },
  { audience: "spenders", when: "orders.spentMinor.exists(c, orders.spentMinor[c] >= 25000)" },
  { audience: "buyers", when: "orders.valid >= 1" },
  { audience: "reachable", when: "profile.contactPoints > 0" },
  { audience: "broken", when: "orders.valid / profile.checkouts > 0" },
];
const told: Configuration = { ...configuration, rules: { ...configuration.rules, audiences } };

describe("audiences", () => {
  it("overlap, and are told where they change, by time alone too (T2)", async () => {
    const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 30_000 }];
    const order = { orderId: "o", lines, currency: "EUR", totalMinor: 30_000 };
    const events = [
      tell("web", 0, "page-viewed", { customer: "c" }),
      tell("web", 1, "order-placed", { customer: "c" }, { order }),
      tell("web", 2, "order-cancelled", { customer: "c" }, { order }),
    ];
    const { outputs } = await foldUntil(told, events, START_MS + 30 * DAY_MS);
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
    await comesToTheOracles(told, 1_000, ({ outputs }, { profiles }) => {
      // What was said of each profile last is what she is in.
      const said = new Map<string, readonly string[] | null>();
      for (const one of outputs)
        if (one.kind === "profile-state") said.set(one.profileId, one.state?.audiences ?? null);
      for (const { profileId, audiences: names } of profiles) {
        deepEqual(said.get(profileId), names);
        for (const name of names) met.set(name, (met.get(name) ?? 0) + 1);
      }
    });
    for (const { audience } of audiences) checkMet((met.get(audience) ?? 0) > 0 || audience === "broken", audience);
  });

  it("come to the same on any number of shards and resolvers, hand-overs between (I1)", async () => {
    await comesToTheSameInClusters(told, 400);
  });
});
