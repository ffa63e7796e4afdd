// Records of one (source, eventId) that say other things: exactly one of them counts (P1). In an order of time it is the first
// recorded, as the design has it, so a fold of a file and a resolver that reads the same log say the same.

import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { acceptEvent } from "#core/acceptance.ts";
import { createRegistry } from "#core/registry.ts";
import { compareFoldEvents } from "#services/fold/fold.ts";
import { Campaign } from "#support/campaign.ts";
import { Cluster } from "#support/cluster.ts";
import { foldBatchesDirectly } from "#support/direct-fold.ts";
import { bits, configuration, cut, hash, usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { recomputePeople, type RecordedEvent } from "#support/oracle.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";

const registry = createRegistry(configuration, hash);

/** The same id under another anchor. */
function contradict(told: RecordedEvent, shiftMs: number, visitor: number): RecordedEvent {
  const { eventId, occurredAt } = told.event;
  const identifiers = [{ namespace: "cookie", value: `ck-elsewhere-${visitor}` }];
  const event = { eventId, type: "page-viewed", occurredAt: occurredAt - 60_000, identifiers };
  return { source: told.source, recordedAt: told.recordedAt + shiftMs, event };
}

/** Of each id what was accepted first. */
function keepFirst(events: readonly RecordedEvent[]): RecordedEvent[] {
  const met = new Set<string>();
  return events.filter(({ source, recordedAt, event }) => {
    const id = JSON.stringify([source, event.eventId]);
    if (met.has(id) || !acceptEvent(registry, source, recordedAt, event).ok) return false;
    met.add(id);
    return true;
  });
}

const contradictions = fc.array(
  fc.record({ of: fc.nat(), shift: fc.integer({ min: -9, max: 9 }), visitor: fc.nat({ max: 2 }), place: fc.nat() }),
  { minLength: 1, maxLength: 6 },
);

const quarrel = fc.tuple(usual, contradictions).map(([{ scenario, events }, more]) => {
  const said = keepFirst(events);
  const list = [...said];
  for (const { of, shift, visitor, place } of said.length === 0 ? [] : more) {
    const told = said[of % said.length] as RecordedEvent;
    if (told.source === "operator") continue;
    // No two of one id in one millisecond.
    list.splice(place % (list.length + 1), 0, contradict(told, shift * 3_600_000 + 1 + list.length, visitor));
  }
  return { scenario, events: list };
});

test("of records under one id that say other things the first that is read counts, in any batches (P1)", (t) => {
  const campaign = new Campaign();
  let ignored = 0;
  fc.assert(
    fc.property(quarrel, bits, ({ events }, ends) => {
      campaign.add(events);
      const expected = keepFirst(events);
      ignored += events.length - expected.length;
      const fold = foldBatchesDirectly(cut(events, ends));
      deepEqual(comparePeople(fold.readPeople()), compareOracle(recomputePeople(expected, configuration, hash)));
    }),
    runs(3_000),
  );
  t.diagnostic(`${campaign.describe()}; ${ignored} records ignored`);
  campaign.checkSizes();
  checkMet(ignored > 0);
});

test("in an order of time that is the first recorded, for a fold and for a resolver over any shards (P1)", async (t) => {
  const campaign = new Campaign();
  await fc.assert(
    fc.asyncProperty(quarrel, bits, async ({ events }, ends) => {
      campaign.add(events);
      const log = events.toSorted(compareFoldEvents);
      const expected = compareOracle(recomputePeople(events, configuration, hash));
      deepEqual(comparePeople(foldBatchesDirectly(cut(log, ends)).readPeople()), expected);
      const cluster = new Cluster({ configuration, hash, shards: 4, resolvers: 1, seed: log.length, faults: 0 });
      await cluster.run(log);
      deepEqual(comparePeople(await cluster.readPeople()), expected);
    }),
    runs(600),
  );
  t.diagnostic(campaign.describe());
});
