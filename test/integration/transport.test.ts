// Kafka with TLS and SCRAM, Redis with TLS and an ACL user: what is right works, what is wrong is refused with a
// code, and no password shows anywhere.

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { after, before, test } from "node:test";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import { findUnsafeSettings } from "#adapters/redis/safety.ts";
import { openRedisStore } from "#adapters/redis/store.ts";
import { openRedisIndex } from "#adapters/redis/index.ts";
import { LogError } from "#ports/log.ts";
import { Secret } from "#ports/secret.ts";
import { PASSWORD, type SecureServices, startSecureServices, USERNAME } from "#support/secure-services.ts";
import { isBuildMachine } from "#support/services.ts";
import { ServicesUnavailable } from "../../infra/install.ts";

let services: SecureServices | null = null;
let missing = "";

before(async () => {
  try {
    services = await startSecureServices();
  } catch (error) {
    if (!(error instanceof ServicesUnavailable) || isBuildMachine()) throw error;
    missing = error.message;
    console.error(`SKIPPED   tests on secure services: ${missing}`);
  }
});
after(() => services?.stop());

const password = new Secret(PASSWORD);

test("a log over TLS and SCRAM takes and gives records", async (t) => {
  if (services === null) return t.skip(missing);
  const { broker, ca } = services;
  const log = await openKafkaLog({ brokers: [broker], clientId: "secure", tls: { ca }, username: USERNAME, password });
  const topic = "secure-topic";
  await log.createTopics([{ name: topic, partitions: 1, config: {} }]);
  await log.append([{ topic, key: "k", value: Buffer.from("v") }]);
  const values: string[] = [];
  for await (const { value } of log.read([topic], { from: "start", follow: false }))
    values.push(Buffer.from(value ?? []).toString());
  assert.deepEqual(values, ["v"]);
  await log.close();
});

test("a wrong password, an authority nobody knows and a name that is not the broker's are refused, and not waited for", async (t) => {
  if (services === null) return t.skip(missing);
  const { broker, ca, foreignCa } = services;
  const right = { brokers: [broker], clientId: "secure", tls: { ca }, username: USERNAME, password };
  const wrong = {
    password: { ...right, password: new Secret("something-else") },
    authority: { ...right, tls: { ca: foreignCa } },
    "the system's authorities": { ...right, tls: {} },
    name: { ...right, brokers: [broker.replace("127.0.0.1", "localhost")] },
  };
  for (const [what, options] of Object.entries(wrong))
    await assert.rejects(openKafkaLog(options), (error) => {
      assert.ok(error instanceof LogError && error.code === "log-untrusted", `${what}: ${inspect(error)}`);
      for (const text of [error.message, inspect(error, { depth: 9 })])
        assert.ok(!text.includes(PASSWORD) && !text.includes("something-else"), what);
      return true;
    });
});

test("a Redis over TLS serves store and index to its one user, who may do no more than they need", async (t) => {
  if (services === null) return t.skip(missing);
  const { redisUrl: url, ca } = services;
  const place = { url, tls: { ca }, username: USERNAME, password, prefix: "secure:", onWait: assert.fail };
  assert.deepEqual(await findUnsafeSettings(place), []);
  const store = openRedisStore({ ...place, shards: 8 });
  const index = openRedisIndex(place);
  assert.equal(await store.standing(3), null);
  assert.deepEqual(await index.putIfAbsent([{ key: "b:x", value: "y" }]), ["y"]);
  await store.close();
  await index.close();
});

test("a Redis that is not who it should be, or does not know us, is waited for in one line without secrets", async (t) => {
  if (services === null) return t.skip(missing);
  const { redisUrl: url, ca, foreignCa } = services;
  for (const [tls, given] of [
    [{ ca: foreignCa }, password],
    [{ ca }, new Secret("something-else")],
  ] as const) {
    const { promise: told, resolve } = Promise.withResolvers<string>();
    const store = openRedisStore({
      url,
      tls,
      username: USERNAME,
      password: given,
      prefix: "x:",
      shards: 8,
      onWait: resolve,
    });
    const standing = store.standing(0);
    standing.catch(() => {});
    const line = await told;
    assert.match(line, /^Redis at 127\.0\.0\.1:\d+ is not there \(.+\); waiting for it$/);
    assert.ok(!line.includes("something-else") && !line.includes(PASSWORD));
    await store.close();
    await assert.rejects(standing);
  }
});
