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

const SLAB_BYTES = 256 * 1024;
/** Values are written one after the other; what is written stays, so each leaves as a view of its bytes. */
let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let written = 0;

export function encodeValue(type: Type, value: unknown): Buffer {
  let start = written;
  let end = type.encode(value, slab, start);
  if (end < 0) {
    // It is beyond the slab's end by so much.
    const bytes = slab.length - end - start;
    if (bytes > SLAB_BYTES / 4) return type.toBuffer(value);
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    start = 0;
    end = type.encode(value, slab, start);
  }
  written = end;
  return slab.subarray(start, end);
}

export function decodeValue(type: Type, bytes: Uint8Array): unknown {
  return type.fromBuffer(toBuffer(bytes));
}

/** avsc takes Buffers alone; SQLite gives plain byte arrays. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
