import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { openRedisIndex } from "#adapters/redis/index.ts";
import { servicesOrSkip } from "#support/services.ts";
import { testIndex } from "../contract/index.contract.ts";

testIndex("redis", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return null;
  const place = { url: services.redisUrl, prefix: `test-${randomUUID()}:` };
  t.after(async () => {
    const redis = new Redis(services.redisUrl, { protocol: 2 });
    for await (const keys of redis.scanStream({ match: `${place.prefix}*`, count: 1000 })) {
      if (keys.length > 0) await redis.unlink(keys);
    }
    redis.disconnect();
  });
  return { first: openRedisIndex(place), second: openRedisIndex(place) };
});
