// Records with a key go where Kafka's own clients would put them.

import { equal, throws } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import kafkajs, { type PartitionerArgs } from "kafkajs";
import { createSingleAttemptPartitioner, createSteadyPartitioner } from "#adapters/kafka/partitioner.ts";
import { runs } from "#support/property.ts";

function place(key: string, partitions: number): PartitionerArgs {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, leader: 0 }));
  return { topic: "t", partitionMetadata, message: { key, value: null } } as unknown as PartitionerArgs;
}

test("a key goes where kafkajs' default partitioner sends it, whatever its text", () => {
  const expected = kafkajs.Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: "grapheme" })),
      fc.integer({ min: 1, max: 200 }),
      (key, count) => {
        equal(createSteadyPartitioner()(place(key, count)), expected(place(key, count)));
      },
    ),
    runs(2000),
  );
});

test("inside a transaction the same message is not placed twice", () => {
  const choose = createSingleAttemptPartitioner();
  const args = place("k", 8);
  choose(args);
  throws(() => choose(args), /not repeated/);
});
