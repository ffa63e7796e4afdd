// Records between the port and kafkajs.

import { isUtf8 } from "node:buffer";
import { compareText } from "#core/comparison.ts";
import type { IHeaders, Message } from "kafkajs";
import type { LogRecord, NewRecord, RawParts } from "#ports/log.ts";

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
  const { value, raw } = record;
  return {
    key: raw?.key === undefined ? record.key : toBuffer(raw.key),
    value: value === null ? null : toBuffer(value),
    ...(record.partition === undefined ? {} : { partition: record.partition }),
    ...(record.headers === undefined && raw === undefined ? {} : { headers: writeHeaders(record) }),
    ...(record.timestampMs === undefined ? {} : { timestamp: String(record.timestampMs) }),
  };
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** kafkajs writes lists of buffers as they are, and types them as lists of texts. */
function writeHeaders({ headers, raw }: NewRecord): IHeaders {
  return { ...headers, ...(raw?.headers as IHeaders | undefined) };
}

export function toLogRecord(topic: string, partition: number, offset: number, message: FetchedMessage): LogRecord {
  const raw = findRaw(message);
  return {
    topic,
    partition,
    offset,
    timestampMs: Number(message.timestamp),
    key: message.key === null ? null : message.key.toString(),
    value: message.value,
    headers: readHeaders(message.headers),
    ...(raw === null ? {} : { raw }),
  };
}

function findRaw({ key, headers }: FetchedMessage): RawParts | null {
  const isRawKey = key !== null && !isUtf8(key);
  const rawHeaders: Record<string, Uint8Array[]> = {};
  let isRaw = isRawKey;
  for (const name of Object.keys(headers ?? {})) {
    const values = [headers?.[name] ?? ""].flat().map((value) => Buffer.from(value));
    if (values.length === 1 && values.every((value) => isUtf8(value))) continue;
    rawHeaders[name] = values;
    isRaw = true;
  }
  return isRaw ? { ...(isRawKey ? { key } : {}), headers: rawHeaders } : null;
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
export const SEND_RECORDS_MAX = 2000;
/** No request that takes a broker seconds. */
const SEND_BYTES_MAX = 8 * 1024 * 1024;
/** All that a send holds for one partition is one batch, and a broker refuses a batch above 1 MiB (message.max.bytes). */
export const BATCH_BYTES_MAX = 900 * 1024;
const RECORD_OVERHEAD_BYTES = 40;

/**
 * The records of one transaction, those of a partition together and in their order: a send then holds few large
 * batches instead of many small ones, and a batch costs the client and the broker more than the records in it.
 */
export function gatherPartitions(records: readonly NewRecord[]): NewRecord[] {
  return records.toSorted((a, b) => compareText(a.topic, b.topic) || (a.partition ?? -1) - (b.partition ?? -1));
}

/** By topic, in sends that are small enough, order kept. */
export function toSends(records: readonly NewRecord[]): TopicSend[][] {
  const sends: TopicSend[][] = [];
  let topics = new Map<string, TopicSend>();
  let sizes = new Sizes();
  const cut = () => {
    if (topics.size > 0) sends.push([...topics.values()]);
    topics = new Map();
    sizes = new Sizes();
  };
  for (const record of records) {
    const bytes = sizeRecord(record);
    if (!sizes.fits(record, bytes)) cut();
    sizes.add(record, bytes);
    const send = topics.get(record.topic) ?? { topic: record.topic, messages: [] };
    topics.set(record.topic, send);
    send.messages.push(toMessage(record));
  }
  cut();
  return sends;
}

/** What a send holds. Where a key will go is not known here, so it may go to any partition of its topic. */
class Sizes {
  readonly #anywhere = new Map<string, number>();
  readonly #placed = new Map<string, number>();
  readonly #fullest = new Map<string, number>();
  #count = 0;
  #bytes = 0;

  fits({ topic, partition }: NewRecord, bytes: number): boolean {
    const placed = partition === undefined ? this.#fullest.get(topic) : this.#placed.get(`${topic}/${partition}`);
    const batchBytes = (this.#anywhere.get(topic) ?? 0) + (placed ?? 0) + bytes;
    return this.#count < SEND_RECORDS_MAX && this.#bytes < SEND_BYTES_MAX && batchBytes <= BATCH_BYTES_MAX;
  }

  add({ topic, partition }: NewRecord, bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
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
