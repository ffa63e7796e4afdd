// npm run bench:engine: CPU and memory of the way of an event in one process, without servers: Avro, resolver, inner
// bundles, engine, parts and outputs as in production, over the memory store and index. For comparing two commits: CPU
// time drifts less than wall time, allocated bytes hardly at all, and the digest says that both told the world the same.
//
//   npm run bench:engine -- [--events N] [--people N] [--batch N] [--seed N] [--shape uniform|zipf] [--json]
//
// The first fifth of the events warms the compiler up and is not counted. Not measured: Kafka, Redis, sockets.

import { createHash as createDigest } from "node:crypto";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { readArguments } from "#support/arguments.ts";
import { GCProfiler } from "node:v8";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openMemoryStore } from "#adapters/memory/store.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import type { Decoded } from "#ports/codec.ts";
import { createEngine } from "#core/engine.ts";
import type { ChannelEvent } from "#core/event.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { nameTopics } from "#services/config/topics.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { resolveBatch } from "#services/resolver/resolver.ts";
import { ShardStitcher, type Bundle } from "#services/stitcher/shard.ts";
import { encodeBundles, listOpened, listSealed, readBundle, type BundleValue } from "#services/wire/bundle.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { createHash } from "#services/wire/hash.ts";
import { createOutputEncoder } from "#services/wire/output.ts";
import { PayloadKeys } from "#services/wire/payload-keys.ts";
import { createLoad, type LoadOptions } from "./load.ts";

const SHARDS = 64;
const SOURCE = "web";
const WARMING_SHARE = 0.2;

const USAGE =
  "npm run bench:engine -- [--events N] [--people N] [--batch N] [--seed N] [--shape uniform|zipf] [--json]";
const { values: options } = readArguments(USAGE, () =>
  parseArgs({
    options: {
      events: { type: "string", default: "60000" },
      people: { type: "string", default: "30000" },
      batch: { type: "string", default: "2000" },
      seed: { type: "string", default: "1" },
      shape: { type: "string", default: "uniform" },
      json: { type: "boolean", default: false },
    },
  }),
);
const load: LoadOptions = {
  events: Number(options.events),
  people: Number(options.people),
  seed: Number(options.seed),
  shape: options.shape === "zipf" ? "zipf" : "uniform",
};

type Part = "decode" | "resolve" | "stitch" | "store";
const cpuUs = new Map<Part, number>();

/** Of this thread; what runs between the start and the end of the work counts, so nothing else may. */
async function spend<T>(part: Part, work: () => T | Promise<T>): Promise<T> {
  const before = process.threadCpuUsage();
  const done = await work();
  const { user, system } = process.threadCpuUsage(before);
  cpuUs.set(part, (cpuUs.get(part) ?? 0) + user + system);
  return done;
}

function valueOf(decoded: Decoded): unknown {
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.value;
}

const codec = await openLocalCodec({ schemasDirectory: resolve(import.meta.dirname, "../../schemas") });
const names = nameTopics("");
const { configuration } = loadConfiguration(undefined, {});
const hash = createHash("a bench");
const engine = createEngine({
  configuration,
  hash,
  resolverSlots: 1,
  decode: (bytes) => valueOf(codec.decode(bytes)) as ChannelEvent,
});
const routes = openMemoryIndex();
const index = new ComponentIndex(routes, hash);
const keys = new PayloadKeys({
  index: routes,
  identityKey: Buffer.from("a bench"),
  topic: names.keys,
  now: () => performance.now(),
});
const recent = new RecentEvents();
const memory = openMemoryStore();
const encodeBundle = (await codec.encoder(names.resolved, "ResolvedBundle")) as (value: BundleValue) => Uint8Array;
const epochs = await memory.raiseEpochs(Array.from({ length: SHARDS }, (_, shard) => shard));
const services = {
  engine,
  store: {
    ...memory,
    commit: (commit: Parameters<typeof memory.commit>[0]) => spend("store", () => memory.commit(commit)),
  },
  shards: SHARDS,
  resolvedTopic: names.resolved,
  encodeBundle,
  encodeOutput: await createOutputEncoder(codec, names),
  prepareEvents: async () => {},
  findRoots: (components: readonly string[]) => index.findRoots(components),
  join: (request: Parameters<typeof index.join>[0]) => index.join(request),
  keys,
  sealing: (sealed: readonly string[]) => keys.toSeal(sealed, ""),
};
const stitchers = Array.from(
  epochs,
  ([shard, epoch]) => new ShardStitcher(services, shard, epoch, { offset: 0, step: 0 }),
);
const inner = Array.from({ length: SHARDS }, (): Uint8Array[] => []);
const offsets = inner.map(() => 0);
const digest = createDigest("sha256");
let records = 0;

async function stitchAll(): Promise<void> {
  while (inner.some((log) => log.length > 0)) {
    for (const [shard, log] of inner.entries()) {
      const taken = log.splice(0);
      const start = offsets[shard] as number;
      offsets[shard] = start + taken.length;
      if (taken.length === 0) continue;
      const step = await spend("stitch", async () => {
        const values = taken.map((bytes) => valueOf(codec.decode(bytes)) as BundleValue);
        const opening = await keys.toOpen(values.flatMap(listOpened));
        const bundles = values.map((value, i): Bundle => ({ offset: start + i, items: readBundle(value, opening) }));
        return (stitchers[shard] as ShardStitcher).apply(bundles, { offset: start, step: 0 }, { offset: 0, step: 0 });
      });
      if (step.outcome !== "committed") throw new Error(`shard ${shard}: ${step.outcome}`);
      for (const { topic, key, value, partition } of step.records) {
        // What is sealed, and a key, is never the same twice.
        if (topic === names.resolved) inner[partition as number]?.push(value as Uint8Array);
        else if (topic !== names.keys) digest.update(`${topic} ${key}`).update(value ?? "");
        records += 1;
      }
    }
  }
}

async function run(bytes: readonly Uint8Array[], startMs: number): Promise<void> {
  const events = await spend("decode", () => bytes.map((value) => valueOf(codec.decode(value)) as ChannelEvent));
  await spend("resolve", async () => {
    const arrivals = events.map((event, i) => ({
      source: SOURCE,
      recordedAt: startMs + i,
      event,
      bytes: bytes[i] as Uint8Array,
      backfill: false,
      traceparent: null,
    }));
    const { items } = await resolveBatch({ registry: engine.registry, index, shards: SHARDS, recent }, arrivals);
    const seals = await keys.toSeal([...items.values()].flatMap(listSealed), "");
    keys.confirm(seals.records);
    for (const [shard, list] of items) inner[shard]?.push(...encodeBundles(encodeBundle, 0, startMs, list, seals));
  });
  await stitchAll();
}

/** What was allocated between start and stop, counted at each collection. */
function countAllocations(): () => number {
  const profiler = new GCProfiler();
  const startBytes = process.memoryUsage().heapUsed;
  profiler.start();
  return () => {
    let sum = 0;
    let last = startBytes;
    for (const { beforeGC, afterGC } of profiler.stop()?.statistics ?? []) {
      sum += beforeGC.heapStatistics.usedHeapSize - last;
      last = afterGC.heapStatistics.usedHeapSize;
    }
    return sum + process.memoryUsage().heapUsed - last;
  };
}

const encodeEvent = await codec.encoder("channel-web", "ChannelEvent");
const batches: { bytes: Uint8Array[]; startMs: number }[] = [];
for (const event of createLoad(load)) {
  const open = batches.at(-1);
  if (open !== undefined && open.bytes.length < Number(options.batch)) open.bytes.push(encodeEvent(event));
  else batches.push({ bytes: [encodeEvent(event)], startMs: event.occurredAt });
}
const warming = Math.floor(batches.length * WARMING_SHARE);
for (const { bytes, startMs } of batches.slice(0, warming)) await run(bytes, startMs);
cpuUs.clear();
records = 0;
const counted = batches.slice(warming);
const finishCounting = countAllocations();
const before = process.cpuUsage();
for (const { bytes, startMs } of counted) await run(bytes, startMs);
const { user, system } = process.cpuUsage(before);
const allocated = finishCounting();

const events = counted.reduce((sum, { bytes }) => sum + bytes.length, 0);
const perEvent = (amount: number) => Number((amount / events).toFixed(2));
// A commit is awaited within the stitcher's step.
cpuUs.set("stitch", (cpuUs.get("stitch") ?? 0) - (cpuUs.get("store") ?? 0));
const result = {
  ...load,
  cpuUsPerEvent: {
    all: perEvent(user + system),
    ...Object.fromEntries([...cpuUs].map(([part, us]) => [part, perEvent(us)])),
  },
  allocatedBytesPerEvent: Math.round(allocated / events),
  recordsPerEvent: perEvent(records),
  digest: digest.digest("hex").slice(0, 16),
};
if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
else {
  const parts = Object.entries(result.cpuUsPerEvent).map(([part, us]) => `${part} ${us}`);
  process.stdout.write(`CPU us per event       ${parts.join(", ")}\n`);
  process.stdout.write(`allocated per event    ${result.allocatedBytesPerEvent} bytes\n`);
  process.stdout.write(`outputs                ${result.recordsPerEvent} records an event, digest ${result.digest}\n`);
}
