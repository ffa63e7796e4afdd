// The codec over a schema registry: TopicNameStrategy (`<topic>-value`), one round trip per schema id and process, and
// no promise between the bytes and the value. A 404 is the only thing that makes an id unknown; everything else that
// goes wrong is RegistryUnavailable, and the caller waits.

import type { Codec } from "#ports/codec.ts";
import { type Client, type Compatibility, createClient } from "./client.ts";
import { collectSchemaIds, decodeFramed, ReaderCache } from "./reading.ts";
import { createReader, EncodeBuffer, readSchemas, refuseAll, type Schemas, schemaOf } from "./schemas.ts";

export type { Compatibility } from "./client.ts";
export { SchemaRefused } from "./client.ts";

/** What we read: the reader is upgraded first. */
export const INPUT_COMPATIBILITY: Compatibility = "BACKWARD_TRANSITIVE";
/** What we write: nobody knows when its readers are upgraded, and a compacted topic never ages out. */
export const OUTPUT_COMPATIBILITY: Compatibility = "FULL_TRANSITIVE";

export const READERS_MAX = 1_000;
/** A schema registered a moment ago may reach this registry node late; until then values with its id are refused. */
export const UNKNOWN_KEPT_MS = 60_000;
const UNKNOWN_MAX = 10_000;
const FETCHES_AT_ONCE = 8;
const TIMEOUT_MS = 5_000;

export interface RegistryCodecOptions {
  /** Base of the Confluent API, e.g. http://registry:8081 or http://apicurio:8080/apis/ccompat/v7. */
  readonly url: string;
  readonly schemasDirectory: string;
  /** False: the schema must be there under the subject (registered by whoever deploys), else SchemaRefused. */
  readonly autoRegister: boolean;
  compatibilityOf(topic: string): Compatibility;
  readonly auth?: { readonly username: string; readonly password: string };
  readonly timeoutMs?: number;
  /** Told where an operator gave a subject another level than ours; it is left as it is. */
  onOtherCompatibility?(subject: string, found: Compatibility, wanted: Compatibility): void;
}

/** Reads the schema files; the registry need not be up yet. */
export async function openRegistryCodec(options: RegistryCodecOptions): Promise<Codec> {
  const client = createClient({
    url: options.url,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    ...(options.auth === undefined ? {} : { auth: options.auth }),
  });
  return new RegistryCodec(client, await readSchemas(options.schemasDirectory), options);
}

class RegistryCodec implements Codec {
  readonly #client: Client;
  readonly #schemas: Schemas;
  readonly #options: RegistryCodecOptions;
  readonly #readers = new ReaderCache(READERS_MAX);
  /** Ids that the registry does not know, and until when we believe it. */
  readonly #unknownUntilMs = new Map<number, number>();
  readonly #fetching = new Map<number, Promise<void>>();
  readonly #schemaIds = new Map<string, Promise<number>>();
  readonly #buffer = new EncodeBuffer();

  constructor(client: Client, schemas: Schemas, options: RegistryCodecOptions) {
    this.#client = client;
    this.#schemas = schemas;
    this.#options = options;
  }

  async prepare(values: readonly (Uint8Array | null)[]): Promise<void> {
    const needed = collectSchemaIds(values);
    const nowMs = Date.now();
    const missing = this.#readers.touch(needed).filter((id) => !((this.#unknownUntilMs.get(id) ?? 0) > nowMs));
    if (missing.length === 0) return;
    while (missing.length > 0) await Promise.all(missing.splice(0, FETCHES_AT_ONCE).map((id) => this.#fetch(id)));
    this.#readers.trim(needed);
  }

  decode(value: Uint8Array | null): ReturnType<Codec["decode"]> {
    return decodeFramed(this.#readers, value);
  }

  async encoder(topic: string, recordName: string): Promise<(value: unknown) => Uint8Array> {
    const schema = schemaOf(this.#schemas, recordName);
    const subject = `${topic}-value`;
    const key = `${subject}/${recordName}`;
    let schemaId = this.#schemaIds.get(key);
    if (schemaId === undefined) {
      schemaId = this.#findOrRegister(topic, subject, recordName);
      this.#schemaIds.set(key, schemaId);
      schemaId.catch(() => this.#schemaIds.delete(key));
    }
    const id = await schemaId;
    return (value) => this.#buffer.encode(schema, id, value);
  }

  async #findOrRegister(topic: string, subject: string, recordName: string): Promise<number> {
    const schema = schemaOf(this.#schemas, recordName);
    if (!this.#options.autoRegister) return this.#client.findId(subject, schema);
    const wanted = this.#options.compatibilityOf(topic);
    const level = await this.#client.ensureCompatibility(subject, wanted);
    if (level !== wanted) this.#options.onOtherCompatibility?.(subject, level, wanted);
    return this.#client.register(subject, schema, level);
  }

  #fetch(schemaId: number): Promise<void> {
    const present = this.#fetching.get(schemaId);
    if (present !== undefined) return present;
    const fetching = this.#fetchReader(schemaId).finally(() => this.#fetching.delete(schemaId));
    this.#fetching.set(schemaId, fetching);
    return fetching;
  }

  async #fetchReader(schemaId: number): Promise<void> {
    const found = await this.#client.findSchema(schemaId);
    if (found.kind === "type") this.#readers.set(schemaId, createReader(this.#schemas, schemaId, found.type));
    else if (found.kind === "unusable") this.#readers.set(schemaId, refuseAll(found.detail));
    else {
      // Whoever sends random ids must not make us remember them all.
      if (this.#unknownUntilMs.size >= UNKNOWN_MAX) this.#unknownUntilMs.clear();
      this.#unknownUntilMs.set(schemaId, Date.now() + UNKNOWN_KEPT_MS);
    }
  }
}
