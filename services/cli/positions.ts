// Whether the positions of a consumer group are still where they were. Kafka forgets those of a group that has had no member
// for offsets.retention.minutes (seven days as shipped), and a copy of the topics in another cluster comes without them.
// Whoever went on from nothing would resolve again what the duplicate window no longer knows, and publish again what is in the
// outbox. What a group writes and how far it has come stand in the same transactions: one without the other was lost.

import { setTimeout as delay } from "node:timers/promises";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { channelTopics, outputTopics, privacyTopics, rulesTopics, topicNames } from "#services/config/topics.ts";
import { RESOLVER_GROUP } from "#services/resolver/main.ts";
import { STITCHER_GROUP } from "#services/stitcher/main.ts";
import type { Log } from "#ports/log.ts";

/** Positions of the group's very first transaction come to rest somewhat after what it wrote can be read. */
const REST_WAIT_MS = 5_000;
const REST_PAUSE_MS = 250;

/** A consumer group: what it reads, and what it alone, or what follows from it, writes. */
export interface Member {
  readonly group: string;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  /** Which positions to give it where they are lost. */
  readonly advice: string;
}

export class PositionsLost extends Error {
  readonly code = "positions-lost";
}

export function resolverOf(loaded: LoadedConfiguration): Member {
  return {
    group: `${loaded.deployment.kafka.topicPrefix}${RESOLVER_GROUP}`,
    reads: [...channelTopics(loaded), ...privacyTopics(loaded), ...rulesTopics(loaded)].map(({ name }) => name),
    writes: [topicNames(loaded).resolved],
    advice: "--to-datetime, somewhat before it was stopped: what it reads twice is recognised",
  };
}

export function stitcherOf(loaded: LoadedConfiguration): Member {
  return {
    group: `${loaded.deployment.kafka.topicPrefix}${STITCHER_GROUP}`,
    reads: [topicNames(loaded).resolved],
    writes: outputTopics(loaded).map(({ name }) => name),
    advice:
      "--to-earliest: what waits in Redis to be published goes out, perhaps once more, under the same ids; --to-latest where Redis is lost too, or everything goes out once more",
  };
}

/** Topics must be there. Throws PositionsLost, LogError. */
export async function requirePositions(
  log: Pick<Log, "endOffsets" | "groupOffsets">,
  { group, reads, writes, advice }: Member,
  waitMs = REST_WAIT_MS,
): Promise<void> {
  // Before the positions: what is written from here on brings its own.
  const ends = await log.endOffsets(writes);
  const written = writes.filter((topic) => [...ends].some(([key, end]) => end > 0 && key.startsWith(`${topic}/`)));
  if (written.length === 0) return;
  for (const deadlineMs = performance.now() + waitMs; ; await delay(REST_PAUSE_MS)) {
    const positions = await log.groupOffsets(group, reads);
    if (positions.size > 0) return;
    if (performance.now() > deadlineMs) break;
  }
  throw new PositionsLost(
    `${written.join(", ")}: there is what group ${group} wrote, and no position of the group; kafka-consumer-groups --reset-offsets ${advice}`,
  );
}
