// What holds of the people of every log, whoever they are: checked on the profiles themselves, without an oracle.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { acceptEvent } from "#core/acceptance.ts";
import { createRegistry } from "#core/registry.ts";
import { rulingType } from "#core/ruling.ts";
import { Campaign } from "#support/campaign.ts";
import { DirectFold, foldBatchesDirectly, foldDirectly } from "#support/direct-fold.ts";
import { bits, configuration, cut, hash, usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import { comparePeople } from "#support/oracle-comparison.ts";

const registry = createRegistry(configuration, hash);
const campaign = new Campaign();

function nameBoth({ event }: RecordedEvent): string {
  return event.identifiers
    .map(({ namespace, value }) => `${namespace} ${value}`)
    .toSorted()
    .join(" ");
}

describe("the people of a log", () => {
  it("are what they were once every ruling of an operator is lifted (I2)", () => {
    let ruled = 0;
    fc.assert(
      fc.property(usual, ({ events }) => {
        campaign.add(events);
        const isLink = ({ event }: RecordedEvent) => event.type === rulingType("linked");
        // A link is evidence too, which stands where nothing else was ruled of the two; else it is lifted with that.
        const rulings = events.filter((one) => one.source === "operator" && !isLink(one));
        const ruledOn = new Set(rulings.map(nameBoth));
        ruled += rulings.length;
        const latest = Math.max(...events.map(({ recordedAt }) => recordedAt));
        const lifts = rulings.map(({ event, source }, place) => ({
          source,
          recordedAt: latest + 1,
          event: { ...event, eventId: `lift-${place}`, type: rulingType("lifted") },
        }));
        const stands = (one: RecordedEvent) => !rulings.includes(one) && !(isLink(one) && ruledOn.has(nameBoth(one)));
        const without = foldDirectly(events.filter(stands));
        const lifted = foldDirectly([...events, ...lifts]);
        deepEqual(comparePeople(lifted.readPeople()), comparePeople(without.readPeople()));
      }),
      runs(2_000),
    );
    checkMet(ruled > 0);
  });

  it("never share two values of a unique namespace, unless one replaced the other (I3)", () => {
    const unique = new Set(configuration.namespaces.filter(({ kind }) => kind === "unique").map(({ name }) => name));
    fc.assert(
      fc.property(usual, ({ events }) => {
        campaign.add(events);
        const { profiles } = foldDirectly(events).readPeople();
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

  it("do not change by copies of events, nor by cuts into batches (P1)", () => {
    fc.assert(
      fc.property(usual, bits, bits, ({ events }, copied, ends) => {
        campaign.add(events);
        const once = comparePeople(foldDirectly(events).readPeople());
        const copies = events.filter((_, place) => copied[place % copied.length]);
        const fold = foldBatchesDirectly(cut([...events, ...copies], ends));
        deepEqual(comparePeople(fold.readPeople()), once);
        equal(fold.outcomes.length, events.length + copies.length);
      }),
      runs(2_000),
    );
  });

  it("keep every order that was ingested, on a profile or unattributed, at every prefix (P4)", () => {
    fc.assert(
      fc.property(usual, ({ events }) => {
        campaign.add(events);
        const fold = new DirectFold({ configuration, hash });
        const orders = new Set<string>();
        for (const event of events) {
          fold.add([event]);
          const acceptance = acceptEvent(registry, event.source, event.recordedAt, event.event);
          const trusted = registry.sources.get(event.source)?.trustedForOrders === true;
          if (acceptance.ok && trusted && event.event.type.startsWith("order-"))
            orders.add(acceptance.accepted.order?.key ?? "");
          const { profiles, unattributedOrders } = fold.readPeople();
          equal(
            profiles.reduce((sum, { view }) => sum + view.orders.length, unattributedOrders),
            orders.size,
          );
        }
      }),
      runs(1_500),
    );
  });

  it("count money in safe integers only (P2)", () => {
    fc.assert(
      fc.property(usual, ({ events }) => {
        campaign.add(events);
        const fold = foldDirectly(events);
        const { profiles } = fold.readPeople();
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

  it("are checked on histories of 5 to 60 events", (t) => {
    t.diagnostic(campaign.describe());
    campaign.checkSizes();
  });
});
