// Keys go where Java's default partitioner puts them. A record without key goes anywhere, but always to the same place:
// kafkajs partitions anew at every try of a send, and a sequence number that the broker has seen would then stand for
// other records. It also sends to a partition that does not exist without a word, and without sending.

import kafkajs, { type Message, type PartitionerArgs } from "kafkajs";

export function createPartitioner(): (args: PartitionerArgs) => number {
  const choose = kafkajs.Partitioners.DefaultPartitioner();
  const chosen = new WeakMap<Message, number>();
  return (args) => {
    const { topic, message, partitionMetadata } = args;
    if (
      message.partition !== undefined &&
      !partitionMetadata.some(({ partitionId }) => partitionId === message.partition)
    )
      throw new RangeError(`topic ${topic} has no partition ${message.partition}`);
    if (message.key !== null && message.key !== undefined) return choose(args);
    const partition = chosen.get(message) ?? choose(args);
    chosen.set(message, partition);
    return partition;
  };
}
