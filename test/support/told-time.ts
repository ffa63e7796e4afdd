// A test in the place of the resolvers, on real Kafka and Redis: it resolves events as they do, and says itself how much
// time has passed, so that days go by in seconds. Stitchers are those of the product.

import { setTimeout as sleep } from "node:timers/promises";
import type { Carried } from "#core/item.ts";
import type { Membership } from "#ports/log.ts";
import { openRuntime, type Runtime } from "#services/cli/runtime.ts";
import { topicNames } from "#services/config/topics.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { createProgress } from "#services/resolver/progress.ts";
import { resolveBatch, type Arrival } from "#services/resolver/resolver.ts";
import { type BundleValue, encodeBundles, listSealed } from "#services/wire/bundle.ts";
import type { Deployment } from "./deployment.ts";
import type { StoryEvent } from "./stories.ts";

/** Homes answer each other: an absorbed one its target, that one whoever waits. */
const ROUNDS = 5;
const WAIT_MS = 60_000;

export class ToldTime {
  readonly runtime: Runtime;
  readonly #deployment: Deployment;
  readonly #stitcher: Membership;
  readonly #complete = new Map<string, number>();
  readonly #stopped: string[];
  #timeMs = 0;

  static async open(deployment: Deployment): Promise<ToldTime> {
    const stopped: string[] = [];
    const runtime = await openRuntime(deployment.loaded, {
      isProcess: true,
      embedded: false,
      onWait: () => {},
      onStopped: (shard, reason) => stopped.push(`shard ${shard}: ${reason}`),
    });
    await runtime.createTopics();
    return new ToldTime(deployment, runtime, await runtime.startStitcher(), stopped);
  }

  private constructor(deployment: Deployment, runtime: Runtime, stitcher: Membership, stopped: string[]) {
    this.#stopped = stopped;
    this.#deployment = deployment;
    this.runtime = runtime;
    this.#stitcher = stitcher;
  }

  /** Time passes up to here, then these are recorded, and all that follows from them is done before it returns. */
  async tell(recordedAt: number, events: readonly StoryEvent[]): Promise<void> {
    await this.pass(recordedAt);
    const { engine, index, wires } = this.runtime;
    const { shards } = this.#deployment.loaded.deployment.engine;
    const arrivals: Arrival[] = [];
    for (const { source, event } of events) {
      const topic = this.#deployment.channelTopic(source);
      const bytes = (await wires.codec.encoder(topic, "ChannelEvent"))({ traits: {}, ...event });
      arrivals.push({ source, recordedAt, event, bytes, backfill: false, traceparent: null });
    }
    const options = { registry: engine.registry, index, shards, recent: new RecentEvents() };
    this.#timeMs = recordedAt;
    const { items, refused, latestOccurredAt } = await resolveBatch(options, arrivals);
    if (refused.length > 0) throw new Error(`refused: ${refused[0]?.reason} ${refused[0]?.detail}`);
    await this.#append(items, recordedAt);
    await this.#settle();
    for (const [source, upTo] of latestOccurredAt)
      this.#complete.set(source, Math.max(upTo, this.#complete.get(source) ?? 0));
    await this.pass(recordedAt);
  }

  /** Every resolver slot has passed this time. */
  async pass(timeMs: number): Promise<void> {
    this.#timeMs = timeMs;
    await this.#settle();
  }

  async #tick(): Promise<void> {
    const timeMs = this.#timeMs;
    const { shards, resolverSlots } = this.#deployment.loaded.deployment.engine;
    const passing = { fromMs: timeMs, upToMs: timeMs, stepMs: 1, completeUpToMs: Object.fromEntries(this.#complete) };
    const ticks = Array.from({ length: resolverSlots }, (_, slot): Carried => {
      return { item: createProgress({ slot, ...passing }, timeMs), event: null };
    });
    await this.#append(new Map(Array.from({ length: shards }, (_, shard) => [shard, ticks])), timeMs);
  }

  async close(): Promise<void> {
    await this.#stitcher.close();
    await this.runtime.close();
  }

  async #append(items: ReadonlyMap<number, readonly Carried[]>, timeMs: number): Promise<void> {
    const topic = topicNames(this.#deployment.loaded).resolved;
    const encode = (await this.runtime.wires.codec.encoder(topic, "ResolvedBundle")) as (
      value: BundleValue,
    ) => Uint8Array;
    const { keys, wires } = this.runtime;
    const seals = await keys.toSeal([...items.values()].flatMap(listSealed), "told");
    const records = [...items].flatMap(([partition, list]) =>
      encodeBundles(encode, 0, timeMs, list, seals).map((value) => ({ topic, partition, key: "r0", value })),
    );
    await wires.log.append([...seals.records, ...records]);
    keys.confirm(seals.records);
  }

  /** What is appended behind the marks of transactions shows that all before it was applied. */
  async #settle(): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    for (let round = 0; round < ROUNDS; round += 1) {
      const ends = (await this.#deployment.readShards()).map(({ end }) => end);
      await this.#tick();
      const isDone = async () =>
        (await this.#deployment.readShards()).every(({ position }, shard) => position > (ends[shard] ?? 0));
      while (!(await isDone())) {
        if (this.#stopped.length > 0) throw new Error(this.#stopped.join("; "));
        if (Date.now() > deadline) throw new Error(`stitching took more than ${WAIT_MS / 1000} s`);
        await sleep(10);
      }
    }
  }
}
