// Restrictions of processing in any history (Art. 18): whoever is restricted is kept like anybody else and is told of to
// nobody, and once all is lifted the world knows what it would know (P1, I2, O2).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Output } from "#core/effect.ts";
import { Campaign } from "#support/campaign.ts";
import { type DirectFold, foldBatchesDirectly, foldDirectly } from "#support/direct-fold.ts";
import { bits, configuration, cut, hash, history, usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { recomputePeople } from "#support/oracle.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";
import { checkStream } from "#support/oracle-stream.ts";
import { liftEach, restricting } from "#support/restrictions.ts";
import { takingBack } from "#support/taking-back.ts";

const DAY_MS = 86_400_000;
const campaign = new Campaign();

function listFrozen(fold: DirectFold): Set<string> {
  const { profiles } = fold.readPeople();
  return new Set(profiles.flatMap(({ profileId, view }) => (view.restrictions.length > 0 ? [profileId] : [])));
}

/** What automation acts on. */
function listActed(outputs: readonly Output[]) {
  return outputs.flatMap((output) =>
    output.kind === "transition" || output.kind === "retraction" || output.kind === "signal" ? [output] : [],
  );
}

function checkSilence(outputs: readonly Output[], frozen: ReadonlySet<string>): void {
  for (const output of listActed(outputs))
    ok(!frozen.has(output.profileId), `${JSON.stringify(output)} of a frozen one`);
  for (const output of outputs)
    if (output.kind === "profile-state" && output.state !== null && frozen.has(output.profileId))
      deepEqual([output.state.audiences, output.state.scores], [[], []]);
}

describe("in any history with restrictions", () => {
  it("people are the oracle's in whatever order it comes, and of the restricted nothing is told (P1, O2)", (t) => {
    const met = { frozen: 0, kept: 0 };
    fc.assert(
      fc.property(restricting(usual), bits, fc.noShrink(fc.infiniteStream(fc.nat())), ({ events }, ends, places) => {
        campaign.add(events);
        const fold = foldDirectly([]);
        let frozen = new Set<string>();
        for (const event of events) {
          const before = fold.outputs.length;
          fold.advance(event.recordedAt);
          checkSilence(fold.outputs.slice(before), frozen);
          const told = fold.outputs.length;
          fold.add([event]);
          const now = listFrozen(fold);
          // Whom an event makes known, or one with somebody restricted at another home, may move before that is in force.
          const still = new Set([...now].filter((id) => frozen.has(id)));
          checkSilence(fold.outputs.slice(told), still);
          met.kept += still.size;
          frozen = now;
        }
        met.frozen += frozen.size;
        const people = comparePeople(fold.readPeople());
        deepEqual(people, compareOracle(recomputePeople(events, configuration, hash)));
        const shuffled = events
          .map((event) => [places.next().value as number, event] as const)
          .toSorted(([a], [b]) => a - b);
        const other = foldBatchesDirectly(
          cut(
            shuffled.map(([, event]) => event),
            ends,
          ),
        );
        deepEqual(comparePeople(other.readPeople()), people);
      }),
      runs(300),
    );
    t.diagnostic(JSON.stringify(met));
    checkMet(met.frozen > 0 && met.kept > 0);
  });

  it("once all is lifted one move is told of each, with its cause, and nothing that was due before (O2, O5)", (t) => {
    const met = { moved: 0, quiet: 0, signals: 0 };
    fc.assert(
      fc.property(restricting(usual), fc.nat({ max: 3 }), ({ events }, days) => {
        campaign.add(events);
        const fold = foldDirectly(events);
        const latest = Math.max(...events.map(({ recordedAt }) => recordedAt));
        const liftedAt = latest + days * DAY_MS + 1;
        fold.advance(liftedAt);
        const frozen = listFrozen(fold);
        const before = fold.outputs.length;
        const lifts = liftEach(events, liftedAt);
        for (const lift of lifts) fold.add([lift]);
        const acted = listActed(fold.outputs.slice(before));
        for (const id of frozen) {
          const moves = acted.filter((output) => output.profileId === id && output.kind === "transition");
          ok(moves.length <= 1, "one move");
          for (const move of moves) equal(move.kind === "transition" && move.cause, "restriction");
          met[moves.length === 0 ? "quiet" : "moved"] += 1;
        }
        deepEqual(
          acted.filter(({ kind }) => kind === "signal"),
          [],
        );
        fold.advance(liftedAt + 9 * DAY_MS);
        for (const output of listActed(fold.outputs.slice(before))) {
          if (output.kind !== "signal") continue;
          ok(output.dueAt > liftedAt || !frozen.has(output.profileId), "what was due before is not sent");
          met.signals += 1;
        }
        const oracle = recomputePeople([...events, ...lifts], configuration, hash);
        checkStream(fold.outputs, oracle, hash);
        deepEqual(comparePeople(fold.readPeople()), compareOracle(oracle));
      }),
      runs(800),
    );
    t.diagnostic(JSON.stringify(met));
    checkMet(met.moved > 0 && met.quiet > 0 && met.signals > 0);
  });

  it("a merge that is taken back leaves what the log without it gives, restrictions too (I2)", (t) => {
    const met = { frozen: 0 };
    const around = restricting(history(5, 14));
    fc.assert(
      fc.property(takingBack(around), ({ kind, verdict, before, bridge, between, taken, after, bare }) => {
        // A replacement tells of itself in the counters; held apart, they may lose more than the bridge.
        if (kind === "replaced" || verdict === "apart") return;
        const log = [...before, bridge, ...between, taken, ...after];
        campaign.add(log);
        const fold = foldDirectly(log);
        const without = [...before, ...(bare === null ? [] : [bare]), ...between, ...after];
        deepEqual(
          comparePeople({ ...fold.readPeople(), holders: new Map() }),
          comparePeople({ ...foldDirectly(without).readPeople(), holders: new Map() }),
        );
        met.frozen += listFrozen(fold).size;
      }),
      runs(800),
    );
    t.diagnostic(JSON.stringify(met));
    checkMet(met.frozen > 0);
  });

  it("is tried in histories of all sizes", (t) => {
    t.diagnostic(campaign.describe());
    campaign.checkSizes();
  });
});
