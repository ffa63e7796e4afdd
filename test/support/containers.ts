// The same three services in containers, for machines that have a Docker engine and may not install packages.
// testcontainers ends them when this process is gone, however it went.

import { GenericContainer, getContainerRuntimeClient, Wait } from "testcontainers";
import { findFreePorts } from "../../infra/process.ts";
import { REDIS_SETTINGS } from "../../infra/redis.ts";
import { REGISTRY_PATH } from "../../infra/registry.ts";
import { KAFKA_IMAGE, REDIS_IMAGE, REGISTRY_IMAGE } from "../../infra/versions.ts";

export interface ContainerServices {
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly redisUrl: string;
  stop(): Promise<void>;
}

export async function hasDockerEngine(): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}

export async function startContainers(): Promise<ContainerServices> {
  // The broker tells its clients where it is, so its port outside must be known before it starts.
  const [kafkaPort] = await findFreePorts(1);
  if (kafkaPort === undefined) throw new Error("no free port for Kafka");
  const [kafka, registry, redis] = await Promise.all([
    new GenericContainer(KAFKA_IMAGE)
      .withExposedPorts({ container: 9092, host: kafkaPort })
      .withEnvironment({
        KAFKA_NODE_ID: "1",
        KAFKA_PROCESS_ROLES: "broker,controller",
        KAFKA_CONTROLLER_QUORUM_VOTERS: "1@localhost:9093",
        KAFKA_LISTENERS: "PLAINTEXT://:9092,CONTROLLER://:9093",
        KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${kafkaPort}`,
        KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        KAFKA_AUTO_CREATE_TOPICS_ENABLE: "false",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1",
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: "1",
        KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: "1",
        KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: "1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
      })
      .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
      .start(),
    new GenericContainer(REGISTRY_IMAGE)
      .withExposedPorts(8080)
      .withWaitStrategy(Wait.forHttp(`${REGISTRY_PATH}/subjects`, 8080))
      .start(),
    new GenericContainer(REDIS_IMAGE)
      .withExposedPorts(6379)
      .withCommand(["redis-server", ...REDIS_SETTINGS.flatMap(([name, value]) => [`--${name}`, value])])
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
      .start(),
  ]);
  return {
    brokers: [`127.0.0.1:${kafkaPort}`],
    registryUrl: `http://${registry.getHost()}:${registry.getMappedPort(8080)}${REGISTRY_PATH}`,
    redisUrl: `redis://${redis.getHost()}:${redis.getMappedPort(6379)}`,
    stop: async () => {
      await Promise.all([kafka.stop(), registry.stop(), redis.stop()]);
    },
  };
}
