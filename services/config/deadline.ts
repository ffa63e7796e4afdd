// By when the bytes of somebody who is forgotten are gone from each place, at the latest (Art. 17): made of what the topics are
// created with, by an instant that the caller names. Kafka takes whole segments away, and the one that is written to when
// segment.ms is over and a record comes: so a record goes that much later than its own time would have it.

import type { TopicSpec } from "#ports/log.ts";
import { REWRITE_EVERY_MS } from "#ports/store.ts";
import type { LoadedConfiguration } from "./configuration.ts";
import { channelTopics, deadLetterTopics, keysTopics, outputTopics, topicNames } from "./topics.ts";

const DAY_MS = 86_400_000;
/** In the store and on the outputs a request has taken effect by then (SPEC.md, section 9). */
export const EFFECTIVE_WITHIN_MS = 60_000;
/** From when it is due to when the store's disk is written anew: until somebody looks, and while it is written. */
const REWRITTEN_WITHIN_MS = 3_600_000;
/** What Weft itself makes is gone everywhere by then. */
export const GONE_WITHIN_MS = 32 * DAY_MS;

export interface Deadline {
  readonly place: string;
  /** Null: of its own accord never, for its retention has no end, or it is a command's that somebody must run. */
  readonly by: string | null;
}

/** Of a request that is made at this instant, whoever makes it. The inner log's bytes stay, unreadable once their keys are gone. */
export function listDeadlines(loaded: LoadedConfiguration, atMs: number): Deadline[] {
  const keys = keysTopics(loaded);
  const topics = [...outputTopics(loaded), ...keys, ...deadLetterTopics(loaded), ...channelTopics(loaded)];
  const places = [
    ...["store", "api-directory", "api-passages"].map((place) => [place, EFFECTIVE_WITHIN_MS] as const),
    ["store-disk", EFFECTIVE_WITHIN_MS + REWRITE_EVERY_MS + REWRITTEN_WITHIN_MS] as const,
    // Nobody but who asks for a report reads on in it.
    ["report-file", null] as const,
    ...keys.map((topic) => [topicNames(loaded).resolved, findBound(topic)] as const),
    ...topics.map((topic) => [topic.name, findBound(topic)] as const),
  ];
  return places.map(([place, withinMs]) => {
    return { place, by: withinMs === null ? null : new Date(atMs + withinMs).toISOString() };
  });
}

/** How long after a request the last of what it is about is gone from such a topic; null: there is no end to it. */
export function findBound({ config }: Pick<TopicSpec, "config">): number | null {
  const isCompacted = config["cleanup.policy"] === "compact";
  const keptMs = Number(config[isCompacted ? "max.compaction.lag.ms" : "retention.ms"] ?? -1);
  const rolledMs = Number(config["segment.ms"] ?? -1);
  return keptMs < 0 || rolledMs < 0 ? null : EFFECTIVE_WITHIN_MS + keptMs + rolledMs;
}

/** A line an instant, the earliest first; last what goes by nobody's hand but its owner's. */
export function describeDeadlines(deadlines: readonly Deadline[]): string[] {
  const instants = [...new Set(deadlines.map(({ by }) => by))].sort((a, b) => ((a ?? "~") < (b ?? "~") ? -1 : 1));
  return instants.map((by) => {
    const places = deadlines.filter((one) => one.by === by).map(({ place }) => place);
    return `${by === null ? "not before its owner takes it away" : `gone by ${by}`}: ${places.join(", ")}`;
  });
}
