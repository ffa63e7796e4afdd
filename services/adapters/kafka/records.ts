// Records between the port and kafkajs.

import type { IHeaders, KafkaMessage, Message } from "kafkajs";
import type { LogRecord, NewRecord } from "#ports/log.ts";

export function toMessage(record: NewRecord): Message {
  return {
    key: record.key,
    value:
      record.value === null ? null : Buffer.from(record.value.buffer, record.value.byteOffset, record.value.length),
    ...(record.partition === undefined ? {} : { partition: record.partition }),
    ...(record.headers === undefined ? {} : { headers: record.headers }),
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
/** All that a send holds for one partition is one batch, and a broker refuses a batch above 1 MiB (message.max.bytes). */
export const BATCH_BYTES_MAX = 900 * 1024;
const RECORD_OVERHEAD_BYTES = 40;

type Send = { topic: string; messages: Message[] }[];

/** By topic, in sends that are small enough, order kept. */
export function toSends(records: readonly NewRecord[]): Send[] {
  const sends: Send[] = [];
  let topics = new Map<string, Message[]>();
  let sizes = new Sizes();
  let count = 0;
  const cut = () => {
    if (count > 0) sends.push([...topics].map(([topic, messages]) => ({ topic, messages })));
    topics = new Map();
    sizes = new Sizes();
    count = 0;
  };
  for (const record of records) {
    const bytes = sizeRecord(record);
    if (count >= SEND_RECORDS_MAX || !sizes.fits(record, bytes)) cut();
    sizes.add(record, bytes);
    count += 1;
    const messages = topics.get(record.topic);
    if (messages === undefined) topics.set(record.topic, [toMessage(record)]);
    else messages.push(toMessage(record));
  }
  cut();
  return sends;
}

/** Bytes of one send per partition at most: where a key will go is not known here, so it may go anywhere. */
class Sizes {
  readonly #anywhere = new Map<string, number>();
  readonly #placed = new Map<string, number>();
  readonly #fullest = new Map<string, number>();

  fits({ topic, partition }: NewRecord, bytes: number): boolean {
    const placed =
      partition === undefined ? this.#fullest.get(topic) : (this.#placed.get(`${topic}/${partition}`) ?? 0);
    return (this.#anywhere.get(topic) ?? 0) + (placed ?? 0) + bytes <= BATCH_BYTES_MAX;
  }

  add({ topic, partition }: NewRecord, bytes: number): void {
    if (partition === undefined) {
      this.#anywhere.set(topic, (this.#anywhere.get(topic) ?? 0) + bytes);
      return;
    }
    const placed = (this.#placed.get(`${topic}/${partition}`) ?? 0) + bytes;
    this.#placed.set(`${topic}/${partition}`, placed);
    this.#fullest.set(topic, Math.max(this.#fullest.get(topic) ?? 0, placed));
  }
}

function sizeRecord({ key, value, headers }: NewRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (value?.length ?? 0) + (key === null ? 0 : Buffer.byteLength(key));
  for (const name in headers) bytes += 6 + Buffer.byteLength(name) + Buffer.byteLength(headers[name] ?? "");
  return bytes;
}
