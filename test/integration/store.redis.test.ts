// The store contract on a real Redis, and what only Redis can do to us: lose scripts, go away, come back.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { Redis } from "ioredis";
import { findUnsafeSettings } from "#adapters/redis/safety.ts";
import { openRedisStore } from "#adapters/redis/store.ts";
import type { ShardCommit } from "#ports/store.ts";
import { StoreDamaged, StoreUnavailable } from "#ports/store.ts";
import { judgeSafety } from "#services/cli/wiring.ts";
import { servicesOrSkip } from "#support/services.ts";
import { testStore } from "../contract/store.contract.ts";

const SHARDS = 1_000;

testStore("redis", async (t) => {
  const place = await findPlace(t);
  return place && openRedisStore({ ...place, shards: SHARDS });
});

test("a commit goes through although Redis has forgotten the script", async (t) => {
  const place = await findPlace(t);
  if (place === null) return;
  const store = openRedisStore({ ...place, shards: SHARDS });
  const epoch = (await store.raiseEpochs([0])).get(0) ?? 0;
  assert.equal(await store.commit(commitOf(epoch, 0)), "committed");
  await place.redis.script("FLUSH", "SYNC");
  assert.equal(await store.commit(commitOf(epoch, 1)), "committed");
  await store.close();
});

test("the keys of a shard carry its hash tag, and nothing is kept beside them", async (t) => {
  const place = await findPlace(t);
  if (place === null) return;
  const store = openRedisStore({ ...place, shards: SHARDS });
  const epoch = (await store.raiseEpochs([7])).get(7) ?? 0;
  await store.commit({ ...commitOf(epoch, 0), shard: 7, outbox: [{ topic: "t", key: null, value: null }] });
  const keys = (await place.redis.keys(`${place.prefix}*`)).map((key) => key.slice(place.prefix.length));
  assert.deepEqual(keys.toSorted(), ["{s07}:head", "{s07}:names", "{s07}:outbox", "{s07}:p:a", "{s07}:time"]);
  await store.close();
});

test("a Redis that may evict, or that forgets at a restart, is told apart from one that keeps what it acknowledged", async (t) => {
  const place = await findPlace(t);
  if (place === null) return;
  assert.deepEqual(await findUnsafeSettings(place), []);
  // Without a bound on its memory the policy has nothing to evict: the others of this Redis are safe.
  await place.redis.config("SET", "maxmemory-policy", "allkeys-lru");
  try {
    assert.deepEqual(await findUnsafeSettings(place), [
      "maxmemory-policy is allkeys-lru, so parts of profiles may vanish: set it to noeviction",
    ]);
  } finally {
    await place.redis.config("SET", "maxmemory-policy", "noeviction");
  }
});

test("an unsafe Redis is refused, and on this machine alone it is said", () => {
  const said: string[] = [];
  judgeSafety("redis://:secret@127.0.0.1:6379", "is unsafe", (line) => said.push(line));
  assert.deepEqual(said, ["Redis at 127.0.0.1:6379: is unsafe"]);
  assert.throws(
    () => judgeSafety("rediss://:secret@redis.example:6380", "is unsafe", assert.fail),
    (error: Error) => error.message === "Redis at redis.example:6380: is unsafe",
  );
});

test("a shard out of range or a brace in the prefix is refused before it reaches Redis", async (t) => {
  const place = await findPlace(t);
  if (place === null) return;
  const store = openRedisStore({ ...place, shards: 8 });
  await assert.rejects(store.readHead(8), RangeError);
  await store.close();
  assert.throws(() => openRedisStore({ ...place, prefix: "a{b}", shards: 8 }), RangeError);
});

test("while Redis is away calls wait, told once; a call under way is StoreUnavailable; then all goes on", async (t) => {
  const place = await findPlace(t);
  if (place === null) return;
  const proxy = await openProxy(t, place.url);
  const waits: string[] = [];
  const store = openRedisStore({ ...place, url: proxy.url, shards: SHARDS, onWait: (line) => waits.push(line) });
  const epoch = (await store.raiseEpochs([0])).get(0) ?? 0;
  assert.equal(await store.commit(commitOf(epoch, 0)), "committed");

  proxy.swallowAnswers();
  const underWay = store.commit(commitOf(epoch, 1));
  const refused = assert.rejects(underWay, (error) => {
    assert.ok(error instanceof StoreUnavailable);
    assert.ok(!JSON.stringify([error, error.cause]).includes("secret"), "no value in the error (G2)");
    return true;
  });
  await until(async () => (await place.redis.hget(`${place.prefix}{s00}:head`, "offset")) === "2");
  await proxy.stop();
  await refused;
  const waiting = store.commit(commitOf(epoch, 1));
  const head = store.readHead(0);
  await until(async () => waits.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 400)); // several attempts to connect pass
  await proxy.start();
  assert.equal(await waiting, "moved", "the commit whose answer was lost had been applied, and is not applied twice");
  assert.deepEqual((await head).position, { offset: 2, step: 0 });
  assert.equal(waits.length, 1, waits.join("\n"));
  assert.match(waits[0] ?? "", /^Redis at 127\.0\.0\.1:\d+ is not there \(.+\); waiting for it$/);
  await store.close();
});

test("a closed store rejects, also calls that were waiting for a Redis that never came", async (t) => {
  const waits: string[] = [];
  const url = "redis://user:hidden@127.0.0.1:1";
  const store = openRedisStore({ url, prefix: "x:", shards: 8, onWait: (line) => waits.push(line) });
  const pending = assert.rejects(store.readHead(0), StoreUnavailable);
  await until(async () => waits.length > 0);
  assert.ok(!waits.join().includes("hidden"));
  await store.close();
  await pending;
  await assert.rejects(store.readHead(0), StoreUnavailable);
  t.diagnostic(waits.join());
});

test("whatever key of a shard is lost, the next step is refused, and the shard can be emptied of all the rest (S2)", async (t) => {
  const place = await findPlace(t);
  if (place === null) return;
  const store = openRedisStore({ ...place, shards: SHARDS });
  for (const [shard, lost] of ["outbox", "time", "names", "p:a"].entries()) {
    const start: string = `${place.prefix}{s0${shard}}:`;
    const epoch = (await store.raiseEpochs([shard])).get(shard) ?? 0;
    const outbox = [{ topic: "t", key: null, value: null }];
    assert.equal(await store.commit({ ...commitOf(epoch, 0), shard, outbox }), "committed");
    assert.equal(await place.redis.del(start + lost), 1);
    // A lost part is known by its name: whoever reads it sees nothing there.
    const absent = new Set(lost === "p:a" ? ["a"] : []);
    assert.equal(await store.commit({ ...commitOf(epoch, 1), shard, absent }), "damaged", lost);
    const deleting = new Map([["a", null]]);
    assert.equal(await store.commit({ ...commitOf(epoch, 1), shard, absent, parts: deleting }), "damaged", lost);
    const { damage } = await store.readHead(shard);
    assert.equal(damage, lost === "p:a" ? null : `${lost}: 0 of 1`);
    assert.equal(await store.clear(shard, epoch), "cleared");
    assert.deepEqual(await place.redis.keys(`${start}*`), [`${start}head`], "nothing is left of it");
    assert.equal(await store.commit({ ...commitOf(epoch, 0), shard, absent }), "committed");
  }
  await store.close();
});

test("a part that nobody reads is missed all the same: by the scrub, by a scan, by a reader that finds nothing (S2)", async (t) => {
  const place = await findPlace(t);
  if (place === null) return;
  const store = openRedisStore({ ...place, shards: SHARDS });
  const epoch = (await store.raiseEpochs([0])).get(0) ?? 0;
  const names = Array.from({ length: 3_000 }, (_, i) => `p${i}`);
  const parts = new Map(names.map((name) => [name, Buffer.from(name)]));
  assert.equal(await store.commit({ ...commitOf(epoch, 0), parts }), "committed");
  const scrubAll = async (): Promise<string | null> => {
    for (let cursor = "0", turns = 1; ; turns += 1) {
      const { next, lost } = await store.scrub(0, cursor);
      if (lost !== null) return lost;
      if (next === "0") {
        assert.ok(turns > 1, "a few at a time");
        return null;
      }
      cursor = next;
    }
  };
  const scanAll = async (): Promise<number> => {
    let count = 0;
    for await (const _ of store.scan(0, "p")) count += 1;
    return count;
  };
  assert.equal(await scrubAll(), null);
  assert.equal(await scanAll(), 3_000);
  assert.equal(await store.hasLost(0, ["p1234", "never"]), true, "listed: to be asked where load gave nothing");
  await place.redis.del(`${place.prefix}{s00}:p:p1234`);
  assert.equal(await scrubAll(), "p1234");
  await assert.rejects(scanAll(), StoreDamaged);
  assert.equal(await store.hasLost(0, ["never"]), false);
  await store.close();
});

test("after a loss of all no earlier owner's epoch comes again, and readers are told to wait (S1, S2)", async (t) => {
  const place = await findPlace(t);
  if (place === null) return;
  const store = openRedisStore({ ...place, shards: SHARDS });
  const before = (await store.raiseEpochs([0])).get(0) ?? 0;
  assert.equal(await store.awaitPosition(0, before, 0), "told");
  await place.redis.del(`${place.prefix}{s00}:head`);
  assert.equal(await store.standing(0), null);
  assert.equal(await store.commit(commitOf(before, 0)), "fenced");
  const after = (await store.raiseEpochs([0])).get(0) ?? 0;
  assert.ok(after > before);
  assert.deepEqual(await store.standing(0), {
    epoch: after,
    position: { offset: 0, step: 0 },
    until: Number.MAX_SAFE_INTEGER,
  });
  assert.equal(await store.commit(commitOf(before, 0)), "fenced");
  await store.close();
});

test("of a Redis that was started since, perhaps from a backup, nobody believes what it holds until its owner has told (S2)", async (t) => {
  const place = await findPlace(t);
  if (place === null) return;
  const store = openRedisStore({ ...place, shards: SHARDS });
  const epoch = (await store.raiseEpochs([0])).get(0) ?? 0;
  await store.awaitPosition(0, epoch, 0);
  const told = { epoch, position: { offset: 0, step: 0 }, until: 0 };
  assert.deepEqual(await store.standing(0), told);
  // As the dump of another run has it.
  await place.redis.hset(`${place.prefix}{s00}:head`, "run", "0".repeat(40));
  assert.equal(await store.standing(0), null);
  assert.equal((await store.survey(0, ["a"])).standing, null);
  const again = (await store.raiseEpochs([0])).get(0) ?? 0;
  assert.deepEqual(await store.standing(0), { ...told, epoch: again, until: Number.MAX_SAFE_INTEGER });
  await store.awaitPosition(0, again, 0);
  assert.deepEqual((await store.survey(0, ["a"])).standing, { ...told, epoch: again });
  await store.close();
});

test("an owner whose epoch was raised at another server is fenced: it may have read what this one never had (S1, S2)", async (t) => {
  const place = await findPlace(t);
  if (place === null) return;
  const store = openRedisStore({ ...place, shards: SHARDS });
  const epoch = (await store.raiseEpochs([0])).get(0) ?? 0;
  assert.equal(await store.commit(commitOf(epoch, 0)), "committed");
  // As a replica has it that is promoted with all that was written.
  await place.redis.hset(`${place.prefix}{s00}:head`, "run", "0".repeat(40));
  assert.equal(await store.commit(commitOf(epoch, 1)), "fenced");
  assert.equal(await store.awaitPosition(0, epoch, 0), "fenced");
  assert.equal(await store.clear(0, epoch), "fenced");
  const again = (await store.raiseEpochs([0])).get(0) ?? 0;
  assert.equal(await store.commit(commitOf(epoch, 1)), "fenced");
  assert.equal(await store.commit(commitOf(again, 1)), "committed");
  await store.close();
});

function commitOf(epoch: number, offset: number): ShardCommit {
  return {
    shard: 0,
    epoch,
    from: { offset, step: 0 },
    to: { offset: offset + 1, step: 0 },
    parts: new Map([["a", Buffer.from("secret")]]),
    absent: new Set(),
    timersAdded: [{ queue: "time", atMs: 1, ref: "r" }],
    timersRemoved: [],
    outbox: [],
    published: { offset: 0, step: 0 },
  };
}

/** A corner of the test Redis of its own, emptied afterwards. */
async function findPlace(t: TestContext): Promise<{ url: string; prefix: string; redis: Redis } | null> {
  const services = await servicesOrSkip(t);
  if (services === null) return null;
  const prefix = `test-${randomUUID()}:`;
  const redis = new Redis(services.redisUrl, { protocol: 2 });
  t.after(async () => {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1000 })) {
      if (keys.length > 0) await redis.unlink(keys);
    }
    redis.disconnect();
  });
  return { url: services.redisUrl, prefix, redis };
}

/** Stands between the store and Redis, and can go away. */
async function openProxy(t: TestContext, redisUrl: string) {
  const target = new URL(redisUrl);
  const sockets = new Set<Socket>();
  let swallowing = false;
  const server = createServer((socket) => {
    const beyond = connect(Number(target.port || 6379), target.hostname);
    for (const one of [socket, beyond]) {
      sockets.add(one);
      one.on("error", () => one.destroy());
      one.on("close", () => sockets.delete(one));
    }
    socket.on("data", (chunk) => beyond.write(chunk));
    beyond.on("data", (chunk) => swallowing || socket.write(chunk));
    socket.on("close", () => beyond.destroy());
    beyond.on("close", () => socket.destroy());
  });
  let port = 0;
  const start = async () => {
    swallowing = false;
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  };
  const stop = async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await start();
  t.after(() => server.listening && stop());
  return { url: `redis://127.0.0.1:${port}`, start, stop, swallowAnswers: () => (swallowing = true) };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 500, "did not come to hold within 5 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
