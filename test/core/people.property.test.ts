// The engine against the oracle: whatever order, batching and copies, the same people. WEFT_PROPERTY_RUNS raises the
// number of histories, WEFT_PROPERTY_SEED repeats a run.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { createRegistry } from "#core/registry.ts";
import { acceptEvent } from "#core/acceptance.ts";
import { Fold } from "#services/fold/fold.ts";
import { Cluster, replayLog } from "#support/cluster.ts";
import { foldBatches, foldEach } from "#support/fold-events.ts";
import { configuration, hash, history, runs, seed, visits, type History } from "#support/histories.ts";
import { rulingType } from "#core/ruling.ts";
import { checkStream } from "#support/oracle-stream.ts";
import { recomputePeople, type OraclePeople, type RecordedEvent } from "#support/oracle.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";

const registry = createRegistry(configuration, hash);

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

/** Cuts a history into batches: where a bit is set, a batch ends. */
function cut<T>(list: readonly T[], bits: readonly boolean[]): T[][] {
  const batches: T[][] = [[]];
  for (const [place, value] of list.entries()) {
    batches.at(-1)?.push(value);
    if (bits[place % bits.length] === true) batches.push([]);
  }
  return batches.filter((batch) => batch.length > 0);
}

const print = (value: unknown) => JSON.stringify(value);
const bits = fc.array(fc.boolean(), { minLength: 7, maxLength: 7 });

const met = { histories: 0, shared: 0, contested: 0, either: 0, quarantined: 0, copies: 0, unattributed: 0, events: 0 };

function tally(events: readonly RecordedEvent[], oracle: OraclePeople): void {
  met.histories += 1;
  met.events += events.length;
  met.copies += new Set(events.map(({ source, event }) => `${source} ${event.eventId}`)).size < events.length ? 1 : 0;
  met.unattributed += oracle.unattributedOrders > 0 ? 1 : 0;
  const holds = (wanted: string) =>
    oracle.profiles.some(({ identifiers }) => identifiers.some(({ state }) => state === wanted));
  const isContested = holds("contested");
  met.quarantined += holds("quarantined") ? 1 : 0;
  const loggedIn = new Map<string, Set<string>>();
  for (const { event } of events) {
    for (const device of event.identifiers.filter(({ namespace }) => ["cookie", "device"].includes(namespace)))
      for (const { namespace, value } of event.identifiers)
        if (namespace === "customer") loggedIn.set(device.value, (loggedIn.get(device.value) ?? new Set()).add(value));
  }
  const isShared = [...loggedIn.values()].some((customers) => customers.size > 1);
  met.contested += isContested ? 1 : 0;
  met.shared += isShared ? 1 : 0;
  met.either += isContested || isShared ? 1 : 0;
}

describe("the people of a log", () => {
  it("are the oracle's in whatever order the events arrive (I1, I3, I6, P1, P2, P4)", async () => {
    const property = async ({ shuffle }: { shuffle: RecordedEvent[] }) => {
      const fold = await foldEach(shuffle);
      const oracle = askOracle(shuffle);
      tally(shuffle, oracle);
      deepEqual(comparePeople(await fold.readPeople()), compareOracle(oracle));
    };
    await fc.assert(fc.asyncProperty(shuffled(history(2, 8)), property), runs(8_000));
    await fc.assert(fc.asyncProperty(shuffled(history(6, 20)), property), runs(2_000));
    await fc.assert(fc.asyncProperty(shuffled(history(20, 60)), property), runs(200));
  });

  it("are the oracle's also where they have many cookies (I1, P1, P5)", async () => {
    const property = async ({ shuffle }: { shuffle: RecordedEvent[] }) => {
      const fold = await foldEach(shuffle);
      deepEqual(comparePeople(await fold.readPeople()), compareOracle(askOracle(shuffle)));
    };
    await fc.assert(fc.asyncProperty(shuffled(visits(10, 100)), property), runs(250));
  });

  it("are the same in every order of up to six events (I1, P1)", async () => {
    const property = async ({ events }: History) => {
      const oracle = compareOracle(askOracle(events));
      for (const order of permute(events.slice(0, 6))) {
        if (events.length > 6) return;
        const fold = await foldEach(order);
        deepEqual(comparePeople(await fold.readPeople()), oracle);
      }
    };
    await fc.assert(fc.asyncProperty(history(3, 4), property), runs(60));
    await fc.assert(fc.asyncProperty(history(5, 6), property), runs(8));
  });

  it("are what they were once every ruling of an operator is lifted (I2)", async () => {
    let ruled = 0;
    await fc.assert(
      fc.asyncProperty(history(3, 16), async ({ events }) => {
        // A link is evidence too, and the same event whatever was ruled around it.
        const rulings = events.filter(
          ({ source, event }) => source === "operator" && event.type !== "identifiers-linked",
        );
        ruled += rulings.length;
        const latest = Math.max(...events.map(({ recordedAt }) => recordedAt));
        const lifts = rulings.map(({ event, source }, place) => ({
          source,
          recordedAt: latest + 1,
          event: { ...event, eventId: `lift-${place}`, type: rulingType("lifted") },
        }));
        const without = await foldEach(events.filter((event) => !rulings.includes(event)));
        const lifted = await foldEach([...events, ...lifts]);
        deepEqual(comparePeople(await lifted.readPeople()), comparePeople(await without.readPeople()));
      }),
      runs(2_000),
    );
    ok(ruled > 0);
  });

  it("never share two values of a unique namespace, unless one replaced the other (I3)", async () => {
    const unique = new Set(configuration.namespaces.filter(({ kind }) => kind === "unique").map(({ name }) => name));
    await fc.assert(
      fc.asyncProperty(history(1, 16), async ({ events }) => {
        const { profiles } = await (await foldEach(events)).readPeople();
        const replaced = events.flatMap(({ event }) => (event.type === "identifier-replaced" ? event.replaced : []));
        for (const { identifiers } of profiles) {
          for (const namespace of unique) {
            const values = identifiers.filter((one) => one.namespace === namespace).map(({ value }) => value);
            // Whoever shares a profile with another was named in a replacement: without one, each is alone.
            const named = values.filter((value) => replaced.some((one) => one?.old === value || one?.new === value));
            ok(values.length <= 1 || named.length === values.length, `${namespace}: ${values.length} values`);
          }
        }
      }),
      runs(1_000),
    );
  });

  it("do not change by copies of events, nor by cuts into batches (P1)", async () => {
    await fc.assert(
      fc.asyncProperty(history(1, 14), bits, bits, async ({ events }, copied, ends) => {
        const once = comparePeople(await (await foldEach(events)).readPeople());
        const copies = events.filter((_, place) => copied[place % copied.length]);
        const fold = await foldBatches(cut([...events, ...copies], ends));
        deepEqual(comparePeople(await fold.readPeople()), once);
        equal(fold.outcomes.length, events.length + copies.length);
      }),
      runs(2_000),
    );
  });

  it("keep every order that was ingested, on a profile or unattributed, at every prefix (P4)", async () => {
    await fc.assert(
      fc.asyncProperty(history(1, 16), async ({ events }) => {
        const fold = new Fold({ configuration, hash });
        const orders = new Set<string>();
        for (const event of events) {
          await fold.add([event]);
          const acceptance = acceptEvent(registry, event.source, event.recordedAt, event.event);
          const trusted = registry.sources.get(event.source)?.trustedForOrders === true;
          if (acceptance.ok && trusted && event.event.type.startsWith("order-"))
            orders.add(acceptance.accepted.order?.key ?? "");
          const { profiles, unattributedOrders } = await fold.readPeople();
          equal(
            profiles.reduce((sum, { view }) => sum + view.orders.length, unattributedOrders),
            orders.size,
          );
        }
      }),
      runs(1_500),
    );
  });

  it("count money in safe integers only (P2)", async () => {
    await fc.assert(
      fc.asyncProperty(history(1, 16), async ({ events }) => {
        const fold = await foldEach(events);
        const { profiles } = await fold.readPeople();
        for (const { view } of profiles)
          for (const order of view.orders)
            for (const money of [order.totalMinor, ...order.lines.map((line) => line.unitPriceMinor)])
              ok(Number.isSafeInteger(money));
        for (const output of fold.outputs)
          if (output.kind === "profile-state" && output.state !== null)
            for (const minor of Object.values(output.state.orders.spentMinor)) ok(Number.isSafeInteger(minor));
      }),
      runs(1_000),
    );
  });
});

describe("what is said of the people of a log", () => {
  it("adds up: versions, chains of transitions, states, aliases in one hop, retractions (O2, I2, I6)", async (t) => {
    let retracted = 0;
    await fc.assert(
      fc.asyncProperty(shuffled(history(1, 16)), async ({ shuffle }) => {
        const fold = await foldEach(shuffle);
        retracted += checkStream(fold.outputs, askOracle(shuffle), hash).retracted;
      }),
      runs(3_000),
    );
    t.diagnostic(`${retracted} transitions retracted`);
    ok(retracted > 0);
  });

  it("is the same, byte for byte, when the same log is folded again (O2)", async () => {
    await fc.assert(
      fc.asyncProperty(history(1, 20), bits, async ({ events }, ends) => {
        const batches = cut(events, ends);
        const [one, two] = [await foldBatches(batches), await foldBatches(batches)];
        equal(JSON.stringify(one.outputs), JSON.stringify(two.outputs));
        equal(JSON.stringify(one.outcomes), JSON.stringify(two.outcomes));
        equal(JSON.stringify(await one.readPeople()), JSON.stringify(await two.readPeople()));
      }),
      runs(1_000),
    );
  });

  it("has the same transitions however the same inner log is cut into bundles and steps (O2)", async () => {
    await fc.assert(
      fc.asyncProperty(history(1, 14), fc.nat(), bits, bits, async ({ events }, scramble, ends, steps) => {
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
    const property = async ({ events }: History, scramble: number, ends: boolean[], steps: boolean[]) => {
      const cluster = new Cluster({ configuration, hash, shards: 1, resolvers: 2, seed: scramble, faults: 0 });
      await cluster.run(events);
      const log = cut(cut(cluster.readLog(0), ends), steps);
      const one = await replayLog(cluster.engine, log);
      const two = await replayLog(cluster.engine, log, true);
      deepEqual(two.outputs.map(print), one.outputs.map(print));
    };
    await fc.assert(fc.asyncProperty(history(1, 14), fc.nat(), bits, bits, property), runs(1_500));
    await fc.assert(fc.asyncProperty(visits(20, 80), fc.nat(), bits, bits, property), runs(100));
  });
});

describe("the histories of these tests", () => {
  it("collide: a third and more share a device or contest an identifier", (t) => {
    const share = (count: number) => `${Math.round((100 * count) / met.histories)} %`;
    t.diagnostic(
      `seed ${seed}: ${met.histories} histories against the oracle, ${(met.events / met.histories).toFixed(1)} events each; ` +
        `a shared device in ${share(met.shared)}, a contested identifier in ${share(met.contested)}, either in ${share(met.either)}, a quarantined one in ${share(met.quarantined)}, ` +
        `copies in ${share(met.copies)}, unattributed orders in ${share(met.unattributed)}`,
    );
    ok(met.either > met.histories / 3);
    ok(met.quarantined > met.histories / 200);
  });
});
