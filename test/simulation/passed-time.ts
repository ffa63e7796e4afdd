// That a resolver slot tells shards of no time before it has read what was appended until then, and of no source that it is
// complete while something of it lies unread: also behind a transaction that somebody has left open, which hides what others
// have appended (T2). By the log itself, as it is when what the slot told becomes visible.

import { partitionKey } from "#ports/log.ts";
import type { BundleValue } from "#services/wire/bundle.ts";
import type { Broker } from "./broker.ts";
import { clockOf } from "./clock.ts";
import { READ_TOPICS, sourceOf } from "./kit.ts";
import type { Partition, Transaction } from "./partition.ts";
import type { World } from "./world.ts";

interface Channel {
  readonly source: string | null;
  readonly partition: Partition;
  /** Of records before this offset the latest time. */
  upTo: number;
  latestMs: number;
}

/** How the log stands behind the positions of a transaction. */
interface Standing {
  /** When the first was appended that lies unread. */
  readonly unreadFromMs: number;
  /** The latest record time of the partition where that is earliest: so far a slot may say that it has come by records alone. */
  readonly slowestMs: number;
  /** Of which something lay unread when the slot had read last. */
  readonly waiting: ReadonlySet<string | null>;
}

export class PassedTime {
  readonly #world: World;
  readonly #channels: ReadonlyMap<string, Channel>;
  readonly #standings = new WeakMap<Transaction, Standing>();
  /** By slot, and by slot and source: what was told before. */
  readonly #timeMs = new Map<number, number>();
  readonly #completeUpToMs = new Map<string, number>();

  constructor(world: World, broker: Broker) {
    this.#world = world;
    this.#channels = new Map(
      READ_TOPICS.flatMap((topic) =>
        broker.partitionsOf(topic).map((log, partition): [string, Channel] => {
          const channel = { source: sourceOf(topic), partition: log, upTo: 0, latestMs: 0 };
          return [partitionKey({ topic, partition }), channel];
        }),
      ),
    );
  }

  /** transaction: the one that it came in, with the positions behind which it was resolved. */
  seeBundle(transaction: Transaction, { items }: BundleValue): void {
    for (const { progress } of items) {
      if (!progress) continue;
      const { slot, timeMs, completeUpToMs } = progress;
      const { unreadFromMs, slowestMs, waiting } = this.#standingOf(transaction);
      const beforeMs = this.#timeMs.get(slot) ?? 0;
      if (timeMs > Math.max(beforeMs, unreadFromMs, slowestMs))
        this.#world.fail(`slot ${slot} has passed ${timeMs}; what was appended at ${unreadFromMs} is not read (T2)`);
      this.#timeMs.set(slot, Math.max(beforeMs, timeMs));
      for (const [source, upToMs] of Object.entries(completeUpToMs)) {
        const name = `${slot} ${source}`;
        if (upToMs <= (this.#completeUpToMs.get(name) ?? Number.NEGATIVE_INFINITY)) continue;
        if (waiting.has(source)) this.#world.fail(`slot ${slot}: ${source} is complete, and not read (T2)`);
        this.#completeUpToMs.set(name, upToMs);
      }
    }
  }

  #standingOf(transaction: Transaction): Standing {
    const known = this.#standings.get(transaction);
    if (known !== undefined) return known;
    let unreadFromMs = Number.POSITIVE_INFINITY;
    let slowestMs = Number.POSITIVE_INFINITY;
    const waiting = new Set<string | null>();
    for (const [key, { offset }] of transaction.positions) {
      const channel = this.#channels.get(key);
      if (channel === undefined) continue;
      slowestMs = Math.min(slowestMs, findLatestMs(channel, offset));
      const { entries } = channel.partition;
      for (let next = offset; next < entries.length; next += 1) {
        const entry = entries[next];
        if (entry === undefined || entry.record === null || entry.transaction?.state === "aborting") continue;
        unreadFromMs = Math.min(unreadFromMs, clockOf(entry.atMs));
        if (entry.atMs < (transaction.readAtMs ?? 0)) waiting.add(channel.source);
        break;
      }
    }
    const standing = { unreadFromMs, slowestMs, waiting };
    this.#standings.set(transaction, standing);
    return standing;
  }
}

function findLatestMs(channel: Channel, offset: number): number {
  for (; channel.upTo < offset; channel.upTo += 1)
    channel.latestMs = Math.max(channel.latestMs, channel.partition.entries[channel.upTo]?.record?.timestampMs ?? 0);
  return channel.latestMs;
}
