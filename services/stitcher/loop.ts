// The loop of one stitcher slot: bundles in, parts committed, outputs published with the position in one transaction.
// Take-over order: epochs, producer, and only then R (store) and K (log).
//   R > K  committed, not published: publish what the outbox holds
//   R < K  the store lost what it had acknowledged: fold [R, K) again with publishing suppressed
//   a shard of which a part, a timer or an entry is missing is emptied first: R = 0 (loss.ts)
// Folding the next batch overlaps publishing the last one; the outbox keeps the order.
// A shard that cannot go on (an inner record that nobody can read, a fault of the engine) stops where it is, and says so;
// the other shards of the slot go on. Nothing is skipped: the next take-over tries again.

import { setTimeout as delay } from "node:timers/promises";
import { type Codec, RegistryUnavailable } from "#ports/codec.ts";
import {
  comparePositions,
  LogError,
  partitionKey,
  type LogRecord,
  type NewRecord,
  type OwnedSlot,
  type Position,
} from "#ports/log.ts";
import { StoreUnavailable } from "#ports/store.ts";
import { listOpened, readBundle, type BundleValue } from "../wire/bundle.ts";
import { PayloadDamaged } from "../wire/sealing.ts";
import { Stalled, StallWatch } from "../wire/stall.ts";
import type { IndexKeeper } from "../wire/index-keeper.ts";
import { type LoopEvent, patiently, type Waiting } from "../wire/patience.ts";
import { joinAgain, type JoiningServices, watchJoins } from "./joins.ts";
import { createScrubber, Losses, ShardDamaged, suspectLoss } from "./loss.ts";
import { CommitRefused, ShardStitcher, type Bundle, type ShardServices } from "./shard.ts";

export const BATCH_BUNDLES_MAX = 200;
/** Bundles of one shard in one commit: bounds how long its script holds the store. */
export const COMMIT_BUNDLES_MAX = 64;

export interface StitcherServices extends ShardServices {
  readonly codec: Codec;
  readonly transactionIntervalMs: number;
  readonly waiting: Waiting;
  /** Of the index in which components are joined. Absent: it loses nothing. */
  readonly keeper?: Pick<IndexKeeper, "check" | "isStill">;
  /** The shard stays where it is until somebody has seen to it. */
  onStopped?(shard: number, reason: string): void;
}

const PASSING = [LogError, StoreUnavailable, RegistryUnavailable, CommitRefused, ShardDamaged];

export async function runStitcherSlot(given: StitcherServices, slot: OwnedSlot): Promise<void> {
  const services: StitcherServices = {
    ...given,
    prepareEvents: (events) =>
      patiently(given.waiting, slot.revoked, "schema registry", () => given.prepareEvents(events)),
  };
  const losses = new Losses();
  while (!slot.revoked.aborted) {
    try {
      await pumpSlot(services, slot, losses);
    } catch (error) {
      if (slot.revoked.aborted) return;
      if (error instanceof ShardDamaged) losses.note(error);
      if (!PASSING.some((kind) => error instanceof kind)) throw error;
      services.waiting.onLoop?.(nameCause(error));
      services.waiting.onWait(`stitcher slot ${slot.slot}: ${(error as Error).message}; taking the slot over again`);
      const pauseMs = error instanceof LogError && error.code === "log-outcome-unknown" ? 0 : 500;
      await delay(pauseMs, undefined, { signal: slot.revoked }).catch(() => {});
    }
  }
}

function nameCause(error: unknown): LoopEvent {
  if (error instanceof Stalled) return "stalled";
  if (error instanceof LogError) return error.code;
  if (error instanceof ShardDamaged) return "shard-damaged";
  if (error instanceof StoreUnavailable) return "store-unavailable";
  return error instanceof RegistryUnavailable ? "registry-unavailable" : "commit-refused";
}

interface OwnedShard {
  readonly stitcher: ShardStitcher;
  readonly key: string;
  /** How far the shard has to come before it is to be believed: no less than at the take-over. */
  tellReaders(published: number): Promise<void>;
  /** Below it nothing is published again. */
  readonly publishedAtTakeOver: Position;
  published: Position;
  target: Position;
  stopped: boolean;
}

async function takeOver(services: JoiningServices, slot: OwnedSlot, losses: Losses): Promise<Map<number, OwnedShard>> {
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
    const head = await losses.readWhole(services.store, services.waiting, shard, epoch);
    if (head === null) throw new CommitRefused(`shard ${shard}: another owner has it`);
    const k = published.get(key) ?? { offset: 0, step: 0 };
    for (const entry of head.outbox) if (comparePositions(entry.to, k) > 0) unpublished.push(...entry.records);
    const isBehind = comparePositions(head.position, k) < 0;
    const reached = isBehind ? k : head.position;
    if (comparePositions(head.position, k) > 0) caughtUp.set(key, head.position);
    // Of a bundle that was published in part, readers wait for all of it.
    const told = k.step > 0 ? k.offset + 1 : k.offset;
    const tellReaders = async (published: number): Promise<void> => {
      if ((await services.store.awaitPosition(shard, epoch, Math.max(told, published))) === "fenced")
        throw new CommitRefused(`shard ${shard}: another owner has it`);
    };
    await tellReaders(told);
    from.set(key, head.position);
    owned.set(shard, {
      stitcher: new ShardStitcher(services, shard, epoch, head.position),
      key,
      tellReaders,
      publishedAtTakeOver: k,
      published: reached,
      target: reached,
      stopped: false,
    });
    if (isBehind)
      services.waiting.onWait(
        `shard ${shard}: the store is behind what was published (${head.position.offset} < ${k.offset}); folding again without publishing`,
      );
  }
  if (caughtUp.size > 0) {
    await services.keys?.destroyAgain(unpublished);
    const joined = await joinAgain(services, unpublished);
    await slot.publish([...unpublished, ...joined], caughtUp, services.isSound);
  }
  slot.seek(from);
  return owned;
}

async function pumpSlot(given: StitcherServices, slot: OwnedSlot, losses: Losses): Promise<void> {
  const services = watchJoins(given);
  const owned = await takeOver(services, slot, losses);
  const stall = new StallWatch();
  const scrub = createScrubber(services.store, [...owned.keys()], async () => {
    await Promise.all([...owned.values()].map((shard) => shard.tellReaders(shard.published.offset)));
  });
  let publishing: Promise<void> = Promise.resolve();
  // What a step inside a bundle has made goes out before the next one is folded: all of them would be too much at once.
  const publishPart = async (shard: OwnedShard, records: readonly NewRecord[]): Promise<void> => {
    publishing = publishing.then(() => publish(services, slot, [shard], records));
    publishing.catch(() => {});
    await publishing;
  };
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
      const out = await awaitAll(
        [...groupByShard(records)].map(([shard, list]) =>
          foldOrStop(services, owned.get(shard) as OwnedShard, list, publishPart),
        ),
      );
      for (const { partition } of records) losses.clearSuspicion(partition);
      await publishing;
      publishing = publish(services, slot, [...owned.values()], out.flat());
      publishing.catch(() => {});
    }
  } finally {
    await publishing.catch(() => {});
  }
  await publishing;
}

/** Also where one fails: what still went on would publish, behind the next take-over and with its producer. */
async function awaitAll<T>(works: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works);
  return await Promise.all(works);
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

type PublishPart = (owned: OwnedShard, records: readonly NewRecord[]) => Promise<void>;

async function foldOrStop(
  services: StitcherServices,
  owned: OwnedShard,
  records: readonly LogRecord[],
  publishPart: PublishPart,
): Promise<NewRecord[]> {
  if (owned.stopped) return [];
  try {
    return await fold(services, owned, records, publishPart);
  } catch (error) {
    const isPassing = PASSING.some((kind) => error instanceof kind);
    // What was read when the shard was another owner's, or at another server, says neither that it is damaged nor that it cannot go on.
    if (!isPassing || error instanceof ShardDamaged) await owned.tellReaders(owned.published.offset);
    if (isPassing) throw error;
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
  publishPart: PublishPart,
): Promise<NewRecord[]> {
  const { shard } = owned.stitcher;
  const bundles = await readBundles(services, records);
  for (const { offset, shredded = [] } of bundles)
    if (offset >= owned.publishedAtTakeOver.offset)
      for (const _ of shredded) services.waiting.onLoop?.("payload-shredded");
  let out: NewRecord[] = [];
  for (let rest = bundles; rest.length > 0; ) {
    const step = await owned.stitcher
      .apply(rest.slice(0, COMMIT_BUNDLES_MAX), owned.published, owned.publishedAtTakeOver)
      .catch((error: unknown) => {
        throw suspectLoss(shard, error);
      });
    if (step.outcome === "damaged") throw new ShardDamaged(shard, "something that was written is not there", true);
    if (step.outcome !== "committed") throw new CommitRefused(`shard ${shard}: commit ${step.outcome}`);
    services.waiting.onLoop?.(step.to.step === 0 ? "commit" : "cut");
    out.push(...step.records);
    if (comparePositions(step.to, owned.target) > 0) owned.target = step.to;
    rest = rest.filter(({ offset }) => offset >= step.to.offset);
    if (step.to.step === 0) continue;
    await publishPart(owned, out);
    out = [];
  }
  return out;
}

async function publish(
  { isSound, waiting }: JoiningServices,
  slot: OwnedSlot,
  shards: readonly OwnedShard[],
  records: readonly NewRecord[],
): Promise<void> {
  const moved = shards
    .filter(({ published, target }) => comparePositions(target, published) > 0)
    .map((owned) => ({ owned, target: owned.target }));
  if (moved.length === 0 && records.length === 0) return;
  await slot.publish(records, new Map(moved.map(({ owned, target }) => [owned.key, target])), isSound);
  waiting.onLoop?.("transaction");
  for (const { owned, target } of moved) owned.published = target;
}

async function readBundles({ codec, keys }: StitcherServices, records: readonly LogRecord[]): Promise<Bundle[]> {
  const values = records.map((record): BundleValue => {
    const decoded = codec.decode(record.value);
    if (decoded.ok) return decoded.value as BundleValue;
    throw new Error(
      `inner record ${record.topic}/${record.partition}@${record.offset} cannot be read: ${decoded.reason}`,
    );
  });
  const names = values.flatMap(listOpened);
  const open = async (): Promise<Bundle[]> => {
    const opening = await keys?.toOpen(names);
    return records.map(({ offset }, place) => {
      const shredded: string[] = [];
      const items = readBundle(values[place] as BundleValue, opening, (name) => shredded.push(name));
      return { offset, items, shredded };
    });
  };
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof PayloadDamaged)) throw error;
    await keys?.doubt(names);
    return await open();
  }
}
