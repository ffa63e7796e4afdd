// Each service goes away and comes back, under processes that work. They wait, say so once, and go on. On services of
// its own, because those of the other tests must stay.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { killService, restartService } from "../../infra/services.ts";
import { INPUT_COMPATIBILITY, openRegistryCodec } from "#adapters/registry/codec.ts";
import { OwnGround } from "#support/own-ground.ts";
import { servicesOrSkip } from "#support/services.ts";
import { ENDED_WELL, type LogLine, type Worker } from "#support/workers.ts";

const WARNING = 40;
/** Long enough for the clients to notice, and to try again in vain. */
const OUTAGE_MS = 3_000;

/** Each process has told each of these so often, or once more where it went again, and each as often as the others. */
function expectTold(
  warnings: readonly (readonly LogLine[])[],
  patterns: readonly RegExp[],
  times: number,
  more = 0,
): void {
  for (const list of warnings) {
    const counts = patterns.map((pattern) => list.filter(({ msg }) => pattern.test(msg)).length);
    const said = `${patterns.join()} in ${JSON.stringify(list.map(({ msg }) => msg))}`;
    assert.equal(new Set(counts).size, 1, said);
    for (const count of counts) assert.ok(count >= times && count <= times + more, said);
  }
}

test("processes that start at the same instant may all register a schema that is new", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const topic = `outage-${process.pid}`;
  const codecs = await Promise.all(
    [1, 2, 3, 4].map(() =>
      openRegistryCodec({
        url: services.registryUrl,
        schemasDirectory: resolve(import.meta.dirname, "../../schemas"),
        autoRegister: true,
        compatibilityOf: () => INPUT_COMPATIBILITY,
      }),
    ),
  );
  const encoders = await Promise.all(codecs.map((codec) => codec.encoder(topic, "IdentityAlias")));
  const values = encoders.map((encode) => encode({ oldProfileId: "a", profileId: "b", at: 0 }));
  assert.equal(new Set(values.map((value) => Buffer.from(value).toString("hex"))).size, 1, "under one id");
});

test("Redis, registry and Kafka may go and come back: all is folded once, nothing dead-lettered (O1, O2)", async (t) => {
  await OwnGround.use(t, async (ground) => {
    const { deployment, directory, workers } = ground;
    /** What the processes have warned of since the last call. */
    const told = new Map<Worker, number>();
    const takeWarnings = (): LogLine[][] =>
      workers.map((worker) => {
        const fresh = worker.lines.slice(told.get(worker) ?? 0);
        told.set(worker, worker.lines.length);
        return fresh.filter(({ level }) => level >= WARNING);
      });
    const mark = (what: string) => t.diagnostic(`${Math.round(performance.now() / 1000)} s: ${what}`);
    const { feed, foldDigest } = ground.createTraffic(7, 600, 3);
    const folded = await foldDigest();
    mark("services started");

    await killService({ directory, name: "registry" });
    for (const verb of ["resolve", "stitch"]) ground.launch(verb);
    for (const worker of workers) await worker.waitFor(/registry/);
    await restartService({ directory, name: "registry" });
    for (const worker of workers) await worker.waitFor(/^running$/);
    expectTold(takeWarnings(), [/^waiting for the schema registry: /, /^the schema registry is back$/], 1);
    mark("registry back");

    const reader = await ground.watch();
    await feed(0);
    await killService({ directory, name: "redis" });
    await sleep(OUTAGE_MS);
    await restartService({ directory, name: "redis" });
    await deployment.settle();
    // Once, though store and index are two connections.
    expectTold(takeWarnings(), [/^Redis at \S+ is not there .*; waiting for it$/], 1);
    mark("Redis back");

    await feed(1);
    await killService({ directory, name: "kafka" });
    await sleep(OUTAGE_MS);
    await restartService({ directory, name: "kafka" });
    await feed(2);
    await deployment.settle();
    // A broker that is back may not lead its partitions at once.
    expectTold(takeWarnings(), [/^waiting for Kafka: /, /^Kafka is back$/], 1, 1);
    mark("Kafka back");

    const { digest, people } = await deployment.readStore();
    assert.equal(await deployment.countDeadLetters(), 0, "nothing is dead-lettered");
    assert.equal(digest, folded, "the same people as the fold of the file");
    await sleep(500);
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(reader.findDifferences(people), []);
    for (const worker of workers) assert.deepEqual(await worker.stop(), ENDED_WELL);
  });
});
