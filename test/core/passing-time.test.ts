// Rules that depend on time: what ends by passing time alone ends without any event of the person, at the instant at which it
// was due, and not before every resolver slot has passed it (T2, O2).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Configuration } from "#core/configuration.ts";
import type { SegmentTransition } from "#core/effect.ts";
import { checkRule } from "#services/config/expression.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { Cluster } from "#support/cluster.ts";
import { configuration, hash, history } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";
import { recomputePeople, type RecordedEvent } from "#support/oracle.ts";

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 5);
const timed: Configuration = {
  ...configuration,
  rules: {
    ...configuration.rules,
    ladder: [
      { segment: "lapsed", when: 'orders.valid >= 1 && elapsed(orders.latestAt, "30d")' },
      { segment: "buyer", when: "orders.valid >= 1" },
      { segment: "dormant", when: 'elapsed(profile.lastAt, "10d")' },
      { segment: "active", when: "true" },
    ],
  },
};

function tell(day: number, type: string, orderId: string | null = null): FoldEvent {
  const recordedAt = START_MS + day * DAY_MS;
  const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 1_000 }];
  const order = orderId === null ? null : { orderId, lines, currency: "EUR", totalMinor: 1_000 };
  const identifiers = [{ namespace: "customer", value: "c-ana" }];
  return { source: "web", recordedAt, event: { eventId: `e${day}`, type, occurredAt: recordedAt, identifiers, order } };
}

function listMoves(outputs: Fold["outputs"]): string[] {
  return outputs.flatMap((one) =>
    one.kind === "transition" ? [`${one.to} (${one.cause}, day ${(one.by.at - START_MS) / DAY_MS})`] : [],
  );
}

async function foldUntil(events: readonly FoldEvent[], untilMs: number): Promise<Fold> {
  const fold = new Fold({ configuration: timed, hash });
  for (const event of events) await fold.add([event]);
  await fold.advance(untilMs);
  return fold;
}

describe("a segment that ends by time alone", () => {
  it("ends at its instant, without any event of the person, and says that it was the time (T2)", async () => {
    const fold = await foldUntil([tell(0, "page-viewed"), tell(3, "order-placed", "o1")], START_MS + 100 * DAY_MS);
    deepEqual(listMoves(fold.outputs), ["active (event, day 0)", "buyer (event, day 3)", "lapsed (schedule, day 33)"]);
  });

  it("does not end where something came before, and ends later", async () => {
    const events = [tell(0, "order-placed", "o1"), tell(29, "order-placed", "o2"), tell(61, "page-viewed")];
    deepEqual(listMoves((await foldUntil(events, START_MS + 200 * DAY_MS)).outputs), [
      "buyer (event, day 0)",
      "lapsed (schedule, day 59)",
    ]);
    const again = [...events, tell(70, "order-placed", "o3")];
    deepEqual(listMoves((await foldUntil(again, START_MS + 90 * DAY_MS)).outputs).slice(2), ["buyer (event, day 70)"]);
  });

  it("does not end before the shard's time has come there, however late the events around it are recorded", async () => {
    const fold = new Fold({ configuration: timed, hash });
    await fold.add([tell(0, "order-placed", "o1")]);
    await fold.advance(START_MS + 30 * DAY_MS - 1);
    equal(fold.outputs.filter(({ kind }) => kind === "transition").length, 1);
    await fold.advance(START_MS + 30 * DAY_MS);
    equal(fold.outputs.filter(({ kind }) => kind === "transition").length, 2);
  });

  it("is what the rules say of all facts as of the time that has passed, in any history (T2, P1)", async () => {
    let ended = 0;
    await fc.assert(
      fc.asyncProperty(history(2, 14), fc.nat(60), async ({ events }, days) => {
        const untilMs = Math.max(...events.map(({ recordedAt }) => recordedAt)) + days * DAY_MS;
        const fold = await foldUntil(
          events.toSorted((a, b) => a.recordedAt - b.recordedAt),
          untilMs,
        );
        deepEqual(comparePeople(await fold.readPeople()), compareOracle(recomputePeople(events, timed, hash, untilMs)));
        const scheduled = fold.outputs.filter(
          (one): one is SegmentTransition => one.kind === "transition" && one.cause === "schedule",
        );
        for (const { by } of scheduled) ok(by.at <= untilMs && by.eventId === null);
        ended += scheduled.length;
      }),
      runs(1_000),
    );
    checkMet(ended > 0);
  });

  it("comes to the same on any number of shards and resolvers, hand-overs between (T2, I1)", async () => {
    const layout = fc.record({
      shards: fc.integer({ min: 1, max: 4 }),
      resolvers: fc.integer({ min: 1, max: 3 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(
        history(2, 10),
        layout,
        fc.nat(60),
        async ({ events }: { events: readonly RecordedEvent[] }, how, days) => {
          const latest = Math.max(...events.map(({ recordedAt }) => recordedAt));
          const cluster = new Cluster({ configuration: timed, hash, faults: 10, ...how });
          await cluster.run(events);
          for (const untilMs of [latest + days * DAY_MS, latest + 2 * days * DAY_MS]) {
            await cluster.passTime(untilMs);
            deepEqual(
              comparePeople(await cluster.readPeople()),
              compareOracle(recomputePeople(events, timed, hash, untilMs)),
            );
          }
        },
      ),
      runs(400),
    );
  });
});

describe("a rule that depends on time", () => {
  it("is checked: what elapses is an instant, and for how long is a duration", () => {
    equal(checkRule('elapsed(orders.latestAt, "90d") && profile.known'), undefined);
    ok(checkRule('elapsed(orders.latestAt, "90 days")')?.message.includes("expected a duration"));
    ok(checkRule("elapsed(orders.latestAt)") !== undefined);
    ok(checkRule('elapsed(orders.lastestAt, "1d")')?.message.includes('did you mean "latestAt"?'));
  });
});
