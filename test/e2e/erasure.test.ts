// Somebody is forgotten on real services (G1, G2): everybody else stays as they were, whatever is replayed or rebuilt, and
// of her no byte is left where it could be read, but in what retention will take. Nor is there ever one in what a process of
// the API keeps and the processes count, which an administrator asks for all that is known of her.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { INPUT_COMPATIBILITY, openRegistryCodec } from "#adapters/registry/codec.ts";
import { type Log, partitionKey } from "#ports/log.ts";
import { SCHEMAS_FOLDER } from "#services/cli/wiring.ts";
import { outputTopics, topicNames } from "#services/config/topics.ts";
import { type BundleValue, listOpened, readBundle } from "#services/wire/bundle.ts";
import { DESTROYED, indexKey, PayloadKeys } from "#services/wire/payload-keys.ts";
import { connect, expectAnswer } from "#support/api.ts";
import { CALLER, CANARY, EMAIL, KEEPER_NAME, NAME, scanForCanary, tellCanary, tellKeeper } from "#support/canary.ts";
import type { Deployment } from "#support/deployment.ts";
import { OwnGround } from "#support/own-ground.ts";
import { dumpRedis } from "#support/redis-dump.ts";
import { createTraffic, formatTraffic, type TrafficLine } from "#support/traffic.ts";
import { until } from "#support/until.ts";
import { ENDED_WELL } from "#support/workers.ts";

const HOUR_MS = 3_600_000;
const REBUILDS = 5;
const BY_KEEPER = { body: { by: "name" as const, ...KEEPER_NAME } };
const BY_NAME = { body: { by: "name" as const, ...NAME } };
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

/** A process of the API, asked by whoever may ask it for everything. */
async function openApi(ground: OwnGround) {
  const made = await ground.deployment.mustRun(["--json", "api", "keys", "create", "--role", "admin"]);
  const worker = ground.launch("api");
  const { url } = await worker.waitFor(/^listening$/);
  const client = connect(url as string, (JSON.parse(made) as { readonly key: string }).key);
  await until("every shard is served", async () => (await client.readReadiness({})).ok);
  const { auditFile, directoryFile } = ground.deployment.loaded.deployment.api;
  const folder = join(ground.deployment.folder, dirname(auditFile));
  return {
    client,
    /** All that is kept of her, as she is given it. */
    async exportCanary(): Promise<string> {
      const { id } = expectAnswer(await client.exportPerson({ body: { identifier: EMAIL } }));
      let told = "";
      await until("the export is gathered", async () => {
        const answer = expectAnswer(await client.readExport({ params: { id } }));
        told = JSON.stringify(answer.data);
        return answer.state === "ready";
      });
      return told;
    },
    /** Audit trail, directory and passages, with what SQLite has beside them. */
    readFiles: () => readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "latin1")] as const),
    readDirectory(): unknown[] {
      const sqlite = new DatabaseSync(join(ground.deployment.folder, directoryFile), { readOnly: true });
      const rows = sqlite.prepare("SELECT DISTINCT profile FROM people").all();
      sqlite.close();
      return rows.map(({ profile }) => profile);
    },
  };
}

async function readMetrics(ground: OwnGround): Promise<string> {
  const told = ground.workers.map(async (worker) => {
    const { admin } = await worker.waitFor(/^admin surface$/);
    return (await fetch(`${admin as string}/metrics`)).text();
  });
  return (await Promise.all(told)).join("\n");
}

test("who is erased is forgotten on Kafka and Redis, through five rebuilds, and everybody else stays (G1, G2)", async (t) => {
  const work = async (ground: OwnGround): Promise<void> => {
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
    for (const verb of ["resolve", "stitch"]) await ground.start(verb);
    const toldAt = nowMs - 20 * HOUR_MS;
    await feed(traffic);
    await feed([...tellCanary("before", toldAt), tellKeeper(toldAt)]);
    await deployment.settle();
    assert.ok(await isFound());
    const others = await describeOthers();
    assert.ok(others.length > 20);
    const log = await openKafkaLog({ brokers: ground.brokers, clientId: "erasure-test" });
    const told = await readInnerLog(deployment, log);
    assert.ok(told.readable.toLowerCase().includes(CANARY) && told.destroyed === 0, "it is kept, and can be read");

    const { client, ...api } = await openApi(ground);
    const scanAround = async (when: string): Promise<void> => {
      for (const [name, text] of api.readFiles()) scanForCanary(`${name} of the API ${when}`, text);
      const metrics = await readMetrics(ground);
      for (const name of ["records", "events", "http_requests"])
        assert.match(metrics, new RegExp(`^weft_${name}_total\\{.*\\} [1-9]`, "m"), `all processes count ${when}`);
      scanForCanary(`the metrics ${when}`, metrics);
      for (const worker of ground.workers) scanForCanary(`the log of ${worker.verb} ${when}`, worker.describe());
    };
    const { profileId } = expectAnswer(await client.lookUp({ body: CALLER }));
    const [keeper] = expectAnswer(await client.search(BY_KEEPER)).profiles;
    const noted = expectAnswer(await client.note({ body: { identifier: EMAIL, text: "canary-note" } }));
    const asked = await Promise.all([
      client.viewCaller({ body: { phone: CALLER.value }, query: { "at-least": noted.position } }),
      client.search(BY_NAME),
      client.explain({ body: { identifiers: [EMAIL, CALLER] } }),
    ]);
    for (const one of [
      ...asked.map((answer) => JSON.stringify(expectAnswer<unknown>(answer))),
      await api.exportCanary(),
    ])
      assert.throws(() => scanForCanary("what is told of her", one), /what is told of her/);
    for (const read of [client.readTimeline, client.readTransitions])
      expectAnswer<unknown>(await read({ params: { id: profileId } }));
    await scanAround("while she is known");
    for (const kept of ["audit", "directory", "passages"]) {
      const files = api.readFiles().flatMap(([name, text]) => (name.includes(kept) ? [text] : []));
      assert.ok(files.join("").includes(profileId), `${kept} knows her by her id`);
    }
    const dumped = await dumpRedis(redis);
    assert.throws(() => scanForCanary("the store", dumped), /the store/);

    const receipt = expectAnswer(await client.erase({ body: { identifier: CALLER, reason: "R1" } }));
    scanForCanary("the receipt", JSON.stringify(receipt));
    await until(
      "she is forgotten",
      async () => (await client.search({ ...BY_KEEPER, query: { "at-least": receipt.position } })).ok,
    );
    await deployment.settle();
    const { profileErased, profileState, identityAlias, privacy, keys } = topicNames(deployment.loaded);
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
    const [found] = expectAnswer(await client.search(BY_KEEPER)).profiles;
    assert.deepEqual([found?.profileId, (await client.search(BY_NAME)).status], [keeper?.profileId, 404]);
    assert.deepEqual(api.readDirectory(), [keeper?.profileId], "names lead to others alone");
    await scanAround("after the rebuilds");
    const kept = await readInnerLog(deployment, log);
    scanForCanary("the bytes of the inner log", kept.raw);
    scanForCanary("what can be read of the inner log", kept.readable);
    assert.ok(kept.destroyed > 4 && kept.readable.length > told.readable.length / 2, "others are read as ever");
    const latest = new Map<string, string>();
    let erased = 0;
    const whole = { from: "start", follow: false } as const;
    for await (const { topic, partition, offset, key, value } of log.read([...outputs, privacy, keys], whole)) {
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
    for (const worker of ground.workers) assert.deepEqual(await worker.stop(), ENDED_WELL);
  };
  await OwnGround.use(t, work, () => ({ yaml: "admin: { port: 0 }\napi: { port: 0 }" }));
});
