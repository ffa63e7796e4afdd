import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import avsc, { type Type } from "avsc";
import fc from "fast-check";
import {
  compileGuard,
  DEPTH_MAX,
  ITEMS_MAX,
  LONG_MAX,
  LONG_MIN,
  ZERO_SIZE_ITEMS_MAX,
} from "#adapters/registry/guard.ts";
import { parseSchema } from "#adapters/registry/schemas.ts";
import { FACTOR, runs, seed } from "#support/property.ts";

const INPUTS = Math.round(200_000 * FACTOR);
const SCHEMAS = join(import.meta.dirname, "../../schemas");
const OURS = readdirSync(SCHEMAS).map((file) => parseSchema(readFileSync(join(SCHEMAS, file), "utf8")));
const ELAPSED_MS_MAX = 50;

const TREE = parseSchema(
  JSON.stringify({
    type: "record",
    name: "Tree",
    fields: [
      { name: "label", type: "string" },
      { name: "children", type: { type: "array", items: "Tree" } },
      { name: "next", type: ["null", "Tree"] },
    ],
  }),
);
const PAIRS = parseSchema(
  JSON.stringify({
    type: "array",
    items: {
      type: "record",
      name: "Pair",
      fields: [
        { name: "a", type: "string" },
        { name: "b", type: "string" },
      ],
    },
  }),
);
const ZERO_SIZED = parseSchema(
  JSON.stringify({
    type: "array",
    items: { type: "array", items: { type: "record", name: "Nothing", fields: [{ name: "n", type: "null" }] } },
  }),
);

function typeOf(schema: unknown): Type {
  return parseSchema(JSON.stringify(schema));
}

/** Any value of the type that JavaScript and Avro both can say. */
function valuesOf(type: Type, depth = 0): fc.Arbitrary<unknown> {
  if (avsc.Type.isType(type, "logical")) return valuesOf((type as avsc.types.LogicalType).underlyingType, depth);
  if (avsc.Type.isType(type, "union")) {
    const wrapped = type.typeName === "union:wrapped";
    const branches = (type as avsc.types.UnwrappedUnionType).types.filter(
      (branch, index) => depth < 6 || index === 0 || branch.typeName === "null",
    );
    return fc.oneof(
      ...branches.map((branch) =>
        valuesOf(branch, depth + 1).map((value) =>
          wrapped && branch.typeName !== "null" ? { [branch.branchName ?? ""]: value } : value,
        ),
      ),
    );
  }
  switch (type.typeName) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "int":
      return fc.integer();
    case "long":
      return fc.oneof(fc.integer(), fc.integer({ min: LONG_MIN, max: LONG_MAX }), fc.constantFrom(LONG_MIN, LONG_MAX));
    case "float":
      return fc.float();
    case "double":
      return fc.double();
    case "bytes":
      return fc.uint8Array().map((bytes) => Buffer.from(bytes));
    case "string":
      return fc.oneof(fc.string(), fc.string({ unit: "binary", maxLength: 100 }));
    case "enum":
      return fc.constantFrom(...(type as avsc.types.EnumType).symbols);
    case "fixed": {
      const length = (type as avsc.types.FixedType).size;
      return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes));
    }
    case "array":
      return depth < 6
        ? fc.array(valuesOf((type as avsc.types.ArrayType).itemsType, depth + 1), { maxLength: 5 })
        : fc.constant([]);
    case "map":
      return fc.dictionary(
        fc.string().filter((key) => key !== "__proto__"),
        valuesOf((type as avsc.types.MapType).valuesType, depth + 1),
        { maxKeys: 5 },
      );
    case "record":
      return fc
        .tuple(...recordOf(type).fields.map((field) => valuesOf(field.type, depth + 1)))
        .map((values) => Object.fromEntries(recordOf(type).fields.map((field, i) => [field.name, values[i]])));
    default:
      throw new Error(`no values for ${type.typeName}`);
  }
}

function recordOf(type: Type): avsc.types.RecordType {
  return type as avsc.types.RecordType;
}

/** Any schema of a few levels; names are given afterwards, as each must be the only one. */
const anySchema: fc.Arbitrary<Type> = fc
  .letrec<{ schema: unknown }>((tie) => {
    const primitive = fc.constantFrom("null", "boolean", "int", "long", "float", "double", "bytes", "string");
    return {
      schema: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        primitive,
        fc.nat({ max: 20 }).map((size) => ({ type: "fixed", name: "", size })),
        fc
          .integer({ min: 1, max: 5 })
          .map((count) => ({ type: "enum", name: "", symbols: Array.from({ length: count }, (_, i) => `s${i}`) })),
        fc.constantFrom(
          ["null", "boolean", "double", "string"],
          ["int", "string", "double", "null"],
          ["string", "null"],
          [{ type: "long", logicalType: "timestamp-millis" }, "null"],
        ),
        tie("schema").map((items) => ({ type: "array", items })),
        tie("schema").map((values) => ({ type: "map", values })),
        tie("schema").map((branch) => (Array.isArray(branch) || branch === "null" ? branch : ["null", branch])),
        fc
          .array(tie("schema"), { maxLength: 5 })
          .map((types) => ({ type: "record", name: "", fields: types.map((type, i) => ({ name: `f${i}`, type })) })),
      ),
    };
  })
  .schema.map((schema) => {
    let names = 0;
    return parseSchema(JSON.stringify(schema).replaceAll('"name":""', () => `"name":"N${(names += 1)}"`));
  });

function varint(value: bigint): number[] {
  let rest = value >= 0n ? value * 2n : -value * 2n - 1n;
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

function text(value: string): number[] {
  return [...varint(BigInt(Buffer.byteLength(value))), ...Buffer.from(value)];
}

test("seven bytes that claim fifty million items are refused before anything is allocated", () => {
  const bytes = Buffer.from([...varint(50_000_000n), 0, 0, 0]);
  assert.equal(bytes.length, 7);
  assert.match(compileGuard(PAIRS)(bytes, 0) ?? "", /^50000000 items claimed, 3 bytes left/);
});

const REFUSED: readonly (readonly [what: string, type: Type, bytes: readonly number[], why: RegExp])[] = [
  ["no byte at all", typeOf("long"), [], /ends inside a number/],
  ["a number cut short", typeOf("long"), [0x80, 0x80], /ends inside a number/],
  ["a number of eleven bytes", typeOf("long"), [...Array<number>(10).fill(0x80), 0], /more than 10 bytes/],
  ["a long beyond 2^53", typeOf("long"), varint(2n ** 53n), /beyond 2\^53/],
  ["a negative long whose sign avsc would lose", typeOf("long"), varint(-(2n ** 52n) - 1n), /below -2\^52/],
  ["the smallest 64-bit long", typeOf("long"), varint(-(2n ** 63n)), /beyond 2\^53/],
  ["an int of 33 bits", typeOf("int"), varint(2n ** 31n), /32 bits/],
  ["a boolean of 2", typeOf("boolean"), [2], /neither 0 nor 1/],
  ["a double of seven bytes", typeOf("double"), [0, 0, 0, 0, 0, 0, 0], /8 bytes wanted, 7 left/],
  ["a string longer than the value", typeOf("string"), [...varint(10n), 0x61], /length of 10 bytes, 1 left/],
  ["a string of negative length", typeOf("string"), varint(-1n), /length of -1 bytes/],
  ["a string that is not UTF-8", typeOf("string"), [4, 0xe9, 0x20], /not UTF-8/],
  ["a string that holds half a surrogate pair", typeOf("string"), [6, 0xed, 0xa0, 0x80], /not UTF-8/],
  ["bytes longer than the value", typeOf("bytes"), varint(2n ** 40n), /length of/],
  ["a union branch that is not there", typeOf(["null", "boolean", "string"]), varint(3n), /union branch 3 of 3/],
  ["a negative branch of an optional field", typeOf(["null", "string"]), varint(-1n), /union branch -1 of 2/],
  [
    "an enum symbol that is not there",
    typeOf({ type: "enum", name: "E", symbols: ["a"] }),
    varint(1n),
    /enum symbol 1 of 1/,
  ],
  ["bytes after the value", typeOf("boolean"), [1, 0], /1 bytes after the value/],
  [
    "a map key that would set the map's prototype",
    typeOf({ type: "map", values: "null" }),
    [2, ...text("__proto__"), 0],
    /__proto__/,
  ],
  [
    "a block whose size is too small for its items",
    typeOf({ type: "array", items: "boolean" }),
    [...varint(-2n), ...varint(1n), 1, 1, 0],
    /not that of its items/,
  ],
  [
    "a block of negative size, over which avsc would skip backwards for ever",
    typeOf({ type: "array", items: "boolean" }),
    [...varint(-1n), ...varint(-3n), 1, 0],
    /length of -3/,
  ],
  ["the largest negative block count", PAIRS, varint(-(2n ** 52n)), /ends inside a number/],
  [
    "more items than the budget",
    typeOf({ type: "array", items: "null" }),
    varint(BigInt(ITEMS_MAX + 1)),
    /more than 100000 items/,
  ],
  [
    "more items without a byte than the budget",
    typeOf({ type: "array", items: "null" }),
    [...varint(BigInt(ZERO_SIZE_ITEMS_MAX + 1)), 0],
    /items without a byte/,
  ],
  [
    "the same budget over many inner arrays",
    ZERO_SIZED,
    [...varint(2n), ...varint(600n), 0, ...varint(600n), 0, 0],
    /items without a byte/,
  ],
];

for (const [what, type, bytes, why] of REFUSED) {
  test(`the guard refuses ${what}`, () => {
    assert.match(compileGuard(type)(Buffer.from(bytes), 0) ?? "passed", why);
  });
}

test("blocks that carry their size in bytes pass, and so do numbers written in more bytes than they need", () => {
  const guard = compileGuard(typeOf({ type: "array", items: ["null", "boolean"] }));
  assert.equal(guard(Buffer.from([...varint(-2n), ...varint(3n), 0, 2, 1, 0x82, 0x00, 0x80, 0x00, 0]), 0), null);
});

test(`a recursive value passes up to ${DEPTH_MAX} levels and is refused beyond, before the stack is in danger`, () => {
  const guard = compileGuard(TREE);
  const chain = (levels: number): Buffer =>
    Buffer.from([...Array.from({ length: levels - 1 }, () => [0, 0, 2]).flat(), 0, 0, 0]);
  assert.equal(guard(chain(DEPTH_MAX - 1), 0), null);
  assert.match(guard(chain(DEPTH_MAX + 1), 0) ?? "", /more than 32 levels/);
  assert.match(guard(chain(1_000_000), 0) ?? "", /more than 32 levels/);
  const selfContained = compileGuard(
    typeOf({ type: "record", name: "Self", fields: [{ name: "self", type: "Self" }] }),
  );
  assert.match(selfContained(Buffer.alloc(0), 0) ?? "", /more than 32 levels/);
});

test("a refusal leaves nothing behind: the next value is judged by itself", () => {
  const guard = compileGuard(TREE);
  const good = TREE.toBuffer({ label: "a", children: [], next: null });
  for (const bad of [[0xff], [...varint(2n ** 40n)], [0, ...varint(90_000n)]]) {
    assert.notEqual(guard(Buffer.from(bad), 0), null);
    assert.equal(guard(good, 0), null);
  }
});

test("the limits of longs are avsc's own", () => {
  const type = typeOf("long");
  const guard = compileGuard(type);
  for (const value of [LONG_MAX, LONG_MIN, -1, 0]) {
    const bytes = type.toBuffer(value);
    assert.equal(guard(bytes, 0), null);
    assert.equal(type.fromBuffer(bytes), value);
  }
});

test("every value of our schemas that avsc encodes passes the guard and comes back", () => {
  for (const type of OURS) {
    const guard = compileGuard(type);
    fc.assert(
      fc.property(valuesOf(type), (value) => {
        const bytes = type.toBuffer(value);
        assert.equal(guard(bytes, 0), null);
        assert.ok(type.toBuffer(type.fromBuffer(bytes)).equals(bytes));
      }),
      runs(60),
    );
  }
});

test("every value of any schema that avsc encodes passes the guard", () => {
  fc.assert(
    fc.property(
      anySchema.chain((type) => fc.tuple(fc.constant(type), valuesOf(type))),
      ([type, value]) => assert.equal(compileGuard(type)(type.toBuffer(value), 0), null),
    ),
    runs(400),
  );
});

test("what the guard passes of mutated values of any schema, avsc decodes without throwing, and skips to the same end", () => {
  fc.assert(
    fc.property(
      anySchema.chain((type) =>
        fc.tuple(
          fc.constant(type),
          valuesOf(type),
          fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 3 })), { minLength: 1, maxLength: 4 }),
        ),
      ),
      ([type, value, edits]) => {
        let bytes = type.toBuffer(value);
        for (const [at, byte, kind] of edits) bytes = mutate(bytes, at, byte, kind);
        judge(type, compileGuard(type), createSkipper(type), bytes);
      },
    ),
    runs(1_000),
  );
});

function mutate(bytes: Buffer, at: number, byte: number, kind: number): Buffer {
  const pos = bytes.length === 0 ? 0 : at % (bytes.length + 1);
  if (kind === 0) return Buffer.concat([bytes.subarray(0, pos), Buffer.from([byte]), bytes.subarray(pos + 1)]);
  if (kind === 1) return Buffer.concat([bytes.subarray(0, pos), Buffer.from([byte]), bytes.subarray(pos)]);
  if (kind === 2) return bytes.subarray(0, pos);
  return Buffer.concat([
    bytes.subarray(0, pos),
    Buffer.from(varint(BigInt(byte) ** 5n * (byte % 2 === 0 ? 1n : -1n))),
    bytes.subarray(pos),
  ]);
}

/** Reads the writer's value as nothing, which makes avsc skip it, and then a byte that must be where the guard says. */
function createSkipper(type: Type): (bytes: Buffer) => void {
  const writer = avsc.Type.forSchema({
    type: "record",
    name: "Skipped",
    fields: [
      { name: "skipped", type },
      { name: "end", type: "boolean" },
    ],
  });
  const reader = avsc.Type.forSchema({ type: "record", name: "Skipped", fields: [{ name: "end", type: "boolean" }] });
  const resolver = reader.createResolver(writer);
  const end = Buffer.from([1]);
  return (bytes) =>
    assert.equal((reader.fromBuffer(Buffer.concat([bytes, end]), resolver) as { end: boolean }).end, true);
}

/** The guard never throws and is fast; what it passes, avsc reads, skips and is fast. Returns whether it passed. */
function judge(
  type: Type,
  guard: (bytes: Buffer, from: number) => string | null,
  skip: (bytes: Buffer) => void,
  bytes: Buffer,
): boolean {
  const run = (): { passed: boolean; elapsedMs: number } => {
    const start = performance.now();
    const passed = guard(bytes, 0) === null;
    if (passed) type.fromBuffer(bytes);
    return { passed, elapsedMs: performance.now() - start };
  };
  const { passed, elapsedMs: firstMs } = run();
  let elapsedMs = firstMs;
  // A pause of the machine or of the collector is not the input's doing.
  for (let again = 0; again < 3 && elapsedMs > ELAPSED_MS_MAX; again += 1) elapsedMs = run().elapsedMs;
  assert.ok(elapsedMs <= ELAPSED_MS_MAX, `${elapsedMs} ms for ${bytes.toString("hex").slice(0, 200)}`);
  if (passed) skip(bytes);
  return passed;
}

test(`${INPUTS} random and mutated inputs neither throw nor take long, and avsc reads all that pass`, (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = createRandom(seed);
  const targets = [...OURS, TREE, PAIRS, ZERO_SIZED].map((type, index) => ({
    type,
    guard: compileGuard(type),
    skip: createSkipper(type),
    samples: fc.sample(valuesOf(type), { numRuns: 30, seed: seed + index }).map((value) => type.toBuffer(value)),
  }));
  let passed = 0;
  for (let i = 0; i < INPUTS; i += 1) {
    const target = targets[random(targets.length)] as (typeof targets)[number];
    let bytes: Buffer;
    if (random(4) === 0)
      bytes = Buffer.from(Array.from({ length: random(40) }, () => (random(2) === 0 ? random(8) : random(256))));
    else {
      bytes = target.samples[random(target.samples.length)] as Buffer;
      // Mostly one byte put in another's place, and mostly ASCII: enough of them must reach past the guard.
      for (let edits = random(3) === 0 ? 2 : 1; edits > 0; edits -= 1)
        bytes = mutate(bytes, random(2 ** 20), random(random(2) === 0 ? 128 : 256), Math.max(0, random(6) - 2));
    }
    try {
      if (judge(target.type, target.guard, target.skip, bytes)) passed += 1;
    } catch (error) {
      throw new Error(
        `seed ${seed}, input ${i}, ${target.type.name ?? "array"}: ${bytes.toString("hex").slice(0, 400)}`,
        { cause: error },
      );
    }
  }
  t.diagnostic(`${passed} passed the guard`);
  assert.ok(passed > INPUTS / 100, "the inputs must reach past the guard");
});

/** mulberry32 */
function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
