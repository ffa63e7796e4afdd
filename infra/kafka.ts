// One Kafka node (KRaft: broker and controller in one), natively. The probe speaks the four requests that matter by
// hand: a client library would bring its own retries, and these answers are what tells "listens" from "serves".

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { writeFileWhole } from "./install.ts";
import type { Launch, ServicePlan, Surroundings } from "./service.ts";
import { exchangeBytes, firstPort } from "./service.ts";

// Fewer than the default 50: one node, and a first start that is done in a second. The probe asks one id per partition.
const COORDINATOR_PARTITIONS = 8;

function propertiesFile(surroundings: Surroundings): string {
  return join(surroundings.directory, "server.properties");
}

function formatProperties(surroundings: Surroundings): string {
  const [port, controllerPort] = surroundings.ports;
  const properties: readonly (readonly [string, string])[] = [
    ["process.roles", "broker,controller"],
    ["node.id", "1"],
    ["controller.quorum.voters", `1@127.0.0.1:${controllerPort}`],
    ["listeners", `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`],
    ["advertised.listeners", `PLAINTEXT://127.0.0.1:${port}`],
    ["controller.listener.names", "CONTROLLER"],
    ["listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"],
    ["log.dirs", surroundings.dataDirectory],
    // A misspelt topic must be an error, not a topic with the broker's defaults.
    ["auto.create.topics.enable", "false"],
    ["offsets.topic.num.partitions", String(COORDINATOR_PARTITIONS)],
    ["offsets.topic.replication.factor", "1"],
    ["transaction.state.log.num.partitions", String(COORDINATOR_PARTITIONS)],
    ["transaction.state.log.replication.factor", "1"],
    ["transaction.state.log.min.isr", "1"],
    ["share.coordinator.state.topic.replication.factor", "1"],
    ["share.coordinator.state.topic.min.isr", "1"],
    ["group.initial.rebalance.delay.ms", "0"],
  ];
  return properties.map(([name, value]) => `${name}=${value}\n`).join("");
}

function classPath(surroundings: Surroundings): string {
  return join(surroundings.programs.kafkaDirectory, "*");
}

function makeClusterId(): string {
  // 16 bytes in URL-safe base64, as Kafka's own tool writes them; a leading dash would read as an option.
  for (;;) {
    const id = randomBytes(16).toString("base64url");
    if (!id.startsWith("-")) return id;
  }
}

async function prepareKafka(surroundings: Surroundings): Promise<void> {
  writeFileWhole(propertiesFile(surroundings), formatProperties(surroundings));
  if (existsSync(join(surroundings.dataDirectory, "meta.properties"))) return;
  const format = ["format", "-t", makeClusterId(), "-c", propertiesFile(surroundings)];
  await promisify(execFile)(surroundings.programs.java, [
    "-Xmx256m",
    "-XX:TieredStopAtLevel=1",
    "-cp",
    classPath(surroundings),
    "kafka.tools.StorageTool",
    ...format,
  ]);
}

function launchKafka(surroundings: Surroundings): Launch {
  return {
    command: surroundings.programs.java,
    arguments: [
      "-Xmx1g",
      // This broker lives for a test or an afternoon: the second compiler would take more CPU than it ever gives back.
      "-XX:TieredStopAtLevel=1",
      "-XX:+UseSerialGC",
      "-Dorg.apache.logging.log4j.level=WARN",
      "-cp",
      classPath(surroundings),
      "kafka.Kafka",
      propertiesFile(surroundings),
    ],
  };
}

const METADATA = { key: 3, version: 4 } as const;
const FIND_COORDINATOR = { key: 10, version: 2 } as const;
const DESCRIBE_GROUPS = { key: 15, version: 1 } as const;
const INIT_PRODUCER_ID = { key: 22, version: 1 } as const;

function int8(value: number): Buffer {
  const bytes = Buffer.alloc(1);
  bytes.writeInt8(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([int16(bytes.length), bytes]);
}

/** One request; the answer without its length and correlation id. */
async function askKafka(
  port: number,
  api: { readonly key: number; readonly version: number },
  body: readonly Buffer[],
): Promise<Buffer> {
  const message = Buffer.concat([int16(api.key), int16(api.version), int32(1), text("weft-probe"), ...body]);
  const isWhole = (answer: Buffer): boolean => answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0);
  const answer = await exchangeBytes(port, Buffer.concat([int32(message.length), message]), isWhole, 5_000);
  return answer.subarray(8);
}

function refuse(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Error(`${what} answers error ${errorCode}`);
}

async function probeKafka(ports: readonly number[]): Promise<void> {
  const port = firstPort(ports);
  // Metadata v4: no topics, nothing created. Answer: throttle (4), then the brokers.
  const metadata = await askKafka(port, METADATA, [int32(0), int8(0)]);
  if (metadata.readInt32BE(4) < 1) throw new Error("Metadata names no broker");
  for (let partition = 0; partition < COORDINATOR_PARTITIONS; partition++) {
    // Java's string hash makes ids that differ in their last digit alone fall on every partition in turn.
    const id = `weft-probe-${partition}`;
    for (const keyType of [0, 1]) {
      const coordinator = await askKafka(port, FIND_COORDINATOR, [text(id), int8(keyType)]);
      refuse("FindCoordinator", coordinator.readInt16BE(4));
    }
    const groups = await askKafka(port, DESCRIBE_GROUPS, [int32(1), text(id)]);
    refuse("DescribeGroups", groups.readInt16BE(8));
    const producer = await askKafka(port, INIT_PRODUCER_ID, [text(id), int32(10_000)]);
    refuse("InitProducerId", producer.readInt16BE(4));
  }
}

export const KAFKA_PLAN: ServicePlan = {
  name: "kafka",
  portCount: 2,
  graceMs: 20_000,
  prepare: prepareKafka,
  launch: launchKafka,
  probe: probeKafka,
};
