// A scrambled cluster against the oracle: whatever the number of shards and resolvers, whatever the interleaving and
// whoever crashes, the same people once it has come to rest. WEFT_PROPERTY_RUNS and WEFT_PROPERTY_SEED as elsewhere.

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Configuration } from "#core/configuration.ts";
import { acceptEvent } from "#core/acceptance.ts";
import { Campaign } from "#support/campaign.ts";
import { Cluster } from "#support/cluster.ts";
import { configuration, hash, history, narrowConfiguration, strictConfiguration, visits } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { checkStream } from "#support/oracle-stream.ts";
import { recomputePeople, type OraclePeople, type RecordedEvent } from "#support/oracle.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";

const layout = fc.record({
  shards: fc.integer({ min: 1, max: 8 }),
  resolvers: fc.integer({ min: 1, max: 4 }),
  seed: fc.noShrink(fc.integer()),
});

const HOUR_MS = 3_600_000;

const campaign = new Campaign();
const met = { limited: 0, steps: 0, handovers: 0, statuses: 0, signals: 0 };

async function runCluster(
  events: readonly RecordedEvent[],
  how: { shards: number; resolvers: number; seed: number },
  faults: number,
  told: Configuration,
): Promise<Cluster> {
  const cluster = new Cluster({ configuration: told, hash, ...how, faults });
  await cluster.run(events);
  campaign.add(events);
  met.steps += cluster.steps;
  for (let shard = 0; shard < how.shards; shard += 1) {
    for (const { item } of cluster.readLog(shard)) {
      if (item.kind === "handover") met.handovers += 1;
      if (item.kind === "status") met.statuses += 1;
    }
  }
  return cluster;
}

/** Each record once, and of the copies of an event one folded. */
function checkOutcomes(cluster: Cluster, events: readonly RecordedEvent[]): void {
  const { registry } = cluster.engine;
  const expected: string[] = [];
  const met = new Set<string>();
  const kept = new Set<string>();
  for (const { source, recordedAt, event } of events) {
    const id = `${source} ${event.eventId}`;
    const acceptance = acceptEvent(registry, source, recordedAt, event);
    // What names nobody and is no order leaves nothing behind by which a copy could be recognised.
    const leavesTrace =
      !acceptance.ok ||
      acceptance.accepted.identifiers.length > 0 ||
      (event.type.startsWith("order-") && registry.sources.get(source)?.trustedForOrders === true);
    if (leavesTrace) kept.add(id);
    expected.push(`${id} ${acceptance.ok ? (met.has(id) ? "duplicate" : "folded") : "dead-lettered"}`);
    met.add(id);
  }
  const told = cluster.outcomes.map(({ source, eventId, outcome }) => `${source} ${eventId} ${outcome}`);
  const counted = (list: readonly string[]) =>
    list.filter((line) => kept.has(line.slice(0, line.lastIndexOf(" ")))).toSorted();
  deepEqual(counted(told), counted(expected));
  deepEqual(told.length, events.length);
}

const settles =
  (faults: number, told: Configuration = configuration) =>
  async (events: readonly RecordedEvent[], how: { shards: number; resolvers: number; seed: number }) => {
    const cluster = await runCluster(events, how, faults, told);
    const oracle = recomputePeople(events, told, hash);
    met.limited += cluster.outputs.some((one) => one.kind === "identity-changed" && one.change === "limited") ? 1 : 0;
    deepEqual(await cluster.findUnsettled(), []);
    deepEqual(comparePeople(await cluster.readPeople()), compareOracle(oracle));
    checkOutcomes(cluster, events);
    checkStream(cluster.outputs, oracle, hash);
    await checkSignals(cluster, oracle);
  };

/** Nothing had passed while the events came, so what is sent once it has is what the people's last carts say. */
async function checkSignals(cluster: Cluster, oracle: OraclePeople): Promise<void> {
  await cluster.passTime(Date.UTC(2027, 0, 1));
  const sent = cluster.outputs.flatMap((output) =>
    output.kind === "signal"
      ? [`${output.profileId} ${output.activityAt} ${output.dueAt} ${output.at} ${output.certainty}`]
      : [],
  );
  const due = oracle.profiles.flatMap(({ profileId, open }) => {
    const abandonedAt = open(0)["abandoned-cart"]?.[0];
    if (abandonedAt === undefined) return [];
    // No file of the store has come, so the shop's orders are not known up to there: 36 hours later it goes out anyway.
    return [`${profileId} ${abandonedAt} ${abandonedAt + 24 * HOUR_MS} ${abandonedAt + 60 * HOUR_MS} source-late`];
  });
  deepEqual(sent.toSorted(), due.toSorted());
  met.signals += due.length;
}

function order(eventId: string, identifiers: RecordedEvent["event"]["identifiers"]): RecordedEvent {
  const at = Date.UTC(2026, 0, 4);
  const lines = [{ productId: "p1", quantity: 1, unitPriceMinor: 1_000 }];
  const event = { eventId, type: "order-placed", occurredAt: at, identifiers, order: { orderId: eventId, lines } };
  return { source: "web", recordedAt: at, event };
}

describe("a cluster that is scrambled", () => {
  it("comes to the oracle's people on any number of shards and resolvers (I1, O1, O2)", async () => {
    const property = settles(0);
    await fc.assert(
      fc.asyncProperty(history(5, 12), layout, ({ events }, how) => property(events, how)),
      runs(6_000),
    );
    await fc.assert(
      fc.asyncProperty(history(10, 60), layout, ({ events }, how) => property(events, how)),
      runs(250),
    );
  });

  it("comes to them also where resolvers and stitchers die and commits fail (I1, O1, O2, S1)", async () => {
    const property = settles(20);
    await fc.assert(
      fc.asyncProperty(history(5, 12), layout, ({ events }, how) => property(events, how)),
      runs(4_000),
    );
    await fc.assert(
      fc.asyncProperty(history(10, 40), layout, ({ events }, how) => property(events, how)),
      runs(250),
    );
    const often = settles(120);
    await fc.assert(
      fc.asyncProperty(history(5, 10), layout, ({ events }, how) => often(events, how)),
      runs(1_000),
    );
  });

  it("comes to them where a profile may have few values, and who is tied to a few is quarantined (I1, I4, O4)", async () => {
    const property = settles(10, narrowConfiguration);
    const before = campaign.histories;
    await fc.assert(
      fc.asyncProperty(history(5, 16), layout, ({ events }, how) => property(events, how)),
      runs(2_000),
    );
    checkMet(met.limited > (campaign.histories - before) / 20, `${met.limited} met a limit`);
  });

  it("comes to them where people have many cookies (I1, P5)", async () => {
    for (const told of [configuration, narrowConfiguration]) {
      const property = settles(20, told);
      await fc.assert(
        fc.asyncProperty(visits(10, 80), layout, ({ events }, how) => property(events, how)),
        runs(125),
      );
    }
  });

  it("comes to them where it takes more than a log-in to join two known identifiers (I1, I5)", async () => {
    const property = settles(10, strictConfiguration);
    await fc.assert(
      fc.asyncProperty(history(5, 12), layout, ({ events }, how) => property(events, how)),
      runs(1_500),
    );
  });

  it("hands over a person with more parts than one chunk holds (P4, I1)", async () => {
    await fc.assert(
      fc.asyncProperty(history(2, 6), layout, async ({ events }, how) => {
        const buyer = Array.from({ length: 90 }, (_, place) =>
          order(`b${place}`, [{ namespace: "cookie", value: "ck-0" }]),
        );
        const login = order("login", [
          { namespace: "cookie", value: "ck-0" },
          { namespace: "customer", value: "c-0" },
        ]);
        await settles(10)([...buyer.slice(0, 60), ...events, login, ...buyer.slice(60)], how);
      }),
      runs(25),
    );
  });

  it("hands over and tells statuses often enough for that to mean something", (t) => {
    const each = (count: number) => (count / campaign.histories).toFixed(1);
    campaign.checkSizes();
    t.diagnostic(
      `${campaign.describe()}; each ${each(met.steps)} steps, ${each(met.handovers)} hand-overs, ${each(met.statuses)} statuses, ${each(met.signals)} signals`,
    );
    checkMet(met.handovers > campaign.histories / 4);
    checkMet(met.statuses > campaign.histories / 4);
  });
});
