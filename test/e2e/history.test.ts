// History that is loaded, members that share the work, and configurations that are refused: `weft` on real services.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { RESOLVER_GROUP } from "#services/resolver/main.ts";
import { STITCHER_GROUP } from "#services/stitcher/main.ts";
import type { Deployment } from "#support/deployment.ts";
import { Ground } from "#support/ground.ts";
import { ENDED_WELL } from "#support/workers.ts";

const SHARE_WAIT_MS = 40_000;

/** How many members of the group own partitions. */
async function countOwners(deployment: Deployment, group: string): Promise<number> {
  const { groups } = await deployment.admin.describeGroups([`${deployment.prefix}${group}`]);
  const [described] = groups;
  if (described?.state !== "Stable") return 0;
  return described.members.filter(({ memberAssignment }) => memberAssignment.length > 20).length;
}

test("import --history: every transition says backfill, and no signal is sent (O5)", async (t) => {
  await Ground.use(t, async (ground) => {
    const { deployment } = ground;
    const { feed, foldDigest } = ground.createTraffic(11, 800);
    const expected = await foldDigest();
    await deployment.mustRun(["topics", "create"]);
    const reader = await ground.watch();
    const up = await ground.start("up");
    await feed(0, "--history");
    await deployment.settle();
    await sleep(2_000);
    const { digest, people } = await deployment.readStore();
    assert.equal(digest, expected, "history makes the same people");
    assert.ok(reader.transitions.length >= people.profiles.length);
    assert.deepEqual(
      reader.transitions.filter(({ cause }) => cause !== "backfill").map(({ cause }) => cause),
      [],
      "whatever moved is a backfill",
    );
    assert.deepEqual(reader.signals, [], "though carts were left");
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(reader.findDifferences(people), []);
    assert.deepEqual(await up.stop(), ENDED_WELL);
  });
});

test("two resolvers and two stitchers share the slots and make the same people, also when one leaves (I1, O2)", async (t) => {
  await Ground.use(t, async (ground) => {
    const { deployment } = ground;
    const { feed, foldDigest } = ground.createTraffic(12, 800);
    const expected = await foldDigest();
    await deployment.mustRun(["topics", "create"]);
    const reader = await ground.watch();
    const workers = await Promise.all(["resolve", "resolve", "stitch", "stitch"].map((verb) => ground.start(verb)));
    for (const group of [RESOLVER_GROUP, STITCHER_GROUP])
      for (const deadline = Date.now() + SHARE_WAIT_MS; (await countOwners(deployment, group)) !== 2; await sleep(200))
        assert.ok(Date.now() < deadline, `two members of ${group} own partitions`);
    await feed();
    // In the middle of it, one of each goes as an orchestrator makes it go.
    assert.deepEqual(await Promise.all([workers[1]?.stop(), workers[3]?.stop()]), [ENDED_WELL, ENDED_WELL]);
    await deployment.settle();
    await sleep(500);
    const { digest, people } = await deployment.readStore();
    assert.equal(digest, expected, "the same people as the fold of the file");
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(reader.findDifferences(people), []);
    assert.equal(await deployment.countDeadLetters(), 0);
    assert.ok(reader.signals.length > 0, "carts were left");
    assert.deepEqual(await Promise.all([workers[0]?.stop(), workers[2]?.stop()]), [ENDED_WELL, ENDED_WELL]);
  });
});
