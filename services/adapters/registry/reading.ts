// What both codecs share: readers by schema id, and the synchronous way from bytes to a value or a reason.

import type { Decoded } from "#ports/codec.ts";
import { describeFraming, NO_SCHEMA_ID, readSchemaId } from "./framing.ts";
import type { Reader } from "./schemas.ts";

export function decodeFramed(
  readers: { get(schemaId: number): Reader | undefined },
  value: Uint8Array | null,
): Decoded {
  if (value === null) return { ok: false, reason: "undecodable", detail: "no value (a tombstone)" };
  const schemaId = readSchemaId(value);
  if (schemaId === NO_SCHEMA_ID) return { ok: false, reason: "unsupported-framing", detail: describeFraming(value) };
  const reader = readers.get(schemaId);
  if (reader === undefined) return { ok: false, reason: "unknown-schema", detail: `no schema has the id ${schemaId}` };
  return reader(toBuffer(value));
}

export function toBuffer(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export function collectSchemaIds(values: readonly (Uint8Array | null)[]): Set<number> {
  const ids = new Set<number>();
  let last = NO_SCHEMA_ID;
  for (const value of values) {
    const id = value === null ? NO_SCHEMA_ID : readSchemaId(value);
    if (id === last) continue;
    last = id;
    if (id !== NO_SCHEMA_ID) ids.add(id);
  }
  return ids;
}

/** At most `readersMax` readers, the longest unused ones dropped first; never one that the present batch needs. */
export class ReaderCache {
  readonly #readers = new Map<number, Reader>();
  readonly #readersMax: number;

  constructor(readersMax: number) {
    this.#readersMax = readersMax;
  }

  get size(): number {
    return this.#readers.size;
  }

  get(schemaId: number): Reader | undefined {
    return this.#readers.get(schemaId);
  }

  set(schemaId: number, reader: Reader): void {
    this.#readers.set(schemaId, reader);
  }

  /** The ids of the set that are missing; the others count as used now. */
  touch(schemaIds: ReadonlySet<number>): number[] {
    const missing: number[] = [];
    for (const id of schemaIds) {
      const reader = this.#readers.get(id);
      if (reader === undefined) missing.push(id);
      else {
        this.#readers.delete(id);
        this.#readers.set(id, reader);
      }
    }
    return missing;
  }

  trim(needed: ReadonlySet<number>): void {
    for (const id of this.#readers.keys()) {
      if (this.#readers.size <= this.#readersMax) return;
      if (!needed.has(id)) this.#readers.delete(id);
    }
  }
}
