// What six other stitchers pin down of people, values, races and what is said, as 57 cases: adopted, or answered otherwise
// with a reason. Each is folded in the order told, in the reverse, as one batch, and by scrambled clusters whose processes
// die; beside that, what a line of a table cannot say.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { compareText } from "#core/comparison.ts";
import type { Configuration } from "#core/configuration.ts";
import { explainSeparation, type Standing } from "#core/explanation.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { Cluster } from "#support/cluster.ts";
import { foldBatches, foldEach } from "#support/fold-events.ts";
import { configuration, hash } from "#support/histories.ts";
import { describeOutputs, describePeople, type PeerCase, readAllComponents, tellSteps } from "#support/peer-cases.ts";
import { BESIDE } from "./peer-cases-beside.ts";
import { OTHER_CASES } from "./peer-cases-others.ts";
import { POSTHOG_CASES } from "./peer-cases-posthog.ts";
import { POSTHOG_RACES } from "./peer-cases-races.ts";

const CASES = [...POSTHOG_CASES, ...POSTHOG_RACES, ...OTHER_CASES];
/** Adopted, and held but for one part: `differs` of each says which, `against` the promise that forbids it. */
const IN_PART = "PH-005 PH-028 PH-078 UN-004 UN-005 SN-003 PC-001".split(" ");

function configurationOf({ more }: PeerCase): Configuration {
  const { junk = [] } = more;
  return { ...configuration, namespaces: configuration.namespaces.map((one) => ({ ...one, junk })) };
}

function expectPeople(people: string): string {
  return people.split(" / ").toSorted(compareText).join(" / ");
}

function peopleOf({ engine, store }: Pick<Fold, "engine" | "store">, like: string, shards = 1): Promise<string> {
  return describePeople(engine, store, shards, like);
}

async function checkFolds(one: PeerCase, events: readonly FoldEvent[]): Promise<void> {
  const expected = expectPeople(one.people);
  const told = configurationOf(one);
  equal(await peopleOf(await foldEach(events, told), one.people), expected);
  equal(await peopleOf(await foldEach(events.toReversed(), told), one.people), expected, "in the reverse order");
  equal(await peopleOf(await foldBatches([events], told), one.people), expected, "as one batch");
}

/** With as many shards, resolvers and faults as the seed says. */
async function checkClusters(one: PeerCase, events: readonly FoldEvent[]): Promise<void> {
  const met = { restarts: 0, handovers: 0 };
  for (let seed = 1; seed <= (one.more.race === true ? 24 : 6); seed += 1) {
    const [shards, faults] = [1 + (seed % 4), (seed % 2) * 120];
    const how = { shards, resolvers: 1 + (seed % 3), seed, faults };
    const cluster = new Cluster({ configuration: configurationOf(one), hash, ...how });
    const { raiseEpochs } = cluster.store;
    const taken = new Set<number>();
    cluster.store.raiseEpochs = (wanted) => {
      met.restarts += wanted.filter((shard) => taken.has(shard)).length;
      for (const shard of wanted) taken.add(shard);
      return raiseEpochs(wanted);
    };
    await cluster.run(events);
    equal(await peopleOf(cluster, one.people, shards), expectPeople(one.people), `by a cluster of seed ${seed}`);
    for (let shard = 0; shard < shards; shard += 1)
      met.handovers += cluster.readLog(shard).filter(({ item }) => item.kind === "handover").length;
  }
  if (one.more.race === true) ok(met.restarts > 0 && met.handovers > 0, "a race that nobody ran");
}

async function checkSaid({ more, told, ...one }: PeerCase): Promise<void> {
  const events = tellSteps(told);
  const fold = new Fold({ configuration, hash });
  const before = events.length - (more.together ?? 1);
  for (const [place, event] of events.slice(0, before).entries()) {
    await fold.add([event]);
    if (more.after !== undefined) equal(await peopleOf(fold, one.people), more.after[place], `after step ${place}`);
  }
  const quiet = fold.outputs.length;
  await fold.add(events.slice(before));
  if (more.after !== undefined) equal(await peopleOf(fold, one.people), more.after.at(-1), "after the last step");
  const said = describeOutputs(fold.engine, events, fold.outputs.slice(quiet));
  if (more.says !== undefined) deepEqual(said, more.says);
  const others = fold.outcomes.filter(({ outcome }) => outcome !== "folded");
  const outcomes = others.map(({ eventId, outcome, reason }) => [eventId, outcome, reason ?? ""].join(" ").trim());
  deepEqual(outcomes, more.outcomes ?? []);
  if (more.apart !== undefined) {
    const components = await readAllComponents(fold.store, 1);
    const standings = more.apart.slice(0, 2).map((name): Standing => {
      for (const component of components)
        for (const entry of component.identifiers.values())
          if (`${entry.namespace}=${entry.value}` === name) return { component, entry };
      throw new Error(`nobody knows ${name}`);
    });
    const { obstacle } = explainSeparation(fold.engine.registry, ...(standings as [Standing, Standing]));
    equal(obstacle, more.apart[2]);
  }
}

describe("what other stitchers promise", () => {
  for (const one of CASES) {
    const how = one.use === "adapt" ? "unlike" : IN_PART.includes(one.id) ? "in part as" : "as";
    it(`${one.id}, ${how} ${one.peer}: ${one.holds}`, async () => {
      for (const each of one.more.each ?? [""]) {
        const events = tellSteps(one.told, each);
        await checkFolds(one, events);
        await checkClusters(one, events);
      }
      if (one.more.each === undefined && one.more.junk === undefined) await checkSaid(one);
      await BESIDE[one.id]?.(one);
    });
  }

  it("is 57 cases, of which what ours answers otherwise says why", () => {
    equal(new Set(CASES.map(({ id }) => id)).size, 57);
    const ids = (use: PeerCase["use"], differing: boolean) =>
      CASES.filter((one) => one.use === use && (one.more.differs !== undefined) === differing).map(({ id }) => id);
    deepEqual(ids("adopt", true), IN_PART);
    deepEqual([ids("adopt", false).length, ids("adapt", true).length, ids("adapt", false).length], [38, 12, 0]);
    for (const { id, use, more } of CASES)
      equal(more.against !== undefined, use === "adopt" && more.differs !== undefined, id);
    for (const id of Object.keys(BESIDE))
      ok(
        CASES.some((one) => one.id === id),
        id,
      );
  });
});
