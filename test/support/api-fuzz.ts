// Requests made of the OpenAPI document: as it says, nearly as it says, and as somebody hostile would read it. The same
// ones for the same seed.

/** As far as a document made of zod schemas goes. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

interface Parameter {
  readonly name: string;
  readonly in: "query" | "path";
  readonly schema: Schema;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface FuzzRequest {
  readonly operation: Operation;
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload?: string;
}

const HOSTILE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  "",
  " ",
  "\u0000",
  "\r\nset-cookie: a=b",
  "\u202e\u200b",
  "a".repeat(600),
  "é".repeat(300),
  "\ud800",
  "../../etc/passwd",
  "' OR 1=1 --",
  "{{7*7}}${7*7}",
  "*1\r\n$8\r\nFLUSHALL\r\n",
  "__proto__",
  "a: &a [*a]",
  [],
  {},
  [[[[[[[[]]]]]]]],
  { __proto__: null, constructor: 1 },
  { toString: 1, hasOwnProperty: 2 },
];

const HOSTILE_TEXTS = [
  "",
  "null",
  "[",
  "{",
  '{"a":1,}',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{"x":1}}}',
  `${"[".repeat(5000)}${"]".repeat(5000)}`,
  '{"namespace":"email","namespace":"phone","value":"x"}',
  "\ufeff{}",
  "NaN",
  '"\\ud800"',
];

const MEDIA_TYPES = ["application/json", "application/json; charset=utf-8", "text/plain", "application/xml", "x", ""];

function write(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** mulberry32 */
function createDice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface FuzzOptions {
  readonly document: Document;
  readonly seed: number;
  readonly credentials: readonly string[];
  /** Operations that are not asked for. */
  readonly without: readonly string[];
  /** Values that lead somewhere, by the name of the property. */
  readonly known: Readonly<Record<string, readonly unknown[]>>;
}

export function* generateRequests({
  document,
  seed,
  credentials,
  without,
  known,
}: FuzzOptions): Generator<FuzzRequest> {
  const roll = createDice(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(roll() * list.length)] as T;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { operationId }]) => !without.includes(operationId))
      .map(([method, operation]) => ({ path, method, operation })),
  );

  function makeText(schema: Schema, name: string): string {
    const values = known[name] ?? [];
    if (values.length > 0 && roll() < 0.6) return String(pick(values));
    if (schema.examples !== undefined && roll() < 0.5) return String(pick(schema.examples));
    const length = Math.floor(roll() * Math.min(schema.maxLength ?? 40, 40));
    return Array.from({ length }, () => String.fromCodePoint(0x20 + Math.floor(roll() * 0x250))).join("");
  }

  function make(schema: Schema, name: string, hostility: number): unknown {
    if (roll() < hostility) return pick(HOSTILE);
    if (schema.const !== undefined) return schema.const;
    if (schema.enum !== undefined) return pick(schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) return make(pick(choices), name, hostility);
    const wholes = known[name] ?? [];
    if (schema.type === "object" && wholes.length > 0 && roll() < 0.6) return pick(wholes);
    if (schema.type === "object") {
      const made: Record<string, unknown> = {};
      for (const [key, part] of Object.entries(schema.properties ?? {})) {
        const isNeeded = schema.required?.includes(key) ?? false;
        if (roll() < (isNeeded ? 1 - hostility : 0.5)) made[key] = make(part, key, hostility);
      }
      if (roll() < hostility) made[write(pick(HOSTILE))] = pick(HOSTILE);
      return made;
    }
    if (schema.prefixItems !== undefined) return schema.prefixItems.map((part) => make(part, name, hostility));
    if (schema.type === "array") {
      const length = (schema.minItems ?? 0) + Math.floor(roll() * 3);
      return Array.from({ length }, () => make(schema.items ?? {}, name, hostility));
    }
    if (schema.type === "integer" || schema.type === "number") return Math.floor(roll() * 1000);
    if (schema.type === "boolean") return roll() < 0.5;
    return makeText(schema, name);
  }

  for (;;) {
    const { path, method, operation } = pick(operations);
    const hostility = pick([0, 0, 0.1, 0.4]);
    const parameters = operation.parameters ?? [];
    // A lone surrogate has no form in a URL.
    const place = ({ name, schema }: Parameter) =>
      encodeURIComponent(write(make(schema, name, hostility)).toWellFormed());
    let url = path;
    for (const one of parameters) if (one.in === "path") url = url.replace(`{${one.name}}`, place(one));
    const query = parameters
      .filter((one) => one.in === "query" && roll() < 0.3)
      .map((one) => `${one.name}=${place(one)}`);
    if (roll() < hostility / 2) query.push(`${encodeURIComponent(write(pick(HOSTILE)).toWellFormed())}=1`);
    const headers: Record<string, string> = {};
    if (roll() < 0.95) headers["authorization"] = `Bearer ${pick(credentials)}`;
    // The stream is asked so that it refuses: one that opens does not end.
    if (operation.operationId === "changes")
      headers["last-event-id"] = pick(["x", "1.2.3~zz", "1.2.3~", "~", "9".repeat(9000)]);
    const body = operation.requestBody?.content["application/json"]?.schema;
    const request = { operation, method: method.toUpperCase() as "GET" | "POST", headers };
    if (query.length > 0) url += `?${query.join("&")}`;
    if (body === undefined) yield { ...request, url };
    else {
      const media = roll() < 1 - hostility ? "application/json" : pick(MEDIA_TYPES);
      if (media !== "") headers["content-type"] = media;
      if (roll() < hostility / 4) headers["content-encoding"] = pick(["gzip", "br", "identity", "x"]);
      const text = roll() < hostility / 2 ? pick(HOSTILE_TEXTS) : JSON.stringify(make(body, "", hostility));
      yield { ...request, url, payload: text };
    }
  }
}
