// Records between the port and kafkajs.

import type { IHeaders, Message } from "kafkajs";
import type { LogRecord, NewRecord } from "#ports/log.ts";

/** A message as kafkajs decodes it, before its own filters. */
export interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders;
  readonly isControlRecord: boolean;
  /** Absent in the message sets of before Kafka 0.11. */
  readonly batchContext?: {
    readonly firstOffset: string;
    readonly lastOffsetDelta: number;
    readonly producerId: string;
    readonly inTransaction: boolean;
  };
}

export function toMessage(record: NewRecord): Message {
  const { value } = record;
  return {
    key: record.key,
    value: value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.length),
    ...(record.partition === undefined ? {} : { partition: record.partition }),
    ...(record.headers === undefined ? {} : { headers: record.headers }),
    ...(record.timestampMs === undefined ? {} : { timestamp: String(record.timestampMs) }),
  };
}

export function toLogRecord(topic: string, partition: number, offset: number, message: FetchedMessage): LogRecord {
  return {
    topic,
    partition,
    offset,
    timestampMs: Number(message.timestamp),
    key: message.key === null ? null : message.key.toString(),
    value: message.value,
    headers: readHeaders(message.headers),
  };
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

function readHeaders(headers: IHeaders | undefined): Readonly<Record<string, string>> {
  if (headers === undefined) return NONE;
  const names = Object.keys(headers);
  if (names.length === 0) return NONE;
  return Object.fromEntries(
    names.map((name) => {
      const value = headers[name];
      return [name, String(Array.isArray(value) ? (value[0] ?? "") : (value ?? ""))];
    }),
  );
}

export interface TopicSend {
  readonly topic: string;
  readonly messages: Message[];
}

/** kafkajs copies its grouping per message, so a send is kept small (tulios/kafkajs#1576). */
export const SEND_RECORDS_MAX = 500;
/** Well below max.message.bytes times the partitions of a topic, and no request that takes a broker seconds. */
export const SEND_BYTES_MAX = 8 * 1024 * 1024;

/** By topic, in sends of at most SEND_RECORDS_MAX records and about SEND_BYTES_MAX bytes, order kept. */
export function toSends(records: readonly NewRecord[]): TopicSend[][] {
  const sends: TopicSend[][] = [];
  let topics = new Map<string, TopicSend>();
  let count = 0;
  let bytes = 0;
  for (const record of records) {
    if (count >= SEND_RECORDS_MAX || bytes >= SEND_BYTES_MAX) {
      sends.push([...topics.values()]);
      topics = new Map();
      count = 0;
      bytes = 0;
    }
    const send = topics.get(record.topic) ?? { topic: record.topic, messages: [] };
    topics.set(record.topic, send);
    send.messages.push(toMessage(record));
    count += 1;
    bytes += record.value?.length ?? 0;
  }
  if (count > 0) sends.push([...topics.values()]);
  return sends;
}
