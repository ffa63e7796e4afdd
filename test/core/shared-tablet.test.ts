// S24: a tablet that two people share. Two log-ins on it stay two people; what was browsed between belongs to neither; and
// when the evidence of one goes, the other gets it back exactly.

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach, tell } from "#support/fold-events.ts";
import { comparePeople } from "#support/oracle-comparison.ts";

const TABLET = { cookie: "tablet" };
const ANA = { customer: "c-ana" };
const BEN = { customer: "c-ben" };
const browsed = [tell("web", 0, "page-viewed", TABLET), tell("web", 2, "searched", TABLET)];
const anaLogsIn = tell("web", 1, "identified", { ...TABLET, ...ANA });
const benLogsIn = tell("web", 3, "identified", { ...TABLET, ...BEN });
const after = tell("web", 4, "product-viewed", TABLET);
const bought = [tell("app", 5, "checkout-started", ANA), tell("app", 6, "checkout-started", BEN)];

async function describePeople(events: readonly FoldEvent[]) {
  const { profiles } = await (await foldEach(events)).readPeople();
  return Object.fromEntries(
    profiles.map(({ identifiers, view }) => [
      identifiers.map(({ value, state }) => (state === "owned" ? value : `${value} (${state})`)).join(", "),
      Object.keys(view.counters),
    ]),
  );
}

describe("a shared tablet", () => {
  const shared = [...browsed, anaLogsIn, benLogsIn, after, ...bought];

  it("stays two people, and what was browsed on it belongs to neither (S24)", async () => {
    deepEqual(await describePeople(shared), {
      "c-ana": ["identified", "checkout-started"].toSorted(),
      "c-ben": ["identified", "checkout-started"].toSorted(),
      "tablet (contested)": ["page-viewed", "product-viewed", "searched"],
    });
  });

  it("is handed back exactly when the evidence of one is cut (S24, I2)", async () => {
    const cut = tell("operator", 9, "evidence-cut", { ...TABLET, ...ANA });
    deepEqual(await describePeople([...shared, cut]), {
      "c-ana": ["identified", "checkout-started"].toSorted(),
      "tablet, c-ben": ["checkout-started", "identified", "page-viewed", "product-viewed", "searched"],
    });
    // The log in which her log-in did not name the tablet: the same people, counters, segments and ids.
    const { eventId } = anaLogsIn.event;
    const alone = tell("web", 1, "identified", ANA);
    const without = shared.map((one) => (one.event.eventId === eventId ? alone : one));
    const people = async (events: readonly FoldEvent[]) => comparePeople(await (await foldEach(events)).readPeople());
    deepEqual(await people([...shared, cut]), await people(without));
  });

  it("is shared again when the ruling is lifted, as if it had never been (I2)", async () => {
    const cut = tell("operator", 9, "evidence-cut", { ...TABLET, ...ANA });
    const lifted = tell("operator", 10, "ruling-lifted", { ...TABLET, ...ANA });
    const people = async (events: readonly FoldEvent[]) => comparePeople(await (await foldEach(events)).readPeople());
    deepEqual(await people([...shared, cut, lifted]), await people(shared));
  });
});
