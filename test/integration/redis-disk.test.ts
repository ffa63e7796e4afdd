// What Redis has on its disk of who was forgotten: nothing, once its append-only file is written anew, which it is asked to be once
// in a day (G1).

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Redis } from "ioredis";
import { rewriteDisk } from "#adapters/redis/disk.ts";
import { openRedisIndex } from "#adapters/redis/index.ts";
import { openRedisStore } from "#adapters/redis/store.ts";
import { REWRITE_EVERY_MS } from "#ports/store.ts";
import { PayloadKeys } from "#services/wire/payload-keys.ts";
import { makeFolder } from "#support/folder.ts";
import { orSkip } from "#support/services.ts";
import { until } from "#support/until.ts";
import { commitOf } from "../contract/store-shorthand.ts";
import { requireRedis } from "../../infra/install.ts";
import { findFreePorts } from "../../infra/process.ts";
import { REDIS_SETTINGS } from "../../infra/redis.ts";

const CANARY = "canary-last-name";

test("what was deleted, and a key that was destroyed, go from the disk too, once in a day (G1)", async (t) => {
  const program = await orSkip(t, "a redis-server", () => requireRedis((line) => console.error(line)));
  if (program === null) return;
  const folder = makeFolder("redis-disk");
  const [port = 0] = await findFreePorts(1);
  const settings = [["port", String(port)], ["bind", "127.0.0.1"], ["dir", folder], ...REDIS_SETTINGS];
  const server = spawn(
    program,
    settings.flatMap(([name, value]) => [`--${name}`, value ?? ""]),
    { stdio: "ignore" },
  );
  const place = { url: `redis://127.0.0.1:${port}`, prefix: "w:" };
  const store = openRedisStore({ ...place, shards: 2 });
  const index = openRedisIndex(place);
  const redis = new Redis(place.url);
  redis.on("error", () => {}); // until the server is there
  const keys = new PayloadKeys({ index, identityKey: new Uint8Array(32).fill(7), topic: "weft.keys", now: () => 0 });
  const readDisk = () =>
    readdirSync(join(folder, "appendonlydir"))
      .map((name) => readFileSync(join(folder, "appendonlydir", name), "latin1"))
      .join("");
  const isWritten = async () => {
    const state = await redis.info("persistence");
    return /aof_rewrite_in_progress:0/.test(state) && /aof_rewrite_scheduled:0/.test(state);
  };
  try {
    const epoch = (await store.raiseEpochs([1])).get(1) ?? 0;
    const { records } = await keys.toSeal(["her"], "");
    const wrapped = Buffer.from(records[0]?.value ?? []).toString("latin1");
    const commit = (from: number, part: Buffer | null) =>
      store.commit({
        ...commitOf({ epoch, from: { offset: from, step: 0 }, to: { offset: from + 1, step: 0 }, parts: {} }),
        shard: 1,
        parts: new Map([["i/her", part]]),
      });
    const forget = async (from: number) => {
      assert.equal(await commit(from, Buffer.from(CANARY)), "committed");
      assert.equal(await commit(from + 1, null), "committed");
    };
    await forget(0);
    await keys.destroy(["her"]);
    await until("it is on the disk", async () => readDisk().includes(CANARY) && readDisk().includes(wrapped));
    assert.equal(await rewriteDisk(place), null);
    await until("it is written anew", isWritten);
    assert.ok(!readDisk().includes(CANARY) && !readDisk().includes(wrapped));

    await forget(2);
    await until("it is on the disk", async () => readDisk().includes(CANARY));
    assert.equal(await rewriteDisk(place), null, "not due");
    await until("nothing is written", isWritten);
    assert.ok(readDisk().includes(CANARY));
    const [mark = ""] = await redis.keys("w:disk:*");
    const leftMs = await redis.pttl(mark);
    assert.ok(leftMs > REWRITE_EVERY_MS - 60_000 && leftMs <= REWRITE_EVERY_MS, String(leftMs));
    await redis.del(mark);
    assert.equal(await rewriteDisk(place), null);
    await until("it is written anew", isWritten);
    assert.ok(!readDisk().includes(CANARY));
  } finally {
    redis.disconnect();
    for (const one of [store, index]) await one.close();
    server.kill();
    await once(server, "exit");
    rmSync(folder, { recursive: true, force: true });
  }
});
