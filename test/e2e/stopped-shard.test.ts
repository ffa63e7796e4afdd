// The inner log is the record of everything: one of its records that cannot be read stops its shard, which says so and skips
// nothing; the other shards, and the process, go on (O1, O4).

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { topicNames } from "#services/config/topics.ts";
import { Deployment } from "#support/deployment.ts";
import { servicesOrSkip } from "#support/services.ts";
import { createTraffic, formatTraffic } from "#support/traffic.ts";
import { ENDED_WELL, Worker } from "#support/workers.ts";

const BROKEN = 3;
const WAIT_MS = 60_000;

test("a corrupt inner record stops its shard with an alarm; the others go on (O1, O4)", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const deployment = new Deployment(services);
  const workers: Worker[] = [];
  const waitFor = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
    for (const endMs = Date.now() + WAIT_MS; !(await isSo()); await sleep(200))
      if (Date.now() > endMs) throw new Error(`${what}: not within ${WAIT_MS} ms`);
  };
  try {
    await deployment.open();
    const span = { fromMs: Date.now() - 6 * 86_400_000, toMs: Date.now() - 3 * 86_400_000 };
    const lines = formatTraffic(createTraffic({ seed: 5, people: 60, events: 300, ...span }))
      .trimEnd()
      .split("\n");
    const feed = (from: number, to: number) =>
      deployment.mustRun(["import", "--quiet", "-"], lines.slice(from, to).join("\n"));
    const [resolver, stitcher] = ["resolve", "stitch"].map((verb) => new Worker(deployment, verb)) as [Worker, Worker];
    workers.push(resolver, stitcher);
    for (const worker of workers) await worker.waitFor(/^running$/);
    await feed(0, 150);
    await deployment.settle();

    const { resolved } = topicNames(deployment.loaded);
    const producer = deployment.kafka.producer();
    await producer.connect();
    const broken = (await deployment.readShards())[BROKEN];
    await producer.send({ topic: resolved, messages: [{ partition: BROKEN, value: Buffer.from("not a bundle") }] });
    await producer.disconnect();
    await feed(150, 300);
    await stitcher.waitFor(/a shard has stopped/);
    const readBroken = async () => (await deployment.readShards())[BROKEN];
    await waitFor("what comes after it", async () => ((await readBroken())?.end ?? 0) > (broken?.end ?? 0) + 1);
    await waitFor("the other shards", async () =>
      (await deployment.readShards()).every(({ position, end }, shard) => shard === BROKEN || position >= end - 1),
    );
    assert.equal(
      (await readBroken())?.position,
      broken?.position,
      "it stands before the record, and what came after waits",
    );

    assert.deepEqual(await stitcher.stop(), ENDED_WELL);
    const alarms = stitcher.lines.filter(({ msg }) => /a shard has stopped/.test(msg));
    assert.equal(alarms.length, 1);
    const next = new Worker(deployment, "stitch");
    workers.push(next);
    await next.waitFor(/a shard has stopped/);
    assert.equal((await readBroken())?.position, broken?.position, "nor does the next owner skip it");
    for (const worker of [resolver, next]) assert.deepEqual(await worker.stop(), ENDED_WELL);
  } catch (error) {
    for (const worker of workers) console.error(worker.describe());
    throw error;
  } finally {
    for (const worker of workers) await worker.kill();
    await deployment.close();
  }
});
