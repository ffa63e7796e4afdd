// A log that may lose what it acknowledged is told apart from one that keeps it (O1), and judged by where it runs.

import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { judgeLogSafety, UnsafeLog } from "#services/cli/wiring.ts";
import { groundTest } from "#support/kafka-ground.ts";

groundTest(
  "a topic of one replica, and one whose leader may lack records, are told; others are not",
  async (ground) => {
    const [one, two] = [await ground.createTopic(1), await ground.createTopic(1)];
    const single = "one replica, so a lost disk loses what is there: give it three";
    deepEqual(await ground.log.findUnsafeTopics([one]), [`${one}: ${single}`]);
    const unclean = { "unclean.leader.election.enable": "true" };
    await ground.log.createTopics([{ name: `${one}-unclean`, partitions: 1, config: unclean }]);
    const [alone, chosen] = await ground.log.findUnsafeTopics([one, two, `${one}-unclean`]);
    equal(/ and 2 more topics: one replica/.test(alone ?? ""), true);
    equal(
      chosen,
      `${one}-unclean: unclean.leader.election.enable is true, so a leader without acknowledged records may be chosen: set it to false`,
    );
    deepEqual(await ground.log.findUnsafeTopics([]), []);
  },
);

test("an unsafe log is refused, but on this machine alone, where it is only said", () => {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  judgeLogSafety(["127.0.0.1:9092", "localhost:9093"], "a danger", say);
  deepEqual(said, ["Kafka at 127.0.0.1:9092: a danger"]);
  throws(() => judgeLogSafety(["127.0.0.1:9092", "kafka.example:9092"], "a danger", say), UnsafeLog);
  equal(said.length, 1);
});
