// Topics are made explicitly, and only used when every partition has a leader. One that is there with another number of
// partitions or another cleanup policy is refused: the engine's promises rest on both.

import { setTimeout as delay } from "node:timers/promises";
import kafkajs, { type Admin } from "kafkajs";
import { LogError, type TopicSpec } from "#ports/log.ts";
import { isPassing, isUnknownTopic, toLogError } from "./failure.ts";

const { ConfigResourceTypes } = kafkajs;
const LEADERS_WAIT_MS = 30_000;

export async function createKafkaTopics(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  try {
    const present = new Set(await admin.listTopics());
    const missing = specs.filter(({ name }) => !present.has(name));
    if (missing.length > 0) await createMissing(admin, missing);
    await awaitLeaders(admin, specs);
    await awaitReadable(admin, missing);
    // Those just made are checked as well: another process may have been quicker, with other words.
    await checkPolicies(admin, specs);
  } catch (error) {
    throw toLogError(error, false);
  }
}

async function createMissing(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  const topics = specs.map(({ name, partitions, config }) => ({
    topic: name,
    numPartitions: partitions,
    configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
  }));
  try {
    await admin.createTopics({ topics, waitForLeaders: false, timeout: 30_000 });
  } catch (error) {
    // Two processes that start together both find it missing.
    const types = [...((error as { errors?: { type?: string }[] }).errors ?? []), error as { type?: string }].map(
      ({ type }) => type,
    );
    if (!types.some((type) => type === "TOPIC_ALREADY_EXISTS")) throw error;
    const present = new Set(await admin.listTopics());
    const still = specs.filter(({ name }) => !present.has(name));
    if (still.length > 0 && still.length < specs.length) await createMissing(admin, still);
  }
}

async function awaitLeaders(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  for (const deadline = performance.now() + LEADERS_WAIT_MS; ; ) {
    const problem = await findProblem(admin, specs);
    if (problem === null) return;
    if (problem.final || performance.now() > deadline) throw new LogError("log-unavailable", problem.message);
    await delay(100);
  }
}

/** The controller's word that a partition has a leader reaches us before it reaches the leader. */
async function awaitReadable(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  for (const deadline = performance.now() + LEADERS_WAIT_MS; ; ) {
    try {
      await Promise.all(specs.map(({ name }) => admin.fetchTopicOffsets(name)));
      return;
    } catch (error) {
      if ((!isPassing(error) && !isUnknownTopic(error)) || performance.now() > deadline) throw error;
    }
    await delay(20);
  }
}

async function findProblem(
  admin: Admin,
  specs: readonly TopicSpec[],
): Promise<{ message: string; final: boolean } | null> {
  let topics: Awaited<ReturnType<Admin["fetchTopicMetadata"]>>["topics"];
  try {
    ({ topics } = await admin.fetchTopicMetadata({ topics: specs.map(({ name }) => name) }));
  } catch (error) {
    if (!isPassing(error) && !isUnknownTopic(error)) throw error;
    return { message: "the topics have no leaders yet", final: false };
  }
  for (const { name, partitions } of specs) {
    const found = topics.find((topic) => topic.name === name);
    if (found === undefined || found.partitions.some(({ leader }) => leader < 0))
      return { message: `topic ${name} has no leader yet`, final: false };
    if (found.partitions.length !== partitions)
      return {
        message: `topic ${name} has ${found.partitions.length} partitions, ${partitions} are needed`,
        final: true,
      };
  }
  return null;
}

async function checkPolicies(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  if (specs.length === 0) return;
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: specs.map(({ name }) => ({ type: ConfigResourceTypes.TOPIC, name, configNames: ["cleanup.policy"] })),
  });
  for (const { name, config } of specs) {
    const wanted = config["cleanup.policy"];
    const found = resources
      .find((resource) => resource.resourceName === name)
      ?.configEntries.find((entry) => entry.configName === "cleanup.policy")?.configValue;
    if (wanted !== undefined && found !== undefined && found !== wanted)
      throw new LogError("log-unavailable", `topic ${name} has cleanup.policy ${found}, ${wanted} is needed`);
  }
}
