// History that is loaded, members that share the work, and configurations that are refused: `weft` on real services.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { RESOLVER_GROUP } from "#services/resolver/main.ts";
import { STITCHER_GROUP } from "#services/stitcher/main.ts";
import { Deployment } from "#support/deployment.ts";
import { LiveReader } from "#support/live-reader.ts";
import { servicesOrSkip } from "#support/services.ts";
import { createTraffic, formatTraffic } from "#support/traffic.ts";
import { ENDED_WELL, Worker } from "#support/workers.ts";

const DAY_MS = 86_400_000;
const SHARE_WAIT_MS = 40_000;

interface Summary {
  readonly digest: string;
}

/** People of three days, long enough ago for every signal to be due. */
function writeTraffic(deployment: Deployment, seed: number): string {
  const nowMs = Date.now();
  const span = { fromMs: nowMs - 6 * DAY_MS, toMs: nowMs - 3 * DAY_MS };
  return deployment.write("traffic.jsonl", formatTraffic(createTraffic({ seed, people: 60, events: 800, ...span })));
}

async function foldFile(deployment: Deployment, file: string): Promise<Summary> {
  const out = join(deployment.folder, "fold");
  return JSON.parse(await deployment.mustRun(["fold", "--json", "--quiet", "--out", out, file])) as Summary;
}

/** How many members of the group own partitions. */
async function countOwners(deployment: Deployment, group: string): Promise<number> {
  const { groups } = await deployment.admin.describeGroups([`${deployment.prefix}${group}`]);
  const [described] = groups;
  if (described?.state !== "Stable") return 0;
  return described.members.filter(({ memberAssignment }) => memberAssignment.length > 20).length;
}

test("import --history: every transition says backfill, and no signal is sent (O5)", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const deployment = new Deployment(services);
  const workers: Worker[] = [];
  let reader: LiveReader | null = null;
  try {
    await deployment.open();
    const file = writeTraffic(deployment, 11);
    const folded = await foldFile(deployment, file);
    await deployment.mustRun(["topics", "create"]);
    reader = await LiveReader.open(deployment);
    workers.push(new Worker(deployment, "up"));
    await workers[0]?.waitFor(/^running$/);
    await deployment.mustRun(["import", "--history", "--quiet", file]);
    await deployment.settle();
    await sleep(2_000);
    const { digest, people } = await deployment.readStore();
    assert.equal(digest, folded.digest, "history makes the same people");
    assert.ok(reader.transitions.length >= people.profiles.length);
    assert.deepEqual(
      reader.transitions.filter(({ cause }) => cause !== "backfill").map(({ cause }) => cause),
      [],
      "whatever moved is a backfill",
    );
    assert.deepEqual(reader.signals, [], "though carts were left");
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(reader.findDifferences(people), []);
    assert.deepEqual(await workers[0]?.stop(), ENDED_WELL);
  } catch (error) {
    for (const worker of workers) console.error(worker.describe());
    throw error;
  } finally {
    for (const worker of workers) await worker.kill();
    await reader?.close();
    await deployment.close();
  }
});

test("two resolvers and two stitchers share the slots and make the same people, also when one leaves (I1, O2)", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const deployment = new Deployment(services);
  const workers: Worker[] = [];
  let reader: LiveReader | null = null;
  try {
    await deployment.open();
    const file = writeTraffic(deployment, 12);
    const folded = await foldFile(deployment, file);
    await deployment.mustRun(["topics", "create"]);
    reader = await LiveReader.open(deployment);
    for (const verb of ["resolve", "resolve", "stitch", "stitch"]) workers.push(new Worker(deployment, verb));
    for (const worker of workers) await worker.waitFor(/^running$/);
    for (const group of [RESOLVER_GROUP, STITCHER_GROUP])
      for (const deadline = Date.now() + SHARE_WAIT_MS; (await countOwners(deployment, group)) !== 2; await sleep(200))
        assert.ok(Date.now() < deadline, `two members of ${group} own partitions`);
    await deployment.mustRun(["import", "--quiet", file]);
    // In the middle of it, one of each goes as an orchestrator makes it go.
    assert.deepEqual(await Promise.all([workers[1]?.stop(), workers[3]?.stop()]), [ENDED_WELL, ENDED_WELL]);
    await deployment.settle();
    await sleep(500);
    const { digest, people } = await deployment.readStore();
    assert.equal(digest, folded.digest, "the same people as the fold of the file");
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(reader.findDifferences(people), []);
    assert.equal(await deployment.countDeadLetters(), 0);
    assert.ok(reader.signals.length > 0, "carts were left");
    assert.deepEqual(await Promise.all([workers[0]?.stop(), workers[2]?.stop()]), [ENDED_WELL, ENDED_WELL]);
  } catch (error) {
    for (const worker of workers) console.error(worker.describe());
    throw error;
  } finally {
    for (const worker of workers) await worker.kill();
    await reader?.close();
    await deployment.close();
  }
});
