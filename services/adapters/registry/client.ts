// The registry over HTTP, in the few words that the codec needs. @kafkajs/confluent-schema-registry does the work; its
// defaults are not ours: `register` sets a subject's compatibility only after the first schema is in, has no timeout,
// reports a refused connection as status 400, and keeps every schema for ever.

import { setTimeout as sleep } from "node:timers/promises";
import { type COMPATIBILITY, SchemaRegistry, SchemaType } from "@kafkajs/confluent-schema-registry";
import avsc, { type Type } from "avsc";
import { RegistryUnavailable } from "#ports/codec.ts";
import { type Schema, TYPE_OPTIONS } from "./schemas.ts";

export type Compatibility =
  | "NONE"
  | "BACKWARD"
  | "BACKWARD_TRANSITIVE"
  | "FORWARD"
  | "FORWARD_TRANSITIVE"
  | "FULL"
  | "FULL_TRANSITIVE";

/** The registry answered, and the answer is no: waiting does not help. */
export class SchemaRefused extends Error {
  readonly code = "schema-refused";
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "SchemaRefused";
  }
}

export interface ClientOptions {
  /** Base of the Confluent API, e.g. http://registry:8081 or http://apicurio:8080/apis/ccompat/v7. */
  readonly url: string;
  readonly auth?: { readonly username: string; readonly password: string };
  readonly timeoutMs: number;
}

export type Found =
  | { readonly kind: "type"; readonly type: Type }
  | { readonly kind: "unusable"; readonly detail: string }
  | { readonly kind: "unknown" };

export interface Client {
  /** Throws RegistryUnavailable. */
  findSchema(schemaId: number): Promise<Found>;
  /** The level that holds for the subject from now on. An operator's own level, other than NONE, is left alone. */
  ensureCompatibility(subject: string, wanted: Compatibility): Promise<Compatibility>;
  /** Throws SchemaRefused where the registry finds the schema incompatible. */
  register(subject: string, schema: Schema, level: Compatibility): Promise<number>;
  /** Throws SchemaRefused where the subject does not hold the schema. */
  findId(subject: string, schema: Schema): Promise<number>;
}

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 100;
/** What tells a registry's 404 from that of a wrong path or of a proxy. */
const SCHEMA_NOT_FOUND = 40403;

export function createClient({ url, auth, timeoutMs }: ClientOptions): Client {
  const base = url.replace(/\/+$/, "");
  const registry = new SchemaRegistry(
    {
      host: base,
      ...(auth === undefined ? {} : { auth }),
      retry: { retries: 0 },
      middlewares: [() => ({ prepareRequest: async (next) => (await next()).enhance({ timeout: timeoutMs }) })],
    },
    { [SchemaType.AVRO]: TYPE_OPTIONS },
  );

  async function request(
    method: "GET" | "PUT",
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: unknown }> {
    const headers: Record<string, string> = { "content-type": "application/vnd.schemaregistry.v1+json" };
    if (auth !== undefined)
      headers["authorization"] = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
    const response = await fetch(base + path, {
      method,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    try {
      return { status: response.status, body: JSON.parse(text) as unknown };
    } catch {
      return { status: response.status, body: text };
    }
  }

  /** Tries again shortly unless the registry's answer is final. What is left after that is RegistryUnavailable. */
  async function insist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof SchemaRefused) throw error;
        if (tries === ATTEMPTS)
          throw new RegistryUnavailable(`registry ${base}: ${what}: ${describe(error)}`, { cause: error });
        await sleep(FIRST_PAUSE_MS * 2 ** (tries - 1));
      }
    }
  }

  function unexpected(answer: { status: number; body: unknown }): Error {
    return new Error(`status ${answer.status}, ${JSON.stringify(answer.body).slice(0, 200)}`);
  }

  return {
    findSchema: (schemaId) =>
      insist(`schema ${schemaId}`, async () => {
        try {
          const type: unknown = await registry.getSchema(schemaId);
          if (avsc.Type.isType(type)) return { kind: "type", type: type as Type };
          return { kind: "unusable", detail: `schema ${schemaId} is not Avro` };
        } catch (error) {
          const status = statusOf(error);
          if (status !== undefined && status !== 404) throw error;
          // Only a registry's own words make values undeliverable: a proxy, too, answers 404, or 200 with a page.
          const answer = await request("GET", `/schemas/ids/${schemaId}`);
          if (answer.status === 404 && memberOf(answer.body, "error_code") === SCHEMA_NOT_FOUND)
            return { kind: "unknown" };
          if (answer.status === 200 && status === undefined && typeof memberOf(answer.body, "schema") === "string")
            return { kind: "unusable", detail: `schema ${schemaId} cannot be used: ${(error as Error).message}` };
          throw unexpected(answer);
        } finally {
          registry.cache.clear();
        }
      }),

    ensureCompatibility: (subject, wanted) =>
      insist(`compatibility of ${subject}`, async () => {
        const path = `/config/${encodeURIComponent(subject)}`;
        const present = await request("GET", path);
        if (present.status === 200) {
          const level = levelOf(present.body);
          // Apicurio answers NONE, not 404, for a subject that has schemas and no level of its own.
          if (level !== "NONE") return level;
        } else if (present.status !== 404) throw unexpected(present);
        // Both Confluent's registry and Apicurio 2.6 take a level for a subject that does not exist yet and hold the
        // first and every later schema to it.
        const put = await request("PUT", path, { compatibility: wanted });
        if (put.status !== 200) throw unexpected(put);
        return wanted;
      }),

    register: (subject, schema, level) => {
      let isRefused = false;
      return insist(`registering ${schema.recordName} under ${subject}`, async () => {
        try {
          const { id } = await registry.register(
            { type: SchemaType.AVRO, schema: schema.text },
            { subject, compatibility: level as COMPATIBILITY },
          );
          return id;
        } catch (error) {
          const status = statusOf(error);
          // Of two processes that register a first schema at once, Apicurio refuses one: "already exists". It finds it
          // at a second try, and a schema that does not fit is refused again.
          if (isRefused && (status === 409 || status === 422))
            throw new SchemaRefused(
              `${subject} refuses ${schema.recordName} at level ${level}: ${(error as Error).message}`,
              { cause: error },
            );
          isRefused = status === 409 || status === 422;
          throw error;
        } finally {
          registry.cache.clear();
        }
      });
    },

    findId: (subject, schema) =>
      insist(`looking up ${schema.recordName} under ${subject}`, async () => {
        try {
          return await registry.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema: schema.text });
        } catch (error) {
          // The client turns a 404 into an error without a status.
          if (statusOf(error) === undefined)
            throw new SchemaRefused(
              `${subject} does not hold this ${schema.recordName}, and registering is off: ${(error as Error).message}`,
              { cause: error },
            );
          throw error;
        }
      }),
  };
}

/** fetch() says why in the cause alone. */
function describe(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== "" ? `${message}: ${cause.message}` : message;
}

function statusOf(error: unknown): number | undefined {
  const status: unknown = error instanceof Error && "status" in error ? error.status : undefined;
  return typeof status === "number" ? status : undefined;
}

function memberOf(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
}

function levelOf(body: unknown): Compatibility {
  const level = memberOf(body, "compatibilityLevel");
  if (typeof level !== "string") throw new Error(`no compatibilityLevel in ${JSON.stringify(body).slice(0, 200)}`);
  return level.toUpperCase() as Compatibility;
}
