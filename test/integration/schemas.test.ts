// Our schemas at a real registry. Seen with Apicurio 2.6.13 behind its Confluent API (/apis/ccompat/v7):
// - a level may be set for a subject that does not exist yet, and holds from the first schema on, as at Confluent's;
// - the global level is NONE, not BACKWARD, and a subject without a level of its own answers NONE instead of 404;
// - the same text under two subjects has one id, as at Confluent's; enum defaults are honoured when a symbol is removed;
// - an unknown id is 404 with code 40403, a wrong path is 404 with another code.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  type Compatibility,
  INPUT_COMPATIBILITY,
  OUTPUT_COMPATIBILITY,
  openRegistryCodec,
  SchemaRefused,
} from "#adapters/registry/codec.ts";
import { parseSchema } from "#adapters/registry/schemas.ts";
import type { ChannelEvent } from "#core/event.ts";
import { type Codec, RegistryUnavailable } from "#ports/codec.ts";
import { makeFolder } from "#support/folder.ts";
import { servicesOrSkip } from "#support/services.ts";

const SCHEMAS = join(import.meta.dirname, "../../schemas");

interface Field {
  name: string;
  type: unknown;
  default?: unknown;
}

interface RecordSchema {
  name: string;
  fields: Field[];
}

const EVENT: ChannelEvent = {
  eventId: "e-1",
  type: "identified",
  occurredAt: 1_764_000_000_000,
  identifiers: [{ namespace: "email", value: "zoé@exemple.fr", assurance: "claimed" }],
  traits: { vip: true, visits: 12, nickname: null },
};

function openCodec(
  url: string,
  level: Compatibility,
  options: { schemasDirectory?: string; autoRegister?: boolean } = {},
): Promise<Codec> {
  return openRegistryCodec({
    url,
    schemasDirectory: SCHEMAS,
    autoRegister: true,
    compatibilityOf: () => level,
    ...options,
  });
}

/** A topic of this test alone: the registry is shared and keeps everything. */
function createTopic(): string {
  return `schemas-test-${randomUUID()}`;
}

/** The shipped schemas with one of them changed. */
async function evolve(recordName: string, change: (schema: RecordSchema) => void): Promise<string> {
  const directory = makeFolder("schemas");
  await cp(SCHEMAS, directory, { recursive: true });
  const path = join(directory, `${recordName}.avsc`);
  const schema = JSON.parse(await readFile(path, "utf8")) as RecordSchema;
  change(schema);
  await writeFile(path, JSON.stringify(schema));
  return directory;
}

function fieldOf(schema: RecordSchema, name: string): Field {
  const field = schema.fields.find((candidate) => candidate.name === name);
  assert.ok(field, `${schema.name} has a field ${name}`);
  return field;
}

function removeField(schema: RecordSchema, name: string): void {
  fieldOf(schema, name);
  schema.fields = schema.fields.filter((field) => field.name !== name);
}

type Change = (schema: RecordSchema) => void;
type Evolution = readonly [what: string, recordName: string, level: Compatibility, allowed: boolean, change: Change];

const addOptional: Change = (schema) => schema.fields.push({ name: "added", type: ["null", "string"], default: null });

const EVOLUTIONS: readonly Evolution[] = [
  ["an input may gain an optional part", "ChannelEvent", INPUT_COMPATIBILITY, true, addOptional],
  [
    "an input may lose a part that nobody reads any more",
    "ChannelEvent",
    INPUT_COMPATIBILITY,
    true,
    (schema) => removeField(schema, "note"),
  ],
  [
    "an input may gain an enum symbol",
    "ChannelEvent",
    INPUT_COMPATIBILITY,
    true,
    (schema) => {
      const text = JSON.stringify(schema.fields).replace(
        '"symbols":["self","other"]',
        '"symbols":["self","other","household"]',
      );
      schema.fields = JSON.parse(text) as Field[];
    },
  ],
  ["an output may gain an optional field", "SegmentTransition", OUTPUT_COMPATIBILITY, true, addOptional],
  [
    "an output may lose a field that has a default",
    "SegmentTransition",
    OUTPUT_COMPATIBILITY,
    true,
    (schema) => removeField(schema, "previousSince"),
  ],
  [
    "an input must not gain a field that old events lack",
    "ChannelEvent",
    INPUT_COMPATIBILITY,
    false,
    (schema) => schema.fields.push({ name: "added", type: "string" }),
  ],
  [
    "an input must not change what a field is",
    "ChannelEvent",
    INPUT_COMPATIBILITY,
    false,
    (schema) => {
      fieldOf(schema, "occurredAt").type = "string";
    },
  ],
  [
    "an output must not lose a field that its readers need",
    "SegmentTransition",
    OUTPUT_COMPATIBILITY,
    false,
    (schema) => removeField(schema, "ruleVersion"),
  ],
  [
    "an output must not widen a number, which readers of today could not take",
    "SegmentTransition",
    OUTPUT_COMPATIBILITY,
    false,
    (schema) => {
      fieldOf(schema, "shard").type = "long";
    },
  ],
  [
    "an output must not make an optional field required",
    "SegmentTransition",
    OUTPUT_COMPATIBILITY,
    false,
    (schema) => {
      const field = fieldOf(schema, "eventId");
      field.type = "string";
      delete field.default;
    },
  ],
];

for (const [what, recordName, level, allowed, change] of EVOLUTIONS) {
  test(`${what} (${level})`, async (t) => {
    const services = await servicesOrSkip(t);
    if (services === null) return;
    const topic = createTopic();
    await (await openCodec(services.registryUrl, level)).encoder(topic, recordName);
    const schemasDirectory = await evolve(recordName, change);
    const evolved = await openCodec(services.registryUrl, level, { schemasDirectory });
    if (allowed) await evolved.encoder(topic, recordName);
    else await assert.rejects(evolved.encoder(topic, recordName), SchemaRefused);

    // What the registry promises is what avsc does.
    const [older, newer] = await Promise.all(
      [SCHEMAS, schemasDirectory].map(async (directory) =>
        parseSchema(await readFile(join(directory, `${recordName}.avsc`), "utf8")),
      ),
    );
    assert.ok(older && newer);
    const canRead = (reader: typeof older, writer: typeof older): boolean => {
      try {
        reader.createResolver(writer);
        return true;
      } catch {
        return false;
      }
    };
    assert.equal(canRead(newer, older) && (level === INPUT_COMPATIBILITY || canRead(older, newer)), allowed);
  });
}

test("a schema is held against every earlier one, not against the last alone", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const topic = createTopic();
  await (await openCodec(services.registryUrl, OUTPUT_COMPATIBILITY)).encoder(topic, "SegmentTransition");
  const without = await evolve("SegmentTransition", (schema) => removeField(schema, "eventId"));
  await (await openCodec(services.registryUrl, OUTPUT_COMPATIBILITY, { schemasDirectory: without })).encoder(
    topic,
    "SegmentTransition",
  );
  const other = await evolve("SegmentTransition", (schema) => {
    fieldOf(schema, "eventId").type = ["null", "long"];
  });
  await assert.rejects(
    (await openCodec(services.registryUrl, OUTPUT_COMPATIBILITY, { schemasDirectory: other })).encoder(
      topic,
      "SegmentTransition",
    ),
    SchemaRefused,
  );
});

test("the schema stands under <topic>-value, at the level that the topic's kind asks for", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const topic = createTopic();
  const codec = await openCodec(services.registryUrl, OUTPUT_COMPATIBILITY);
  const encode = await codec.encoder(topic, "IdentityAlias");
  const value = Buffer.from(encode({ oldProfileId: "a", profileId: "b", at: 1 }));
  const read = async (path: string): Promise<Record<string, unknown>> =>
    (await (await fetch(services.registryUrl + path)).json()) as Record<string, unknown>;
  assert.equal((await read(`/config/${topic}-value`))["compatibilityLevel"], OUTPUT_COMPATIBILITY);
  const latest = await read(`/subjects/${topic}-value/versions/latest`);
  assert.equal(latest["id"], value.readInt32BE(1));
  assert.deepEqual(
    JSON.parse(String(latest["schema"])),
    JSON.parse(await readFile(join(SCHEMAS, "IdentityAlias.avsc"), "utf8")),
  );
});

test("what one process encodes another decodes, also by an older or a newer schema", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const topic = createTopic();
  const schemasDirectory = await evolve("ChannelEvent", addOptional);
  const older = await openCodec(services.registryUrl, INPUT_COMPATIBILITY);
  const newer = await openCodec(services.registryUrl, INPUT_COMPATIBILITY, { schemasDirectory });
  const values = [
    (await older.encoder(topic, "ChannelEvent"))(EVENT),
    (await newer.encoder(topic, "ChannelEvent"))({ ...EVENT, added: "x" }),
  ];
  for (const [codec, added] of [
    [await openCodec(services.registryUrl, INPUT_COMPATIBILITY), [undefined, undefined]],
    [newer, [null, "x"]],
  ] as const) {
    await codec.prepare(values);
    for (const [i, value] of values.entries()) {
      const decoded = codec.decode(value);
      assert.ok(decoded.ok);
      const event = decoded.value as ChannelEvent & { added?: string };
      assert.equal(event.occurredAt, EVENT.occurredAt);
      assert.deepEqual({ ...event.identifiers[0] }, { ...EVENT.identifiers[0], role: "self" });
      assert.deepEqual({ ...event.traits }, EVENT.traits);
      assert.equal(event.added, added[i]);
    }
  }
});

test("an id that the registry does not know is unknown-schema", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const codec = await openCodec(services.registryUrl, INPUT_COMPATIBILITY);
  const value = Buffer.from([0, 0x7f, 0xff, 0xff, 0xfe, 0]);
  await codec.prepare([value]);
  const decoded = codec.decode(value);
  assert.equal(decoded.ok ? "ok" : decoded.reason, "unknown-schema");
});

test("a registry that is down, or an address that is no registry's, is RegistryUnavailable", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  for (const url of ["http://127.0.0.1:9", `${services.registryUrl}/nonsense`]) {
    const codec = await openCodec(url, INPUT_COMPATIBILITY);
    await assert.rejects(codec.prepare([Buffer.from([0, 0, 0, 0, 1, 0])]), RegistryUnavailable);
    await assert.rejects(codec.encoder(createTopic(), "ChannelEvent"), RegistryUnavailable);
  }
});

test("with registering off, a schema is used where it is registered and refused where it is not", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const topic = createTopic();
  const careful = await openCodec(services.registryUrl, INPUT_COMPATIBILITY, { autoRegister: false });
  await assert.rejects(careful.encoder(topic, "ChannelEvent"), SchemaRefused);
  const value = (await (await openCodec(services.registryUrl, INPUT_COMPATIBILITY)).encoder(topic, "ChannelEvent"))(
    EVENT,
  );
  assert.ok(Buffer.from((await careful.encoder(topic, "ChannelEvent"))(EVENT)).equals(value));
});
