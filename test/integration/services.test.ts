// The services themselves: what the product relies on in them before any of its own code runs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SchemaRegistry, SchemaType } from "@kafkajs/confluent-schema-registry";
import { Redis } from "ioredis";
import kafkajs from "kafkajs";
import { servicesOrSkip } from "#support/services.ts";

test("a transaction commits on the broker at the first try", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const topic = `services-test-${process.pid}`;
  const kafka = new kafkajs.Kafka({ brokers: [...services.brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
  try {
    await Promise.all([admin.connect(), producer.connect()]);
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }], waitForLeaders: true });
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: "one" }] });
    await transaction.commit();
    // One record and the marker of its transaction, which the broker writes a moment after it has answered the commit.
    let offsetNext = "0";
    for (let attempt = 0; attempt < 100 && offsetNext !== "2"; attempt++) {
      await sleep(20);
      offsetNext = (await admin.fetchTopicOffsets(topic))[0]?.high ?? "";
    }
    assert.equal(offsetNext, "2");
    await admin.deleteTopics({ topics: [topic] });
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
});

test("the registry gives a schema one id, however often it is registered", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const registry = new SchemaRegistry({ host: services.registryUrl });
  const schema = JSON.stringify({ type: "record", name: "Probe", namespace: "dev.weft.test", fields: [] });
  const subject = `services-test-${process.pid}-value`;
  const first = await registry.register({ type: SchemaType.AVRO, schema }, { subject });
  const second = await registry.register({ type: SchemaType.AVRO, schema }, { subject });
  assert.equal(second.id, first.id);
});

test("Redis appends every write to a file and evicts nothing", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const redis = new Redis(services.redisUrl);
  try {
    for (const [name, value] of [
      ["appendonly", "yes"],
      ["appendfsync", "everysec"],
      ["maxmemory-policy", "noeviction"],
      ["save", ""],
    ] as const) {
      assert.deepEqual(await redis.config("GET", name), [name, value]);
    }
  } finally {
    redis.disconnect();
  }
});
