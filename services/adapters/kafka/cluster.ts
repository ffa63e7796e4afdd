// kafkajs hands its cluster (typed and documented: brokers, leaders, coordinators) to partition assigners only. This is
// the door through which fetching and stable offsets get at it.

import kafkajs, { type Cluster, type Consumer, type ConsumerConfig, type Kafka, type PartitionAssigner } from "kafkajs";

const { PartitionAssigners } = kafkajs;

export interface ClusterConsumer {
  readonly consumer: Consumer;
  readonly cluster: Cluster;
}

export function createClusterConsumer(
  kafka: Kafka,
  config: ConsumerConfig,
  assigner: PartitionAssigner = PartitionAssigners.roundRobin,
): ClusterConsumer {
  let cluster: Cluster | undefined;
  const consumer = kafka.consumer({
    readUncommitted: false,
    ...config,
    allowAutoTopicCreation: false,
    partitionAssigners: [
      (context) => {
        cluster = context.cluster;
        return assigner(context);
      },
    ],
  });
  if (cluster === undefined) throw new Error("kafkajs made a consumer without asking for its partition assigner");
  return { consumer, cluster };
}
