// Examples that the property tests found: the smallest history of each, kept so that it is looked at first.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { configuration, hash } from "#support/histories.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 5);

type Draft = Omit<FoldEvent["event"], "eventId" | "occurredAt" | "identifiers"> & {
  readonly source: string;
  readonly id: string;
  readonly hour: number;
  readonly names?: readonly string[];
};

function record({ source, id, hour, names = [], ...parts }: Draft): FoldEvent {
  const recordedAt = START_MS + hour * HOUR_MS;
  const identifiers = names.map((name) => {
    const cut = name.indexOf(":");
    return { namespace: name.slice(0, cut), value: name.slice(cut + 1) };
  });
  return { source, recordedAt, event: { eventId: id, occurredAt: recordedAt, identifiers, ...parts } };
}

async function fold(...events: FoldEvent[]) {
  const engine = new Fold({ configuration, hash });
  for (const event of events) await engine.add([event]);
  const { profiles } = await engine.readPeople();
  return { profiles, outcomes: engine.outcomes.map(({ outcome }) => outcome) };
}

describe("the fold, in the smallest histories that once went wrong", () => {
  it("puts a profile that is born without facts of its own into a segment", async () => {
    const { profiles } = await fold(
      record({ source: "web", id: "1", hour: 0, type: "identified", names: ["crm-contact:m-1", "card:2099-1"] }),
      record({ source: "social", id: "2", hour: 1, type: "identified", names: ["crm-contact:m-2", "card:2099-1"] }),
    );
    equal(profiles.length, 2);
    deepEqual(
      profiles.map(({ segment }) => segment === null),
      [false, false],
    );
  });

  it("makes a prospect of whoever becomes known, also where the event's facts are somebody else's", async () => {
    const { profiles } = await fold(
      record({ source: "crm", id: "1", hour: 0, type: "identified", names: ["crm-contact:m-1", "customer:c"] }),
      record({ source: "web", id: "2", hour: 0, type: "page-viewed", names: ["crm-contact:m-2"] }),
      record({ source: "crm", id: "3", hour: 1, type: "identified", names: ["crm-contact:m-2", "customer:c"] }),
    );
    deepEqual(
      profiles.map(({ segment }) => segment),
      ["prospect", "prospect"],
    );
  });

  it("keeps the facts of a contested phone, which may be somebody's again (P1)", async () => {
    const contested = [
      record({ source: "store", id: "1", hour: 0, type: "identified", names: ["phone:0612345678", "card:2099-1"] }),
      record({ source: "store", id: "2", hour: 1, type: "identified", names: ["phone:0612345678", "email:a@x.fr"] }),
    ];
    const call = record({ source: "call-centre", id: "3", hour: 2, type: "called", names: ["phone:0612345678"] });
    const joined = record({
      source: "store",
      id: "4",
      hour: 3,
      type: "identified",
      names: ["card:2099-1", "email:a@x.fr"],
    });
    const after = await fold(...contested, call, call, joined);
    equal(after.profiles.length, 1);
    equal(after.profiles[0]?.view.counters["called"], 1);
    deepEqual(after.outcomes, ["folded", "folded", "folded", "duplicate", "folded"]);
  });

  it("lets an earlier copy of an order's event count from its own record time (I1, P1)", async () => {
    const placed = (id: string, hour: number, name: string) =>
      record({ source: "web", id, hour, type: "order-placed", names: [name], order: { orderId: "o" } });
    const events = [placed("1", 2, "customer:a"), placed("2", 3, "customer:b"), placed("2", 1, "customer:b")];
    const copy = { ...(events[2] as FoldEvent), event: (events[1] as FoldEvent).event };
    const { profiles } = await fold(events[0] as FoldEvent, events[1] as FoldEvent, copy);
    const holder = profiles.find(({ view }) => view.orders.length > 0);
    deepEqual(holder?.identifiers, [{ namespace: "customer", value: "b", state: "owned" }]);
  });

  it("lets an update of the total alone change it (section 5: order-updated changes content)", async () => {
    const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 10_000 }];
    const { profiles } = await fold(
      record({
        source: "web",
        id: "1",
        hour: 0,
        type: "order-placed",
        names: ["customer:a"],
        order: { orderId: "o", totalMinor: 10_000, lines },
      }),
      record({
        source: "web",
        id: "2",
        hour: 1,
        type: "order-updated",
        names: ["customer:a"],
        order: { orderId: "o", totalMinor: 8_000 },
      }),
    );
    deepEqual(
      profiles[0]?.view.orders.map((order) => [order.totalMinor, order.lines]),
      [[8_000, lines]],
    );
  });
});
