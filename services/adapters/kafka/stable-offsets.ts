// The group's offsets, after every transaction that moves them has ended. A coordinator may answer InitProducerId before
// the offsets of the last transaction have come to rest; kafkajs' OffsetFetch (at most v4) would then read the ones
// before. Version 7 with require_stable refuses to answer until they have. (Brokers since 2.5.)

import { createRequire } from "node:module";
import type { Cluster } from "kafkajs";
import { partitionKey, type Position, type TopicPartition } from "#ports/log.ts";

interface Encoder {
  writeUVarIntString(text: string): Encoder;
  /** Without an argument: no tagged fields. */
  writeUVarIntBytes(): Encoder;
  writeUVarIntArray(items: readonly Encoder[]): Encoder;
  writeInt32(value: number): Encoder;
  writeBoolean(value: boolean): Encoder;
}

interface Decoder {
  readTaggedFields(): unknown;
  readInt16(): number;
  readInt32(): number;
  readInt64(): { toString(): string };
  readUVarIntString(): string | null;
  readUVarIntArray<T>(read: (decoder: Decoder) => T): T[] | null;
}

interface Coordinator {
  readonly connectionPool: {
    send(request: { readonly request: object; readonly response: object }): Promise<OffsetFetchResponse>;
  };
}

interface PartitionOffset {
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string | null;
  readonly errorCode: number;
}

interface OffsetFetchResponse {
  readonly topics: { readonly topic: string; readonly partitions: readonly PartitionOffset[] }[];
  readonly errorCode: number;
}

const require = createRequire(import.meta.url);
const EncoderClass = require("kafkajs/src/protocol/encoder") as new () => Encoder;
const DecoderClass = require("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => Decoder;
const { failure, createErrorFromCode } = require("kafkajs/src/protocol/error") as {
  failure(code: number): boolean;
  createErrorFromCode(code: number): Error;
};

const OFFSET_FETCH = 9;
const VERSION = 7;

function encodeRequest(group: string, topics: ReadonlyMap<string, readonly number[]>): Encoder {
  return (
    new EncoderClass()
      // The request's header ends with its tagged fields, which kafkajs leaves to the body.
      .writeUVarIntBytes()
      .writeUVarIntString(group)
      .writeUVarIntArray(
        [...topics].map(([topic, partitions]) =>
          new EncoderClass()
            .writeUVarIntString(topic)
            .writeUVarIntArray(partitions.map((partition) => new EncoderClass().writeInt32(partition)))
            .writeUVarIntBytes(),
        ),
      )
      .writeBoolean(true)
      .writeUVarIntBytes()
  );
}

function decodeResponse(bytes: Buffer): OffsetFetchResponse {
  const decoder = new DecoderClass(bytes);
  decoder.readTaggedFields();
  decoder.readInt32(); // throttle time
  const topics = decoder.readUVarIntArray((item) => {
    const topic = item.readUVarIntString() ?? "";
    const partitions = item.readUVarIntArray(decodePartition) ?? [];
    item.readTaggedFields();
    return { topic, partitions };
  });
  return { topics: topics ?? [], errorCode: decoder.readInt16() };
}

function decodePartition(item: Decoder): PartitionOffset {
  const partition = item.readInt32();
  const offset = Number(item.readInt64().toString());
  item.readInt32(); // leader epoch
  const metadata = item.readUVarIntString();
  const errorCode = item.readInt16();
  item.readTaggedFields();
  return { partition, offset, metadata, errorCode };
}

/** Throws kafkajs' UNSTABLE_OFFSET_COMMIT, a passing failure, while a transaction has the offsets in hand. */
export async function fetchStablePositions(
  cluster: Cluster,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<Map<string, Position>> {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
  const coordinator = (await cluster.findGroupCoordinator({ groupId: group })) as unknown as Coordinator;
  const response = await coordinator.connectionPool.send({
    request: {
      apiKey: OFFSET_FETCH,
      apiVersion: VERSION,
      apiName: "OffsetFetch",
      encode: async () => encodeRequest(group, topics),
    },
    response: { decode: async (bytes: Buffer) => decodeResponse(bytes), parse: async (data: unknown) => data },
  });
  if (failure(response.errorCode)) throw createErrorFromCode(response.errorCode);
  const positions = new Map(partitions.map((partition) => [partitionKey(partition), { offset: 0, step: 0 }]));
  for (const { topic, partitions: found } of response.topics) {
    for (const { partition, offset, metadata, errorCode } of found) {
      if (failure(errorCode)) throw createErrorFromCode(errorCode);
      // -1: never moved. Metadata that is no number: moved by hand, with kafka-consumer-groups.
      if (offset >= 0)
        positions.set(partitionKey({ topic, partition }), { offset, step: Number.parseInt(metadata ?? "", 10) || 0 });
    }
  }
  return positions;
}
