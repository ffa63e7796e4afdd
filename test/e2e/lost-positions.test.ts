// Kafka forgets where a consumer group was that has had no member for a week. Nobody begins anew then: everything would be
// resolved and published again (O1, O2).

import assert from "node:assert/strict";
import { test } from "node:test";
import { topicNames } from "#services/config/topics.ts";
import { RESOLVER_GROUP } from "#services/resolver/main.ts";
import { STITCHER_GROUP } from "#services/stitcher/main.ts";
import { Ground } from "#support/ground.ts";
import { ENDED_WELL } from "#support/workers.ts";

const HOUR_MS = 3_600_000;

test("without its positions no process goes on; with those it names nothing is folded twice (O1, O2)", async (t) => {
  await Ground.use(t, async (ground) => {
    const { deployment } = ground;
    const { lines, feed, foldDigest } = ground.createTraffic(21, 600, 3);
    const expected = await foldDigest();
    await deployment.mustRun(["topics", "create"]);
    const { transitions } = await ground.watch();
    const first = await ground.start("up");
    await feed(0);
    await feed(1);
    await deployment.settle();
    assert.deepEqual(await first.stop(), ENDED_WELL);
    assert.match(await deployment.mustRun(["doctor"]), /^ok {4}positions: /m);
    const published = new Set(transitions.map(({ transitionId }) => transitionId));

    const groups = [RESOLVER_GROUP, STITCHER_GROUP].map((group) => `${deployment.prefix}${group}`);
    await deployment.admin.deleteGroups(groups);
    for (const [place, verb] of ["resolve", "stitch"].entries()) {
      const refused = ground.launch(verb);
      assert.deepEqual(await refused.ended, { code: 1, signal: null });
      assert.match(refused.errors, /^positions-lost: .*kafka-consumer-groups --reset-offsets --to-/m);
      assert.ok(refused.errors.includes(groups[place] as string));
    }
    const doctor = await deployment.run(["doctor"]);
    assert.equal(doctor.code, 1);
    assert.match(doctor.out, /^fail {2}positions: positions-lost: /m);

    const [resolving, stitching] = groups as [string, string];
    const before = (JSON.parse(lines[399] as string) as { occurredAt: number | string }).occurredAt;
    // Of one topic, for each takes kafkajs seconds; the others are read from their start, and all of it is recognised.
    const topic = deployment.channelTopic("web");
    const since = new Date(before).getTime() - 6 * HOUR_MS;
    await deployment.admin.setOffsets({
      groupId: resolving,
      topic,
      partitions: await deployment.admin.fetchTopicOffsetsByTimestamp(topic, since),
    });
    await deployment.admin.setOffsets({
      groupId: stitching,
      topic: topicNames(deployment.loaded).resolved,
      partitions: (await deployment.readShards()).map((_, partition) => ({ partition, offset: "0" })),
    });
    const again = await ground.start("up");
    await deployment.settle();
    assert.deepEqual(new Set(transitions.map(({ transitionId }) => transitionId)), published, "the same, or none");
    await feed(2);
    await deployment.settle();
    assert.equal((await deployment.readStore()).digest, expected, "the same people as the fold of the file");
    assert.deepEqual(await again.stop(), ENDED_WELL);
  });
});
