// Produce requests written in one pass. kafkajs makes an encoder with a buffer of its own for each header, record, batch,
// partition and topic, and copies each into the next: for our records, with the eight headers of a CloudEvent, that cost
// more CPU than folding the events that caused them. The same bytes are written here into one buffer that is used again.
// The module is looked up when the first request is encoded, so replacing it before that is enough. Requests that ask for
// compression are left to kafkajs.

import { createRequire } from "node:module";
import { crc32c } from "./crc32c.ts";

const require = createRequire(import.meta.url);
/** Versions 4 to 7 are made of it. */
const MODULE = "kafkajs/src/protocol/requests/produce/v3/request";

type Bytes = Buffer | string | null | undefined;

export interface ProducedMessage {
  readonly key?: Bytes;
  readonly value: Bytes;
  /** A list: the header several times. */
  readonly headers?: Readonly<Record<string, Bytes | readonly Bytes[]>>;
  readonly timestamp?: string;
}

export interface ProduceRequest {
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string | null;
  /** An int64 in decimal, or an object that says it as such; none: a producer that is not idempotent. */
  readonly producerId?: { toString(): string };
  readonly producerEpoch?: number;
  readonly compression?: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence?: number;
      readonly messages: readonly ProducedMessage[];
    }[];
  }[];
}

const START_BYTES = 1024 * 1024;
/** Room for anything of fixed size. */
const SPARE_BYTES = 128;
const MAGIC = 2;
const TRANSACTIONAL = 16;
const TWO_32 = 2 ** 32;
const INT32_MAX = 0x7fffffff;

let buffer = Buffer.allocUnsafeSlow(START_BYTES);
let at = 0;

function reserve(bytes: number): void {
  if (at + bytes + SPARE_BYTES <= buffer.length) return;
  const grown = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, at + bytes + SPARE_BYTES));
  buffer.copy(grown, 0, 0, at);
  buffer = grown;
}

function putInt16(value: number): void {
  at = buffer.writeInt16BE(value, at);
}

function putInt32(value: number): void {
  at = buffer.writeInt32BE(value, at);
}

function putInt64(value: number): void {
  at = buffer.writeInt32BE(Math.floor(value / TWO_32), at);
  at = buffer.writeUInt32BE(value - Math.floor(value / TWO_32) * TWO_32, at);
}

/** Zigzag: small numbers of either sign take few bytes. Doubles are exact here: deltas stay below 2^52. */
function putVarint(value: number): void {
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  for (; rest > INT32_MAX; rest = Math.floor(rest / 128)) buffer[at++] = (rest % 128) | 128;
  for (; rest >= 128; rest >>>= 7) buffer[at++] = (rest & 127) | 128;
  buffer[at++] = rest;
}

/** What is written from `start` on gets its length in front: two bytes for nearly all records, so that many are kept free. */
function putLengthBefore(start: number): void {
  const length = at - start - 2;
  const end = at;
  at = start;
  if (length >= 64 && length < 8192) {
    putVarint(length);
    at = end;
    return;
  }
  let size = 1;
  for (let rest = length * 2; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  reserve(end - start + size);
  buffer.copyWithin(start + size, start + 2, end);
  putVarint(length);
  at = start + size + length;
}

/** Text is nearly always ASCII: its length counts as its bytes until a character says otherwise. */
function putText(text: string): void {
  reserve(text.length * 3);
  const start = at;
  putVarint(text.length);
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit > 127) {
      at = start;
      putVarint(Buffer.byteLength(text));
      at += buffer.write(text, at);
      return;
    }
    buffer[at++] = unit;
  }
}

function putBytes(bytes: Bytes): void {
  if (bytes === null || bytes === undefined) return putVarint(-1);
  if (typeof bytes === "string") return putText(bytes);
  reserve(bytes.length);
  putVarint(bytes.length);
  buffer.set(bytes, at);
  at += bytes.length;
}

function putHeaders(headers: ProducedMessage["headers"]): void {
  let count = 0;
  for (const name in headers) {
    const value = headers[name];
    count += Array.isArray(value) ? value.length : 1;
  }
  putVarint(count);
  for (const name in headers) {
    const value = headers[name];
    for (const one of Array.isArray(value) ? (value as readonly Bytes[]) : [value as Bytes]) {
      putText(name);
      putBytes(one);
    }
  }
}

/** Record => Length Attributes TimestampDelta OffsetDelta Key Value Headers (message format v2). */
function putRecord({ key, value, headers }: ProducedMessage, offsetDelta: number, timestampDelta: number): void {
  reserve(0);
  const start = at;
  at += 2;
  buffer[at++] = 0;
  putVarint(timestampDelta);
  putVarint(offsetDelta);
  putBytes(key);
  putBytes(value);
  putHeaders(headers);
  putLengthBefore(start);
}

/** RecordBatch => BaseOffset Length LeaderEpoch Magic CRC Attributes ... [Record]; its size stands before it. */
function putBatch(request: ProduceRequest, messages: readonly ProducedMessage[], firstSequence: number): void {
  reserve(0);
  const nowMs = Date.now();
  const timesMs = messages.map(({ timestamp }) => (timestamp === undefined ? nowMs : Number(timestamp)));
  const firstMs = timesMs.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const start = at;
  at += 4 + 8 + 4;
  putInt32(0);
  buffer[at++] = MAGIC;
  const checked = at + 4;
  at = checked;
  putInt16(request.transactionalId ? TRANSACTIONAL : 0);
  putInt32(messages.length - 1);
  putInt64(firstMs);
  putInt64(timesMs.reduce((a, b) => Math.max(a, b), firstMs));
  at = buffer.writeBigInt64BE(BigInt(String(request.producerId ?? -1)), at);
  putInt16(request.producerEpoch ?? 0);
  putInt32(firstSequence);
  putInt32(messages.length);
  for (const [i, message] of messages.entries()) putRecord(message, i, (timesMs[i] as number) - firstMs);
  buffer.writeInt32BE(at - start - 4, start);
  buffer.fill(0, start + 4, start + 12);
  buffer.writeInt32BE(at - start - 16, start + 12);
  buffer.writeUInt32BE(crc32c(buffer, checked, at), checked - 4);
}

function putShortText(text: string | null): void {
  if (text === null) return putInt16(-1);
  const length = Buffer.byteLength(text);
  reserve(length);
  putInt16(length);
  at += buffer.write(text, at);
}

/** The body of a Produce request, versions 3 to 7, uncompressed. */
export function encodeProduce(request: ProduceRequest): Buffer {
  at = 0;
  putShortText(request.transactionalId ?? null);
  putInt16(request.acks);
  putInt32(request.timeout);
  putInt32(request.topicData.length);
  for (const { topic, partitions } of request.topicData) {
    putShortText(topic);
    reserve(0);
    putInt32(partitions.length);
    for (const { partition, messages, firstSequence } of partitions) {
      reserve(0);
      putInt32(partition);
      putBatch(request, messages, firstSequence ?? 0);
    }
  }
  // A copy: other producers' requests are encoded before kafkajs sends this one.
  return Buffer.from(buffer.subarray(0, at));
}

export function patchProduceRequests(): void {
  const { prototype } = require("kafkajs/src/protocol/encoder") as { prototype: object };
  const path = require.resolve(MODULE);
  const original = require(path) as (request: ProduceRequest) => object;
  const module = require.cache[path];
  if (module === undefined) throw new Error(`${MODULE} cannot be replaced`);
  module.exports = (request: ProduceRequest) => {
    const made = original(request);
    if (request.compression) return made;
    const encode = async (): Promise<object> => {
      const body = encodeProduce(request);
      return Object.assign(Object.create(prototype) as object, { buf: body, offset: body.length });
    };
    return { ...made, encode };
  };
}
