// Redis under the rights of listRedisRules and no others: the contracts of store and index hold, whoever reads cannot write,
// and what nobody needs is refused.

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Redis } from "ioredis";
import { listRedisRules, REDIS_USERS, type RedisUser } from "#adapters/redis/access.ts";
import { openRedisIndex } from "#adapters/redis/index.ts";
import { findUnsafeSettings } from "#adapters/redis/safety.ts";
import { openRedisStore } from "#adapters/redis/store.ts";
import { Secret } from "#ports/secret.ts";
import { servicesOrSkip } from "#support/services.ts";
import { ROOT } from "#support/source.ts";
import { testIndex } from "../contract/index.contract.ts";
import { testStore } from "../contract/store.contract.ts";

async function findPlace(t: TestContext, user: RedisUser) {
  const services = await servicesOrSkip(t);
  if (services === null) return null;
  const prefix = `test-${randomUUID()}:`;
  const [username, password] = [`weft-${user}-${randomUUID()}`, randomUUID()];
  const admin = new Redis(services.redisUrl, { protocol: 2 });
  await admin.acl("SETUSER", username, "on", `>${password}`, ...listRedisRules(user, prefix));
  t.after(async () => {
    for await (const keys of admin.scanStream({ match: `${prefix}*`, count: 1000 }))
      if (keys.length > 0) await admin.unlink(keys);
    await admin.acl("DELUSER", username);
    admin.disconnect();
  });
  return { url: services.redisUrl, prefix, username, password: new Secret(password), admin };
}

testStore("redis, as its writer", async (t) => {
  const place = await findPlace(t, "writer");
  return place && openRedisStore({ ...place, shards: 1_000 });
});

testIndex("redis, as its writer", async (t) => {
  const place = await findPlace(t, "writer");
  return place && { first: openRedisIndex(place), second: openRedisIndex(place) };
});

test("the reader of Redis sees what the writer has written, and writes nothing", async (t) => {
  const [place, reading] = [await findPlace(t, "writer"), await findPlace(t, "reader")];
  if (place === null || reading === null) return;
  await reading.admin.acl("SETUSER", reading.username, "resetkeys", `%R~${place.prefix}*`);
  const seen = { ...reading, prefix: place.prefix };
  const [written, index] = [openRedisStore({ ...place, shards: 8 }), openRedisIndex(place)];
  const [store, looked] = [openRedisStore({ ...seen, shards: 8 }), openRedisIndex(seen)];
  const epoch = (await written.raiseEpochs([3])).get(3) ?? 0;
  await index.putIfAbsent([{ key: "b:x", value: "y" }]);
  equal((await store.standing(3))?.position.offset, 0);
  deepEqual(await store.load(3, ["a"]), [null]);
  deepEqual((await store.survey(3, ["a"])).values, [null]);
  for await (const part of store.scan(3, "")) ok(!part, "there is none");
  deepEqual(await looked.get(["b:x"]), ["y"]);
  deepEqual(
    (await looked.readMarks()).map(({ text }) => text),
    [null],
  );
  deepEqual(await findUnsafeSettings(seen), []);
  await rejects(store.raiseEpochs([3]), /NOPERM/);
  await rejects(store.awaitPosition(3, epoch, 1), /NOPERM/);
  await rejects(looked.putIfAbsent([{ key: "b:z", value: "y" }]), /NOPERM/);
  await rejects(looked.restore([{ key: "b:x", value: "z" }]), /NOPERM/);
  for (const one of [written, index, store, looked]) await one.close();
});

const REFUSED = `flushall|flushdb|keys *|config set maxmemory 1|config rewrite|config resetstat|debug sleep 0|eval x 0
script flush|script kill|function load x|function flush|fcall x 0|shutdown nosave|save|bgsave|replicaof no one
failover|acl list|acl setuser x on|client list|client kill id 1|monitor|module list|migrate h 1 k 0 1|cluster reset
cluster forget x|latency reset|slowlog get|memory doctor|psync x 0|subscribe x|publish x y|swapdb 0 1|randomkey
dump OURS|restore OURS 0 x|rename OURS OURS2|copy OURS OURS2|sort OURS|object freq OURS|expire OURS 1|persist OURS
get other:x|set other:x y|del other:x|mget OURS other:x`.split(/[|\n]/);

for (const user of ["writer", "reader"] as const)
  test(`the ${user} of Redis is refused whatever it does not need, and the keys of others`, async (t) => {
    const place = await findPlace(t, user);
    if (place === null) return;
    const { admin, username, prefix } = place;
    for (const line of [
      ...REFUSED,
      ...(user === "reader" ? ["set OURS x", "del OURS", "scan 0", "evalsha x 0", "bgrewriteaof"] : []),
    ]) {
      const words = line.replaceAll("OURS", `${prefix}x`).split(" ");
      match(String(await admin.call("ACL", "DRYRUN", username, ...words)), /has no permissions to/, line);
    }
    equal(await admin.call("ACL", "DRYRUN", username, "get", `${prefix}x`), "OK");
  });

test("no command is allowed that nothing of the adapter sends", () => {
  const folder = join(ROOT, "services/adapters/redis");
  const source = readdirSync(folder)
    .filter((file) => file !== "access.ts")
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("\n")
    .toLowerCase();
  // CLUSTER SLOTS is what ioredis finds its way by.
  for (const command of REDIS_USERS.writer.filter((one) => one !== "cluster|slots")) {
    const [name = "", word] = command.split("|");
    const sent = word === undefined ? [`'${name}'`, `.${name}(`, `.${name}buffer(`, `"${name}"`] : [`"${word}"`];
    ok(
      sent.some((text) => source.includes(text)),
      command,
    );
  }
});
