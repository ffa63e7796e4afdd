import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ASSURANCES } from "#core/configuration.ts";
import { EVENT_TYPES } from "#core/event.ts";

const SCHEMAS = join(import.meta.dirname, "../../schemas");
const OUTPUTS = ["ProfileChanged", "SegmentTransition", "IdentityChanged", "ProfileSignal", "ProfileState"];

interface SchemaNode {
  readonly type?: unknown;
  readonly name?: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly default?: unknown;
  readonly fields?: readonly SchemaNode[];
  readonly logicalType?: string;
}

function readSchema(recordName: string): SchemaNode {
  return JSON.parse(readFileSync(join(SCHEMAS, `${recordName}.avsc`), "utf8")) as SchemaNode;
}

function* nodesOf(node: unknown): Generator<SchemaNode> {
  if (typeof node !== "object" || node === null) return;
  if (!Array.isArray(node)) yield node;
  for (const child of Object.values(node)) yield* nodesOf(child);
}

const RECORD_NAMES = readdirSync(SCHEMAS).map((file) => file.replace(/\.avsc$/, ""));

for (const recordName of RECORD_NAMES) {
  test(`${recordName}.avsc holds one documented record dev.weft.${recordName} that can grow: enums and optional fields have defaults`, () => {
    const schema = readSchema(recordName);
    assert.deepEqual([schema.type, schema.namespace, schema.name], ["record", "dev.weft", recordName]);
    assert.ok(schema.doc);
    for (const node of nodesOf(schema)) {
      if (node.type === "enum") assert.equal(typeof node.default, "string", `enum ${node.name} has no default symbol`);
      for (const field of node.fields ?? []) {
        assert.match(field.name ?? "", /^[a-z][a-zA-Z]*$/);
        if (Array.isArray(field.type))
          assert.deepEqual([field.type[0], field.default], ["null", null], `${node.name}.${field.name}`);
        if (/^(at|.*At|.*Since)$/.test(field.name ?? ""))
          assert.match(JSON.stringify(field.type), /timestamp-millis/, `${node.name}.${field.name}`);
        if (field.name?.endsWith("Minor") === true)
          assert.match(JSON.stringify(field.type), /"long"/, `${node.name}.${field.name}`);
      }
    }
  });
}

test("the event schema names every type of the vocabulary and every assurance", () => {
  const schema = readSchema("ChannelEvent");
  const type = schema.fields?.find((field) => field.name === "type");
  const listed = (type?.doc ?? "").split(/[ ,.;]+/);
  assert.deepEqual(
    EVENT_TYPES.filter((eventType) => !listed.includes(eventType)),
    [],
  );
  const claim = JSON.stringify(schema.fields?.find((field) => field.name === "identifiers"));
  assert.ok(claim.includes(ASSURANCES.join(", ")));
});

test("every output about a profile carries its position, which orders all of them", () => {
  for (const recordName of OUTPUTS) {
    const fields = new Map((readSchema(recordName).fields ?? []).map((field) => [field.name, field.type]));
    assert.deepEqual([fields.get("shard"), fields.get("offset"), fields.get("step")], ["int", "long", "int"]);
    assert.equal(fields.get("profileId"), "string");
  }
});

test("an identity change holds no identifier's value (G1)", () => {
  for (const node of nodesOf(readSchema("IdentityChanged"))) assert.notEqual(node.name, "value");
});
