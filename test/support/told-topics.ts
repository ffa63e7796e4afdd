// A log of outputs in this process, as the stitcher publishes them: for readers of transitions, signals and aliases.

import { openMemoryLog } from "#adapters/memory/log.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import type { Output } from "#core/effect.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { SCHEMAS_FOLDER } from "#services/cli/wiring.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { outputTopics, topicNames } from "#services/config/topics.ts";
import { createOutputEncoder } from "#services/wire/output.ts";

const loaded = loadConfiguration(undefined, {});
export const topics = topicNames(loaded);

export interface ToldTopics {
  readonly log: Log;
  readonly codec: Codec;
  /** In this order; again is a topic that was doubled. */
  publish(outputs: readonly Output[]): Promise<void>;
}

export async function openToldTopics(): Promise<ToldTopics> {
  const log = openMemoryLog();
  const codec = await openLocalCodec({ schemasDirectory: SCHEMAS_FOLDER });
  await log.createTopics(outputTopics(loaded));
  const encode = await createOutputEncoder(codec, topics);
  let offset = 0;
  return {
    log,
    codec,
    async publish(outputs) {
      await log.append(outputs.map((output) => encode(output, { shard: 0, offset: (offset += 1), step: 0 })));
    },
  };
}
