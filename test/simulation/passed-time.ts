// What resolver slots tell shards of time is true of the simulated log, whatever they had been told by it (T2): a slot has
// passed no instant up to which something was appended to its partitions that is not on the inner log yet, and a source is
// complete where nothing of it lay unread when the slot read last. Looked at when what was told becomes visible, for only
// that is ever believed.

import { partitionKey } from "#ports/log.ts";
import type { BundleValue } from "#services/wire/bundle.ts";
import type { Broker } from "./broker.ts";
import { clockAt } from "./clock.ts";
import { READ_TOPICS, sourceOf } from "./kit.ts";
import type { Partition, Transaction } from "./partition.ts";
import type { World } from "./world.ts";

/** A time that only what was read to the end allows: by the records alone nobody may say so. */
export const TOLD_BY_THE_CLOCK = "time told by the clock";

interface Channel {
  readonly source: string | null;
  readonly partition: Partition;
  /** Of the records before this offset, the latest time. */
  upTo: number;
  latestMs: number;
}

/** What lies behind the positions of one transaction. */
interface Unread {
  /** When the first of it was appended. */
  readonly fromMs: number;
  /** Sources of which something lay there already when the slot read. */
  readonly sources: ReadonlySet<string | null>;
  /** While it catches up, a slot passes what the slowest of its partitions has passed by its records' own times. */
  readonly slowestMs: number;
}

export class PassedTime {
  readonly #world: World;
  readonly #channels = new Map<string, Channel>();
  readonly #unread = new WeakMap<Transaction, Unread>();
  /** By slot, and by slot and source: what was told before. To say it again says nothing. */
  readonly #passedMs = new Map<number, number>();
  readonly #completeUpToMs = new Map<string, number>();

  constructor(world: World, broker: Broker) {
    this.#world = world;
    for (const topic of READ_TOPICS)
      for (const [number, partition] of broker.partitionsOf(topic).entries()) {
        const key = partitionKey({ topic, partition: number });
        this.#channels.set(key, { source: sourceOf(topic), partition, upTo: 0, latestMs: 0 });
      }
  }

  /** transaction: in which it was written, with the positions up to which everything is on the inner log. */
  seeBundle(transaction: Transaction, { items }: BundleValue): void {
    let toldMs = 0;
    for (const { progress, event } of items) {
      if (progress) {
        this.#seePassed(progress.slot, progress.timeMs, transaction);
        this.#seeComplete(progress.slot, progress.completeUpToMs, transaction);
        toldMs = Math.max(toldMs, progress.timeMs);
      } else if (event && event.recordedAt < toldMs)
        this.#world.fail(`${event.eventId} of ${event.recordedAt} comes behind ${toldMs} in its batch (T2)`);
    }
  }

  #seePassed(slot: number, timeMs: number, transaction: Transaction): void {
    if (timeMs <= (this.#passedMs.get(slot) ?? 0)) return;
    this.#passedMs.set(slot, timeMs);
    const { fromMs, slowestMs } = this.#unreadOf(transaction);
    if (timeMs <= slowestMs) return;
    this.#world.count(TOLD_BY_THE_CLOCK);
    if (timeMs >= fromMs)
      this.#world.fail(`slot ${slot} has passed ${timeMs}, and what was appended at ${fromMs} is not read (T2)`);
  }

  #seeComplete(slot: number, completeUpToMs: BundleProgress["completeUpToMs"], transaction: Transaction): void {
    for (const [source, upToMs] of Object.entries(completeUpToMs)) {
      const name = `${slot} ${source}`;
      if (upToMs <= (this.#completeUpToMs.get(name) ?? Number.NEGATIVE_INFINITY)) continue;
      this.#completeUpToMs.set(name, upToMs);
      if (this.#unreadOf(transaction).sources.has(source))
        this.#world.fail(`slot ${slot}: ${source} is complete up to ${upToMs}, and more of it is not read (T2)`);
    }
  }

  #unreadOf(transaction: Transaction): Unread {
    const known = this.#unread.get(transaction);
    if (known !== undefined) return known;
    let fromMs = Number.POSITIVE_INFINITY;
    let slowestMs = Number.POSITIVE_INFINITY;
    const sources = new Set<string | null>();
    for (const [key, { offset }] of transaction.positions) {
      const channel = this.#channels.get(key);
      if (channel === undefined) continue;
      slowestMs = Math.min(slowestMs, findLatest(channel, offset));
      const first = channel.partition.findUnread(offset);
      if (first === null) continue;
      fromMs = Math.min(fromMs, clockAt(first.atMs));
      if (first.atMs < transaction.readAtMs) sources.add(channel.source);
    }
    const unread = { fromMs, sources, slowestMs };
    this.#unread.set(transaction, unread);
    return unread;
  }
}

type BundleProgress = NonNullable<BundleValue["items"][number]["progress"]>;

/** Read on from where it was: positions only move on. */
function findLatest(channel: Channel, offset: number): number {
  for (; channel.upTo < offset; channel.upTo += 1)
    channel.latestMs = Math.max(channel.latestMs, channel.partition.entries[channel.upTo]?.record?.timestampMs ?? 0);
  return channel.latestMs;
}
