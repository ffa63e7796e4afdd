// State in the store as Avro (wire/schemas): evolves by Avro's rules of resolution; what cannot be read is rebuilt from
// the log.

import { readFileSync } from "node:fs";
import avsc, { type Type } from "avsc";

/** Names of types that a schema may use. */
export type TypeRegistry = Record<string, Type>;

export function parseSchema(path: string, registry: TypeRegistry): Type {
  const schema = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as Parameters<
    typeof avsc.Type.forSchema
  >[0];
  return avsc.Type.forSchema(schema, { wrapUnions: "auto", omitRecordMethods: true, registry });
}

const START_BYTES = 64 * 1024;
let scratch = Buffer.allocUnsafeSlow(START_BYTES);

export function encodeValue(type: Type, value: unknown): Buffer {
  let end = type.encode(value, scratch, 0);
  if (end < 0) {
    scratch = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, scratch.length - end));
    end = type.encode(value, scratch, 0);
  }
  return Buffer.from(scratch.subarray(0, end));
}

export function decodeValue(type: Type, bytes: Uint8Array): unknown {
  return type.fromBuffer(toBuffer(bytes));
}

/** avsc takes Buffers alone; SQLite gives plain byte arrays. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
