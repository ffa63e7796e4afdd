// Our schemas as the files in schemas/ say them, and what can be read and written by them.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import avsc, { type Type } from "avsc";
import type { Decoded } from "#ports/codec.ts";
import { FRAME_BYTES, writeFrame } from "./framing.ts";
import { compileGuard, type Guard } from "./guard.ts";

export interface Schema {
  /** Without the namespace, which is the file's name. */
  readonly recordName: string;
  /** The file's JSON without white space: what is registered. */
  readonly text: string;
  readonly type: Type;
  readonly guard: Guard;
}

export type Schemas = ReadonlyMap<string, Schema>;

/**
 * Unwrapped unions, as core writes its types; foreign schemas may hold unions that are ambiguous so (["int", "double"]),
 * hence not "never". No methods on records: a profile must not have a property `clone`. No logical types: times stay numbers.
 */
export const TYPE_OPTIONS = Object.freeze({ wrapUnions: "auto", omitRecordMethods: true } as const);

export async function readSchemas(directory: string): Promise<Schemas> {
  const schemas = new Map<string, Schema>();
  for (const file of (await readdir(directory)).toSorted()) {
    if (!file.endsWith(".avsc")) continue;
    const recordName = file.slice(0, -".avsc".length);
    const text = JSON.stringify(JSON.parse(await readFile(join(directory, file), "utf8")));
    const type = parseSchema(text);
    if (type.name?.split(".").at(-1) !== recordName) throw new Error(`${file} holds ${type.name ?? "no record"}`);
    schemas.set(recordName, { recordName, text, type, guard: compileGuard(type) });
  }
  return schemas;
}

export function parseSchema(text: string): Type {
  // A copy: avsc puts its registry of names into the options, and two schemas with one name would collide there.
  return avsc.Type.forSchema(JSON.parse(text) as Parameters<typeof avsc.Type.forSchema>[0], { ...TYPE_OPTIONS });
}

export function schemaOf(schemas: Schemas, recordName: string): Schema {
  const schema = schemas.get(recordName);
  if (schema === undefined) throw new Error(`no schema ${recordName}; there are ${[...schemas.keys()].join(", ")}`);
  return schema;
}

/** Reads the framed values of one writer's schema. */
export type Reader = (bytes: Buffer) => Decoded;

/**
 * A writer's schema that has the full name of one of ours is read as ours; any other is read as it is. The resolver is
 * made here, once: it costs a hundred times what reading a value costs.
 */
export function createReader(schemas: Schemas, schemaId: number, writer: Type): Reader {
  const ours = [...schemas.values()].find((schema) => schema.type.name === writer.name);
  if (ours !== undefined && ours.type.equals(writer)) return readWith(schemaId, ours.guard, ours.type);
  try {
    const guard = compileGuard(writer);
    if (ours === undefined) return readWith(schemaId, guard, writer);
    return readWith(schemaId, guard, ours.type, ours.type.createResolver(writer));
  } catch (error) {
    return refuseAll(
      `schema ${schemaId} (${writer.name ?? writer.typeName}) cannot be read as ours: ${(error as Error).message}`,
    );
  }
}

export function refuseAll(detail: string): Reader {
  return () => ({ ok: false, reason: "undecodable", detail });
}

type Resolver = ReturnType<Type["createResolver"]>;

function readWith(schemaId: number, guard: Guard, type: Type, resolver?: Resolver): Reader {
  return (bytes) => {
    const refusal = guard(bytes, FRAME_BYTES);
    if (refusal !== null) return { ok: false, reason: "undecodable", detail: `schema ${schemaId}: ${refusal}` };
    try {
      return { ok: true, schemaId, value: type.decode(bytes, FRAME_BYTES, resolver).value as unknown };
    } catch (error) {
      // The guard leaves avsc no reason to throw; if it finds one, a dead letter beats a stopped partition.
      return { ok: false, reason: "undecodable", detail: `schema ${schemaId}: ${(error as Error).message}` };
    }
  };
}

/** The value does not fit the schema. Says where, never what: values are personal. */
export class EncodeError extends Error {
  readonly code = "encode-failed";
  constructor(message: string) {
    super(message);
    this.name = "EncodeError";
  }
}

const SLAB_BYTES = 256 * 1024;

/** Room for all encoders of a codec. Values are written one after the other, and each leaves as a view of its bytes. */
export class EncodeBuffer {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #written = 0;

  encode(schema: Schema, schemaId: number, value: unknown): Uint8Array {
    let slab = this.#slab;
    let start = this.#written;
    let end = encodeInto(schema, value, slab, start + FRAME_BYTES);
    if (end < 0) {
      // Beyond the slab's end by so much. A large value gets a buffer of its own.
      const bytes = slab.length - end - start;
      const isLarge = bytes > SLAB_BYTES / 4;
      slab = Buffer.allocUnsafeSlow(isLarge ? bytes : SLAB_BYTES);
      start = 0;
      end = encodeInto(schema, value, slab, FRAME_BYTES);
      if (!isLarge) this.#slab = slab;
    }
    if (slab === this.#slab) this.#written = end;
    const framed = slab.subarray(start, end);
    writeFrame(framed, schemaId);
    return framed;
  }
}

/** Where the value ends, or minus the bytes missing. */
function encodeInto(schema: Schema, value: unknown, buffer: Buffer, start: number): number {
  try {
    return schema.type.encode(value, buffer, start);
  } catch {
    throw new EncodeError(`${schema.recordName}: ${findMisfit(schema.type, value)}`);
  }
}

function findMisfit(type: Type, value: unknown): string {
  let misfit = "the value does not fit the schema";
  try {
    type.isValid(value, {
      errorHook: (path, _value, wanted) => {
        misfit = `${path.length === 0 ? "the value" : path.join(".")} is not ${wanted.typeName === "union:unwrapped" ? "of any branch of its union" : wanted.typeName}`;
      },
    });
  } catch {
    // isValid stumbles where encode did; the record's name has to do.
  }
  return misfit;
}
