// One stitcher loop over one shard's log, without Kafka: a slot that hands the log out one bundle at a time, and is taken
// away at its end or when the loop says that it has to take over again.

import type { Engine } from "#core/engine.ts";
import type { Carried } from "#core/item.ts";
import type { LogRecord, NewRecord, OwnedSlot, TopicPartition } from "#ports/log.ts";
import { partitionKey } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import { runStitcherSlot, type StitcherServices } from "#services/stitcher/loop.ts";
import { ShardStitcher } from "#services/stitcher/shard.ts";
import { encodeBundles, readBundle, type BundleValue } from "#services/wire/bundle.ts";

/** Of the inner log. */
export const PARTITION = { topic: "weft.resolved", partition: 0 };

/** Of one partition, that nobody else has ever had. */
export function openLoneSlot(partition: TopicPartition, revoked: AbortSignal): Omit<OwnedSlot, "poll" | "publish"> {
  return {
    slot: 0,
    partitions: [partition],
    revoked,
    takeOver: async () => {},
    positions: async () => new Map(),
    seek: () => {},
  };
}

/** As the inner log of a shard that has these bundles: the value of each is its place. */
export function listRecords(bundles: readonly BundleValue[], partition: TopicPartition = PARTITION): LogRecord[] {
  return bundles.map((_, offset) => {
    return { ...partition, offset, key: null, value: Uint8Array.of(offset), headers: {}, timestampMs: 0 };
  });
}

/** Of a stitcher that nobody else is beside: it joins nobody, and what it sends is nothing. */
export function createLoneServices(engine: Engine, store: Store, bundles: readonly BundleValue[]): StitcherServices {
  return {
    engine,
    store,
    shards: 1,
    resolvedTopic: PARTITION.topic,
    encodeBundle: () => new Uint8Array(),
    encodeOutput: ({ kind }) => ({ topic: "outputs", key: kind, value: null }),
    prepareEvents: async () => {},
    findRoots: async () => new Map(),
    join: async () => [],
    codec: {
      prepare: async () => {},
      decode: (value) => ({ ok: true, schemaId: 0, value: bundles[value?.[0] ?? -1] }),
      encoder: async () => () => new Uint8Array(),
    },
    transactionIntervalMs: 0,
    waiting: { onWait: () => {} },
  };
}

export interface LoneWorker {
  /** Runs the loop to the end of the log; `publish` is acknowledged when it resolves. Returns what it had to say. */
  run(store: Store, publish: (records: readonly NewRecord[], upTo: number) => Promise<void>): Promise<string[]>;
  /** Another owner takes the shard over and folds the whole log. */
  takeOver(store: Store): Promise<void>;
}

export function createLoneWorker(engine: Engine, log: readonly Carried[]): LoneWorker {
  const bundles: BundleValue[] = [];
  const keep = (bundle: BundleValue) => Uint8Array.of(bundles.push(bundle) - 1);
  for (const carried of log) encodeBundles(keep, 0, 0, [carried]);
  const records = listRecords(bundles);
  const servicesOf = (store: Store, onWait: (line: string) => void): StitcherServices => {
    return { ...createLoneServices(engine, store, bundles), waiting: { onWait } };
  };
  return {
    async run(store, publish) {
      const ending = new AbortController();
      const said: string[] = [];
      const left = [...records];
      const slot: OwnedSlot = {
        ...openLoneSlot(PARTITION, ending.signal),
        poll: async () => {
          if (left.length === 0) ending.abort();
          return { records: left.splice(0, 1), reach: new Map() };
        },
        publish: (out, positions) => publish(out, positions.get(partitionKey(PARTITION))?.offset ?? 0),
      };
      const services = servicesOf(store, (line) => {
        said.push(line);
        ending.abort();
      });
      await runStitcherSlot(services, slot);
      return said;
    },
    async takeOver(store) {
      const epoch = (await store.raiseEpochs([0])).get(0) ?? 0;
      const services = servicesOf(store, () => {});
      const stitcher = new ShardStitcher(services, 0, epoch, { offset: 0, step: 0 });
      const whole = bundles.map((bundle, offset) => ({ offset, items: readBundle(bundle) }));
      await stitcher.apply(whole, { offset: 0, step: 0 }, { offset: 0, step: 0 });
    },
  };
}
