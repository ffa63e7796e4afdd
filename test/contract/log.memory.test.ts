// The memory log keeps the contract, and stands beside Kafka: a shop that outgrows one machine finds every key where it
// was.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import kafkajs from "kafkajs";
import { hashKey, partitionOfKey } from "#adapters/local/partitioner.ts";
import { openMemoryLog } from "#adapters/memory/log.ts";
import { testLog } from "./log.contract.ts";
import { runs } from "#support/property.ts";

testLog("memory", async () => openMemoryLog());

test("a key goes to the partition that kafkajs and Java's default partitioner give it", () => {
  // Values of Java's own UtilsTest.testMurmur2.
  const java: readonly [string, number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ];
  for (const [key, hash] of java) assert.equal(hashKey(key), hash, key);
  const partition = kafkajs.Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.integer({ min: 1, max: 500 }), (key, partitions) => {
      const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => {
        return { partitionId, leader: 0, partitionErrorCode: 0, replicas: [], isr: [] };
      });
      const expected = partition({ topic: "t", partitionMetadata, message: { key, value: null } });
      assert.equal(partitionOfKey(key, partitions), expected);
    }),
    runs(2000),
  );
});
