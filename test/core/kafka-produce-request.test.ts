// The replacement of kafkajs' encoder of Produce requests writes what kafkajs writes.

import { equal, ok } from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { crc32c } from "#adapters/kafka/crc32c.ts";
import { encodeProduce, patchProduceRequests, type ProduceRequest } from "#adapters/kafka/produce-request.ts";
import { runs } from "#support/property.ts";

const require = createRequire(import.meta.url);
const MODULE = "kafkajs/src/protocol/requests/produce/v3/request";
type Make = (request: ProduceRequest) => { apiKey: number; encode(): Promise<{ buffer: Buffer }> };
const makeSlowly = require(MODULE) as Make;
const crcSlowly = require("kafkajs/src/protocol/recordBatch/crc32C") as (bytes: Buffer) => number;

const text = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: "grapheme", maxLength: 50 }));
const bytes = fc.option(
  fc.oneof(
    text,
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  ),
  {
    nil: null,
  },
);
const large = fc.integer({ min: 4000, max: 9000 }).map((length) => Buffer.alloc(length, 7));
const message = fc.record({
  key: bytes,
  value: fc.oneof({ weight: 20, arbitrary: bytes }, { weight: 1, arbitrary: large }),
  headers: fc.dictionary(
    text.filter((name) => name !== "__proto__"),
    fc.oneof(text, fc.array(text, { maxLength: 3 })),
    { maxKeys: 9 },
  ),
  // Thirteen digits: kafkajs sorts them as texts.
  timestamp: fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }).map(String),
});
const partition = fc.record({
  partition: fc.nat(200),
  firstSequence: fc.nat(100_000),
  messages: fc.array(message, { minLength: 1, maxLength: 5 }),
});
const request: fc.Arbitrary<ProduceRequest> = fc.record({
  acks: fc.constantFrom(-1, 1),
  timeout: fc.nat(60_000),
  transactionalId: fc.constantFrom(null, "weft-stitch-3"),
  producerId: fc.bigInt({ min: -1n, max: 2n ** 62n }).map(String),
  producerEpoch: fc.nat(1000),
  topicData: fc.array(fc.record({ topic: text, partitions: fc.array(partition, { maxLength: 4 }) }), { maxLength: 4 }),
});

describe("produce requests", () => {
  it("are the bytes that kafkajs writes, for any records", async () => {
    await fc.assert(
      fc.asyncProperty(request, async (made) => {
        const slow = await makeSlowly(made).encode();
        equal(encodeProduce(made).toString("hex"), slow.buffer.toString("hex"));
      }),
      runs(500),
    );
  });

  it("grow beyond the buffer that is used again", async () => {
    const messages = Array.from({ length: 3 }, () => ({ value: Buffer.alloc(900_000, 1), timestamp: "1767571200000" }));
    const made: ProduceRequest = {
      acks: -1,
      timeout: 1,
      producerId: "5",
      producerEpoch: 0,
      topicData: [{ topic: "t", partitions: [{ partition: 0, firstSequence: 0, messages }] }],
    };
    const slow = await makeSlowly(made).encode();
    ok(encodeProduce(made).equals(slow.buffer));
  });

  it("take the place of kafkajs' module, for whoever asks for it next, and leave compression to it", async () => {
    patchProduceRequests();
    const patched = require(MODULE) as Make;
    const [made] = fc.sample(request, 1) as [ProduceRequest];
    equal(patched(made).apiKey, makeSlowly(made).apiKey);
    const [fast, slow] = [await patched(made).encode(), await makeSlowly(made).encode()];
    equal(fast.buffer.toString("hex"), slow.buffer.toString("hex"));
    const compressed = patched({ ...made, compression: 1 });
    equal(String(compressed.encode), String(makeSlowly({ ...made, compression: 1 }).encode));
  });
});

describe("CRC-32C", () => {
  it("is kafkajs' of any bytes, from any place", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (array, skip) => {
        const start = Math.min(skip, array.length);
        equal(crc32c(array, start, array.length), crcSlowly(Buffer.from(array.subarray(start))));
      }),
      runs(500),
    );
  });

  it("is what RFC 3720 says of 32 zeros", () => equal(crc32c(new Uint8Array(32), 0, 32), 0x8a9136aa));
});
