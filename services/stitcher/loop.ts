// The loop of one stitcher slot: bundles of its shards in, parts committed to the store, outputs published with the
// position in one transaction. Take-over order: epochs, producer, and only then R (store) and K (log).
//   R > K  committed, not published: publish what the outbox holds
//   R < K  the store lost what it had acknowledged: fold [R, K) again with publishing suppressed
//   a shard of which a part, a timer or an entry is missing is emptied first: R = 0
// Folding the next batch overlaps publishing the last one; the outbox keeps the order.
// A shard that cannot go on (an inner record that nobody can read, a fault of the engine) stops where it is, and says so;
// the other shards of the slot go on. Nothing is skipped: the next take-over tries again.

import { setTimeout as delay } from "node:timers/promises";
import { type Codec, RegistryUnavailable } from "#ports/codec.ts";
import { LogError, partitionKey, type LogRecord, type NewRecord, type OwnedSlot, type Position } from "#ports/log.ts";
import { StoreDamaged, StoreUnavailable, type ShardHead } from "#ports/store.ts";
import { readBundle, type BundleValue } from "../wire/bundle.ts";
import { StallWatch } from "../wire/stall.ts";
import { patiently, type Waiting } from "../wire/patience.ts";
import { ShardStitcher, type Bundle, type ShardServices } from "./shard.ts";

export const BATCH_BUNDLES_MAX = 200;
/** How often a few parts of one shard of the slot are looked for: what nobody reads is missed in the end too. */
const SCRUB_INTERVAL_MS = 1_000;
/** Bundles of one shard in one commit: bounds how long its script holds the store. */
export const COMMIT_BUNDLES_MAX = 64;

export interface StitcherServices extends ShardServices {
  readonly codec: Codec;
  readonly transactionIntervalMs: number;
  readonly waiting: Waiting;
  /** The shard stays where it is until somebody has seen to it. */
  onStopped?(shard: number, reason: string): void;
}

/** A commit was refused: another owner, or another R. Everything held in memory is void. */
class CommitRefused extends Error {}

/** The shard has lost what it acknowledged (S2): it has to be emptied and folded anew. */
class ShardDamaged extends Error {
  readonly shard: number;
  /** Seen by the store itself, in one step. What was read in two may have been changed in between by a newer owner. */
  readonly isSure: boolean;
  constructor(shard: number, what: string, isSure: boolean) {
    super(`shard ${shard}: ${what}`);
    this.shard = shard;
    this.isSure = isSure;
  }
}

const PASSING = [LogError, StoreUnavailable, RegistryUnavailable, CommitRefused, ShardDamaged];

export async function runStitcherSlot(given: StitcherServices, slot: OwnedSlot): Promise<void> {
  const services: StitcherServices = {
    ...given,
    prepareEvents: (events) =>
      patiently(given.waiting, slot.revoked, "schema registry", () => given.prepareEvents(events)),
  };
  const damaged = new Map<number, string>();
  const suspected = new Set<number>();
  while (!slot.revoked.aborted) {
    try {
      await pumpSlot(services, slot, damaged, (shard) => suspected.delete(shard));
    } catch (error) {
      if (slot.revoked.aborted) return;
      if (error instanceof ShardDamaged) {
        // A second time, with every other owner fenced since the first: it is so.
        if (error.isSure || suspected.has(error.shard)) damaged.set(error.shard, error.message);
        suspected.add(error.shard);
      }
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
  stopped: boolean;
}

/** damaged: shards of which the last attempt found something missing, and what. */
async function takeOver(
  services: StitcherServices,
  slot: OwnedSlot,
  damaged: Map<number, string>,
): Promise<Map<number, OwnedShard>> {
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
    const epoch = epochs.get(shard) as number;
    const head = await readWhole(services, shard, epoch, damaged);
    const k = published.get(key) ?? { offset: 0, step: 0 };
    for (const entry of head.outbox) if (entry.to.offset > k.offset) unpublished.push(...entry.records);
    const reached = head.position.offset > k.offset ? head.position : k;
    if (head.position.offset > k.offset) caughtUp.set(key, head.position);
    if ((await services.store.awaitPosition(shard, epoch, k.offset)) === "fenced")
      throw new CommitRefused(`shard ${shard}: another owner has it`);
    from.set(key, head.position);
    owned.set(shard, {
      stitcher: new ShardStitcher(services, shard, epoch, head.position),
      key,
      publishedAtTakeOver: k.offset,
      published: reached,
      target: reached,
      stopped: false,
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

/** The head of a shard that misses nothing: one that does is emptied. */
async function readWhole(
  { store, waiting }: StitcherServices,
  shard: number,
  epoch: number,
  damaged: Map<number, string>,
): Promise<ShardHead> {
  const head = await store.readHead(shard);
  const found = damaged.get(shard) ?? (head.damage === null ? null : `shard ${shard}: ${head.damage}`);
  if (found === null) return head;
  waiting.onWait(`the store has lost what it acknowledged (${found}); emptying the shard and folding it anew`);
  if ((await store.clear(shard, epoch)) === "fenced") throw new CommitRefused(`shard ${shard}: another owner has it`);
  damaged.delete(shard);
  return store.readHead(shard);
}

async function pumpSlot(
  services: StitcherServices,
  slot: OwnedSlot,
  damaged: Map<number, string>,
  onFolded: (shard: number) => void,
): Promise<void> {
  const owned = await takeOver(services, slot, damaged);
  const stall = new StallWatch();
  const scrub = createScrubber(services, [...owned.keys()]);
  let publishing: Promise<void> = Promise.resolve();
  try {
    for (let startedAt = performance.now(); !slot.revoked.aborted; ) {
      const spare = services.transactionIntervalMs - (performance.now() - startedAt);
      if (spare > 0) await delay(spare, undefined, { signal: slot.revoked }).catch(() => {});
      startedAt = performance.now();
      const polled = await slot.poll(BATCH_BUNDLES_MAX, 1000);
      stall.note(polled);
      const { records } = polled;
      await scrub();
      if (records.length === 0) continue;
      await patiently(services.waiting, slot.revoked, "schema registry", () =>
        services.codec.prepare(records.map(({ value }) => value)),
      );
      const out = await Promise.all(
        [...groupByShard(records)].map(([shard, list]) => foldOrStop(services, owned.get(shard) as OwnedShard, list)),
      );
      for (const { partition } of records) onFolded(partition);
      await publishing;
      publishing = publish(slot, [...owned.values()], out.flat());
      publishing.catch(() => {});
    }
  } finally {
    await publishing.catch(() => {});
  }
  await publishing;
}

/** Goes through the parts of the slot's shards, a few a second. Throws ShardDamaged where one is not there. */
function createScrubber({ store }: StitcherServices, shards: readonly number[]): () => Promise<void> {
  let scrubbedAtMs = performance.now();
  let place = 0;
  let cursor = "0";
  return async () => {
    const shard = shards[place];
    if (shard === undefined || performance.now() - scrubbedAtMs < SCRUB_INTERVAL_MS) return;
    scrubbedAtMs = performance.now();
    const { next, lost } = await store.scrub(shard, cursor);
    if (lost !== null) throw new ShardDamaged(shard, "a part that is listed is not there", true);
    cursor = next;
    if (next === "0") place = (place + 1) % shards.length;
  };
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

async function foldOrStop(
  services: StitcherServices,
  owned: OwnedShard,
  records: readonly LogRecord[],
): Promise<NewRecord[]> {
  if (owned.stopped) return [];
  try {
    return await fold(services, owned, records);
  } catch (error) {
    if (PASSING.some((kind) => error instanceof kind)) throw error;
    owned.stopped = true;
    // What it has committed of these records waits in the outbox for the next take-over.
    owned.target = owned.published;
    services.onStopped?.(owned.stitcher.shard, error instanceof Error ? error.message : String(error));
    return [];
  }
}

async function fold(
  services: StitcherServices,
  owned: OwnedShard,
  records: readonly LogRecord[],
): Promise<NewRecord[]> {
  const bundles = records.map((record) => decodeBundle(services.codec, record));
  const out: NewRecord[] = [];
  for (let i = 0; i < bundles.length; i += COMMIT_BUNDLES_MAX) {
    const { shard } = owned.stitcher;
    const step = await owned.stitcher
      .apply(bundles.slice(i, i + COMMIT_BUNDLES_MAX), owned.published, owned.publishedAtTakeOver)
      .catch((error: unknown) => {
        throw error instanceof StoreDamaged ? new ShardDamaged(shard, error.message, false) : error;
      });
    if (step.outcome === "damaged") throw new ShardDamaged(shard, "something that was written is not there", true);
    if (step.outcome !== "committed") throw new CommitRefused(`shard ${shard}: commit ${step.outcome}`);
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
