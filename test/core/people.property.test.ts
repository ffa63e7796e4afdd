// The engine against the oracle: whatever order, batching and copies, the same people, and what is said of them on the way
// adds up to them. WEFT_PROPERTY_RUNS raises the number of histories, WEFT_PROPERTY_SEED repeats a run.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { Campaign } from "#support/campaign.ts";
import { foldBatchesDirectly, foldDirectly } from "#support/direct-fold.ts";
import { foldBatches, foldEach } from "#support/fold-events.ts";
import { bits, configuration, cut, hash, history, type History, usual, visits } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { checkStream } from "#support/oracle-stream.ts";
import { recomputePeople, type OraclePeople, type RecordedEvent } from "#support/oracle.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";

function askOracle(events: readonly RecordedEvent[]): OraclePeople {
  return recomputePeople(events, configuration, hash);
}

function* permute<T>(list: readonly T[]): Generator<T[]> {
  if (list.length <= 1) return yield [...list];
  for (const [place, first] of list.entries())
    for (const rest of permute([...list.slice(0, place), ...list.slice(place + 1)])) yield [first, ...rest];
}

const shuffled = (arbitrary: fc.Arbitrary<History>) =>
  arbitrary.chain((told) =>
    fc
      .shuffledSubarray([...told.events], { minLength: told.events.length })
      .map((events) => ({ ...told, shuffle: events })),
  );

const campaign = new Campaign();
const met = {
  shared: 0,
  contested: 0,
  cut: 0,
  disputed: 0,
  quarantined: 0,
  copies: 0,
  unattributed: 0,
  retracted: 0,
  moved: 0,
};

function isShared(events: readonly RecordedEvent[]): boolean {
  const loggedIn = new Map<string, Set<string>>();
  for (const { event } of events) {
    for (const device of event.identifiers.filter(({ namespace }) => ["cookie", "device"].includes(namespace)))
      for (const { namespace, value } of event.identifiers)
        if (namespace === "customer") loggedIn.set(device.value, (loggedIn.get(device.value) ?? new Set()).add(value));
  }
  return [...loggedIn.values()].some((customers) => customers.size > 1);
}

/** Whether an operator took back what another event says of two identifiers. */
function isCut(events: readonly RecordedEvent[]): boolean {
  const rulings = events.filter(({ event: { type } }) => type === "evidence-cut" || type === "identifiers-parted");
  return rulings.some(({ event: { identifiers } }) =>
    events.some(
      ({ source, event }) =>
        source !== "operator" &&
        identifiers.every((i) =>
          event.identifiers.some(({ namespace, value }) => namespace === i.namespace && value.includes(i.value)),
        ),
    ),
  );
}

function tally(events: readonly RecordedEvent[], oracle: OraclePeople): void {
  campaign.add(events);
  const holds = (wanted: string) =>
    oracle.profiles.some(({ identifiers }) => identifiers.some(({ state }) => state === wanted));
  const [contested, taken] = [holds("contested"), isCut(events)];
  met.contested += contested ? 1 : 0;
  met.cut += taken ? 1 : 0;
  met.disputed += contested || taken ? 1 : 0;
  met.quarantined += holds("quarantined") ? 1 : 0;
  met.shared += isShared(events) ? 1 : 0;
  met.copies += new Set(events.map(({ source, event }) => `${source} ${event.eventId}`)).size < events.length ? 1 : 0;
  met.unattributed += oracle.unattributedOrders > 0 ? 1 : 0;
}

describe("the people of a log", () => {
  it("are the oracle's in whatever order and batches the events arrive, and what is said adds up to them (I1, I2, I3, I6, O2, P1, P2, P4)", async () => {
    await fc.assert(
      fc.asyncProperty(shuffled(usual), bits, async ({ shuffle }, ends) => {
        // One of eight event by event, where it can be told what a merge moved.
        const isEachAlone = campaign.histories % 8 === 1;
        const batches = isEachAlone ? shuffle.map((event) => [event]) : cut(shuffle, ends);
        // One of eight over store, index and wire as well, which is as much work again: the same people, told the same.
        const fold = foldBatchesDirectly(batches);
        const people = comparePeople(fold.readPeople());
        if (campaign.histories % 8 === 0) {
          const stored = await foldBatches(batches);
          deepEqual(comparePeople(await stored.readPeople()), people);
          equal(JSON.stringify(stored.outputs), JSON.stringify(fold.outputs));
        }
        const oracle = askOracle(shuffle);
        tally(shuffle, oracle);
        deepEqual(people, compareOracle(oracle));
        // Versions, chains of transitions, states, aliases in one hop, retractions.
        const { retracted, moved } = checkStream(fold.outputs, oracle, hash, isEachAlone);
        met.retracted += retracted;
        met.moved += moved;
      }),
      runs(62_000),
    );
  });

  it("are the oracle's also where they have many cookies (I1, P1, P5)", async () => {
    const property = async ({ shuffle }: { shuffle: RecordedEvent[] }) => {
      const fold = await foldEach(shuffle);
      deepEqual(comparePeople(await fold.readPeople()), compareOracle(askOracle(shuffle)));
    };
    await fc.assert(fc.asyncProperty(shuffled(visits(10, 100)), property), runs(250));
  });

  it("are the same in every order of up to six events (I1, P1)", () => {
    const property = ({ events }: History) => {
      const oracle = compareOracle(askOracle(events));
      for (const order of permute(events.slice(0, 6))) {
        if (events.length > 6) return;
        const fold = foldDirectly(order);
        deepEqual(comparePeople(fold.readPeople()), oracle);
      }
    };
    fc.assert(fc.property(history(3, 4), property), runs(60));
    fc.assert(fc.property(history(5, 6), property), runs(8));
  });

  it("are of histories of 5 to 60 events that collide: three in ten and more have contested or cut evidence", (t) => {
    const shares = Object.entries(met).map(([what, count]) => `${what} ${campaign.share(count)}`);
    t.diagnostic(`${campaign.describe()}; ${shares.join(", ")}; ${met.retracted} transitions retracted`);
    campaign.checkSizes();
    checkMet(met.disputed > (campaign.histories * 3) / 10);
    checkMet(met.quarantined > campaign.histories / 200 && met.retracted > 0 && met.moved > 0);
    checkMet(met.cut > campaign.histories / 20);
  });
});
