// What resolver slots tell shards of time is true of the simulated log, whatever they had been told by it (T2): a slot has
// passed no instant up to which something was appended to its partitions that is not on the inner log yet, and a source is
// complete where nothing of it lay unread at the instant of which that is said. Looked at when what was told becomes
// visible, for only that is ever believed.

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

/** Of one partition, behind the position of one transaction. */
interface Unread {
  readonly source: string | null;
  /** When the first of it was appended; Infinity: there is nothing. */
  readonly fromMs: number;
  /** What was read: where more waits, its records' own times say what has been passed. */
  readonly latestMs: number;
}

export class PassedTime {
  readonly #world: World;
  readonly #channels = new Map<string, Channel>();
  readonly #unread = new WeakMap<Transaction, readonly Unread[]>();
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
        this.#seeComplete(progress, transaction);
        toldMs = Math.max(toldMs, progress.timeMs);
      } else if (event && event.recordedAt < toldMs)
        this.#world.fail(`${event.eventId} of ${event.recordedAt} comes behind ${toldMs} in its batch (T2)`);
    }
  }

  #seePassed(slot: number, timeMs: number, transaction: Transaction): void {
    if (timeMs <= (this.#passedMs.get(slot) ?? 0)) return;
    this.#passedMs.set(slot, timeMs);
    const unread = this.#unreadOf(transaction);
    if (unread.some(({ latestMs }) => timeMs > latestMs)) this.#world.count(TOLD_BY_THE_CLOCK);
    for (const { fromMs, latestMs } of unread)
      if (timeMs > latestMs && timeMs >= fromMs)
        this.#world.fail(`slot ${slot} has passed ${timeMs}, and what was appended at ${fromMs} is not read (T2)`);
  }

  #seeComplete({ slot, timeMs, completeUpToMs }: BundleProgress, transaction: Transaction): void {
    for (const [source, upToMs] of Object.entries(completeUpToMs)) {
      const name = `${slot} ${source}`;
      if (upToMs <= (this.#completeUpToMs.get(name) ?? Number.NEGATIVE_INFINITY)) continue;
      this.#completeUpToMs.set(name, upToMs);
      if (this.#unreadOf(transaction).some((one) => one.source === source && one.fromMs <= timeMs))
        this.#world.fail(`slot ${slot}: ${source} is complete up to ${upToMs}, and more of it is not read (T2)`);
    }
  }

  #unreadOf(transaction: Transaction): readonly Unread[] {
    const known = this.#unread.get(transaction);
    if (known !== undefined) return known;
    const unread = [...transaction.positions].flatMap(([key, { offset }]): Unread[] => {
      const channel = this.#channels.get(key);
      if (channel === undefined) return [];
      const { source, partition } = channel;
      const first = partition.findUnread(offset);
      const fromMs = first === null ? Number.POSITIVE_INFINITY : clockAt(first.atMs);
      return [{ source, fromMs, latestMs: findLatest(channel, offset) }];
    });
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
