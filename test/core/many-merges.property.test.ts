// A hundred thousand merges, each taken back (I2): two logs are folded side by side, one with pieces of evidence that bring
// people together and are cut again, the other without them; after each few, all people are the same. The engine alone, so
// that there may be many: test/core/taking-back.property.test.ts has fewer, with all that can lie between.

import { describe, it } from "node:test";
import * as fc from "fast-check";
import { Campaign } from "#support/campaign.ts";
import { DirectFold } from "#support/direct-fold.ts";
import { configuration, hash, history } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { listMerges, MERGES_PER_HISTORY } from "#support/taking-back.ts";

/** An address that is said again is said of its mailbox too, whatever is cut: here the two logs are to differ in nothing else. */
const withoutMailboxes = {
  ...configuration,
  namespaces: configuration.namespaces.filter(({ foldOf }) => foldOf === undefined),
};
const campaign = new Campaign();
const met = { merges: 0, merged: 0, compared: 0 };

function peopleOf(fold: DirectFold): string {
  const { profiles, unattributedOrders } = fold.readPeople();
  return JSON.stringify([unattributedOrders, profiles]);
}

/** Of these pieces of evidence, how many ended a profile. */
function countMerged(fold: DirectFold, from: number): number {
  const causes = fold.outputs
    .slice(from)
    .flatMap((one) => (one.kind === "identity-changed" && one.change === "merged" ? [one.cause.eventId] : []));
  return new Set(causes.filter((eventId) => eventId?.startsWith("bridge"))).size;
}

describe("whoever is brought together", () => {
  it("is apart again once that is cut, to the last counter, as if it had never been said (I2)", (t) => {
    const property = fc.property(history(5, 10), fc.noShrink(fc.infiniteStream(fc.nat())), ({ events }, draws) => {
      const [merged, never] = [0, 1].map(() => new DirectFold({ configuration: withoutMailboxes, hash })) as [
        DirectFold,
        DirectFold,
      ];
      const { known, merges } = listMerges(events, draws);
      for (const batch of [...events.map((event) => [event]), known])
        for (const fold of [merged, never]) fold.add(batch);
      campaign.add(events);
      for (let place = 0; place < merges.length; place += 2) {
        const pair = merges.slice(place, place + 2);
        const from = merged.outputs.length;
        merged.add(pair.map(({ bridge }) => bridge));
        never.add(pair.flatMap(({ bare }) => bare ?? []));
        met.merged += countMerged(merged, from);
        merged.add(pair.map(({ taken }) => taken));
        met.merges += pair.length;
        met.compared += 1;
        if (peopleOf(merged) !== peopleOf(never))
          throw new Error(`other people after merge ${place} of ${JSON.stringify([events, known, merges])}`);
      }
    });
    fc.assert(property, runs(100_000 / MERGES_PER_HISTORY));
    t.diagnostic(campaign.describe());
    t.diagnostic(`${met.merges} merges taken back, compared ${met.compared} times; ${met.merged} ended a profile`);
    checkMet(met.merges >= campaign.histories * MERGES_PER_HISTORY && met.merged > met.merges / 3);
  });
});
