// The inner log is the record of everything: one of its records that cannot be read stops its shard, which says so and skips
// nothing; the other shards, and the process, go on (O1, O4).

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { topicNames } from "#services/config/topics.ts";
import { Ground } from "#support/ground.ts";
import { ENDED_WELL } from "#support/workers.ts";

const BROKEN = 3;
const WAIT_MS = 60_000;

test("a corrupt inner record stops its shard with an alarm; the others go on (O1, O4)", async (t) => {
  const waitFor = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
    for (const endMs = Date.now() + WAIT_MS; !(await isSo()); await sleep(200))
      if (Date.now() > endMs) throw new Error(`${what}: not within ${WAIT_MS} ms`);
  };
  await Ground.use(t, async (ground) => {
    const { deployment } = ground;
    const { feed } = ground.createTraffic(5, 300, 2);
    const [resolver, stitcher] = [await ground.start("resolve"), await ground.start("stitch")];
    await feed(0);
    await deployment.settle();

    const { resolved } = topicNames(deployment.loaded);
    const producer = deployment.kafka.producer();
    await producer.connect();
    const readBroken = async () => (await deployment.readShards())[BROKEN];
    const before = (await readBroken())?.position ?? Number.NaN;
    const messages = [{ partition: BROKEN, value: Buffer.from("not a bundle") }];
    const [sent] = await producer.send({ topic: resolved, messages });
    const broken = Number(sent?.baseOffset);
    await producer.disconnect();
    await feed(1);
    await stitcher.waitFor(/a shard has stopped/);
    await waitFor("what comes after it", async () => ((await readBroken())?.end ?? 0) > broken + 1);
    await waitFor("the other shards", async () =>
      (await deployment.readShards()).every(({ position, end }, shard) => shard === BROKEN || position >= end - 1),
    );
    const { position: standing = Number.NaN } = (await readBroken()) ?? {};
    const isBefore = before <= standing && standing <= broken;
    assert.ok(isBefore, `it stands before the record, and what came after waits: ${before}, ${standing}, ${broken}`);

    assert.deepEqual(await stitcher.stop(), ENDED_WELL);
    const alarms = stitcher.lines.filter(({ msg }) => /a shard has stopped/.test(msg));
    assert.equal(alarms.length, 1);
    const next = ground.launch("stitch");
    await next.waitFor(/a shard has stopped/);
    assert.equal((await readBroken())?.position, standing, "nor does the next owner skip it");
    for (const worker of [resolver, next]) assert.deepEqual(await worker.stop(), ENDED_WELL);
  });
});
