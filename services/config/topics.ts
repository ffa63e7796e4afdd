// Every topic that Weft reads or writes, with what Kafka must be told about it.
// Record timestamps are the time of recording, which for imported history lies years back; a broker with a narrow
// default would refuse those, so both bounds are said here. Ahead of the broker's clock, an hour is a broken sender.

import type { TopicSpec } from "#ports/log.ts";
import type { LoadedConfiguration } from "./configuration.ts";

const DAY_MS = 86_400_000;
const UNLIMITED = "-1";

const RECORD_TIMES = {
  "message.timestamp.type": "CreateTime",
  "message.timestamp.before.max.ms": "9223372036854775807",
  "message.timestamp.after.max.ms": String(3_600_000),
};

/** One step of the inner log carries bundles of events with their original bytes. */
export const RESOLVED_BYTES_MAX = 4 * 1024 * 1024;
const DEAD_LETTER_BYTES_MAX = 16 * 1024 * 1024;
/** How the topic of a source begins that names none. */
const CHANNEL = "channel-";
const DEAD_LETTERS = ".dlq";
const CHANNEL_PARTITIONS = 8;
const OUTPUT_PARTITIONS = 8;

type Topics = Pick<LoadedConfiguration, "configuration" | "deployment">;

export interface TopicNames {
  readonly resolved: string;
  readonly privacy: string;
  readonly rules: string;
  readonly keys: string;
  readonly sources: string;
  readonly profileChanged: string;
  readonly segmentTransition: string;
  readonly identityChanged: string;
  readonly profileSignal: string;
  readonly profileState: string;
  readonly identityAlias: string;
  readonly profileErased: string;
}

export function topicNames({ deployment }: Pick<LoadedConfiguration, "deployment">): TopicNames {
  return nameTopics(deployment.kafka.topicPrefix);
}

export function nameTopics(prefix: string): TopicNames {
  return {
    resolved: `${prefix}weft.resolved`,
    privacy: `${prefix}weft.privacy`,
    rules: `${prefix}weft.rules`,
    keys: `${prefix}weft.keys`,
    sources: `${prefix}weft.sources`,
    profileChanged: `${prefix}profile-changed`,
    segmentTransition: `${prefix}segment-transition`,
    identityChanged: `${prefix}identity-changed`,
    profileSignal: `${prefix}profile-signal`,
    profileState: `${prefix}profile-state`,
    identityAlias: `${prefix}identity-alias`,
    profileErased: `${prefix}profile-erased`,
  };
}

/** What people's systems send. A deployment with topics of its own keeps them; these are for those that have none yet. */
export function channelTopics({ configuration }: Pick<LoadedConfiguration, "configuration">): TopicSpec[] {
  return configuration.sources.map(({ topic }) => ({
    name: topic,
    partitions: CHANNEL_PARTITIONS,
    config: keepFor(UNLIMITED),
  }));
}

/** Channel topics by their names, among those that the log has, which no source reads and which nobody said to leave alone. */
export function findUnregistered({ configuration, deployment }: Topics, present: readonly string[]): string[] {
  const { topicPrefix, ignoredTopics } = deployment.kafka;
  const known = new Set([...configuration.sources.map(({ topic }) => topic), ...ignoredTopics]);
  return present
    .filter(
      (topic) => topic.startsWith(`${topicPrefix}${CHANNEL}`) && !topic.endsWith(DEAD_LETTERS) && !known.has(topic),
    )
    .toSorted();
}

/** The name of a source whose topic would be called so. */
export function nameSource({ deployment }: Pick<LoadedConfiguration, "deployment">, topic: string): string {
  return topic.slice(`${deployment.kafka.topicPrefix}${CHANNEL}`.length);
}

export function deadLetterTopic(topic: string): string {
  return `${topic}${DEAD_LETTERS}`;
}

export function deadLetterTopics(loaded: Topics): TopicSpec[] {
  // A dead letter is larger than its record: unpacked, and with the headers that say why.
  const config = { ...keepFor(30 * DAY_MS), "max.message.bytes": String(DEAD_LETTER_BYTES_MAX) };
  const { privacy, rules } = topicNames(loaded);
  const topics = [...loaded.configuration.sources.map(({ topic }) => topic), privacy, rules];
  return topics.map((topic) => ({ name: deadLetterTopic(topic), partitions: 1, config }));
}

/** The log of record: one partition a shard, never compacted, never aged out. */
export function innerTopics(loaded: Pick<LoadedConfiguration, "deployment">): TopicSpec[] {
  const config = { ...keepFor(UNLIMITED), "max.message.bytes": String(RESOLVED_BYTES_MAX) };
  return [{ name: topicNames(loaded).resolved, partitions: loaded.deployment.engine.shards, config }];
}

/** Keys of what is sealed on the inner log, of each name the last word: what was destroyed is to be gone in two days. */
export function keysTopics(loaded: Pick<LoadedConfiguration, "deployment">): TopicSpec[] {
  return [{ name: topicNames(loaded).keys, partitions: 1, config: keepLatest() }];
}

/** Requests of persons: each for ever, as each has a key of its own. One partition, so that there is one order of them. */
export function privacyTopics(loaded: Pick<LoadedConfiguration, "deployment">): TopicSpec[] {
  return [{ name: topicNames(loaded).privacy, partitions: 1, config: keepLatest() }];
}

/** Every rule set that was ever in force: a replay needs them all, and one partition, so that there is one order of them. */
export function rulesTopics(loaded: Pick<LoadedConfiguration, "deployment">): TopicSpec[] {
  return [{ name: topicNames(loaded).rules, partitions: 1, config: keepFor(UNLIMITED) }];
}

/** When each source was held back and released: whoever resolves the channels anew needs to know. One partition: one order. */
export function sourcesTopics(loaded: Pick<LoadedConfiguration, "deployment">): TopicSpec[] {
  return [{ name: topicNames(loaded).sources, partitions: 1, config: keepFor(UNLIMITED) }];
}

export function outputTopics(loaded: Pick<LoadedConfiguration, "deployment">): TopicSpec[] {
  const names = topicNames(loaded);
  const output = (name: string, config: TopicSpec["config"]) => ({ name, partitions: OUTPUT_PARTITIONS, config });
  return [
    output(names.profileChanged, keepFor(7 * DAY_MS)),
    output(names.segmentTransition, keepFor(30 * DAY_MS)),
    output(names.identityChanged, keepFor(30 * DAY_MS)),
    output(names.profileSignal, keepFor(30 * DAY_MS)),
    output(names.profileState, keepLatest()),
    output(names.identityAlias, keepLatest()),
    output(names.profileErased, keepFor(30 * DAY_MS)),
  ];
}

/** All of them, each name once, as `weft topics` creates them. */
export function allTopics(loaded: Topics): TopicSpec[] {
  return [
    ...channelTopics(loaded),
    ...privacyTopics(loaded),
    ...rulesTopics(loaded),
    ...sourcesTopics(loaded),
    ...innerTopics(loaded),
    ...keysTopics(loaded),
    ...outputTopics(loaded),
    ...deadLetterTopics(loaded),
  ];
}

/** Whole segments are taken away, so what is to be gone must not stand in one that goes on for long (deadline.ts). */
const ROLLED_DAILY = { "segment.ms": String(DAY_MS) };

function keepFor(retention: number | string): TopicSpec["config"] {
  const rolled = retention === UNLIMITED ? {} : ROLLED_DAILY;
  return { "cleanup.policy": "delete", "retention.ms": String(retention), ...rolled, ...RECORD_TIMES };
}

/** A reader that was away for a week still sees every tombstone. What is outdated is gone in two days. */
function keepLatest(): TopicSpec["config"] {
  const soon = { "max.compaction.lag.ms": String(DAY_MS), ...ROLLED_DAILY };
  return { "cleanup.policy": "compact", "delete.retention.ms": String(7 * DAY_MS), ...soon, ...RECORD_TIMES };
}
