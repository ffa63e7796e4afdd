// Kafka that denies by default, with the rights of `weft access kafka` and no others (StandardAuthorizer, SCRAM): the
// processes work, each as its own principal, and each is refused whatever it does not need.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import kafkajs, { type AclEntry, type Kafka } from "kafkajs";
import { createClusterConsumer } from "#adapters/kafka/cluster.ts";

import type { ChannelEvent } from "#core/event.ts";
import { Secret } from "#ports/secret.ts";
import { type Grant, listGrants, type Principal, PRINCIPALS } from "#services/cli/access.ts";
import { openRuntime, type Runtime } from "#services/cli/runtime.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { allTopics, topicNames } from "#services/config/topics.ts";
import { publishErasure } from "#services/wire/erasure.ts";
import { lookUp } from "#services/wire/lookup.ts";
import { readRulesLog } from "#services/wire/rules.ts";
import { Deployment } from "#support/deployment.ts";
import { PASSWORD, type SecureServices, startSecureServices, USERNAME } from "#support/secure-services.ts";
import { isBuildMachine, servicesOrSkip } from "#support/services.ts";
import { until } from "#support/until.ts";
import { ServicesUnavailable } from "../../infra/install.ts";

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

function allow({ principal, resource, name, isPrefix, operations }: Grant): AclEntry[] {
  const resourceType = {
    topic: AclResourceTypes.TOPIC,
    group: AclResourceTypes.GROUP,
    "transactional-id": AclResourceTypes.TRANSACTIONAL_ID,
  }[resource];
  const operation = {
    Create: AclOperationTypes.CREATE,
    Describe: AclOperationTypes.DESCRIBE,
    DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
    Read: AclOperationTypes.READ,
    Write: AclOperationTypes.WRITE,
  };
  return operations.map((one) => ({
    resourceType,
    resourceName: name,
    resourcePatternType: isPrefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    principal: `User:${principal}`,
    host: "*",
    operation: operation[one],
    permissionType: AclPermissionTypes.ALLOW,
  }));
}

function connect({ broker, ca }: SecureServices, username: string): Kafka {
  const sasl = { mechanism: "scram-sha-512", username, password: PASSWORD } as const;
  const retry = { retries: 1, initialRetryTime: 50 };
  return new kafkajs.Kafka({ brokers: [broker], ssl: { ca }, sasl, retry, logLevel: kafkajs.logLevel.NOTHING });
}

function as(loaded: LoadedConfiguration, { broker, ca }: SecureServices, username: string): LoadedConfiguration {
  // With an instance id: to take the place of a process is a right too.
  const secure = { brokers: [broker], tls: { ca }, username, password: new Secret(PASSWORD), instanceId: "1" };
  const kafka = { ...loaded.deployment.kafka, ...secure };
  return { ...loaded, deployment: { ...loaded.deployment, kafka } };
}

async function start(t: TestContext): Promise<SecureServices | null> {
  try {
    return await startSecureServices({ users: PRINCIPALS });
  } catch (error) {
    if (!(error instanceof ServicesUnavailable) || isBuildMachine()) throw error;
    t.skip(error.message);
    return null;
  }
}

const identifiers = [
  { namespace: "customer", value: "c-1" },
  { namespace: "email", value: "ana@example.fr" },
];

test("each process works with the rights that it is given, and is refused every other topic, read or written", async (t) => {
  const shared = await servicesOrSkip(t);
  const services = shared === null ? null : await start(t);
  if (shared === null || services === null) return;
  const deployment = new Deployment(shared);
  const opened: Runtime[] = [];
  const open = async (username: string) => {
    const runtime = await openRuntime(as(deployment.loaded, services, username), { embedded: false, onWait: () => {} });
    opened.push(runtime);
    return runtime;
  };
  try {
    const grants = listGrants(deployment.loaded);
    const admin = connect(services, USERNAME).admin();
    await admin.connect();
    await admin.createAcls({ acl: grants.flatMap(allow) });
    await (await open("operator")).createTopics();

    const [resolver, stitcher] = [await open("resolver"), await open("stitcher")];
    const memberships = [await resolver.startResolver(), await stitcher.startStitcher()];
    const source = await open(USERNAME);
    const topic = deployment.channelTopic("crm");
    const encode = await source.wires.codec.encoder(topic, "ChannelEvent");
    const tell = (event: Partial<ChannelEvent>, value?: Buffer) => {
      const whole = { eventId: randomUUID(), type: "identified", occurredAt: Date.now(), identifiers, ...event };
      return source.wires.log.append([{ topic, key: null, value: value ?? encode(whole) }]);
    };
    await tell({});
    await tell({}, Buffer.from("no record at all"));
    const api = await open("api");
    const find = async () => {
      const lookups = { ...api.lookups, index: api.index.anew() };
      return (await lookUp(lookups, "email", "ana@example.fr", "FR")).found;
    };
    await until("she is found", find);
    const names = topicNames(deployment.loaded);
    equal((await readRulesLog(api.wires, names.rules)).length, 1);
    const nobody = { own: [], claimed: [], shared: [], orders: [], objections: [], contacts: [] };
    await publishErasure(api.wires, names.privacy, { requestId: randomUUID(), author: "dpo", reason: "R1", ...nobody });
    const automation = await open("automation");
    await until("transitions are told", async () => {
      let count = 0;
      const read = automation.wires.log.read([names.segmentTransition], { from: "start", follow: false });
      for await (const record of read) count += record.offset >= 0 ? 1 : 0;
      return count > 0;
    });
    await until("dead letters are written", async () => {
      const ends = await admin.fetchTopicOffsets(`${topic}.dlq`);
      return ends.some(({ high }) => high !== "0");
    });
    for (const membership of memberships) await membership.close();
    for (const runtime of opened.splice(0)) await runtime.close();
    await admin.disconnect();

    const topics = allTopics(deployment.loaded).map(({ name }) => name);
    for (const principal of PRINCIPALS) {
      const may = (operation: Grant["operations"][number]) =>
        grants.flatMap((grant) =>
          grant.principal === principal && grant.resource === "topic" && grant.operations.includes(operation)
            ? [grant.name]
            : [],
        );
      const { read, written } = await tryAll(services, principal, topics);
      deepEqual(read.toSorted(), [...new Set(may("Read"))].toSorted(), `${principal} reads`);
      deepEqual(written.toSorted(), [...new Set(may("Write"))].toSorted(), `${principal} writes`);
      const ids = ["weft-resolve-9", "weft-stitch-9"].map((id) => deployment.prefix + id);
      const own = { resolver: ids[0], stitcher: ids[1], api: null, automation: null, operator: null }[principal];
      for (const id of ids) equal(await beginsAs(services, principal, id), id === own, `${principal} as ${id}`);
      ok(principal === "operator" || topics.some((one) => !read.includes(one) && !written.includes(one)));
    }
  } finally {
    for (const runtime of opened) await runtime.close();
    await deployment.close();
    await services.stop();
  }
});

/** Whether the principal may be the producer of these transactions. */
async function beginsAs(services: SecureServices, principal: Principal, transactionalId: string): Promise<boolean> {
  const producer = connect(services, principal).producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
  try {
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.abort();
    return true;
  } catch {
    return false;
  } finally {
    await producer.disconnect();
  }
}

/** Which topics the principal reads and writes, for those that it does not is refused, and not for another reason. */
async function tryAll(services: SecureServices, principal: Principal, topics: readonly string[]) {
  const kafka = connect(services, principal);
  const producer = kafka.producer();
  await producer.connect();
  const [read, written]: [string[], string[]] = [[], []];
  const refusal = (error: Error) => match(error.message, /not authorized/i);
  for (const topic of topics) {
    const messages = [{ key: "k", value: null, partition: 0 }];
    await producer.send({ topic, messages }).then(() => written.push(topic), refusal);
    await readOne(kafka, topic).then(() => read.push(topic), refusal);
  }
  await producer.disconnect();
  return { read, written };
}

/** Of its first partition; where it leads is told to whoever may describe it. */
async function readOne(kafka: Kafka, topic: string): Promise<void> {
  const { consumer, cluster } = createClusterConsumer(kafka, { groupId: "none" });
  try {
    await cluster.connect();
    await cluster.addTargetTopic(topic);
    const broker = await cluster.findBroker({ nodeId: "1" });
    const partitions = [{ partition: 0, fetchOffset: "0", maxBytes: 1024 }];
    await broker.fetch({
      maxWaitTime: 1,
      minBytes: 0,
      maxBytes: 1024,
      isolationLevel: 1,
      topics: [{ topic, partitions }],
    });
  } finally {
    await cluster.disconnect();
    await consumer.disconnect();
  }
}
