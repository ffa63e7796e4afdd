// A transition whose reason disappears is followed by a retraction that names it (I2, U3); one that was true is not.

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach, START_MS, tell } from "#support/fold-events.ts";

function order(minute: number, customer: string, status = "order-placed", orderId = `o${minute}`): FoldEvent {
  const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 40_000 }];
  return tell("web", minute, status, { customer }, { order: { orderId, lines, currency: "EUR", totalMinor: 40_000 } });
}

/** A line a transition, `<profile> from > to (cause)`, a retraction as `not ...`; profile by profile. */
async function describeMoves(events: readonly FoldEvent[]): Promise<string[]> {
  const fold = await foldEach(events);
  const moves = fold.outputs.flatMap((one) => (one.kind === "transition" || one.kind === "retraction" ? [one] : []));
  const ids = [...new Set(moves.map(({ profileId }) => profileId))];
  const said = new Map(moves.map((one) => [one.transitionId, one]));
  const grouped = ids.flatMap((id) => moves.filter(({ profileId }) => profileId === id));
  return grouped.map(({ kind, profileId, from, to, cause, retracts }) => {
    const line = `${"ABCD"[ids.indexOf(profileId)]} ${from} > ${to}`;
    if (kind === "transition") return `${line} (${cause})`;
    const { from: was, to: went } = said.get(retracts ?? "") ?? {};
    deepEqual([was, went], [from, to], "a retraction repeats what it retracts");
    return `not ${line} (${cause})`;
  });
}

const ana = { customer: "c-ana" };
const card = { card: "k-7" };
const linked = (minute: number) => tell("operator", minute, "identifiers-linked", { ...ana, ...card });
const cut = (minute: number) => tell("operator", minute, "evidence-cut", { ...ana, ...card });
const store = (minute: number): FoldEvent => {
  const { event } = order(minute, "");
  return {
    ...order(minute, ""),
    source: "store",
    event: { ...event, identifiers: [{ namespace: "card", value: "k-7" }] },
  };
};

describe("a transition", () => {
  const merged = [order(1, "c-ana"), store(2), store(3), linked(4)];

  it("that a merge made, and the end of whom it absorbed, are retracted when the merge is taken back (I2)", async () => {
    deepEqual(await describeMoves([...merged, cut(9)]), [
      "A null > one-buyer (event)",
      "A one-buyer > multi-buyer (merge)",
      "A multi-buyer > one-buyer (split)",
      "not A one-buyer > multi-buyer (split)",
      "B null > one-buyer (event)",
      "B one-buyer > multi-buyer (event)",
      "B multi-buyer > null (merge)",
      "B null > multi-buyer (split)",
      "not B multi-buyer > null (split)",
    ]);
  });

  it("that behaviour made on a merge is retracted with it, and what each was alone is not (I2)", async () => {
    const visited = tell("store", 2, "store-visited", card);
    deepEqual(await describeMoves([order(1, "c-ana"), visited, linked(4), store(5), cut(9)]), [
      "A null > one-buyer (event)",
      "A one-buyer > multi-buyer (event)",
      "A multi-buyer > one-buyer (split)",
      "not A one-buyer > multi-buyer (split)",
      "B null > prospect (event)",
      "B prospect > null (merge)",
      "B null > one-buyer (split)",
      "not B prospect > null (split)",
    ]);
  });

  it("that a merge made is retracted also where the parting brings back whom the merge had driven out (I2)", async () => {
    const bought = { ...order(2, "c-ana"), source: "crm" };
    const other = { ...bought, event: { ...bought.event, identifiers: [{ namespace: "crm-contact", value: "m-9" }] } };
    const pair = { ...ana, "crm-contact": "m-9" };
    const moves = await describeMoves([
      order(1, "c-ana"),
      other,
      tell("crm", 3, "identified", { ...ana, "crm-contact": "m-2" }),
      tell("operator", 4, "identifiers-linked", pair),
      tell("operator", 9, "evidence-cut", pair),
    ]);
    deepEqual(
      moves.filter((line) => line.includes("A ")),
      [
        "A null > one-buyer (event)",
        "A one-buyer > multi-buyer (merge)",
        "A multi-buyer > one-buyer (split)",
        "not A one-buyer > multi-buyer (split)",
      ],
    );
  });

  it("that a merge made is retracted also where who made it goes into another one when the merge is taken back (I2)", async () => {
    const contact = { "crm-contact": "m-1" };
    const moves = await describeMoves([
      tell("crm", 1, "identified", { card: "k-7", customer: "c-bob" }),
      tell("crm", 2, "identified", contact),
      tell("crm", 3, "identified", { ...contact, ...ana }),
      tell("crm", 4, "identified", { ...contact, card: "k-7" }),
      order(5, "c-ana"),
      tell("operator", 9, "evidence-cut", { ...contact, ...ana }),
    ]);
    deepEqual(moves, [
      "A null > prospect (event)",
      "B null > prospect (event)",
      "B prospect > one-buyer (event)",
      "B one-buyer > prospect (split)",
      "not B prospect > one-buyer (split)",
      "B prospect > null (merge)",
      "C null > one-buyer (split)",
    ]);
  });

  it("is made again, not called back, when the ruling that took the merge back is lifted (I2)", async () => {
    const lifted = tell("operator", 10, "ruling-lifted", { ...ana, ...card });
    const named = tell("crm", 5, "identified", { ...ana, ...card });
    const moves = await describeMoves([...merged.slice(0, 3), named, cut(9), lifted]);
    deepEqual(
      moves.filter((line) => line.includes("merge")),
      [
        "A one-buyer > multi-buyer (merge)",
        "A one-buyer > multi-buyer (merge)",
        "B multi-buyer > null (merge)",
        "B multi-buyer > null (merge)",
      ],
    );
  });

  it("that is undone by behaviour stands: she was there, and has left", async () => {
    deepEqual(await describeMoves([order(1, "c-ana"), order(2, "c-ana"), order(5, "c-ana", "order-returned", "o2")]), [
      "A null > one-buyer (event)",
      "A one-buyer > multi-buyer (event)",
      "A multi-buyer > one-buyer (event)",
    ]);
  });

  it("is retracted by a late event that had happened before it, and not by one that had happened after it", async () => {
    const orders = [1, 2, 3, 4, 5].map((minute) => order(minute, "c-ana"));
    const cancel = (minute: number, orderId: string, happenedMinute: number): FoldEvent => {
      const told = order(minute, "c-ana", "order-cancelled", orderId);
      return { ...told, event: { ...told.event, occurredAt: START_MS + happenedMinute * 60_000 } };
    };
    const cancelled = [cancel(11, "o1", 4.5), cancel(12, "o2", 4.2), cancel(13, "o3", 4.1), cancel(14, "o4", 4.1)];
    deepEqual(await describeMoves([...orders, ...cancelled]), [
      "A null > one-buyer (event)",
      "A one-buyer > multi-buyer (event)",
      "A multi-buyer > ambassador (event)",
      "A ambassador > multi-buyer (late-data)",
      "not A multi-buyer > ambassador (late-data)",
      "A multi-buyer > one-buyer (late-data)",
    ]);
  });
});
