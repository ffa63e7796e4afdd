// Sources that are held back (S47): what they say meanwhile is a claim, whatever order it comes in, and what they said
// before and say after counts as ever. WEFT_PROPERTY_RUNS and WEFT_PROPERTY_SEED as elsewhere.

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { Holds } from "#core/hold.ts";
import { Campaign } from "#support/campaign.ts";
import { Cluster } from "#support/cluster.ts";
import { foldBatchesDirectly } from "#support/direct-fold.ts";
import { foldBatches } from "#support/fold-events.ts";
import { bits, configuration, cut, hash, usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { recomputePeople, type OraclePeople, type RecordedEvent } from "#support/oracle.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";
import { checkStream } from "#support/oracle-stream.ts";

interface Drawn {
  readonly source: string;
  /** Of the span in which the history was recorded, in twelfths. */
  readonly from: number;
  readonly for: number;
}

interface Held {
  readonly events: readonly RecordedEvent[];
  readonly holds: Holds;
  readonly isHeld: (source: string, recordedAt: number) => boolean;
}

const draws = fc.array(
  fc.record({
    source: fc.constantFrom("store", "crm", "call-centre", "web", "app"),
    from: fc.integer({ min: -1, max: 11 }),
    for: fc.integer({ min: 1, max: 6 }),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Not with copies on both sides of a border: of these the one that is read first counts (SPEC.md, section 8). */
function hold(told: readonly RecordedEvent[], drawn: readonly Drawn[]): Held {
  const times = told.map(({ recordedAt }) => recordedAt);
  const first = Math.min(...times);
  const twelfth = Math.max(1, Math.ceil((Math.max(...times) - first) / 12));
  const spans = drawn.map((one) => {
    const from = first + one.from * twelfth;
    return { source: one.source, from, to: from + one.for * twelfth };
  });
  const isHeld = (source: string, at: number) =>
    spans.some((span) => span.source === source && span.from <= at && at < span.to);
  const holds = new Holds();
  for (const { source, from, to } of spans) holds.add(source, { from, to });
  const sides = new Map<string, boolean>();
  const events = told.filter(({ source, recordedAt, event }) => {
    const id = JSON.stringify([source, event.eventId]);
    const side = sides.get(id) ?? isHeld(source, recordedAt);
    sides.set(id, side);
    return side === isHeld(source, recordedAt);
  });
  return { events, holds, isHeld };
}

const histories = fc
  .tuple(usual, draws)
  .chain(([{ events }, drawn]) =>
    fc.shuffledSubarray([...events], { minLength: events.length }).map((shuffle) => hold(shuffle, drawn)),
  );

function askOracle({ events, isHeld }: Held): OraclePeople {
  return recomputePeople(events, configuration, hash, 0, [], isHeld);
}

describe("what a source says while it is held back", () => {
  const campaign = new Campaign();
  const met = { lowered: 0, apart: 0 };

  it("is a claim, in whatever order and batches it comes (I1, I5, P1)", async (t) => {
    await fc.assert(
      fc.asyncProperty(histories, bits, async (drawn, ends) => {
        const { events, holds, isHeld } = drawn;
        campaign.add(events);
        const oracle = askOracle(drawn);
        const fold = foldBatchesDirectly(cut(events, ends), configuration, holds);
        const people = comparePeople(fold.readPeople());
        deepEqual(people, compareOracle(oracle));
        checkStream(fold.outputs, oracle, hash);
        if (campaign.histories % 8 === 0)
          deepEqual(
            comparePeople(await (await foldBatches(cut(events, ends), configuration, holds)).readPeople()),
            people,
          );
        const free = recomputePeople(events, configuration, hash);
        met.lowered += events.some(({ source, recordedAt }) => isHeld(source, recordedAt)) ? 1 : 0;
        met.apart += oracle.profiles.length > free.profiles.length ? 1 : 0;
      }),
      runs(4_000),
    );
    t.diagnostic(`${campaign.describe()}; ${JSON.stringify(met)}`);
    campaign.checkSizes();
    checkMet(met.lowered > campaign.histories / 3 && met.apart > campaign.histories / 50);
  });

  it("is so on any number of shards, whoever crashes (I1, S1)", async () => {
    const layout = fc.record({
      shards: fc.integer({ min: 1, max: 8 }),
      resolvers: fc.integer({ min: 1, max: 4 }),
      seed: fc.noShrink(fc.integer()),
    });
    await fc.assert(
      fc.asyncProperty(histories, layout, fc.constantFrom(0, 20), async (drawn, how, faults) => {
        const cluster = new Cluster({ configuration, hash, ...how, faults, holds: drawn.holds });
        await cluster.run(drawn.events);
        deepEqual(await cluster.findUnsettled(), []);
        deepEqual(comparePeople(await cluster.readPeople()), compareOracle(askOracle(drawn)));
      }),
      runs(500),
    );
  });
});
