// How far the processes are behind: of each channel topic the records that nobody has resolved yet, of each shard those of
// the inner log that are not in the store yet. In positions, of which transactions take some too.

import type { Codec } from "#ports/codec.ts";
import { partitionKey, type Log, type LogRecord } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { channelTopics, topicNames } from "#services/config/topics.ts";
import { type BundleValue, readBundle } from "#services/wire/bundle.ts";
import { BLIND } from "#services/wire/sealing.ts";
import { resolverOf } from "./positions.ts";

export interface Lag {
  readonly topic: string;
  /** Of the inner log; null: of all partitions of a channel topic. */
  readonly shard: number | null;
  readonly records: number;
  /** The positions that it is counted from, by partition; absent: from the start. */
  readonly from: ReadonlyMap<string, number>;
}

/** Positions that are looked into; of more it is only said how many they are. */
const LOOKED_MAX = 10_000;

export interface Backlog {
  /** What is behind with work. */
  readonly work: readonly Lag[];
  /** The most positions of a shard that hold nothing but what the time is, and the marks of transactions. */
  readonly timeOnly: number;
}

/**
 * Of what is behind, what is work. On a healthy deployment each shard is a few positions behind at any moment: every resolver slot
 * writes the time to every shard, and the mark of the last transaction stands behind its last record.
 */
export async function findBacklog(
  lags: readonly Lag[],
  { log, codec }: { readonly log: Log; readonly codec: Codec },
  resolved: string,
): Promise<Backlog> {
  const behind = lags.filter(({ records }) => records > 0);
  if (behind.reduce((sum, { records }) => sum + records, 0) > LOOKED_MAX) return { work: behind, timeOnly: 0 };
  const counts = new Map<string, number>();
  for (const topic of new Set(behind.map((lag) => lag.topic))) {
    const from = new Map(lags.filter((lag) => lag.topic === topic).flatMap((lag) => [...lag.from]));
    for await (const record of log.read([topic], { from, follow: false })) {
      if (topic === resolved && (await tellsTheTime(codec, record))) continue;
      const name = nameLag(topic, topic === resolved ? record.partition : null);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const countOf = ({ topic, shard }: Lag) => counts.get(nameLag(topic, shard)) ?? 0;
  return {
    work: behind.flatMap((lag) => (countOf(lag) > 0 ? [{ ...lag, records: countOf(lag) }] : [])),
    timeOnly: Math.max(0, ...behind.flatMap((lag) => (countOf(lag) > 0 ? [] : [lag.records]))),
  };
}

function nameLag(topic: string, shard: number | null): string {
  return `${topic}/${shard ?? ""}`;
}

async function tellsTheTime(codec: Codec, { value }: LogRecord): Promise<boolean> {
  await codec.prepare([value]);
  const decoded = codec.decode(value);
  return decoded.ok && readBundle(decoded.value as BundleValue, BLIND).every(({ item }) => item.kind === "progress");
}

/** Of topics that are there. */
export async function readLag(
  loaded: LoadedConfiguration,
  { log, store }: { readonly log: Log; readonly store: Store },
  present: ReadonlySet<string>,
): Promise<Lag[]> {
  const { engine } = loaded.deployment;
  const { resolved } = topicNames(loaded);
  const channels = channelTopics(loaded).flatMap(({ name }) => (present.has(name) ? [name] : []));
  const positions = await log.groupOffsets(resolverOf(loaded).group, channels);
  const lags: Lag[] = [];
  for (const topic of channels) {
    let records = 0;
    const from = new Map<string, number>();
    for (const [key, end] of await log.endOffsets([topic])) {
      const position = positions.get(key);
      records += Math.max(0, end - (position ?? 0));
      if (position !== undefined) from.set(key, position);
    }
    lags.push({ topic, shard: null, records, from });
  }
  const ends = present.has(resolved) ? await log.endOffsets([resolved]) : new Map<string, number>();
  for (let shard = 0; shard < engine.shards; shard += 1) {
    const key = partitionKey({ topic: resolved, partition: shard });
    const end = ends.get(key) ?? 0;
    const standing = end === 0 ? null : await store.standing(shard);
    const position = standing?.position.offset ?? 0;
    lags.push({ topic: resolved, shard, records: Math.max(0, end - position), from: new Map([[key, position]]) });
  }
  return lags;
}
