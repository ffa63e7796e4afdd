// Declared signals against the oracle: what is open for whom is a function of the set of events (P1), several signals at
// once, claims and history among what is told (O5), on one shard and on many with hand-overs between.

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Configuration, SignalRule } from "#core/configuration.ts";
import type { Output } from "#core/effect.ts";
import { Fold } from "#services/fold/fold.ts";
import { Cluster } from "#support/cluster.ts";
import { configuration, hash, history, historyOf } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { recomputePeople, type RecordedEvent } from "#support/oracle.ts";

const HOUR_MS = 3_600_000;
/** Longer than a history, so that nothing is sent before all is told. */
const DUE_AFTER_MS = 1_000 * HOUR_MS;
const UNTIL_MS = Date.UTC(2028, 5, 1);

function declare(signal: string, rule: Partial<SignalRule>): SignalRule {
  const timing = { dueAfterMs: DUE_AFTER_MS, sourceLateAfterMs: 36 * HOUR_MS };
  return { signal, after: [], unless: [], yearly: null, while: null, ...timing, ...rule };
}

const signals: readonly SignalRule[] = [
  declare("abandoned-cart", { after: ["cart-activity"], unless: ["valid-order"] }),
  declare("win-back", { after: ["valid-order"], unless: ["valid-order"] }),
  declare("second-purchase", { after: ["valid-order"], unless: ["valid-order"], while: "orders.valid == 1" }),
  declare("back-in-contact", { after: ["cases-settled"], unless: ["valid-order", "called", "message-clicked"] }),
  declare("browsed", {
    after: ["product-viewed", "page-viewed"],
    unless: ["product-viewed", "identified", "cart-activity"],
    while: "profile.known",
  }),
  declare("birthday", { yearly: "birthDate", dueAfterMs: 8 * HOUR_MS, sourceLateAfterMs: 0 }),
];
const told: Configuration = { ...configuration, rules: { ...configuration.rules, signals } };

const DATES = [
  "1980-02-29",
  "1990-12-31T10:00:00Z",
  "2026-03-01",
  "--02-10",
  "1990-02-30",
  "soon",
  7,
  "29/02/1980",
  "12 mars 1985",
  "1900-01-01",
  "12/03/85",
];

/** A date of birth, and whether it is history, go with the event, so copies of one say the same. */
function enrich(events: readonly RecordedEvent[], withHistory: boolean): RecordedEvent[] {
  return events.map((one) => {
    const number = Number(one.event.eventId.slice(1));
    const traits = number % 3 === 0 ? { ...one.event.traits, birthDate: DATES[number % DATES.length] ?? null } : {};
    const event = number % 3 === 0 ? { ...one.event, traits } : one.event;
    return { ...one, event, backfill: withHistory && number % 4 === 1 };
  });
}

function listSent(outputs: readonly Output[]): string[] {
  return outputs
    .flatMap((output) =>
      output.kind === "signal"
        ? [`${output.profileId} ${output.signal} ${output.activityAt} ${output.dueAt} ${output.at} ${output.certainty}`]
        : [],
    )
    .toSorted();
}

/** No file of the store tells as much as the due instant, so what it could refute goes out as late. */
function listDue(events: readonly RecordedEvent[], met: Map<string, number>): string[] {
  return recomputePeople(events, told, hash)
    .profiles.flatMap(({ profileId, open }) => {
      const activities = open(UNTIL_MS);
      return signals.flatMap(({ signal, yearly, dueAfterMs, sourceLateAfterMs }) =>
        (activities[signal] ?? []).map((at) => {
          met.set(signal, (met.get(signal) ?? 0) + 1);
          const dueAt = at + dueAfterMs;
          const certainty = yearly === null ? "source-late" : "complete";
          return `${profileId} ${signal} ${at} ${dueAt} ${dueAt + sourceLateAfterMs} ${certainty}`;
        }),
      );
    })
    .toSorted();
}

describe("declared signals", () => {
  const met = new Map<string, number>();

  it("are what the oracle says of all events, in any order, history opening none (P1, T2, O5, U10)", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(history(3, 20), historyOf("orders", 5, 20)),
        fc.boolean(),
        async ({ events }, withHistory) => {
          const enriched = enrich(events, withHistory);
          const fold = new Fold({ configuration: told, hash });
          for (const event of enriched) await fold.add([event]);
          await fold.advance(UNTIL_MS);
          deepEqual(listSent(fold.outputs), listDue(enriched, met));
        },
      ),
      runs(2_000),
    );
  });

  it("come to the same on any number of shards and resolvers, hand-overs between (T2, I1)", async () => {
    const layout = fc.record({
      shards: fc.integer({ min: 1, max: 4 }),
      resolvers: fc.integer({ min: 1, max: 3 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(history(3, 12), layout, async ({ events }, how) => {
        const enriched = enrich(events, false);
        const cluster = new Cluster({ configuration: told, hash, faults: 10, ...how });
        await cluster.run(enriched);
        await cluster.passTime(UNTIL_MS);
        deepEqual(listSent(cluster.outputs), listDue(enriched, met));
      }),
      runs(500),
    );
  });

  it("were each met", (t) => {
    t.diagnostic(signals.map(({ signal }) => `${signal} ${met.get(signal) ?? 0}`).join(", "));
    for (const { signal } of signals) checkMet((met.get(signal) ?? 0) > 0, `${signal} was met`);
  });
});
