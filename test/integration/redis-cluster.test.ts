// The index and the store on a real Redis Cluster of three masters, one with a replica: the same contracts as on one Redis,
// and what only a cluster does: a slot moves to another master, a master dies and its replica takes its place.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { after, type TestContext, test } from "node:test";
import { openRedisIndex } from "#adapters/redis/index.ts";
import { findUnsafeSettings } from "#adapters/redis/safety.ts";
import { openRedisStore } from "#adapters/redis/store.ts";
import { StoreUnavailable } from "#ports/store.ts";
import { openState } from "#services/cli/wiring.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { type ClusterNode, type RedisCluster, startRedisCluster } from "#support/redis-cluster.ts";
import { orSkip } from "#support/services.ts";
import { commitStep, expectSteps } from "#support/shard-steps.ts";
import { until } from "#support/until.ts";
import { testIndex } from "../contract/index.contract.ts";
import { testStore } from "../contract/store.contract.ts";
import { at, commitOf, raise, START, timer } from "../contract/store-shorthand.ts";

const SHARDS = 1_000;
let started: Promise<RedisCluster> | undefined;
after(async () => await (await started)?.stop());

testIndex("redis cluster", async (t) => {
  const place = await findPlace(t);
  return place && { first: openRedisIndex(place), second: openRedisIndex(place) };
});

testStore("redis cluster", async (t) => {
  const place = await findPlace(t);
  return place && openRedisStore({ ...place, shards: SHARDS });
});

clusterTest("the configuration chooses the cluster; shards and index land on every master", async (place) => {
  const loaded = loadConfiguration(undefined, {
    WEFT_REDIS_URL: place.url,
    WEFT_REDIS_CLUSTER_NODES: place.clusterNodes.join(", "),
  });
  const prefix = `${place.prefix}weft:`;
  const { kafka } = loaded.deployment;
  const deployment = { ...loaded.deployment, kafka: { ...kafka, topicPrefix: place.prefix } };
  const state = await openState({ ...loaded, deployment }, {}, { onWait: assert.fail });
  await state.requireSafety();
  const shards = Array.from({ length: deployment.engine.shards }, (_, shard) => shard);
  const epochs = await state.store.raiseEpochs(shards);
  const outcomes = await Promise.all(
    shards.map((shard) =>
      state.store.commit({
        ...commitOf({ epoch: epochs.get(shard) ?? 0, to: { offset: 1, step: 0 }, parts: { a: [shard] } }),
        shard,
      }),
    ),
  );
  assert.deepEqual(new Set(outcomes), new Set(["committed"]));
  await state.index.putIfAbsent(shards.map((n) => ({ key: `b:${n}`, value: `${n}` })));
  for (const keys of await place.cluster.listKeys(prefix)) {
    assert.ok(keys.filter((key) => key.endsWith(":p:a")).length > 10, keys.join());
    assert.ok(
      keys.some((key) => key.startsWith("i:{t")),
      keys.join(),
    );
  }
  for (const shard of shards)
    assert.deepEqual(await state.store.load(shard, ["a"]), [Buffer.from([shard])], `shard ${shard}`);
  await state.close();
});

clusterTest(
  "while slots move between masters under the commits and the index, nothing is lost or done twice",
  async (place, t) => {
    const waits: string[] = [];
    const store = openRedisStore({ ...place, shards: SHARDS, onWait: (line) => waits.push(line) });
    const index = openRedisIndex({ ...place, onWait: assert.fail });
    const shards = Array.from({ length: 12 }, (_, shard) => shard);
    const epochs = new Map(await store.raiseEpochs(shards));
    const run = { steps: 0, isOver: false };
    const writers = shards.map(async (shard) => {
      let offset = 0;
      for (; !run.isOver; offset++) {
        run.steps += 1;
        await commitStep(store, shard, epochs, offset);
      }
      return offset;
    });
    const moreSteps = async () => {
      const before = run.steps;
      while (run.steps < before + 200) await sleep(5);
    };

    await moreSteps();
    const slot = await place.cluster.findSlot(`${place.prefix}{s03}:head`);
    await slot.begin();
    await slot.moveKeys(2);
    await moreSteps(); // the other shards go on
    while (waits.length === 0) await sleep(20);
    await slot.end();
    await moreSteps();
    const shardAfter = await place.cluster.findSlot(`${place.prefix}{s03}:head`);
    assert.notEqual(shardAfter.owner, slot.owner);

    const entries = Array.from({ length: 500 }, (_, i) => ({ key: `k:${i}`, value: `v${i}` }));
    const [early, late] = [entries.slice(0, 300), entries.slice(300)];
    await index.putIfAbsent(early);
    const keys = (await place.cluster.listKeys(`${place.prefix}i:`)).flat();
    const tagged = await place.cluster.findSlot(`${place.prefix}i:${keys[0]}`);
    await tagged.begin();
    await tagged.moveKeys(2);
    // No call on the index waits: keys that have moved and new ones are the other master's.
    assert.deepEqual(
      await index.get(early.map(({ key }) => key)),
      early.map(({ value }) => value),
    );
    assert.deepEqual(
      await index.putIfAbsent(entries),
      entries.map(({ value }) => value),
    );
    await tagged.end();
    assert.deepEqual(
      await index.putIfAbsent(late.map(({ key }) => ({ key, value: "late" }))),
      late.map(({ value }) => value),
    );
    assert.deepEqual(
      await index.get(entries.map(({ key }) => key)),
      entries.map(({ value }) => value),
    );

    run.isOver = true;
    for (const [shard, committed] of (await Promise.all(writers)).entries()) await expectSteps(store, shard, committed);
    t.diagnostic(`${run.steps} commits`);
    assert.equal(waits.length, 1, waits.join("\n"));
    assert.match(waits.join(), /^Redis Cluster at 127\.0\.0\.1:\d+ is moving a slot; waiting for it$/);
    await store.close();
    await index.close();
  },
);

clusterTest(
  "a step that takes the last timer of a queue is whole or nothing also while its slot moves (S1)",
  async (place, t) => {
    const store = openRedisStore({ ...place, shards: SHARDS });
    t.after(() => store.close());
    const shard = 5;
    const epoch = await raise(store, shard);
    const timers = (["time", "completeness"] as const).map((queue) => timer(queue, 1, "r"));
    const first = {
      epoch,
      to: at(1, 0),
      parts: { a: [1] },
      timersAdded: timers,
      outbox: [{ topic: "t", key: "k", value: null }],
    };
    assert.equal(await store.commit({ ...commitOf(first), shard }), "committed");
    const slot = await place.cluster.findSlot(`${place.prefix}{s05}:head`);
    await slot.begin();
    const second = {
      epoch,
      from: at(1, 0),
      to: at(2, 0),
      parts: { a: null },
      timersRemoved: timers,
      published: at(1, 0),
    };
    assert.equal(await store.commit({ ...commitOf(second), shard }), "committed");
    await slot.end();
    await raise(store, shard);
    assert.deepEqual(await store.readHead(shard), { position: at(2, 0), outbox: [], damage: null });
  },
);

clusterTest("what lies at two masters while its slot moves is not taken for lost (S2)", async (place, t) => {
  const store = openRedisStore({ ...place, shards: SHARDS });
  t.after(() => store.close());
  const shard = 6;
  const epoch = await raise(store, shard);
  const parts = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`p${i}`, [i]]));
  assert.equal(await store.commit({ ...commitOf({ epoch, to: at(1, 0), parts }), shard }), "committed");
  const slot = await place.cluster.findSlot(`${place.prefix}{s06}:head`);
  const run = { isOver: false, answers: 0 };
  const scrubbing = (async () => {
    const found: unknown[] = [];
    while (!run.isOver) {
      await store.scrub(shard, "0").then(
        ({ lost }) => lost !== null && found.push(lost),
        (error: unknown) => found.push(error),
      );
      run.answers += 1;
    }
    return found;
  })();
  await until("the parts are looked for", async () => run.answers > 0);
  await slot.begin();
  for (let moved = 0; moved < 43; moved += 1) {
    await slot.moveKeys(1);
    await sleep(10);
  }
  await slot.end();
  run.isOver = true;
  assert.deepEqual(await scrubbing, []);
});

clusterTest(
  "a shard whose slot moves while it is emptied stays damaged, and is emptied where it went",
  async (place, t) => {
    const store = openRedisStore({ ...place, shards: SHARDS });
    t.after(() => store.close());
    const shard = 7;
    const keysOf = async () => (await place.cluster.listKeys(`${place.prefix}{s07}:`)).flat();
    const epoch = await raise(store, shard);
    const parts = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`p${i}`, [1]]));
    const timersAdded = [timer("time", 1, "r"), timer("completeness", 1, "r")];
    const outbox = [{ topic: "t", key: "k", value: null }];
    assert.equal(
      await store.commit({ ...commitOf({ epoch, to: at(1, 0), parts, timersAdded, outbox }), shard }),
      "committed",
    );
    const slot = await place.cluster.findSlot(`${place.prefix}{s07}:head`);
    await slot.begin();
    const clearing = store.clear(shard, epoch);
    await until("it has begun", async () => !(await keysOf()).includes("names"));
    await slot.moveKeys(500);
    await slot.end();
    assert.equal(await clearing, "fenced");
    const again = await raise(store, shard);
    assert.match((await store.readHead(shard)).damage ?? "", /emptied/);
    assert.equal(await store.clear(shard, again), "cleared");
    assert.deepEqual(await keysOf(), ["head"]);
  },
);

clusterTest("a commit goes through although every master has forgotten the script", async (place) => {
  const store = openRedisStore({ ...place, shards: SHARDS });
  const shards = [0, 1, 2, 3, 4, 5];
  const epochs = new Map(await store.raiseEpochs(shards));
  for (const offset of [0, 1]) {
    await Promise.all(shards.map((shard) => commitStep(store, shard, epochs, offset)));
    for (const { redis } of place.cluster.masters) await redis.script("FLUSH", "SYNC");
  }
  for (const shard of shards) await expectSteps(store, shard, 2);
  await store.close();
});

clusterTest(
  "each master's settings are looked at, and a node that is taken for a whole Redis is told",
  async (place) => {
    assert.deepEqual(await findUnsafeSettings(place), []);
    const { address, redis } = place.cluster.masters[2] ?? assert.fail();
    await redis.config("SET", "maxmemory-policy", "allkeys-lru");
    try {
      assert.deepEqual(await findUnsafeSettings(place), [
        `on its master ${address} maxmemory-policy is allkeys-lru, so parts of profiles may vanish: set it to noeviction`,
      ]);
    } finally {
      await redis.config("SET", "maxmemory-policy", "noeviction");
    }
    assert.deepEqual(await findUnsafeSettings({ url: place.url }), [
      "it is a node of a cluster: name other nodes in redis.clusterNodes",
    ]);
  },
);

clusterTest(
  "one node that is there is enough to begin; where none is, calls wait, told once, until closed",
  async (place) => {
    const aside = new URL(place.url);
    aside.port = "1";
    const store = openRedisStore({ ...place, url: aside.href, shards: 8, onWait: assert.fail });
    assert.deepEqual((await store.readHead(0)).position, START);
    await store.close();

    const waits: string[] = [];
    const lost = openRedisStore({
      ...place,
      url: aside.href,
      clusterNodes: ["127.0.0.1:2"],
      shards: 8,
      onWait: (line) => waits.push(line),
    });
    const pending = assert.rejects(lost.readHead(0), StoreUnavailable);
    while (waits.length === 0) await sleep(10);
    await sleep(400); // several attempts pass
    await lost.close();
    await pending;
    assert.ok(!waits.join().includes(aside.password));
    assert.match(
      waits.join(),
      /^Redis Cluster at 127\.0\.0\.1:1 is not there \(127\.0\.0\.1:[12]: .+\); waiting for it$/,
    );
  },
);

clusterTest(
  "a master that was a replica in between fences who had raised an epoch there, though it runs on: it may lack what was written meanwhile (S1, S2)",
  async (place) => {
    const [first] = place.cluster.masters;
    assert.ok(first !== undefined);
    const store = openRedisStore({ ...place, shards: SHARDS });
    const isOfFirst = async (shard: number) =>
      (await place.cluster.findSlot(`${place.prefix}{s${String(shard).padStart(2, "0")}}:head`)).owner === 0;
    let shard = 0;
    while (!(await isOfFirst(shard))) shard += 1;
    const epoch = await raise(store, shard);
    const commit = async (by: number, offset: number) => {
      const [from, to] = [offset, offset + 1].map((one) => ({ offset: one, step: 0 }));
      return await store.commit({ ...commitOf({ epoch: by, from: from ?? START, to: to ?? START }), shard });
    };
    assert.equal(await commit(epoch, 0), "committed");
    for (const node of [place.cluster.replica, first]) await promote(node);
    await until(
      "the cluster leads there again",
      async () =>
        await store.standing(shard).then(
          () => true,
          () => false,
        ),
    );
    assert.equal(await commit(epoch, 1), "fenced");
    assert.equal(await store.standing(shard), null);
    assert.equal(await commit(await raise(store, shard), 1), "committed");
    await store.close();
  },
);

clusterTest(
  "a master dies: its calls wait, told once, until its replica takes its place with all that it had",
  async (place, t) => {
    const { masters, replica } = place.cluster;
    const [dying] = masters;
    assert.ok(dying !== undefined);
    const waits: string[] = [];
    const store = openRedisStore({ ...place, shards: SHARDS, onWait: (line) => waits.push(line) });
    const shards = Array.from({ length: 8 }, (_, shard) => shard);
    const epochs = new Map(await store.raiseEpochs(shards));
    const stepAll = (offset: number) => Promise.all(shards.map((shard) => commitStep(store, shard, epochs, offset)));
    await stepAll(0);
    await stepAll(1);
    // What the replica has not is lost with a master; here it has all.
    const offsetOf = async ({ redis }: typeof dying) =>
      /^(?:master|slave)_repl_offset:(\d+)/m.exec(await redis.info("replication"))?.[1];
    while ((await offsetOf(dying)) !== (await offsetOf(replica))) await sleep(10);

    await dying.kill();
    const startMs = Date.now();
    await stepAll(2);
    t.diagnostic(`${Date.now() - startMs} ms; ${waits.join("; ")}`);
    await stepAll(3);
    for (const shard of shards) await expectSteps(store, shard, 4);
    assert.equal(waits.length, 1, waits.join("\n"));
    assert.match(waits[0] ?? "", /^Redis Cluster at 127\.0\.0\.1:\d+ is not there \(.+\); waiting for it$/);
    await store.close();
  },
);

/** In a corner of the cluster of its own; some wait for what must come. */
function clusterTest(title: string, body: (place: Place, t: TestContext) => Promise<void>): void {
  test(title, { timeout: 60_000 }, async (t) => {
    const place = await findPlace(t);
    if (place !== null) await body(place, t);
  });
}

/** Its master becomes its replica, and has all that it has. */
async function promote({ redis }: ClusterNode): Promise<void> {
  const about = async () => await redis.info("replication");
  await until("the replica follows", async () => (await about()).includes("master_link_status:up"));
  // Without the others' votes, of which the second would be refused for a while.
  await redis.call("CLUSTER", "FAILOVER", "TAKEOVER");
  await until("it is the master", async () => /role:master[^]*slave0:.*state=online/.test(await about()));
}

type Place = NonNullable<Awaited<ReturnType<typeof findPlace>>>;

async function findPlace(t: TestContext) {
  const cluster = await orSkip(t, "a Redis Cluster", async () => await (started ??= startRedisCluster()));
  if (cluster === null) return null;
  const [first, ...others] = [...cluster.masters, cluster.replica];
  const clusterNodes = others.map(({ address }) => address);
  return { cluster, url: first?.url ?? "", clusterNodes, prefix: `test-${randomUUID()}.` };
}
