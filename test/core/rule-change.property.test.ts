// Rules enter as records of the log (T1): whoever belongs elsewhere under the next ones moves, once, told as a change of
// rules; the log gives the same whenever it is folded again, however it is cut; and in the end people are where a fold
// under the last rules has them.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Configuration, Rules } from "#core/configuration.ts";
import type { Output, SegmentTransition } from "#core/effect.ts";
import { createEngine } from "#core/engine.ts";
import { Fold } from "#services/fold/fold.ts";
import { Campaign } from "#support/campaign.ts";
import { Cluster, replayLog } from "#support/cluster.ts";
import { bits, configuration, cut, hash, history } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";
import { recomputePeople, type RecordedEvent } from "#support/oracle.ts";
import { ruleSet, toRulesItem } from "#support/rule-sets.ts";

const campaign = new Campaign();
const met = { changes: 0, moved: 0, handovers: 0 };

const change = (isTimed: boolean) => fc.record({ rules: ruleSet(isTimed), place: fc.nat(19) });
const changes = (isTimed: boolean) => fc.array(change(isTimed), { minLength: 1, maxLength: 4 });

type Changes = readonly { readonly rules: Rules; readonly place: number }[];
const under = (rules: Rules): Configuration => ({ ...configuration, rules });
const isMove = (output: Output): output is SegmentTransition => output.kind === "transition";
const segmentsOf = (people: ReturnType<typeof recomputePeople>) =>
  new Map(people.profiles.map(({ profileId, segment }) => [profileId, segment]));

/** From each transition to the next: where one goes is where the next begins; ids grow by one. */
function checkChains(outputs: readonly Output[]): void {
  const chains = new Map<string, { segment: string | null; n: number }>();
  for (const output of outputs) {
    if (output.kind === "identity-changed" && output.change === "alias" && output.otherProfileId !== null) {
      const former = chains.get(output.otherProfileId);
      chains.set(output.profileId, { n: chains.get(output.profileId)?.n ?? 0, segment: former?.segment ?? null });
      if (former !== undefined) former.segment = null;
    }
    if (output.kind !== "transition" && output.kind !== "retraction") continue;
    const chain = chains.get(output.profileId) ?? { segment: null, n: 0 };
    chains.set(output.profileId, chain);
    chain.n += 1;
    equal(output.transitionId, `${output.profileId}.${chain.n}`);
    if (output.kind === "retraction") continue;
    equal(output.from, chain.segment);
    chain.segment = output.to;
  }
}

function sortByTime(events: readonly RecordedEvent[]): RecordedEvent[] {
  return events.toSorted((a, b) => a.recordedAt - b.recordedAt);
}

async function foldWithChanges(events: readonly RecordedEvent[], told: Changes): Promise<Fold> {
  const fold = new Fold({ configuration, hash });
  let inForce = configuration.rules;
  let atMs = 0;
  for (const [place, event] of events.entries()) {
    for (const { rules } of told.filter((one) => one.place === place)) {
      const said = fold.outputs.length;
      const before = segmentsOf(recomputePeople(events.slice(0, place), under(inForce), hash, atMs));
      inForce = rules;
      const people = recomputePeople(events.slice(0, place), under(inForce), hash, atMs);
      await fold.putRules(rules, atMs);
      // Each whose segment is another moves once, and nobody else.
      const expected = [...segmentsOf(people)].filter(([id, segment]) => before.get(id) !== segment);
      const moves = fold.outputs.slice(said).filter(isMove);
      deepEqual(
        moves
          .map(({ profileId, from, to, cause, nature, ruleVersion }) =>
            [profileId, from, to, cause, nature, ruleVersion].join(" "),
          )
          .toSorted(),
        expected
          .map(([id, to]) => [id, before.get(id), to, "rule-change", "artefact", rules.version].join(" "))
          .toSorted(),
      );
      deepEqual(comparePeople(await fold.readPeople()), compareOracle(people));
      met.changes += 1;
      met.moved += moves.length;
    }
    await fold.add([event]);
    atMs = Math.max(atMs, event.recordedAt);
    const moved = fold.outputs.filter((one) => isMove(one) && one.cause === "rule-change");
    ok(moved.every((one) => isMove(one) && one.by.source === "rules"));
  }
  deepEqual(comparePeople(await fold.readPeople()), compareOracle(recomputePeople(events, under(inForce), hash, atMs)));
  checkChains(fold.outputs);
  return fold;
}

describe("a rule set that comes into force", () => {
  for (const isTimed of [false, true])
    it(`moves whom it puts elsewhere, once, and nobody else${isTimed ? ", also where it asks for time" : ""} (T1, P1)`, async () => {
      await fc.assert(
        fc.asyncProperty(history(5, 20), changes(isTimed), async ({ events }, told) => {
          campaign.add(events);
          await foldWithChanges(sortByTime(events), told);
        }),
        runs(600),
      );
    });

  it("stands in the log: folded again, however it is cut, it moves the same people at the same places (T1, O2)", async () => {
    await fc.assert(
      fc.asyncProperty(
        history(5, 20),
        changes(false),
        fc.nat(),
        fc.integer({ min: 1, max: 4 }),
        bits,
        bits,
        async ({ events }, told, seed, firedMax, ends, steps) => {
          campaign.add(events);
          const cluster = new Cluster({ configuration, hash, shards: 1, resolvers: 2, seed, faults: 0, firedMax });
          await cluster.run(
            events,
            told.map(({ rules }, place) => toRulesItem(rules, place + 1, events[0]?.recordedAt ?? 0)),
          );
          const log = cluster.readLog(0);
          // Plain ones, also where a cause has been in the store.
          const moves = (outputs: readonly Output[]) =>
            structuredClone(
              outputs.filter(({ kind }) => kind === "transition" || kind === "retraction" || kind === "signal"),
            );
          const people = comparePeople(await cluster.readPeople());
          for (const forgetful of [false, true]) {
            const again = await replayLog(cluster.engine, cut(cut(log, ends), steps), forgetful);
            deepEqual(moves(again.outputs), moves(cluster.outputs));
            deepEqual(comparePeople(again.people), people);
          }
          // How many a step looks at shows nowhere.
          const { registry, decode } = cluster.engine;
          const whole = createEngine({ configuration: registry.configuration, hash, resolverSlots: 2, decode });
          const each = await replayLog(
            whole,
            log.map((item) => [[item]]),
          );
          deepEqual(moves(each.outputs), moves(cluster.outputs));
        },
      ),
      runs(600),
    );
  });

  it("comes to the oracle's people under the last rules on any number of shards, whoever crashes (T1, I1, S1)", async () => {
    const layout = fc.record({
      shards: fc.integer({ min: 1, max: 8 }),
      resolvers: fc.integer({ min: 1, max: 3 }),
      seed: fc.noShrink(fc.integer()),
      faults: fc.constantFrom(0, 20, 100),
      firedMax: fc.constantFrom(1, 2, 1_000),
    });
    await fc.assert(
      fc.asyncProperty(history(5, 14), changes(false), layout, async ({ events }, told, how) => {
        campaign.add(events);
        const cluster = new Cluster({ configuration, hash, ...how });
        await cluster.run(
          events,
          told.map(({ rules }, place) => toRulesItem(rules, place + 1, 0)),
        );
        const last = told.at(-1)?.rules ?? configuration.rules;
        deepEqual(await cluster.findUnsettled(), []);
        deepEqual(comparePeople(await cluster.readPeople()), compareOracle(recomputePeople(events, under(last), hash)));
        checkChains(cluster.outputs);
        for (let shard = 0; shard < how.shards; shard += 1)
          for (const { item } of cluster.readLog(shard)) if (item.kind === "handover") met.handovers += 1;
      }),
      runs(1_000),
    );
  });

  it("is checked on histories in which people move by it", (t) => {
    campaign.checkSizes();
    t.diagnostic(`${campaign.describe()}; ${met.changes} changes moved ${met.moved}, ${met.handovers} hand-overs`);
    checkMet(met.moved > met.changes / 4 && met.handovers > 0);
  });
});
