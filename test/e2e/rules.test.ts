// Rules change on real services, under running processes (T1): in the end everybody is where a fold under the last ones has
// them, each move is told once, a process with other files does not start, and where Redis loses everything the log gives
// the same people again and tells nobody anything.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { stopServices } from "../../infra/services.ts";
import { Deployment } from "#support/deployment.ts";
import { LiveReader } from "#support/live-reader.ts";
import { ownServicesOrSkip } from "#support/services.ts";
import { createTraffic, formatTraffic } from "#support/traffic.ts";
import { ENDED_WELL, Worker } from "#support/workers.ts";

const SHIPPED = readFileSync(resolve(import.meta.dirname, "../../services/config/default/rules.yaml"), "utf8");
const renamed = SHIPPED.replace(/^version: .*/m, "version: renamed").replace(
  "segment: prospect",
  "segment: prospective",
);
const fewer = renamed.replace("version: renamed", "version: fewer").replace(/ {2}- segment: multi-buyer\n.*\n/, "");
const DAY_MS = 86_400_000;
const PARTS = 4;
const WAIT_MS = 60_000;
const BY = ["--author", "ana", "--reason", "a trial"];

test("rules come into force under running processes, and a replay meets them where they did (T1, O2, S2)", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "weft-rules-"));
  const services = await ownServicesOrSkip(t, directory);
  if (services === null) return;
  const rules = join(directory, "rules.yaml");
  writeFileSync(rules, SHIPPED);
  const deployment = new Deployment(services, { yaml: `rules: ${rules}\n` });
  const workers: Worker[] = [];
  const start = async (...verbs: readonly string[]): Promise<Worker[]> => {
    const started = verbs.map((verb) => new Worker(deployment, verb));
    workers.push(...started);
    for (const worker of started) await worker.waitFor(/^running$/);
    return started;
  };
  const apply = async (text: string): Promise<void> => {
    writeFileSync(rules, text);
    await deployment.mustRun(["rules", "apply", ...BY]);
  };
  const reach = async (version: string): Promise<void> => {
    for (const deadline = Date.now() + WAIT_MS; ; await sleep(200)) {
      const shown = JSON.parse(await deployment.mustRun(["rules", "show", "--json"])) as {
        readonly version: string;
        readonly shards: { readonly all: number; readonly there: number };
      };
      assert.equal(shown.version, version);
      if (shown.shards.there === shown.shards.all) return;
      assert.ok(Date.now() < deadline, JSON.stringify(shown));
    }
  };
  let reader: LiveReader | null = null;
  const redis = new Redis(services.redisUrl);
  try {
    await deployment.open();
    const nowMs = Date.now();
    const span = { fromMs: nowMs - 6 * DAY_MS, toMs: nowMs - 3 * DAY_MS };
    const lines = formatTraffic(createTraffic({ seed: 7, people: 60, events: 800, ...span }))
      .trimEnd()
      .split("\n");
    const size = Math.ceil(lines.length / PARTS);
    const feed = (part: number) =>
      deployment.mustRun(["import", "--quiet", "-"], lines.slice(part * size, (part + 1) * size).join("\n"));
    const [resolver, stitcher] = (await start("resolve", "stitch")) as [Worker, Worker];
    reader = await LiveReader.open(deployment);
    await feed(0);
    await deployment.settle();

    await apply(renamed);
    await reach("renamed");
    // In the middle of events, and a stitcher that dies while it looks at everybody.
    const feeding = feed(1);
    await apply(fewer);
    await stitcher.kill();
    await feeding;
    await start("stitch");
    await feed(2);
    await apply(renamed);
    await feed(3);
    await reach("renamed");
    await deployment.settle();

    const file = deployment.write("traffic.jsonl", `${lines.join("\n")}\n`);
    const fold = ["fold", "--json", "--quiet", "--out", join(deployment.folder, "fold"), file];
    const folded = JSON.parse(await deployment.mustRun(fold)) as { readonly digest: string };
    const { digest, people } = await deployment.readStore();
    assert.equal(digest, folded.digest, "the people of a fold under the last rules");
    await sleep(500);
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(reader.findDifferences(people), []);
    const moved = reader.transitions.filter(({ cause }) => cause === "rule-change");
    const ways = new Set(moved.map(({ from, to }) => `${from} -> ${to}`));
    assert.ok(ways.has("prospect -> prospective"), [...ways].join());
    assert.ok(
      [...ways].some((way) => way.startsWith("multi-buyer -> ")),
      [...ways].join(),
    );
    t.diagnostic(`${moved.length} of ${reader.transitions.length} transitions by rules: ${[...ways].join(", ")}`);

    const told = reader.count;
    await redis.flushall();
    for (const deadline = Date.now() + WAIT_MS; ; await sleep(500)) {
      const again = await deployment.readStore();
      if (again.digest === digest) break;
      assert.ok(Date.now() < deadline, "the same people, folded anew");
    }
    await deployment.settle();
    await sleep(500);
    assert.equal(reader.count, told, "nobody is told anything again");
    assert.deepEqual(reader.findFaults(), []);
    assert.equal(await deployment.mustRun(["dlq", "ls", "--json"]), "", "nothing is dead-lettered");

    writeFileSync(rules, SHIPPED);
    for (const verb of ["resolve", "stitch", "up"]) {
      const { code, out, err } = await deployment.run([verb]);
      assert.equal(code, 1);
      assert.match(`${out}${err}`, /^rules-differ: the rules in force are renamed \(/m);
    }
    for (const worker of [resolver, workers.at(-1) as Worker]) assert.deepEqual(await worker.stop(), ENDED_WELL);
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
