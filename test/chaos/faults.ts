// What happens to the processes and services of a rig, each as it happens to people's. A fault is over when it returns, and
// what it did to the rig is mended, but for what the product has to mend itself.

import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { killService, restartService } from "../../infra/services.ts";
import type { Random } from "#support/cluster.ts";
import { API } from "#support/kafka-proxy.ts";
import { FAILPOINTS } from "./failpoints.ts";
import { Replica } from "./replica.ts";
import { SmallDisk } from "./small-disk.ts";
import type { Rig } from "./rig.ts";

/** Longer than a member's session and a transaction's time-out (10 s). */
const PAUSE_MS = 13_000;
const DOWN_MS = 2_000;
/** What one worker takes in is soon done: there is more for each pass. */
const FAILPOINT_FEEDS = 3;
const FAILPOINT_WAIT_MS = 20_000;
const FAILPOINT_PASSES_MAX = 6;
const SELDOM_PASSES_MAX = 2;

const KEYS_LOOKS_MAX = 10;
const LATE_MS_MAX = 12_000;
const STRIKE_WAIT_MS = 10_000;
const FULL_MS = 4_000;
/** null: a script of Redis. */
const ANSWERS = {
  EndTxn: API.endTxn,
  TxnOffsetCommit: API.txnOffsetCommit,
  Produce: API.produce,
  script: null,
} as const;
const ANSWER_FAULTS = ["lose-answer", "lose-request", "delay-answer"] as const;

/** Feeds the rig while the fault is on. */
type Feed = () => Promise<unknown>;
export type Fault = (rig: Rig, random: Random, feed: Feed) => Promise<string>;

export const FAULTS = {
  async kill(rig, random, feed) {
    const feeding = feed();
    await sleep(random() * 1_500);
    const worker = rig.workers[Math.floor(random() * rig.workers.length)];
    await worker?.kill();
    await feeding;
    return worker?.verb ?? "nobody";
  },
  async failpoint(rig, random, feed) {
    const names = Object.keys(FAILPOINTS);
    return await dieAt(rig, names[Math.floor(random() * names.length)] as string, random, feed);
  },
  /** It believes that it still owns its slots when it wakes. */
  async zombie(rig, random, feed) {
    const worker = rig.workers[Math.floor(random() * rig.workers.length)];
    const feeding = feed();
    await sleep(random() * 1_000);
    worker?.signal("SIGSTOP");
    await Promise.all([feeding, sleep(PAUSE_MS)]);
    worker?.signal("SIGCONT");
    await feed();
    return worker?.verb ?? "nobody";
  },
  async "kafka-killed"(rig, random, feed) {
    const feeding = feed();
    await sleep(random() * 1_500);
    await killService({ directory: rig.directory, name: "kafka" });
    await sleep(DOWN_MS);
    await restartService({ directory: rig.directory, name: "kafka" });
    await feeding;
    return "";
  },
  async "redis-killed"(rig, random, feed) {
    const feeding = feed();
    await sleep(random() * 1_500);
    await killService({ directory: rig.directory, name: "redis" });
    await sleep(DOWN_MS);
    await restartService({ directory: rig.directory, name: "redis" });
    await feeding;
    return "";
  },
  /** A fail-over to a replica whose link had been cut for a while: what was acknowledged meanwhile is lost. */
  async "redis-promoted"(rig, random, feed) {
    const replica = await Replica.follow(rig);
    try {
      await feed();
      await replica.cut();
      const feeding = feed();
      await sleep(500 + random() * 3_000);
      const lost = await replica.promote();
      await feeding;
      await feed();
      return lost > 0 ? `${lost} bytes behind` : "nothing lost, not met";
    } finally {
      await replica.end();
    }
  },
  /** Restarted from an older copy of its file. */
  async "redis-tail-lost"(rig, random, feed) {
    const data = join(rig.directory, "redis", "data");
    const older = join(rig.directory, "older");
    rmSync(older, { recursive: true, force: true });
    cpSync(data, older, { recursive: true });
    await feed();
    await sleep(random() * 1_500);
    await killService({ directory: rig.directory, name: "redis" });
    rmSync(data, { recursive: true });
    cpSync(older, data, { recursive: true });
    await restartService({ directory: rig.directory, name: "redis" });
    return "";
  },
  async "redis-flushed"(rig, random, feed) {
    const feeding = feed();
    await sleep(random() * 1_500);
    await command(rig, (redis) => redis.flushall());
    await feeding;
    return "";
  },
  async "redis-keys-lost"(rig, random, feed) {
    const count = await command(rig, async (redis) => {
      // Behind a flush there is nothing to lose before the shards are folded anew.
      for (let look = 0; look < KEYS_LOOKS_MAX; look += 1) {
        const keys = await redis.keys(`${rig.deployment.prefix}*{s*`);
        const lost = keys.filter((key) => !key.endsWith(":head") && random() < 0.05);
        if (lost.length > 0) return await redis.del(...lost);
        await sleep(DOWN_MS);
      }
      return 0;
    });
    await feed();
    return count === 0 ? "no key, not met" : `${count} keys`;
  },
  /** One chosen answer of Kafka or Redis is lost, or its request is, or it comes late. */
  async "answer-lost"(rig, random, feed) {
    const places = Object.keys(ANSWERS) as (keyof typeof ANSWERS)[];
    const place = places[Math.floor(random() * places.length)] as keyof typeof ANSWERS;
    const fault = ANSWER_FAULTS[Math.floor(random() * ANSWER_FAULTS.length)] as (typeof ANSWER_FAULTS)[number];
    const delayMs = Math.round(500 + random() * LATE_MS_MAX);
    const feeding = feed();
    await sleep(random() * 1_500);
    const api = ANSWERS[place];
    const struck = api === null ? rig.wires.redis.strike(fault, delayMs) : rig.wires.kafka.strike(api, fault, delayMs);
    await feeding;
    const hasStruck = await Promise.race([struck.then(() => true), sleep(STRIKE_WAIT_MS, false)]);
    await feed();
    return `${place} ${fault}${fault === "delay-answer" ? ` by ${delayMs} ms` : ""}${hasStruck ? "" : ", not met"}`;
  },
  /** The disk under Redis or Kafka is full for a while; the service may stop or refuse, and is started again if it stopped. */
  async "disk-full"(rig, random, feed) {
    const name = random() < 0.5 ? "redis" : "kafka";
    const disk = await SmallDisk.put(rig.directory, name);
    if (disk === null) return `${name}: this user cannot mount a small disk, nothing was done`;
    try {
      const feeding = feed();
      await sleep(500);
      disk.fill();
      await sleep(FULL_MS);
      disk.free();
      await killService({ directory: rig.directory, name });
      await restartService({ directory: rig.directory, name });
      await feeding;
      return name;
    } finally {
      await disk.remove();
    }
  },
  async "rebalance-storm"(rig, random, feed) {
    const feeding = feed();
    for (let turn = 0; turn < 4; turn += 1) {
      const worker = await rig.start(random() < 0.5 ? "resolve" : "stitch", null);
      await sleep(random() * 1_000);
      await worker.stop();
    }
    await feeding;
    return "";
  },
} satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;

/** An extra worker that dies at the failpoint; the others of its verb make way for it first, so everything is its own. */
export async function dieAt(rig: Rig, name: string, random: Random, feed: Feed): Promise<string> {
  const { verb = "stitch", isSeldom = false } = FAILPOINTS[name] ?? {};
  const passes = 1 + Math.floor(random() * (isSeldom ? SELDOM_PASSES_MAX : FAILPOINT_PASSES_MAX));
  const hasDied = await rig.holdRestarts(async () => {
    const doomed = await rig.start(verb, `${name}:${passes}`);
    for (const worker of rig.workers) if (worker.verb === verb && worker !== doomed) await worker.kill();
    const died = doomed.ended.then(({ signal }) => signal === "SIGKILL");
    for (let feeds = 0; feeds < FAILPOINT_FEEDS; feeds += 1) {
      const feeding = feed();
      const isDead = await Promise.race([died, sleep(FAILPOINT_WAIT_MS, false)]);
      await feeding;
      if (isDead) return true;
    }
    await doomed.kill();
    return false;
  });
  return `${name}, pass ${passes}${hasDied ? "" : ", not reached"}`;
}

async function command<T>(rig: Rig, body: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(rig.services.redisUrl);
  try {
    return await body(redis);
  } finally {
    redis.disconnect();
  }
}
