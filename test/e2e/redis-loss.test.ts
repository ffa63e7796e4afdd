// Redis loses what it acknowledged, under processes that work: one key, all of it, and the writes of the last seconds, as a
// fail-over or a restart from an older file would (S2). Each is noticed and folded anew from the log: in the end the people
// are those of the fold, and no reader of the outputs saw anything twice.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { killService, restartService, stopServices } from "../../infra/services.ts";
import { Deployment } from "#support/deployment.ts";
import { LiveReader } from "#support/live-reader.ts";
import { ownServicesOrSkip } from "#support/services.ts";
import { createTraffic, formatTraffic } from "#support/traffic.ts";
import { ENDED_WELL, Worker } from "#support/workers.ts";

const DAY_MS = 86_400_000;
const PARTS = 4;

test("what Redis loses is noticed, and folded anew to the same people, without a word said twice (S2, O2)", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "weft-loss-"));
  const services = await ownServicesOrSkip(t, directory);
  if (services === null) return;
  const deployment = new Deployment(services);
  const workers: Worker[] = [];
  let reader: LiveReader | null = null;
  const redis = new Redis(services.redisUrl);
  redis.on("error", () => {}); // it is killed below
  const mark = (what: string) => t.diagnostic(`${Math.round(performance.now() / 1000)} s: ${what}`);
  try {
    await deployment.open();
    const nowMs = Date.now();
    const traffic = createTraffic({
      seed: 11,
      people: 60,
      events: 800,
      fromMs: nowMs - 6 * DAY_MS,
      toMs: nowMs - 3 * DAY_MS,
    });
    const lines = formatTraffic(traffic).trimEnd().split("\n");
    const file = deployment.write("traffic.jsonl", `${lines.join("\n")}\n`);
    const out = join(deployment.folder, "fold");
    const folded = JSON.parse(await deployment.mustRun(["fold", "--json", "--quiet", "--out", out, file])) as {
      readonly digest: string;
    };
    const size = Math.ceil(lines.length / PARTS);
    const feed = (part: number) =>
      deployment.mustRun(["import", "--quiet", "-"], lines.slice(part * size, (part + 1) * size).join("\n"));
    const [resolver, stitcher] = ["resolve", "stitch"].map((verb) => new Worker(deployment, verb)) as [Worker, Worker];
    workers.push(resolver, stitcher);
    for (const worker of workers) await worker.waitFor(/^running$/);
    reader = await LiveReader.open(deployment);
    await feed(0);
    await deployment.settle();

    // The stitcher may still hold the component in memory: a new one has to read it.
    assert.deepEqual(await stitcher.stop(), ENDED_WELL);
    const components = await redis.keys(`${deployment.prefix}*:p:c/*`);
    const lost = components.toSorted().filter((_, place) => place % 3 === 0);
    assert.equal(await redis.del(...lost), lost.length);
    const second = new Worker(deployment, "stitch");
    workers.push(second);
    await feed(1);
    await deployment.settle();
    const countEmptied = () => second.lines.filter(({ msg }) => /emptying the shard/.test(msg)).length;
    assert.ok(countEmptied() > 0, "somebody came by one of them");
    mark(`${lost.length} of ${components.length} components were lost, ${countEmptied()} shards emptied`);

    const older = join(directory, "older");
    await redis.bgsave();
    await sleep(300);
    const data = join(directory, "redis", "data");
    cpSync(data, older, { recursive: true });
    await feed(2);
    await deployment.settle();
    await killService({ directory, name: "redis" });
    rmSync(data, { recursive: true });
    cpSync(older, data, { recursive: true });
    await restartService({ directory, name: "redis" });
    await deployment.settle();
    await resolver.waitFor(/identity index is whole again/);
    await second.waitFor(/the store is behind what was published/);
    mark("the writes of a while were lost");

    await redis.flushall();
    await feed(3);
    await deployment.settle();
    mark("all was lost");

    const { digest, people } = await deployment.readStore();
    assert.equal(await deployment.countDeadLetters(), 0, "nothing is dead-lettered");
    assert.equal(digest, folded.digest, "the same people as the fold of the file");
    await sleep(500);
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(reader.findDifferences(people), []);
    t.diagnostic(`${reader.count} outputs`);
    for (const worker of [resolver, second]) assert.deepEqual(await worker.stop(), ENDED_WELL);
  } catch (error) {
    for (const worker of workers) console.error(worker.describe());
    throw error;
  } finally {
    redis.disconnect();
    for (const worker of workers) await worker.kill();
    await reader?.close();
    await deployment.leave();
    await stopServices({ directory });
    rmSync(directory, { recursive: true, force: true });
  }
});
