// Somebody is forgotten on real services (G1, G2): everybody else stays as they were, whatever is replayed or rebuilt, and
// of her no byte is left where it could be read, but in what retention will take.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { INPUT_COMPATIBILITY, openRegistryCodec } from "#adapters/registry/codec.ts";
import { type Log, partitionKey } from "#ports/log.ts";
import { SCHEMAS_FOLDER } from "#services/cli/wiring.ts";
import { outputTopics, topicNames } from "#services/config/topics.ts";
import { type BundleValue, listOpened, readBundle } from "#services/wire/bundle.ts";
import { DESTROYED, indexKey, PayloadKeys } from "#services/wire/payload-keys.ts";
import { CANARY, scanForCanary, tellCanary } from "#support/canary.ts";
import type { Deployment } from "#support/deployment.ts";
import { OwnGround } from "#support/own-ground.ts";
import { dumpRedis } from "#support/redis-dump.ts";
import { createTraffic, formatTraffic, type TrafficLine } from "#support/traffic.ts";
import { ENDED_WELL } from "#support/workers.ts";

const HOUR_MS = 3_600_000;
const REBUILDS = 5;
interface InnerLog {
  /** Its bytes as whoever has the brokers' disks finds them. */
  readonly raw: string;
  /** What whoever has the identity key too makes of it, with what compaction leaves of the keys. */
  readonly readable: string;
  readonly destroyed: number;
}

async function readInnerLog({ loaded }: Deployment, log: Log): Promise<InnerLog> {
  const { resolved, keys: topic } = topicNames(loaded);
  const latest = new Map<string, string>();
  for await (const { key, value } of log.read([topic], { from: "start", follow: false }))
    latest.set(indexKey(key ?? ""), Buffer.from(value ?? []).toString());
  const index = openMemoryIndex();
  await index.restore([...latest].map(([key, value]) => ({ key, value })));
  const identityKey = loaded.deployment.identityKey.bytes;
  const keys = new PayloadKeys({ index, identityKey, topic, now: () => 0 });
  const codec = await openRegistryCodec({
    url: loaded.deployment.registry.url,
    schemasDirectory: SCHEMAS_FOLDER,
    autoRegister: false,
    compatibilityOf: () => INPUT_COMPATIBILITY,
  });
  const raw: string[] = [];
  const readable: string[] = [];
  for await (const { value } of log.read([resolved], { from: "start", follow: false })) {
    raw.push(Buffer.from(value ?? []).toString("latin1"));
    await codec.prepare([value]);
    const decoded = codec.decode(value);
    assert.ok(decoded.ok);
    const bundle = decoded.value as BundleValue;
    const opening = await keys.toOpen(listOpened(bundle));
    readBundle(bundle, {
      open(name, sealed) {
        const plain = opening.open(name, sealed);
        readable.push(Buffer.from(plain ?? []).toString("latin1"));
        return plain;
      },
      openText(name, sealed) {
        readable.push(opening.openText(name, sealed));
        return opening.openText(name, sealed);
      },
    });
  }
  const destroyed = [...latest.values()].filter((value) => value === DESTROYED).length;
  return { raw: raw.join("\n"), readable: readable.join("\n"), destroyed };
}

test("who is erased is forgotten on Kafka and Redis, through five rebuilds, and everybody else stays (G1, G2)", async (t) => {
  await OwnGround.use(t, async (ground) => {
    const { deployment, redis } = ground;
    const nowMs = Date.now();
    const traffic = createTraffic({
      seed: 5,
      people: 30,
      events: 300,
      fromMs: nowMs - 40 * HOUR_MS,
      toMs: nowMs - 30 * HOUR_MS,
    });
    const feed = (lines: readonly TrafficLine[]) =>
      deployment.mustRun(["import", "--quiet", "-"], formatTraffic(lines));
    const isFound = async () => (await deployment.run(["--json", "lookup", "email:canary@example.fr"])).code === 0;
    const describeOthers = async () => {
      const { people } = await deployment.readStore();
      // What was kept under the tablet is nobody's to keep once one of its people is forgotten.
      const gone = new RegExp(`${CANARY}|tablet-0`, "i");
      return people.profiles.filter(({ identifiers }) => !gone.test(JSON.stringify(identifiers)));
    };
    const worker = await ground.start("up");
    await feed(traffic);
    await feed(tellCanary("before", nowMs - 20 * HOUR_MS));
    await deployment.settle();
    assert.ok(await isFound());
    const others = await describeOthers();
    assert.ok(others.length > 20);
    const log = await openKafkaLog({ brokers: ground.brokers, clientId: "erasure-test" });
    const told = await readInnerLog(deployment, log);
    assert.ok(told.readable.toLowerCase().includes(CANARY) && told.destroyed === 0, "it is kept, and can be read");

    const erase = ["--json", "privacy", "erase", "email:canary@example.fr", "--author", "dpo", "--reason", "R1"];
    const receipt = await deployment.mustRun([...erase, "--wait", "60"]);
    assert.equal((JSON.parse(receipt) as { state: string }).state, "effective");
    assert.ok(!receipt.includes(CANARY));
    await deployment.settle();
    const { profileErased, profileState, identityAlias } = topicNames(deployment.loaded);
    const outputs = outputTopics(deployment.loaded).map(({ name }) => name);
    const endedAt = await log.endOffsets(outputs);

    for (let rebuild = 1; rebuild <= REBUILDS; rebuild += 1) {
      // What she did before comes late, and comes again, each time.
      await feed(tellCanary(rebuild % 2 === 0 ? "before" : `late-${rebuild}`, nowMs - 10 * HOUR_MS));
      await redis.flushall();
      await feed(traffic.slice(0, 3));
      await deployment.settle();
      assert.deepEqual(await describeOthers(), others, `everybody else after rebuild ${rebuild}`);
      assert.ok(!(await isFound()), `nobody after rebuild ${rebuild}`);
    }

    scanForCanary("the store", await dumpRedis(redis));
    scanForCanary("the logs of the processes", worker.describe());
    const kept = await readInnerLog(deployment, log);
    scanForCanary("the bytes of the inner log", kept.raw);
    scanForCanary("what can be read of the inner log", kept.readable);
    assert.ok(kept.destroyed > 4 && kept.readable.length > told.readable.length / 2, "others are read as ever");
    const latest = new Map<string, string>();
    let erased = 0;
    for await (const { topic, partition, offset, key, value } of log.read(outputs, { from: "start", follow: false })) {
      scanForCanary(`a key of ${topic}`, key ?? "");
      const text = value === null ? "" : Buffer.from(value).toString("latin1");
      if (topic === profileState || topic === identityAlias) latest.set(`${topic} ${key}`, text);
      if (topic === profileErased) erased += 1;
      if (offset >= (endedAt.get(partitionKey({ topic, partition })) ?? 0))
        scanForCanary(`${topic}, after the erasure`, text);
    }
    for (const [name, text] of latest) scanForCanary(`what compaction leaves of ${name}`, text);
    assert.ok(erased > 0, "consumers are told");

    // What happens later is somebody else's.
    await feed(tellCanary("after", Date.now()).slice(0, 1));
    await deployment.settle();
    assert.ok(await isFound());
    await log.close();
    assert.deepEqual(await worker.stop(), ENDED_WELL);
  });
});
