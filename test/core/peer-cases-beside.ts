// What a line of the table of peer cases cannot say: two deployments, two owners, the order of effects, rules that change.

import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openMemoryStore } from "#adapters/memory/store.ts";
import { acceptEvent } from "#core/acceptance.ts";
import type { Configuration } from "#core/configuration.ts";
import { createEngine } from "#core/engine.ts";
import { SHARD_PART } from "#core/shard-time.ts";
import { Fold } from "#services/fold/fold.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { resolveBatch } from "#services/resolver/resolver.ts";
import { CommitRefused } from "#services/stitcher/shard.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { createHash } from "#services/wire/hash.ts";
import { Cluster } from "#support/cluster.ts";
import { foldEach } from "#support/fold-events.ts";
import { configuration, hash } from "#support/histories.ts";
import { createLoneWorker } from "#support/lone-worker.ts";
import {
  describeOutputs,
  describePeople,
  type PeerCase,
  readLiving,
  START_MS,
  tellSteps,
} from "#support/peer-cases.ts";

const DAY_MS = 24 * 3_600_000;

/** Who bought within ten days is in segment s. */
const boughtOfLate: Configuration = {
  ...configuration,
  rules: {
    ...configuration.rules,
    ladder: [
      { segment: "s", when: 'orders.valid >= 1 && !elapsed(orders.latestAt, "10d")' },
      ...configuration.rules.ladder,
    ],
  },
};

async function foldUnder(key: string, told: readonly string[]): Promise<Fold> {
  const fold = new Fold({ configuration, hash: createHash(key) });
  for (const event of tellSteps(told)) await fold.add([event]);
  return fold;
}

async function openWorker({ told }: PeerCase) {
  const cluster = new Cluster({ configuration, hash, shards: 1, resolvers: 1, seed: 1, faults: 0 });
  await cluster.run(tellSteps(told));
  const log = cluster.readLog(0);
  return { engine: cluster.engine, log, worker: createLoneWorker(cluster.engine, log), store: openMemoryStore() };
}

/** What a case asks for beside its people. */
export const BESIDE: Readonly<Record<string, (one: PeerCase) => Promise<void>>> = {
  "PH-002": async ({ told }) => {
    const [ours, theirs] = await Promise.all(["a key", "another key"].map((key) => foldUnder(key, told)));
    const ids = await Promise.all(
      [ours, theirs].map(async (fold) => (await fold?.readPeople())?.profiles[0]?.profileId),
    );
    notEqual(ids[0], ids[1]);
    equal((await (await foldUnder("a key", told)).readPeople()).profiles[0]?.profileId, ids[0]);
  },
  "PH-017": async ({ told }) => {
    const memory = openMemoryIndex();
    let waiting = 0;
    let goOn = () => {};
    const bothHaveRead = new Promise<void>((resolve) => (goOn = resolve));
    const get: typeof memory.get = async (keys) => {
      const found = await memory.get(keys);
      waiting += 1;
      if (waiting === 2) goOn();
      await bothHaveRead;
      return found;
    };
    const { registry } = createEngine({ configuration, hash, resolverSlots: 2, decode: (bytes) => bytes as never });
    const components = await Promise.all(
      tellSteps(told).map(async (event) => {
        const index = new ComponentIndex({ ...memory, get });
        const arrival = { ...event, bytes: new Uint8Array(), backfill: false, traceparent: null };
        const resolution = await resolveBatch({ registry, index, shards: 1, recent: new RecentEvents() }, [arrival]);
        return resolution.items.get(0)?.map(({ item }) => (item.kind === "event" ? item.component : item.kind));
      }),
    );
    equal(components[0]?.length, 1);
    deepEqual(components[0], components[1], "the winner's");
  },
  "PH-025": async ({ told }) => {
    const fold = await foldEach(tellSteps(told));
    const [only] = await readLiving(fold.engine, fold.store, 1);
    equal(only?.view.firstAt, START_MS, "as old as the older of the two");
  },
  "PH-035": async ({ told, more }) => {
    const { registry } = createEngine({ configuration, hash, resolverSlots: 1, decode: (bytes) => bytes as never });
    for (const each of more.each ?? []) {
      const [acceptance] = tellSteps(told, each).map((one) =>
        acceptEvent(registry, one.source, one.recordedAt, one.event),
      );
      deepEqual(acceptance?.ok === true && acceptance.accepted.leftOut, { junk: 1, unknownNamespace: 0 }, each);
    }
  },
  "PH-040": async ({ told, people }) => {
    const [ours, theirs] = [
      await foldUnder("a key", told),
      await foldUnder("another key", ["web: email=2@x.fr mail:t2"]),
    ];
    deepEqual(
      [
        await describePeople(ours.engine, ours.store, 1, people),
        await describePeople(theirs.engine, theirs.store, 1, people),
      ],
      [people, "email=2@x.fr mail:t2"],
    );
    const [{ holders }, others] = [await ours.readPeople(), await theirs.readPeople()];
    for (const key of others.holders.keys()) ok(!holders.has(key), "no key of one is a key of the other");
  },
  "PH-067": async ({ told, people }) => {
    const fold = await foldEach(tellSteps(told));
    const { commit } = fold.store;
    const refused: string[] = [];
    fold.store.commit = async (step) => {
      const outcome = await commit(step);
      refused.push(outcome);
      return outcome;
    };
    const before = await fold.store.readHead(0);
    await fold.store.raiseEpochs([0]);
    // What would be joined is asked for first, and refused before anything is committed.
    const linking = tellSteps([...told, "web: customer=t email=s1@x.fr z:9"]).slice(-1);
    await rejects(fold.add(linking), CommitRefused);
    deepEqual([...new Set(refused)], ["fenced"]);
    deepEqual(await fold.store.readHead(0), before);
    equal(await describePeople(fold.engine, fold.store, 1, people), people);
  },
  "PH-073": async (one) => {
    const { worker, log, store } = await openWorker(one);
    equal(log.length > 1, true);
    const effects: string[] = [];
    let goOn = () => {};
    const next = new Promise<void>((resolve) => (goOn = resolve));
    const { commit } = store;
    const committed: unknown[] = [];
    store.commit = async (step) => {
      effects.push(`commit ${step.to.offset}`);
      committed.push(...step.outbox);
      if (step.to.offset === 2) goOn();
      return commit(step);
    };
    const published: unknown[] = [];
    await worker.run(store, async (records, upTo) => {
      effects.push(`publish ${upTo}`);
      published.push(...records);
      // The first acknowledgement comes only when the second step is committed already.
      await next;
      await delay(20);
      effects.push(`acknowledged ${upTo}`);
    });
    const steps = ["commit 1", "publish 1", "commit 2", "acknowledged 1", "publish 2"];
    deepEqual(effects.slice(0, steps.length), steps);
    deepEqual(published, committed);
    ok(published.length > 0);
  },
  "UN-023": async ({ told }) => {
    const segmentOf = async (rules: Configuration) => {
      const fold = await foldEach(tellSteps(told), rules);
      await fold.advance(START_MS + 3 * DAY_MS);
      return (await fold.readPeople()).profiles[0]?.segment;
    };
    equal(await segmentOf(configuration), "one-buyer");
    equal(await segmentOf(boughtOfLate), "s");
  },
  "UN-025": async ({ told }) => {
    const fold = new Fold({ configuration: boughtOfLate, hash });
    const past = tellSteps(told).map(({ event, ...one }) => {
      return { ...one, backfill: true, event: { ...event, occurredAt: START_MS - 3 * DAY_MS } };
    });
    await fold.add(past);
    const moves = () => describeOutputs(fold.engine, past, fold.outputs).filter((said) => said.includes("->"));
    const entered = ["customer=p: null -> s (backfill)"];
    await fold.advance(START_MS + 7 * DAY_MS - 1);
    deepEqual(moves(), entered);
    await fold.advance(START_MS + 12 * DAY_MS);
    deepEqual(moves(), [...entered, "customer=p: s -> one-buyer (schedule)"]);
  },
  "RS-002": async ({ told }) => {
    const fold = new Fold({ configuration, hash });
    const { commit } = fold.store;
    let written: string[] = [];
    fold.store.commit = (step) => {
      written.push(...step.parts.keys());
      return commit(step);
    };
    const [first, ...again] = tellSteps(told);
    await fold.add(first === undefined ? [] : [first]);
    ok(written.some((key) => key.startsWith("c/")));
    written = [];
    for (const event of again) await fold.add([event]);
    deepEqual(new Set(written), new Set([SHARD_PART]), "but for the time that passed");
  },
  "PC-001": async ({ told }) => {
    const fold = await foldEach(tellSteps(told));
    await fold.advance(START_MS + 12 * DAY_MS);
    const due = fold.outputs.flatMap((output) => (output.kind === "signal" ? [output.dueAt - START_MS] : []));
    deepEqual(due, [DAY_MS + 60_000], "a day after the later of the two");
    const [only] = await readLiving(fold.engine, fold.store, 1);
    equal(only?.view.lastAt, START_MS + 2 * 60_000);
  },
  "KF-001": async (one) => {
    const { engine, worker, log, store } = await openWorker(one);
    let late = 0;
    const former = {
      ...store,
      commit: async (step: Parameters<typeof store.commit>[0]) => {
        if (late++ === 0) await worker.takeOver(store);
        return store.commit(step);
      },
    };
    const said = await worker.run(former, async () => {
      throw new Error("the former owner published");
    });
    deepEqual([late, said.length, /commit fenced/.test(said[0] ?? "")], [1, 1, true]);
    equal((await store.readHead(0)).position.offset, log.length);
    equal(await describePeople(engine, store, 1, one.people), one.people);
  },
};
