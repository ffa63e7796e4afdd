// Rules change on real services, under running processes (T1): in the end everybody is where a fold under the last ones has
// them, each move is told once, a process with other files does not start, and where Redis loses everything the log gives
// the same people again and tells nobody anything.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { OwnGround } from "#support/own-ground.ts";
import { ENDED_WELL } from "#support/workers.ts";

const SHIPPED = readFileSync(resolve(import.meta.dirname, "../../services/config/default/rules.yaml"), "utf8");
const renamed = SHIPPED.replace(/^version: .*/m, "version: renamed").replace(
  "segment: prospect",
  "segment: prospective",
);
const fewer = renamed.replace("version: renamed", "version: fewer").replace(/ {2}- segment: multi-buyer\n.*\n/, "");
const RULES = "rules.yaml";
const WAIT_MS = 60_000;
const BY = ["--author", "ana", "--reason", "a trial"];

test("rules come into force under running processes, and a replay meets them where they did (T1, O2, S2)", async (t) => {
  const work = async (ground: OwnGround) => {
    const { deployment, redis } = ground;
    const rules = join(ground.directory, RULES);
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
    const { feed, foldDigest } = ground.createTraffic(7, 800, 4);
    const [resolver, stitcher] = [await ground.start("resolve"), await ground.start("stitch")];
    const reader = await ground.watch();
    await feed(0);
    await deployment.settle();

    await apply(renamed);
    await reach("renamed");
    // In the middle of events, and a stitcher that dies while it looks at everybody.
    const feeding = feed(1);
    await apply(fewer);
    await stitcher.kill();
    await feeding;
    const last = await ground.start("stitch");
    await feed(2);
    await apply(renamed);
    await feed(3);
    await reach("renamed");
    await deployment.settle();

    const folded = await foldDigest();
    const { digest, people } = await deployment.readStore();
    assert.equal(digest, folded, "the people of a fold under the last rules");
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
    for (const worker of [resolver, last]) assert.deepEqual(await worker.stop(), ENDED_WELL);
  };
  await OwnGround.use(t, work, (directory) => {
    writeFileSync(join(directory, RULES), SHIPPED);
    return { yaml: `rules: ${join(directory, RULES)}\n` };
  });
});
