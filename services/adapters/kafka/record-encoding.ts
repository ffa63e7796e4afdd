// kafkajs encodes a record with a fresh 512-byte Buffer per record and per header: with the eight headers of a
// CloudEvent that is twenty microseconds of CPU a record, more than folding the event that caused it. The same bytes,
// written into one Buffer of the right size, take about one. Its module is looked up when the first request is encoded,
// so replacing it before that is enough.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const MODULE = "kafkajs/src/protocol/recordBatch/record/v0";

interface Encoder {
  buf: Buffer;
  offset: number;
}

export interface RecordParts {
  readonly offsetDelta?: number;
  readonly timestampDelta?: number;
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: Readonly<Record<string, unknown>>;
}

const INT32_MAX = 0x7fffffff;

/** Zigzag: small numbers of either sign become small unsigned ones. Doubles are exact here: deltas stay below 2^52. */
function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

function sizeOfVarint(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

function writeVarint(buffer: Buffer, at: number, value: number): number {
  let position = at;
  let rest = zigzag(value);
  for (; rest > INT32_MAX; rest = Math.floor(rest / 128)) buffer[position++] = (rest % 128) | 128;
  for (; rest >= 128; rest >>>= 7) buffer[position++] = (rest & 127) | 128;
  buffer[position++] = rest;
  return position;
}

type Bytes = Buffer | string | null;

function lengthOf(bytes: Bytes): number {
  if (bytes === null) return -1;
  return typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;
}

function sizeOfBytes(length: number): number {
  return sizeOfVarint(length) + Math.max(0, length);
}

function writeBytes(buffer: Buffer, at: number, bytes: Bytes, length: number): number {
  const start = writeVarint(buffer, at, length);
  if (bytes === null) return start;
  if (typeof bytes === "string") buffer.write(bytes, start, length, "utf8");
  else bytes.copy(buffer, start);
  return start + length;
}

function listHeaders(headers: Readonly<Record<string, unknown>> | undefined): { name: string; value: Bytes }[] {
  if (headers === undefined) return [];
  return Object.keys(headers).flatMap((name) => {
    const value = headers[name] as Bytes | Bytes[] | undefined;
    return (Array.isArray(value) ? value : [value ?? null]).map((one) => ({ name, value: one }));
  });
}

/** Record => Length Attributes TimestampDelta OffsetDelta Key Value Headers (Kafka message format v2). */
export function encodeRecord({ offsetDelta = 0, timestampDelta = 0, key, value, headers }: RecordParts): Buffer {
  const list = listHeaders(headers).map(({ name, value: text }) => ({
    name,
    nameLength: Buffer.byteLength(name),
    text,
    textLength: lengthOf(text),
  }));
  const [keyLength, valueLength] = [lengthOf(key ?? null), lengthOf(value ?? null)];
  const headersSize = list.reduce(
    (sum, { nameLength, textLength }) => sum + sizeOfBytes(nameLength) + sizeOfBytes(textLength),
    sizeOfVarint(list.length),
  );
  const size =
    1 +
    sizeOfVarint(timestampDelta) +
    sizeOfVarint(offsetDelta) +
    sizeOfBytes(keyLength) +
    sizeOfBytes(valueLength) +
    headersSize;
  const buffer = Buffer.allocUnsafe(sizeOfVarint(size) + size);
  let at = writeVarint(buffer, 0, size);
  buffer[at++] = 0;
  at = writeVarint(buffer, at, timestampDelta);
  at = writeVarint(buffer, at, offsetDelta);
  at = writeBytes(buffer, at, key ?? null, keyLength);
  at = writeBytes(buffer, at, value ?? null, valueLength);
  at = writeVarint(buffer, at, list.length);
  for (const { name, nameLength, text, textLength } of list) {
    at = writeBytes(buffer, at, name, nameLength);
    at = writeBytes(buffer, at, text, textLength);
  }
  return buffer;
}

export function patchRecordEncoding(): void {
  const { prototype } = require("kafkajs/src/protocol/encoder") as { prototype: Encoder };
  const path = require.resolve(MODULE);
  require(path);
  const module = require.cache[path];
  if (module === undefined) throw new Error(`${MODULE} cannot be replaced`);
  module.exports = (parts: RecordParts) => {
    const encoder = Object.create(prototype) as Encoder;
    encoder.buf = encodeRecord(parts);
    encoder.offset = encoder.buf.length;
    return encoder;
  };
}
