import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { describeFraming, NO_SCHEMA_ID, readSchemaId } from "#adapters/registry/framing.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import { ReaderCache } from "#adapters/registry/reading.ts";
import { createReader, parseSchema, readSchemas, refuseAll } from "#adapters/registry/schemas.ts";
import type { ChannelEvent } from "#core/event.ts";
import { makeFolder } from "#support/folder.ts";

const SCHEMAS = join(import.meta.dirname, "../../schemas");

const EVENT: ChannelEvent = {
  eventId: "e-1",
  type: "order-placed",
  occurredAt: 1_764_000_000_000,
  identifiers: [{ namespace: "email", value: "zoé@exemple.fr" }],
  traits: { vip: true, visits: 12, city: "Saint-Étienne", nickname: null },
  order: {
    orderId: "o-1",
    currency: "EUR",
    totalMinor: 12_990,
    lines: [{ productId: "p", quantity: 1, unitPriceMinor: 12_990 }],
  },
};

function frame(schemaId: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeInt32BE(schemaId, 1);
  return Buffer.concat([head, payload]);
}

test("an event comes back from the local codec with plain numbers for times and nulls for what was absent", async () => {
  const codec = await openLocalCodec({ schemasDirectory: SCHEMAS });
  const encode = await codec.encoder("web", "ChannelEvent");
  const value = encode(EVENT);
  await codec.prepare([value]);
  const decoded = codec.decode(value);
  assert.ok(decoded.ok);
  const event = decoded.value as ChannelEvent;
  assert.equal(event.occurredAt, EVENT.occurredAt);
  assert.deepEqual({ ...event.traits }, EVENT.traits);
  assert.equal(event.identifiers[0]?.role, "self");
  assert.equal(event.cart, null);
  assert.equal(event.order?.lines?.[0]?.unitPriceMinor, 12_990);
});

test("what an encoder returned stays as it was while the next values are encoded", async () => {
  const codec = await openLocalCodec({ schemasDirectory: SCHEMAS });
  const encode = await codec.encoder("web", "ChannelEvent");
  const first = encode(EVENT);
  const before = Buffer.from(first);
  encode({ ...EVENT, eventId: "another" });
  encode({ ...EVENT, note: "x".repeat(10_000_000) });
  assert.ok(before.equals(first));
});

test("a value larger than the buffer is encoded whole", async () => {
  const codec = await openLocalCodec({ schemasDirectory: SCHEMAS });
  const encode = await codec.encoder("web", "ChannelEvent");
  for (const length of [60_000, 65_536, 131_072, 5_000_000]) {
    const decoded = codec.decode(encode({ ...EVENT, note: "é".repeat(length) }));
    assert.ok(decoded.ok);
    assert.equal((decoded.value as ChannelEvent).note?.length, length);
  }
});

test("a value that does not fit is refused by the name of its field, and its content is not told", async () => {
  const codec = await openLocalCodec({ schemasDirectory: SCHEMAS });
  const encode = await codec.encoder("web", "ChannelEvent");
  assert.throws(() => encode({ ...EVENT, identifiers: [{ namespace: "email", value: 612_345_678 }] }), {
    code: "encode-failed",
    message: "ChannelEvent: identifiers.0.value is not string",
  });
  await assert.rejects(codec.encoder("web", "Nonsense"), /no schema Nonsense/);
});

test("a local id is the same everywhere and at all times: it is read from files written long ago", async () => {
  const codec = await openLocalCodec({ schemasDirectory: SCHEMAS });
  const alias = (await codec.encoder("identity-alias", "IdentityAlias"))({ oldProfileId: "a", profileId: "b", at: 1 });
  assert.equal(Buffer.from(alias).toString("hex"), Buffer.from(alias).toString("hex"));
  const again = await openLocalCodec({ schemasDirectory: SCHEMAS });
  assert.ok(again.decode(alias).ok);
});

test("what an older schema wrote stays readable where that schema was kept, and is read as today's", async () => {
  const directory = makeFolder("schemas");
  const older = {
    type: "record",
    name: "Fact",
    namespace: "dev.weft",
    fields: [
      { name: "a", type: "int" },
      { name: "gone", type: { type: "array", items: "string" } },
    ],
  };
  const newer = {
    ...older,
    fields: [
      { name: "a", type: "long" },
      { name: "b", type: ["null", "string"], default: null },
    ],
  };
  const path = join(directory, "Fact.avsc");
  await writeFile(path, JSON.stringify(older));
  const keptDirectory = join(directory, "kept");
  const value = (await (await openLocalCodec({ schemasDirectory: directory, keptDirectory })).encoder("facts", "Fact"))(
    { a: 1, gone: ["x"] },
  );
  await writeFile(path, JSON.stringify(newer));
  const decoded = (await openLocalCodec({ schemasDirectory: directory, keptDirectory })).decode(value);
  assert.ok(decoded.ok);
  assert.deepEqual({ ...(decoded.value as object) }, { a: 1, b: null });
  const forgetful = (await openLocalCodec({ schemasDirectory: directory })).decode(value);
  assert.equal(forgetful.ok ? "read" : forgetful.reason, "unknown-schema");
});

test("the wire is a byte 0, the id in four bytes, then Avro", () => {
  assert.equal(readSchemaId(Buffer.from([0, 0, 0, 1, 2, 9])), 258);
  for (const bytes of [[], [0], [0, 0, 0, 1], [1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 0, 7], [0, 0x80, 0, 0, 1]]) {
    assert.equal(readSchemaId(Buffer.from(bytes)), NO_SCHEMA_ID);
  }
});

test("another framing is refused with the producer's setting that causes it", async () => {
  const codec = await openLocalCodec({ schemasDirectory: SCHEMAS });
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [
      Buffer.concat([Buffer.from([1]), Buffer.alloc(16, 7), Buffer.from("payload")]),
      /value\.schema\.id\.serializer=.*PrefixSchemaIdSerializer/,
    ],
    [Buffer.from([6, 0x65, 0x2d, 0x31]), /__value_schema_id.*PrefixSchemaIdSerializer/],
    [Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 7, 1]), /apicurio\.registry\.as-confluent=true/],
    [Buffer.from('{"eventId":"e-1"}'), /looks like JSON/],
    [Buffer.from("Obj\u0001..."), /container file/],
    [Buffer.from([0xc3, 1, 0, 0, 0, 0, 0, 0]), /single-object/],
    [Buffer.alloc(0), /empty value/],
    [Buffer.from([0, 0, 1]), /3 bytes/],
  ];
  for (const [value, detail] of cases) {
    const decoded = codec.decode(value);
    assert.ok(!decoded.ok);
    assert.equal(decoded.reason, "unsupported-framing");
    assert.match(decoded.detail, detail);
    assert.match(describeFraming(value), detail);
  }
});

test("a tombstone, an id that nobody knows and broken bytes are told apart, and none of them throws", async () => {
  const codec = await openLocalCodec({ schemasDirectory: SCHEMAS });
  const good = Buffer.from((await codec.encoder("web", "ChannelEvent"))(EVENT));
  const reasonOf = (value: Uint8Array | null): string => {
    const decoded = codec.decode(value);
    return decoded.ok ? "ok" : decoded.reason;
  };
  assert.equal(reasonOf(null), "undecodable");
  assert.equal(reasonOf(frame(12_345, good.subarray(5))), "unknown-schema");
  for (let length = 5; length < good.length; length += 1)
    assert.equal(reasonOf(good.subarray(0, length)), "undecodable");
  assert.equal(reasonOf(new Uint8Array(good)), "ok");
});

test("a foreign writer of our record is read as ours; a foreign record is read as it is", async () => {
  const schemas = await readSchemas(SCHEMAS);
  const newer = parseSchema(
    JSON.stringify({
      type: "record",
      name: "IdentityAlias",
      namespace: "dev.weft",
      fields: [
        { name: "why", type: { type: "array", items: "string" } },
        { name: "at", type: "long" },
        { name: "profileId", type: "string" },
        { name: "oldProfileId", type: "string" },
      ],
    }),
  );
  const read = createReader(
    schemas,
    7,
    newer,
  )(frame(7, newer.toBuffer({ why: ["x", "y"], at: 5, profileId: "b", oldProfileId: "a" })));
  assert.ok(read.ok);
  assert.deepEqual({ ...(read.value as object) }, { oldProfileId: "a", profileId: "b", at: 5 });

  const till = parseSchema(
    JSON.stringify({
      type: "record",
      name: "Ticket",
      namespace: "shop",
      fields: [{ name: "sum", type: ["int", "double"] }],
    }),
  );
  const ticket = createReader(schemas, 8, till)(frame(8, till.toBuffer({ sum: { int: 3 } })));
  assert.ok(ticket.ok);
  // A union that is ambiguous in JavaScript comes wrapped.
  assert.deepEqual({ ...(ticket.value as { sum: object }).sum }, { int: 3 });
});

test("a record of our name that cannot be read as ours is undecodable and says why", async () => {
  const schemas = await readSchemas(SCHEMAS);
  const writer = parseSchema(
    JSON.stringify({
      type: "record",
      name: "IdentityAlias",
      namespace: "dev.weft",
      fields: [{ name: "at", type: "long" }],
    }),
  );
  const read = createReader(schemas, 9, writer)(frame(9, writer.toBuffer({ at: 5 })));
  assert.ok(!read.ok);
  assert.equal(read.reason, "undecodable");
  assert.match(read.detail, /schema 9 .*oldProfileId/);
});

test("the cache of readers drops the longest unused, never one that the present batch needs", () => {
  const cache = new ReaderCache(3);
  for (const id of [1, 2, 3]) cache.set(id, refuseAll(""));
  assert.deepEqual(cache.touch(new Set([1, 4])), [4]);
  cache.set(4, refuseAll(""));
  cache.trim(new Set([1, 4]));
  assert.deepEqual(
    [1, 2, 3, 4].map((id) => cache.get(id) !== undefined),
    [true, false, true, true],
  );
  const batch = new Set([5, 6, 7, 8]);
  for (const id of batch) cache.set(id, refuseAll(""));
  cache.trim(batch);
  assert.equal(cache.size, 4);
});
