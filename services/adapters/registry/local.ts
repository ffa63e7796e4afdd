// The codec of the embedded mode: the same frame and the same guard, without a registry. An id is a hash of the schema,
// so it is the same on every machine; schemas once written with are kept as files beside the data, so that what an
// older version wrote stays readable.

import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Type } from "avsc";
import type { Codec } from "#ports/codec.ts";
import { decodeFramed } from "./reading.ts";
import {
  createReader,
  EncodeBuffer,
  parseSchema,
  type Reader,
  readSchemas,
  type Schema,
  type Schemas,
  schemaOf,
} from "./schemas.ts";

export interface LocalCodecOptions {
  readonly schemasDirectory: string;
  /** Where schemas once written with are kept as `<id>.avsc`. Absent: only today's schemas can be read. */
  readonly keptDirectory?: string;
}

export async function openLocalCodec({ schemasDirectory, keptDirectory }: LocalCodecOptions): Promise<Codec> {
  const schemas = await readSchemas(schemasDirectory);
  const readers = new Map<number, Reader>();
  for (const text of keptDirectory === undefined ? [] : await readKept(keptDirectory))
    addReader(readers, schemas, parseSchema(text));
  for (const schema of schemas.values()) addReader(readers, schemas, schema.type);
  const buffer = new EncodeBuffer();
  const keeping = new Map<number, Promise<void>>();
  return {
    prepare: async () => {},
    decode: (value) => decodeFramed(readers, value),
    encoder: async (_topic, recordName) => {
      const schema = schemaOf(schemas, recordName);
      const schemaId = localIdOf(schema.type);
      // Once per schema, also where many ask at the same time: they would take each other's unfinished file away.
      if (keptDirectory !== undefined && !keeping.has(schemaId))
        keeping.set(schemaId, keepSchema(keptDirectory, schemaId, schema));
      await keeping.get(schemaId);
      return (value) => buffer.encode(schema, schemaId, value);
    },
  };
}

/** Of the canonical form: documentation and defaults, which do not show in the bytes, do not change it. Never 0. */
export function localIdOf(type: Type): number {
  return type.fingerprint("sha256").readUInt32BE(0) >>> 1 || 1;
}

function addReader(readers: Map<number, Reader>, schemas: Schemas, type: Type): void {
  const schemaId = localIdOf(type);
  readers.set(schemaId, createReader(schemas, schemaId, type));
}

async function readKept(directory: string): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  const files = (await readdir(directory)).filter((file) => file.endsWith(".avsc"));
  return Promise.all(files.map((file) => readFile(join(directory, file), "utf8")));
}

async function keepSchema(directory: string, schemaId: number, schema: Schema): Promise<void> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${schemaId}.avsc`);
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, schema.text);
  await rename(unfinished, path);
}
