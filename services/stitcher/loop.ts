// The loop of one stitcher slot: bundles of its shards in, parts committed to the store, outputs published with the
// position in one transaction. Take-over order: epochs, producer, and only then R (store) and K (log).
//   R > K  committed, not published: publish what the outbox holds
//   R < K  the store lost what it had acknowledged: fold [R, K) again with publishing suppressed
// Folding the next batch overlaps publishing the last one; the outbox keeps the order.

import { setTimeout as delay } from "node:timers/promises";
import { type Codec, RegistryUnavailable } from "#ports/codec.ts";
import { LogError, partitionKey, type LogRecord, type NewRecord, type OwnedSlot, type Position } from "#ports/log.ts";
import { StoreDamaged, StoreUnavailable } from "#ports/store.ts";
import { readBundle, type BundleValue } from "../wire/bundle.ts";
import { patiently, type Waiting } from "../wire/patience.ts";
import { ShardStitcher, type Bundle, type ShardServices } from "./shard.ts";

export const BATCH_BUNDLES_MAX = 200;
/** Bundles of one shard in one commit: bounds how long its script holds the store. */
export const COMMIT_BUNDLES_MAX = 64;

export interface StitcherServices extends ShardServices {
  readonly codec: Codec;
  readonly transactionIntervalMs: number;
  readonly waiting: Waiting;
}

/** A commit was refused: another owner, or another R. Everything held in memory is void. */
class CommitRefused extends Error {}

/** StoreDamaged: a new owner, of whom this one has not heard yet, may commit between the two reads of one component. */
const PASSING = [LogError, StoreUnavailable, StoreDamaged, RegistryUnavailable, CommitRefused];

export async function runStitcherSlot(given: StitcherServices, slot: OwnedSlot): Promise<void> {
  const services: StitcherServices = {
    ...given,
    prepareEvents: (events) =>
      patiently(given.waiting, slot.revoked, "schema registry", () => given.prepareEvents(events)),
  };
  while (!slot.revoked.aborted) {
    try {
      await pumpSlot(services, slot);
    } catch (error) {
      if (slot.revoked.aborted) return;
      if (!PASSING.some((kind) => error instanceof kind)) throw error;
      services.waiting.onWait(`stitcher slot ${slot.slot}: ${(error as Error).message}; taking the slot over again`);
      const pauseMs = error instanceof LogError && error.code === "log-outcome-unknown" ? 0 : 500;
      await delay(pauseMs, undefined, { signal: slot.revoked }).catch(() => {});
    }
  }
}

interface OwnedShard {
  readonly stitcher: ShardStitcher;
  readonly key: string;
  /** Below it nothing is published again. */
  readonly publishedAtTakeOver: number;
  published: Position;
  target: Position;
}

async function takeOver(services: StitcherServices, slot: OwnedSlot): Promise<Map<number, OwnedShard>> {
  const shards = slot.partitions.map(({ partition }) => partition);
  const epochs = await services.store.raiseEpochs(shards);
  await slot.takeOver();
  const published = await slot.positions();
  const owned = new Map<number, OwnedShard>();
  const unpublished: NewRecord[] = [];
  const from = new Map<string, Position>();
  const caughtUp = new Map<string, Position>();
  for (const shard of shards) {
    const key = partitionKey({ topic: services.resolvedTopic, partition: shard });
    const head = await services.store.readHead(shard);
    const k = published.get(key) ?? { offset: 0, step: 0 };
    for (const entry of head.outbox) if (entry.to.offset > k.offset) unpublished.push(...entry.records);
    const reached = head.position.offset > k.offset ? head.position : k;
    if (head.position.offset > k.offset) caughtUp.set(key, head.position);
    from.set(key, head.position);
    owned.set(shard, {
      stitcher: new ShardStitcher(services, shard, epochs.get(shard) as number, head.position),
      key,
      publishedAtTakeOver: k.offset,
      published: reached,
      target: reached,
    });
    if (head.position.offset < k.offset)
      services.waiting.onWait(
        `shard ${shard}: the store is behind what was published (${head.position.offset} < ${k.offset}); folding again without publishing`,
      );
  }
  if (caughtUp.size > 0) await slot.publish(unpublished, caughtUp);
  slot.seek(from);
  return owned;
}

async function pumpSlot(services: StitcherServices, slot: OwnedSlot): Promise<void> {
  const owned = await takeOver(services, slot);
  let publishing: Promise<void> = Promise.resolve();
  try {
    for (let startedAt = performance.now(); !slot.revoked.aborted; ) {
      const spare = services.transactionIntervalMs - (performance.now() - startedAt);
      if (spare > 0) await delay(spare, undefined, { signal: slot.revoked }).catch(() => {});
      startedAt = performance.now();
      const { records } = await slot.poll(BATCH_BUNDLES_MAX, 1000);
      if (records.length === 0) continue;
      await patiently(services.waiting, slot.revoked, "schema registry", () =>
        services.codec.prepare(records.map(({ value }) => value)),
      );
      const out = await Promise.all(
        [...groupByShard(records)].map(([shard, list]) => fold(services, owned.get(shard) as OwnedShard, list)),
      );
      await publishing;
      publishing = publish(slot, [...owned.values()], out.flat());
      publishing.catch(() => {});
    }
  } finally {
    await publishing.catch(() => {});
  }
  await publishing;
}

function groupByShard(records: readonly LogRecord[]): Map<number, LogRecord[]> {
  const shards = new Map<number, LogRecord[]>();
  for (const record of records) {
    const list = shards.get(record.partition);
    if (list === undefined) shards.set(record.partition, [record]);
    else list.push(record);
  }
  return shards;
}

async function fold(
  services: StitcherServices,
  owned: OwnedShard,
  records: readonly LogRecord[],
): Promise<NewRecord[]> {
  const bundles = records.map((record) => decodeBundle(services.codec, record));
  const out: NewRecord[] = [];
  for (let i = 0; i < bundles.length; i += COMMIT_BUNDLES_MAX) {
    const step = await owned.stitcher.apply(
      bundles.slice(i, i + COMMIT_BUNDLES_MAX),
      owned.published,
      owned.publishedAtTakeOver,
    );
    if (step.outcome !== "committed") throw new CommitRefused(`shard ${owned.stitcher.shard}: commit ${step.outcome}`);
    out.push(...step.records);
    if (step.to.offset > owned.target.offset) owned.target = step.to;
  }
  return out;
}

async function publish(slot: OwnedSlot, shards: readonly OwnedShard[], records: readonly NewRecord[]): Promise<void> {
  const moved = shards
    .filter(({ published, target }) => target.offset > published.offset)
    .map((owned) => ({ owned, target: owned.target }));
  if (moved.length === 0 && records.length === 0) return;
  await slot.publish(records, new Map(moved.map(({ owned, target }) => [owned.key, target])));
  for (const { owned, target } of moved) owned.published = target;
}

function decodeBundle(codec: Codec, record: LogRecord): Bundle {
  const decoded = codec.decode(record.value);
  if (!decoded.ok)
    throw new Error(
      `inner record ${record.topic}/${record.partition}@${record.offset} cannot be read: ${decoded.reason}`,
    );
  return { offset: record.offset, items: readBundle(decoded.value as BundleValue) };
}
