// The replacement of kafkajs' record encoder writes what kafkajs writes.

import { equal } from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { encodeRecord, patchRecordEncoding, type RecordParts } from "#adapters/kafka/record-encoding.ts";

const require = createRequire(import.meta.url);
const MODULE = "kafkajs/src/protocol/recordBatch/record/v0";
const encodeSlowly = require(MODULE) as (parts: RecordParts) => { buffer: Buffer };

const bytes = fc.option(
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  { nil: null },
);
const parts: fc.Arbitrary<RecordParts> = fc.record({
  offsetDelta: fc.nat(100_000),
  timestampDelta: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
  key: bytes,
  value: bytes,
  headers: fc.dictionary(
    fc.string({ maxLength: 12 }).filter((name) => name !== "__proto__"),
    fc.oneof(fc.string({ maxLength: 200 }), fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 })),
  ),
});

describe("record encoding", () => {
  it("writes the same bytes as kafkajs, for any key, value, delta and headers", () => {
    fc.assert(
      fc.property(parts, (record) => {
        equal(encodeRecord(record).toString("hex"), encodeSlowly(record).buffer.toString("hex"));
      }),
      { numRuns: 3000 },
    );
  });

  it("takes the place of kafkajs' module, for whoever asks for it next", () => {
    patchRecordEncoding();
    const patched = require(MODULE) as typeof encodeSlowly;
    const record = {
      offsetDelta: 3,
      timestampDelta: 5,
      key: Buffer.from("k"),
      value: Buffer.from("v"),
      headers: { ce_id: "1" },
    };
    equal(patched(record).buffer.toString("hex"), encodeSlowly(record).buffer.toString("hex"));
    equal(patched === encodeSlowly, false);
  });
});
