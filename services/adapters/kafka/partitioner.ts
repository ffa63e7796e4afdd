// kafkajs' default partitioner (murmur2, as Java's), which it asks for every record anew at every attempt of a send. Both
// kinds here look at that, and refuse a partition that does not exist: kafkajs says that it was sent, and sends nothing.

import kafkajs, { type Message, type PartitionerArgs } from "kafkajs";
import { murmur2 } from "./murmur2.ts";

const { Partitioners } = kafkajs;

type Partitioner = (args: PartitionerArgs) => number;

function createPartitioner(): Partitioner {
  const choose = Partitioners.DefaultPartitioner();
  return (args) => {
    const { topic, message, partitionMetadata } = args;
    const wanted = message.partition;
    if (wanted !== undefined && !partitionMetadata.some(({ partitionId }) => partitionId === wanted))
      throw new RangeError(`topic ${topic} has no partition ${wanted}`);
    const hash = wanted === undefined && typeof message.key === "string" ? murmur2(message.key) : null;
    return hash === null ? choose(args) : (hash & 0x7fffffff) % partitionMetadata.length;
  };
}

/** For plain appending: a record without key keeps the partition it drew, for the first attempt may have been written. */
export function createSteadyPartitioner(): Partitioner {
  const choose = createPartitioner();
  const drawn = new WeakMap<Message, number>();
  return (args) => {
    const { message } = args;
    if (message.partition !== undefined || (message.key !== null && message.key !== undefined)) return choose(args);
    const partition = drawn.get(message) ?? choose(args);
    drawn.set(message, partition);
    return partition;
  };
}

/**
 * For transactions: no second attempt. kafkajs repeats a failed send to every broker that has not answered yet, also to
 * those that are about to, under new sequence numbers: the same records twice in one transaction. It cannot be told to
 * make one attempt only (an idempotent producer "must allow retries"), so the second one fails here.
 */
export function createSingleAttemptPartitioner(): Partitioner {
  const choose = createPartitioner();
  const seen = new WeakSet<Message>();
  return (args) => {
    if (seen.has(args.message)) throw new Error("a send failed, and inside a transaction it is not repeated");
    seen.add(args.message);
    return choose(args);
  };
}
