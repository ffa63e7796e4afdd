// Records between the port and kafkajs.

import type { IHeaders, KafkaMessage, Message } from "kafkajs";
import type { LogRecord, NewRecord } from "#ports/log.ts";

export function toMessage(record: NewRecord): Message {
  return {
    key: record.key,
    value:
      record.value === null ? null : Buffer.from(record.value.buffer, record.value.byteOffset, record.value.length),
    ...(record.partition === undefined ? {} : { partition: record.partition }),
    ...(record.headers === undefined ? {} : { headers: record.headers as IHeaders }),
    ...(record.timestampMs === undefined ? {} : { timestamp: String(record.timestampMs) }),
  };
}

export function toLogRecord(topic: string, partition: number, message: KafkaMessage): LogRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
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

/** kafkajs copies its grouping per message, so a send is kept small (tulios/kafkajs#1576). */
export const SEND_RECORDS_MAX = 500;

/** By topic, in chunks of at most SEND_RECORDS_MAX records, order kept. */
export function toSends(records: readonly NewRecord[]): { topic: string; messages: Message[] }[][] {
  const sends: { topic: string; messages: Message[] }[][] = [];
  for (let i = 0; i < records.length; i += SEND_RECORDS_MAX) {
    const topics = new Map<string, Message[]>();
    for (const record of records.slice(i, i + SEND_RECORDS_MAX)) {
      const messages = topics.get(record.topic);
      if (messages === undefined) topics.set(record.topic, [toMessage(record)]);
      else messages.push(toMessage(record));
    }
    sends.push([...topics].map(([topic, messages]) => ({ topic, messages })));
  }
  return sends;
}
