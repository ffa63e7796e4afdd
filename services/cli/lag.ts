// How far the processes are behind: of each channel topic the records that nobody has resolved yet, of each shard those of
// the inner log that are not in the store yet. In positions, of which transactions take some too.

import { partitionKey, type Log } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { channelTopics, topicNames } from "#services/config/topics.ts";
import { resolverOf } from "./positions.ts";

export interface Lag {
  readonly topic: string;
  /** Of the inner log; null: of all partitions of a channel topic. */
  readonly shard: number | null;
  readonly records: number;
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
    for (const [key, end] of await log.endOffsets([topic])) records += Math.max(0, end - (positions.get(key) ?? 0));
    lags.push({ topic, shard: null, records });
  }
  const ends = present.has(resolved) ? await log.endOffsets([resolved]) : new Map<string, number>();
  for (let shard = 0; shard < engine.shards; shard += 1) {
    const end = ends.get(partitionKey({ topic: resolved, partition: shard })) ?? 0;
    const standing = end === 0 ? null : await store.standing(shard);
    lags.push({ topic: resolved, shard, records: Math.max(0, end - (standing?.position.offset ?? 0)) });
  }
  return lags;
}
