// weft doctor, as an operator runs it: a line a check, what to do, exit 1 where something fails, and nothing is changed.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { openRuntime, type Runtime } from "#services/cli/runtime.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { topicNames } from "#services/config/topics.ts";
import { NOWHERE } from "#support/command.ts";
import { makeFolder } from "#support/folder.ts";
import { until } from "#support/until.ts";

const MAIN = resolve(import.meta.dirname, "../../services/cli/main.ts");

interface Check {
  readonly check: string;
  readonly verdict: string;
  readonly said: string;
}

function examine(...options: string[]): Promise<{ code: unknown; checks: Check[] }> {
  const settings = { env: { ...process.env, ...NOWHERE }, timeout: 60_000 };
  return new Promise((done) => {
    execFile(process.execPath, [MAIN, ...options, "--json", "doctor"], settings, (error, out) =>
      done({
        code: error === null ? 0 : error.code,
        checks: out
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Check),
      }),
    );
  });
}

test("a sound embedded deployment passes, and a channel topic that no source reads fails it", async () => {
  const folder = makeFolder("doctor");
  const file = join(folder, "weft.yaml");
  writeFileSync(
    file,
    `embedded: { file: ${join(folder, "weft.sqlite")} }\nsources: [{ name: web, owner: a, purpose: b, legalBasis: c }]\n`,
  );
  const change = async (topics: readonly string[]) => {
    const runtime = await openRuntime(loadConfiguration(file, {}), { embedded: true });
    await runtime.createTopics();
    await runtime.wires.log.createTopics(topics.map((name) => ({ name, partitions: 1, config: {} })));
    await runtime.close();
  };
  await change([]);
  const sound = await examine("--config", file, "--embedded");
  assert.equal(sound.code, 0);
  assert.deepEqual(
    sound.checks.map(({ check, verdict }) => `${check} ${verdict}`),
    [
      "configuration ok",
      "identity key warn",
      "contracts ok",
      "topics ok",
      "durability ok",
      "positions ok",
      "dead letters ok",
      "rules ok",
      "sources ok",
      "store ok",
      "lag ok",
    ],
  );
  const told = await openRuntime(loadConfiguration(file, {}), { embedded: true });
  const letters = Array.from({ length: 3 }, () => ({ topic: "channel-web", key: null, value: new Uint8Array([1]) }));
  await told.wires.log.append([
    ...letters,
    { topic: "weft.resolved", partition: 5, key: null, value: new Uint8Array([1]) },
  ]);
  await told.close();
  const behind = await examine("--config", file, "--embedded");
  assert.deepEqual(
    behind.checks.filter(({ check }) => check === "lag").map(({ said, verdict }) => `${verdict} ${said}`),
    ["ok channel-web: 3 not resolved yet", "ok weft.resolved, shard 5: 1 not in the store yet"],
  );
  await change(["channel-kiosk"]);
  const unregistered = await examine("--config", file, "--embedded");
  assert.equal(unregistered.code, 1);
  assert.match(
    unregistered.checks.find(({ verdict }) => verdict === "fail")?.said ?? "",
    /no source reads channel-kiosk/,
  );
});

test("what only tells the time is no lag, and is said; what is behind beside it still is", async () => {
  const folder = makeFolder("doctor");
  const file = join(folder, "weft.yaml");
  writeFileSync(
    file,
    `embedded: { file: ${join(folder, "weft.sqlite")} }\nengine: { shards: 2, stitchSlots: 1, resolverSlots: 1, tickInterval: 5ms }\n`,
  );
  const loaded = loadConfiguration(file, {});
  const { resolved } = topicNames(loaded);
  const change = async (work: (runtime: Runtime) => Promise<void>) => {
    const runtime = await openRuntime(loaded, { embedded: true });
    await runtime.createTopics();
    await work(runtime);
    await runtime.close();
  };
  /** Until the time was written to both shards; nobody stitches. */
  const tick = async ({ wires, startResolver }: Runtime) => {
    const membership = await startResolver();
    const told = new Set<number>();
    for await (const { partition } of wires.log.read([resolved], { from: "end", follow: true }))
      if (told.add(partition).size === 2) break;
    await membership.close();
  };
  const lagOf = async () => {
    const { checks } = await examine("--config", file, "--embedded");
    return checks.flatMap(({ check, said }) => (check === "lag" ? [said] : []));
  };
  await change(tick);
  // Each shard has yet to come to the rules of the first start.
  assert.deepEqual(
    await lagOf(),
    [0, 1].map((shard) => `${resolved}, shard ${shard}: 1 not in the store yet`),
  );
  await change(async (runtime) => {
    const membership = await runtime.startStitcher();
    const ends = await runtime.wires.log.endOffsets([resolved]);
    for (const [key, end] of ends) {
      const shard = Number(key.split("/")[1]);
      await until(
        `shard ${shard} is there`,
        async () => ((await runtime.store.standing(shard))?.position.offset ?? 0) >= end,
      );
    }
    await membership.close();
  });
  assert.deepEqual(await lagOf(), ["everything is resolved, and in the store"]);
  await change(tick);
  const [line = "", ...more] = await lagOf();
  assert.deepEqual(more, []);
  assert.match(
    line,
    /^everything is resolved, and in the store; behind is only the time \(positions a shard: up to \d+\)$/,
  );
});

test("a log that does not answer fails the check and does not keep the command waiting", async () => {
  const { code, checks } = await examine();
  assert.equal(code, 1);
  assert.deepEqual(
    checks.filter(({ verdict }) => verdict === "fail").map(({ check, said }) => [check, said]),
    [
      [
        "log",
        "no answer in 10 seconds: check that it runs where kafka.brokers (or WEFT_KAFKA_BROKERS) says; registry and Redis were not asked",
      ],
    ],
  );
});
