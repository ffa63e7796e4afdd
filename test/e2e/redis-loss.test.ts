// Redis loses what it acknowledged, under processes that work: one key, all of it, and the writes of the last seconds, as a
// fail-over or a restart from an older file would (S2). Each is noticed and folded anew from the log: in the end the people
// are those of the fold, and no reader of the outputs saw anything twice.

import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { killService, restartService } from "../../infra/services.ts";
import { OwnGround } from "#support/own-ground.ts";
import { ENDED_WELL } from "#support/workers.ts";

test("what Redis loses is noticed, and folded anew to the same people, without a word said twice (S2, O2)", async (t) => {
  await OwnGround.use(t, async (ground) => {
    const { deployment, directory, redis } = ground;
    const mark = (what: string) => t.diagnostic(`${Math.round(performance.now() / 1000)} s: ${what}`);
    const { feed, foldDigest } = ground.createTraffic(11, 800, 4);
    const folded = await foldDigest();
    const [resolver, stitcher] = [await ground.start("resolve"), await ground.start("stitch")];
    const reader = await ground.watch();
    await feed(0);
    await deployment.settle();

    // The stitcher may still hold the component in memory: a new one has to read it.
    assert.deepEqual(await stitcher.stop(), ENDED_WELL);
    const components = await redis.keys(`${deployment.prefix}*:p:c/*`);
    const lost = components.toSorted().filter((_, place) => place % 3 === 0);
    assert.equal(await redis.del(...lost), lost.length);
    const second = ground.launch("stitch");
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
    assert.equal(digest, folded, "the same people as the fold of the file");
    await sleep(500);
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(reader.findDifferences(people), []);
    t.diagnostic(`${reader.count} outputs`);
    for (const worker of [resolver, second]) assert.deepEqual(await worker.stop(), ENDED_WELL);
  });
});
