// Redis is put back from a backup that was made before somebody was erased, as an operator does it (G1, S2): nobody is told
// of her, before and while it is folded anew, nothing of her stays in Redis, her keys are destroyed again, and everybody else
// is as before.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { StoreBehind, StoreDamaged, StoreUnavailable } from "#ports/store.ts";
import { openRuntime } from "#services/cli/runtime.ts";
import { lookUp } from "#services/wire/lookup.ts";
import { DESTROYED } from "#services/wire/payload-keys.ts";
import { CANARY, EMAIL, scanForCanary, tellCanary } from "#support/canary.ts";
import type { Deployment } from "#support/deployment.ts";
import { OwnGround } from "#support/own-ground.ts";
import { dumpRedis } from "#support/redis-dump.ts";
import { createTraffic, formatTraffic } from "#support/traffic.ts";
import { ENDED_WELL } from "#support/workers.ts";
import { killService, restartService } from "../../infra/services.ts";

const HOUR_MS = 3_600_000;

/** Asks for her again and again, as an API process does whose Redis is put back under it. */
async function keepAsking(t: TestContext, { loaded }: Deployment) {
  const runtime = await openRuntime(loaded, { embedded: false, onWait: () => {} });
  const answers = { found: 0, unknown: 0, refused: 0 };
  const over = new AbortController();
  const asking = (async () => {
    for (; !over.signal.aborted; await sleep(2)) {
      try {
        const services = { ...runtime.lookups, index: runtime.index.anew() };
        const { found } = await lookUp(services, EMAIL.namespace, EMAIL.value, "FR");
        answers[found ? "found" : "unknown"] += 1;
      } catch (error) {
        const isPassing = [StoreBehind, StoreDamaged, StoreUnavailable].some((kind) => error instanceof kind);
        if (!isPassing) throw error;
        answers.refused += 1;
      }
    }
  })();
  asking.catch(() => {});
  const stop = async (): Promise<void> => {
    over.abort();
    await runtime.close();
    await asking;
  };
  t.after(stop);
  return answers;
}

test("a Redis put back from a backup of before an erasure forgets her again, and tells nobody of her meanwhile (G1, S2)", async (t) => {
  await OwnGround.use(t, async (ground) => {
    const { deployment, directory, redis } = ground;
    const data = join(directory, "redis", "data");
    const backup = join(directory, "backup.rdb");
    const nowMs = Date.now();
    const span = { fromMs: nowMs - 40 * HOUR_MS, toMs: nowMs - 30 * HOUR_MS };
    const traffic = createTraffic({ seed: 5, people: 30, events: 300, ...span });
    const feed = async (lines: Parameters<typeof formatTraffic>[0]) => {
      await deployment.mustRun(["import", "--quiet", "-"], formatTraffic(lines));
      await deployment.settle();
    };
    // What is put back is a snapshot; with an append-only file it stands as the base of that one.
    const putBack = async () => {
      await killService({ directory, name: "redis" });
      rmSync(data, { recursive: true });
      mkdirSync(join(data, "appendonlydir"), { recursive: true });
      copyFileSync(backup, join(data, "appendonlydir", "appendonly.aof.1.base.rdb"));
      const manifest = "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
      writeFileSync(join(data, "appendonlydir", "appendonly.aof.manifest"), manifest);
      writeFileSync(join(data, "appendonlydir", "appendonly.aof.1.incr.aof"), "");
      await restartService({ directory, name: "redis", report: (line) => t.diagnostic(line) });
    };
    const readKeys = async () => {
      const names = await redis.keys(`${deployment.prefix}weft:i:*:k:*`);
      const values = await Promise.all(names.map((name) => redis.get(name)));
      return new Map(names.map((name, place) => [name, values[place] === DESTROYED]));
    };
    const countDestroyed = (keys: ReadonlyMap<string, boolean>) => [...keys.values()].filter(Boolean).length;
    const verify = async (before: string, keys: ReadonlyMap<string, boolean>, when: string) => {
      assert.equal((await deployment.readStore()).digest, before, `everybody else ${when}`);
      const { out } = await deployment.run(["--json", "lookup", `email:${EMAIL.value}`]);
      assert.match(out, /unknown-identifier/, when);
      const now = await readKeys();
      for (const [name, isDestroyed] of keys) if (isDestroyed) assert.ok(now.get(name), `${name} ${when}`);
      scanForCanary(`the store ${when}`, await dumpRedis(redis));
    };

    const workers = [await ground.start("resolve"), await ground.start("stitch")];
    await feed(traffic.slice(0, 200));
    await feed(tellCanary("before", nowMs - 20 * HOUR_MS));
    await redis.save();
    copyFileSync(join(data, "dump.rdb"), backup);
    assert.equal(countDestroyed(await readKeys()), 0);

    const erase = ["--json", "privacy", "erase", `email:${EMAIL.value}`, "--author", "dpo", "--reason", "R1"];
    assert.match(await deployment.mustRun([...erase, "--wait", "60"]), /"effective"/);
    await feed(traffic.slice(200));
    const { digest } = await deployment.readStore();
    const keys = await readKeys();
    assert.ok(countDestroyed(keys) >= 4, "of three identifiers and an order");
    await verify(digest, keys, "before anything is put back");

    const answers = await keepAsking(t, deployment);
    await putBack();
    await workers[0]?.waitFor(/identity index is whole again/);
    await workers[1]?.waitFor(/the store is behind what was published/);
    await feed([]);
    await deployment.readStore();
    await verify(digest, keys, "with processes that ran on");
    for (const worker of workers) assert.deepEqual(await worker.stop(), ENDED_WELL);

    const { refused } = answers;
    await putBack();
    assert.ok((await dumpRedis(redis)).toLowerCase().includes(CANARY), "it is back with all that was in it");
    await sleep(500);
    assert.ok(answers.refused > refused, "nobody vouches for what was put back");
    const again = [await ground.start("resolve"), await ground.start("stitch")];
    await feed(traffic.slice(0, 3));
    await verify(digest, keys, "with processes that were started after it");
    t.diagnostic(JSON.stringify(answers));
    assert.equal(answers.found, 0, "nobody was ever told of her");
    assert.ok(answers.unknown > 0 && answers.refused > 0);
    for (const worker of again) assert.deepEqual(await worker.stop(), ENDED_WELL);
  });
});
