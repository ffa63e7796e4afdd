// Kafka forgets where a consumer group was that has had no member for a week. Nobody begins anew then: everything would be
// resolved and published again (O1, O2).

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { topicNames } from "#services/config/topics.ts";
import { RESOLVER_GROUP } from "#services/resolver/main.ts";
import { STITCHER_GROUP } from "#services/stitcher/main.ts";
import { Deployment } from "#support/deployment.ts";
import { LiveReader } from "#support/live-reader.ts";
import { servicesOrSkip } from "#support/services.ts";
import { createTraffic, formatTraffic } from "#support/traffic.ts";
import { ENDED_WELL, Worker } from "#support/workers.ts";

const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];

test("without its positions no process goes on; with those it names nothing is folded twice (O1, O2)", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const deployment = new Deployment(services);
  const workers: Worker[] = [];
  let reader: LiveReader | null = null;
  const start = (verb: string): Worker => {
    const worker = new Worker(deployment, verb);
    workers.push(worker);
    return worker;
  };
  try {
    await deployment.open();
    const nowMs = Date.now();
    const [fromMs, toMs] = [nowMs - 6 * DAY_MS, nowMs - 3 * DAY_MS];
    const traffic = createTraffic({ seed: 21, people: 40, events: 600, fromMs, toMs });
    const file = deployment.write("traffic.jsonl", formatTraffic(traffic));
    const folded = JSON.parse(
      await deployment.mustRun(["fold", "--json", "--quiet", "--out", join(deployment.folder, "fold"), file]),
    ) as { digest: string };
    await deployment.mustRun(["topics", "create"]);
    reader = await LiveReader.open(deployment);
    const { transitions } = reader;
    const first = start("up");
    await first.waitFor(/^running$/);
    const lines = formatTraffic(traffic).trimEnd().split("\n");
    await deployment.mustRun(["import", "--quiet", "-"], lines.slice(0, 400).join("\n"));
    await deployment.settle();
    assert.deepEqual(await first.stop(), ENDED_WELL);
    assert.match(await deployment.mustRun(["doctor"]), /^ok {4}positions: /m);
    const published = new Set(transitions.map(({ transitionId }) => transitionId));

    const groups = [RESOLVER_GROUP, STITCHER_GROUP].map((group) => `${deployment.prefix}${group}`);
    await deployment.admin.deleteGroups(groups);
    for (const [place, verb] of ["resolve", "stitch"].entries()) {
      const refused = start(verb);
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
    const again = start("up");
    await again.waitFor(/^running$/);
    await deployment.settle();
    assert.deepEqual(new Set(transitions.map(({ transitionId }) => transitionId)), published, "the same, or none");
    await deployment.mustRun(["import", "--quiet", "-"], lines.slice(400).join("\n"));
    await deployment.settle();
    assert.equal((await deployment.readStore()).digest, folded.digest, "the same people as the fold of the file");
    assert.deepEqual(await again.stop(), ENDED_WELL);
  } catch (error) {
    for (const worker of workers) console.error(worker.describe());
    throw error;
  } finally {
    for (const worker of workers) await worker.kill();
    await reader?.close();
    await deployment.close();
  }
});
