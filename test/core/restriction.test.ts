// Restrictions of processing (Art. 18): whoever is restricted is frozen for automation, by example and in any history (G1).

import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import type { Output } from "#core/effect.ts";
import type { Carried } from "#core/item.ts";
import { Cluster, replayLog } from "#support/cluster.ts";
import { foldEach, START_MS, tell } from "#support/fold-events.ts";
import { configuration, hash } from "#support/histories.ts";

const ANA = { customer: "c-1", email: "ana@example.fr" };
const DAY = 24 * 60;
const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 500 }];
const order = (orderId: string) => ({ order: { orderId, currency: "EUR", totalMinor: 500, lines } });
const cart = { cart: { cartId: "k", currency: "EUR", totalMinor: 500, lines } };

function restrict(minute: number, names: Readonly<Record<string, string>>, restrictionId: string, lifted = false) {
  return tell("operator", minute, "restriction-changed", names, { restriction: { restrictionId, lifted } });
}

const told = (outputs: readonly Output[]) =>
  outputs.flatMap((output) =>
    output.kind === "transition"
      ? [`${output.from} → ${output.to} (${output.cause}, ${output.nature})`]
      : output.kind === "signal"
        ? [`${output.signal} ${output.certainty}`]
        : [],
  );

test("of who is restricted no transition is told, and when it ends one, which is an artefact", async () => {
  const fold = await foldEach([tell("crm", 1, "identified", ANA), restrict(2, ANA, "r")]);
  const before = fold.outputs.length;
  await fold.fold(tell("web", 3, "order-placed", ANA, order("o1")));
  await fold.fold(tell("web", 4, "order-placed", ANA, order("o2")));
  deepEqual(told(fold.outputs.slice(before)), []);
  const [frozen] = (await fold.readPeople()).profiles;
  deepEqual([frozen?.segment, frozen?.view.orders.length], ["multi-buyer", 2], "it is kept");
  const [state] = fold.outputs
    .flatMap((output) => (output.kind === "profile-state" && output.state ? output.state : []))
    .slice(-1);
  deepEqual([state?.segment, state?.orders.count], ["prospect", 2], "what was told before goes on being told");
  deepEqual(
    frozen?.view.restrictions.map((one) => one.restrictionId),
    ["r"],
  );
  await fold.fold(restrict(5, ANA, "r", true));
  deepEqual(told(fold.outputs.slice(before)), ["prospect → multi-buyer (restriction, artefact)"]);
  await fold.fold(tell("web", 6, "order-cancelled", ANA, order("o2")));
  deepEqual(told(fold.outputs.slice(before)).slice(1), ["multi-buyer → one-buyer (event, behaviour)"]);
});

test("what falls due meanwhile is not sent, nor afterwards; what falls due later is", async () => {
  const lifting = async (liftedAt: number) => {
    const fold = await foldEach([
      tell("crm", 1, "identified", ANA),
      tell("web", 2, "product-added", ANA, cart),
      restrict(3, ANA, "r"),
    ]);
    await fold.advance(START_MS + liftedAt * 60_000);
    await fold.fold(restrict(liftedAt, ANA, "r", true));
    await fold.advance(START_MS + 9 * DAY * 60_000);
    return told(fold.outputs).filter((line) => line.startsWith("abandoned-cart"));
  };
  deepEqual(await lifting(3 * DAY), []);
  equal((await lifting(DAY / 2)).length, 1);
});

test("who turns out to be one with somebody restricted is restricted, until that is lifted by any of their identifiers", async () => {
  const ben = { customer: "c-2" };
  const fold = await foldEach([
    tell("crm", 1, "identified", { customer: "c-1" }),
    restrict(2, { customer: "c-1" }, "r"),
    tell("crm", 3, "identified", { email: "b@example.fr" }),
    restrict(4, { email: "b@example.fr" }, "other"),
    restrict(5, { email: "b@example.fr" }, "other", true),
    tell("crm", 6, "identified", { customer: "c-1", email: "b@example.fr" }),
  ]);
  const standing = async () => (await fold.readPeople()).profiles.map(({ view }) => view.restrictions.length);
  deepEqual(await standing(), [1]);
  await fold.fold(restrict(7, { email: "b@example.fr" }, "r", true));
  deepEqual(await standing(), [0]);
  await fold.fold(tell("crm", 8, "restriction-changed", ben, { restriction: { restrictionId: "x", lifted: false } }));
  deepEqual(await standing(), [0, 0], "nobody but an operator restricts");
});

test("of a merge with somebody restricted the absorbed one's end alone is told, and taken back each is where she would be (I2)", async () => {
  const [ana, ben] = [{ customer: "c-1" }, { email: "b@example.fr" }];
  const both = { ...ana, ...ben };
  const fold = await foldEach([
    tell("crm", 1, "identified", ana),
    tell("crm", 2, "identified", ben),
    restrict(3, ben, "r"),
  ]);
  const before = fold.outputs.length;
  await fold.fold(tell("crm", 4, "order-placed", both, order("o1")));
  deepEqual(told(fold.outputs.slice(before)), ["prospect → null (merge, artefact)"]);
  await fold.fold(tell("operator", 5, "evidence-cut", both));
  deepEqual(told(fold.outputs.slice(before)).slice(1), ["prospect → one-buyer (restriction, artefact)"]);
  deepEqual(
    (await fold.readPeople()).profiles.map(({ segment, view }) => `${segment} ${view.restrictions.length}`).toSorted(),
    ["one-buyer 0", "prospect 1"],
  );
  await fold.fold(restrict(6, ben, "r", true));
  deepEqual(told(fold.outputs.slice(before)).slice(2), ["null → prospect (restriction, artefact)"]);
  equal(fold.outputs.filter(({ kind }) => kind === "retraction").length, 1, "the end never was");
});

test("what is not sent when a restriction ends is the same whatever the stitcher still holds in memory (O2)", async () => {
  const cluster = new Cluster({ configuration, hash, shards: 1, resolvers: 1, seed: 1, faults: 0 });
  const events = [
    tell("crm", 1, "identified", ANA),
    tell("web", 2, "product-added", ANA, cart),
    restrict(3, ANA, "r"),
    restrict(4, ANA, "r", true),
  ];
  await cluster.run(events);
  // The lifting comes when the shard has passed the cart's instant, as what waits for a hand-over does.
  const passed = (days: number) => {
    const timeMs = START_MS + days * DAY * 60_000;
    return { item: { kind: "progress", slot: 0, timeMs, completeUpToMs: {} } as const, event: null };
  };
  const items = cluster.readLog(0).filter(({ item }) => item.kind === "event");
  const isLifting = ({ item }: Carried) => item.kind === "event" && item.eventId === "operator-4";
  const log = [...items.filter((one) => !isLifting(one)), passed(2), ...items.filter(isLifting), passed(9)];
  const steps = log.map((one) => [[one]]);
  const outputs = await Promise.all(
    [false, true].map(async (forgetful) => told((await replayLog(cluster.engine, steps, forgetful)).outputs)),
  );
  deepEqual(outputs, [["null → prospect (event, behaviour)"], ["null → prospect (event, behaviour)"]]);
});
