// A source that is held back: what its records on weft.sources say, and what becomes of what it tells meanwhile.

import { deepEqual, equal } from "node:assert/strict";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { openMemoryLog } from "#adapters/memory/log.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import { HOLD_MARGIN_MS, Holds } from "#core/hold.ts";
import {
  HELD,
  HoldLedger,
  publishSourceRecord,
  readHolds,
  RELEASED,
  type SourceEntry,
  type SourceRecord,
} from "#services/wire/hold-ledger.ts";
import { foldBatches, START_MS, tell } from "#support/fold-events.ts";

const codec = await openLocalCodec({ schemasDirectory: resolve(import.meta.dirname, "../../schemas") });
const TOPIC = "weft.sources";

async function openTopic() {
  const log = openMemoryLog();
  await log.createTopics([{ name: TOPIC, partitions: 1, config: {} }]);
  const encode = await codec.encoder(TOPIC, "SourceRecord");
  const write = (kind: SourceRecord["kind"], source: string, timestampMs: number) =>
    log.append([
      {
        topic: TOPIC,
        partition: 0,
        key: source,
        value: encode({ kind, source, figures: {}, author: "ana", reason: "a trial" }),
        timestampMs,
      },
    ]);
  return { log, write };
}

describe("the records of weft.sources", () => {
  it("hold a source back from a minute after one to a minute after the other", async () => {
    const { log, write } = await openTopic();
    await write(HELD, "store", 1_000);
    await write(RELEASED, "store", 500_000);
    const { holds } = await readHolds({ log, codec }, TOPIC);
    const at = (ms: number) => holds.isHeld("store", ms);
    const [from, to] = [1_000 + HOLD_MARGIN_MS, 500_000 + HOLD_MARGIN_MS];
    deepEqual([from - 1, from, to - 1, to].map(at), [false, true, true, false]);
    equal(holds.isHeld("web", from), false);
  });

  it("count once: whoever holds back again, or releases nobody, changes nothing", async () => {
    const { log, write } = await openTopic();
    await write(RELEASED, "store", 0);
    await write(HELD, "store", 1_000);
    await write(HELD, "store", 2_000);
    await write(RELEASED, "store", 3_000);
    await write(RELEASED, "store", 9_000);
    await write(HELD, "operator", 1_000);
    await log.append([{ topic: TOPIC, partition: 0, key: "store", value: new Uint8Array([7]) }]);
    const { holds } = await readHolds({ log, codec }, TOPIC);
    const at = (ms: number) => holds.isHeld("store", ms + HOLD_MARGIN_MS);
    deepEqual([0, 1_000, 2_999, 3_000, 9_000].map(at), [false, true, true, false, false]);
    equal(holds.isHeld("operator", 1_000_000), false, "who releases is never held");
  });

  it("take effect in their order, whatever the clocks of those who wrote", async () => {
    const { log, write } = await openTopic();
    await write(HELD, "store", 5_000);
    await write(RELEASED, "store", 2_000);
    await write(HELD, "crm", 1_000);
    const { holds } = await readHolds({ log, codec }, TOPIC);
    deepEqual(
      [4_999, 5_000].map((ms) => holds.isHeld("store", ms + HOLD_MARGIN_MS)),
      [false, false],
    );
    deepEqual(
      [4_999, 5_000].map((ms) => holds.isHeld("crm", ms + HOLD_MARGIN_MS)),
      [false, true],
    );
  });

  it("are announced once, of each source the latest, with the figures", async () => {
    const { log, write } = await openTopic();
    const told: SourceEntry[] = [];
    const ledger = new HoldLedger(TOPIC, log, codec, (entry) => told.push(entry));
    await write(HELD, "store", 1_000);
    await write(RELEASED, "store", 2_000);
    await publishSourceRecord({ log, codec }, TOPIC, {
      kind: HELD,
      source: "crm",
      figures: { valid: 700_000 },
      author: "weft sources watch",
      reason: "valid 70.0 % below 95.0 %",
    });
    await Promise.all([ledger.catchUp(), ledger.catchUp()]);
    await ledger.catchUp();
    deepEqual(
      told.map(({ kind, source, figures }) => `${kind} ${source} ${JSON.stringify(figures)}`),
      ["released store {}", 'held crm {"valid":700000}'],
    );
  });

  it("are asked for once by all who wait for the same, and again by whoever comes after that has begun", async () => {
    const { log, write } = await openTopic();
    let asked = 0;
    const counting = {
      read: log.read.bind(log),
      endOffsets: (topics: readonly string[]) => {
        asked += 1;
        return log.endOffsets(topics);
      },
    };
    const ledger = new HoldLedger(TOPIC, counting, codec);
    await Promise.all(Array.from({ length: 8 }, () => ledger.catchUp()));
    equal(asked, 1);
    const early = ledger.catchUp();
    await Promise.resolve();
    await Promise.resolve();
    equal(asked, 2);
    await write(HELD, "store", 0);
    await ledger.catchUp();
    await early;
    equal(ledger.latestOf("store")?.kind, HELD, "what was there when it was asked for is known");
  });
});

describe("what a source tells while it is held back", () => {
  const holds = new Holds();
  holds.add("store", { from: START_MS + 10 * 60_000, to: START_MS + 20 * 60_000 });
  const known = [tell("crm", 0, "identified", { customer: "1" }), tell("crm", 1, "identified", { email: "a@x.fr" })];
  const names = { customer: "1", email: "a@x.fr" };
  const peopleAfter = async (minute: number, type = "identified", more = {}) => {
    const fold = await foldBatches([[tell("store", minute, type, names, more)], known], undefined, holds);
    return { count: (await fold.readPeople()).profiles.length, fold };
  };

  it("joins nobody, is counted, and counts when it is told anew after the release (I5)", async () => {
    const counts = [];
    for (const minute of [9, 10, 19, 20]) {
      const { count, fold } = await peopleAfter(minute);
      counts.push([count, fold.heldBack.get("store") ?? 0]);
    }
    deepEqual(counts, [
      [1, 0],
      [2, 1],
      [2, 1],
      [1, 0],
    ]);
    const { fold } = await peopleAfter(10);
    await fold.add([tell("store", 30, "identified", names)]);
    equal((await fold.readPeople()).profiles.length, 1);
  });

  it("grants no consent, and its orders are still orders (P4)", async () => {
    const consents = [{ purpose: "marketing", channel: "sms", granted: true, proof: "slip" }];
    const order = { orderId: "T-1", lines: [{ productId: "p", quantity: 1, unitPriceMinor: 900 }] };
    const { fold } = await peopleAfter(12, "order-placed", { consents, order });
    const { profiles, unattributedOrders } = await fold.readPeople();
    equal(profiles.flatMap(({ view }) => view.orders).length + unattributedOrders, 1);
    deepEqual(
      profiles.flatMap(({ view }) => view.consents.filter(({ granted }) => granted)),
      [],
    );
  });

  it("says nothing of identifiers themselves: a succession is a breach, or what it asserts a claim", async () => {
    const replaced = { namespace: "customer", old: "1", new: "2" };
    const change = tell("store", 12, "identifier-replaced", {}, { replaced });
    const release = tell("store", 13, "identifier-released", {}, { replaced: { ...replaced, new: "" } });
    const { profiles, outcomes } = await (async () => {
      const folded = await foldBatches([[change], [release], known], undefined, holds);
      return { ...(await folded.readPeople()), outcomes: folded.outcomes };
    })();
    deepEqual(outcomes.map(({ outcome, reason }) => `${outcome} ${reason ?? ""}`.trim()).slice(0, 2), [
      "folded",
      "dead-lettered contract-violation",
    ]);
    equal(profiles.length, 3, "the new number is nobody's that is known");
  });
});
