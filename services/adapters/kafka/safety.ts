// Whether Kafka keeps what it acknowledges: a log of record on one disk, or one that a single broker acknowledges, loses
// events that everything here rests on.

import kafkajs, { type Admin } from "kafkajs";

const { ConfigResourceTypes } = kafkajs;
const MIN_INSYNC = "min.insync.replicas";
const UNCLEAN = "unclean.leader.election.enable";

/** One line for each kind of danger, with the topics that are in it; empty where there is none. */
export async function findUnsafeTopics(admin: Admin, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const [{ topics }, { resources }] = await Promise.all([
    admin.fetchTopicMetadata({ topics: [...names] }),
    admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({
        type: ConfigResourceTypes.TOPIC,
        name,
        configNames: [MIN_INSYNC, UNCLEAN],
      })),
    }),
  ]);
  const single: string[] = [];
  const alone: string[] = [];
  const unclean: string[] = [];
  for (const { name, partitions } of topics) {
    const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? [];
    const valueOf = (key: string) => entries.find(({ configName }) => configName === key)?.configValue;
    const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
    if (replicas < 2) single.push(name);
    else if (Number(valueOf(MIN_INSYNC) ?? 1) < 2) alone.push(name);
    if (valueOf(UNCLEAN) === "true") unclean.push(name);
  }
  return [
    describe(single, "one replica, so a lost disk loses what is there: give it three"),
    describe(alone, `${MIN_INSYNC} is 1, so one broker alone acknowledges what it may lose: set it to 2`),
    describe(unclean, `${UNCLEAN} is true, so a leader without acknowledged records may be chosen: set it to false`),
  ].filter((line) => line !== null);
}

function describe(topics: readonly string[], danger: string): string | null {
  const [first] = topics;
  if (first === undefined) return null;
  return `${topics.length === 1 ? first : `${first} and ${topics.length - 1} more topics`}: ${danger}`;
}
