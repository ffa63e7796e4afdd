// A merge that is taken back never was (I2): whatever evidence had brought two people together, once it is cut or they are
// held apart, all are as in the log that never had it. Both logs are folded; no oracle is asked of what they should say.

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Cause } from "#core/profile.ts";
import type { People } from "#services/wire/profile-reader.ts";
import { Campaign } from "#support/campaign.ts";
import { foldDirectly } from "#support/direct-fold.ts";
import { configuration, hash, history } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { recomputePeople, type RecordedEvent } from "#support/oracle.ts";
import { comparePeople } from "#support/oracle-comparison.ts";
import { checkStream } from "#support/oracle-stream.ts";
import { BRIDGES, type TakingBack, takingBack } from "#support/taking-back.ts";

/** A replacement is an event of the person, told of in her counters, habits and timeline: without it there is none. */
function describePeople({ profiles, unattributedOrders }: People, { kind }: TakingBack) {
  if (kind !== "replaced") return comparePeople({ profiles, unattributedOrders, holders: new Map() });
  const without = profiles.map((profile) => {
    const { "identifier-replaced": _replaced, ...counters } = profile.view.counters;
    const timeline = profile.view.timeline.filter(({ eventId }) => eventId !== "bridge");
    return { ...profile, view: { ...profile.view, counters, timeline, channels: [], hours: [], cadence: null } };
  });
  return comparePeople({ profiles: without, unattributedOrders, holders: new Map() });
}

/** Held apart, they also lose what other evidence makes of them: then it is the bridge alone that the other log is without. */
function forbidsMore({ profiles }: People, { verdict, pair }: TakingBack): boolean {
  if (verdict !== "apart") return false;
  const [one, other] = pair.map((end) =>
    profiles.filter(({ identifiers }) =>
      identifiers.some((i) => i.namespace === end.namespace && i.value === end.value),
    ),
  );
  const isShareable = pair.some(({ namespace }) => namespace === "phone");
  return isShareable || one?.some((profile) => other?.includes(profile)) === true;
}

/** Beside the four events of a merge and its taking back; there are two folds of each. */
const around = fc.oneof({ arbitrary: history(5, 14), weight: 19 }, { arbitrary: history(15, 60), weight: 1 });
const campaign = new Campaign();
const isByBridge = ({ eventId }: Cause) => eventId === "bridge";

describe("evidence that brought two people together", () => {
  it("leaves, once it is taken back, what the log without it gives, and retracts what it moved (I2, O2)", (t) => {
    const met = { merged: 0, retracted: 0 };
    const mergedBy = new Map<string, number>(BRIDGES.map((kind) => [kind, 0]));
    fc.assert(
      fc.property(takingBack(around), (drawn) => {
        const { kind, before, bridge, between, taken, after, bare } = drawn;
        const log: RecordedEvent[] = [...before, bridge, ...between, taken, ...after];
        const fold = foldDirectly(log);
        const people = describePeople(fold.readPeople(), drawn);
        const without = [...before, ...(bare === null ? [] : [bare]), ...between];
        let never = foldDirectly([...without, ...after]).readPeople();
        if (forbidsMore(never, drawn)) never = foldDirectly([...without, taken, ...after]).readPeople();
        deepEqual(people, describePeople(never, drawn));
        campaign.add(log);
        if (campaign.histories % 4 === 0)
          met.retracted += checkStream(fold.outputs, recomputePeople(log, configuration, hash), hash, true).retracted;
        if (
          !fold.outputs.some(
            (one) => one.kind === "identity-changed" && one.change === "merged" && isByBridge(one.cause),
          )
        )
          return;
        met.merged += 1;
        mergedBy.set(kind, (mergedBy.get(kind) ?? 0) + 1);
      }),
      runs(2_400),
    );
    t.diagnostic(
      `merged in ${met.merged}: ` +
        `${[...mergedBy].map((count) => count.join(" ")).join(", ")}; ${met.retracted} retractions in a quarter of them`,
    );
    checkMet(met.merged > campaign.histories / 2 && met.retracted > campaign.histories / 20);
    for (const [kind, count] of mergedBy)
      checkMet(count >= Math.floor(campaign.histories / 50), `${count} merged by ${kind}`);
  });

  it("is taken back with every move that it made alone, and makes them again once that is lifted (I2)", (t) => {
    const met = { cases: 0, merged: 0, moves: 0, standing: 0 };
    fc.assert(
      fc.property(takingBack(around), (drawn) => {
        const { kind, before, between, bridge, taken, after, lifted } = drawn;
        const log = [...before, ...between, ...after, bridge];
        campaign.add(log);
        const fold = foldDirectly(log);
        const merged = comparePeople(fold.readPeople());
        const made = fold.outputs.flatMap((one) =>
          one.kind === "transition" && one.cause === "merge" && isByBridge(one.by) ? [one] : [],
        );
        const parts = fold.outputs.some(
          (one) => one.kind === "identity-changed" && ["split", "alias"].includes(one.change) && isByBridge(one.cause),
        );
        const told = fold.outputs.length;
        fold.add([taken]);
        const retracted = fold.outputs.slice(told).flatMap((one) => (one.kind === "retraction" ? [one.retracts] : []));
        // Who buys with the same event is by herself where the merge had brought her: only ends are certain then.
        const stands = made.filter(
          ({ transitionId, to }) => !retracted.includes(transitionId) && (kind !== "ordered" || to === null),
        );
        // Where the bridge also parted others, what it made may end with the profile that made it, or come back as an alias.
        if (parts) met.standing += stands.length;
        else deepEqual(stands, [], "what the merge alone made is retracted");
        fold.add([lifted]);
        // What is lifted is all that was ruled of the two, a link too.
        if (kind !== "linked") deepEqual(comparePeople(fold.readPeople()), merged);
        met.cases += 1;
        met.moves += made.length;
        met.merged += made.some(({ to }) => to === null) ? 1 : 0;
      }),
      runs(1_600),
    );
    t.diagnostic(
      `${met.cases} histories; people ended by the merge in ${met.merged}, ${met.moves} moves taken back, ${met.standing} of these without a retraction`,
    );
    checkMet(met.merged > met.cases / 2 && met.standing < met.moves / 20);
  });

  it("is taken back in histories of 5 to 60 events", (t) => {
    t.diagnostic(campaign.describe());
    campaign.checkSizes();
  });
});
