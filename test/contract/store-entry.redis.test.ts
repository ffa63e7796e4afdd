// The bytes that the store on Redis makes itself, without a Redis: outbox entries and the frames of its commands.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeEntry, encodeEntry } from "#adapters/redis/entry.ts";
import { createCommandWriter } from "#adapters/redis/frame.ts";
import type { NewRecord } from "#ports/log.ts";
import { runs } from "#support/property.ts";

const someText = fc.oneof(
  fc.constantFrom("", "topic", "ce_id", "é", "x".repeat(32), "x".repeat(33), `${"x".repeat(40)}é`, "__proto__"),
  fc.string({ unit: "binary", maxLength: 80 }),
);
const someRecord: fc.Arbitrary<NewRecord> = fc.record(
  {
    topic: someText,
    key: fc.option(someText),
    value: fc.option(fc.uint8Array({ maxLength: 300 })),
    partition: fc.nat(0x7fffffff),
    timestampMs: fc.maxSafeInteger(),
    headers: fc.dictionary(someText, someText, { maxKeys: 6, noNullPrototype: true }),
  },
  { requiredKeys: ["topic", "key", "value"] },
);

test("an entry gives back its records: any bytes, any text, no key, no value, no headers", () => {
  fc.assert(
    fc.property(fc.array(someRecord, { maxLength: 12 }), (records) => {
      assert.deepEqual(plain(decodeEntry(Buffer.from(encodeEntry(records)))), plain(records));
    }),
    runs(500),
  );
});

test("an entry larger than the writer's buffer is whole, and so is the next one", () => {
  const large = [{ topic: "t", key: "k".repeat(100_000), value: new Uint8Array(5_000_000).fill(7) }];
  assert.deepEqual(plain(decodeEntry(Buffer.from(encodeEntry(large)))), plain(large));
  const small = [{ topic: "t", key: null, value: Uint8Array.of(1) }];
  assert.deepEqual(plain(decodeEntry(encodeEntry(small))), plain(small));
});

test("an entry that could not be encoded leaves nothing behind in the next one", () => {
  const record = { topic: "t", key: "k", value: Uint8Array.of(1) };
  assert.throws(() => encodeEntry([record, { ...record, value: undefined as never }]), TypeError);
  assert.deepEqual(plain(decodeEntry(encodeEntry([record]))), plain([record]));
});

test("a text stands in an entry once", () => {
  const record = { topic: "profile-changed", key: "somebody", value: null, headers: { ce_subject: "somebody" } };
  const bytes = encodeEntry([record, record, record]).toString("latin1");
  for (const text of ["profile-changed", "somebody", "ce_subject"]) assert.equal(bytes.split(text).length, 2, text);
});

test("an entry that was cut short or is of another format is refused, not read wrongly", () => {
  const whole = Buffer.from(encodeEntry([{ topic: "topic", key: "key", value: Uint8Array.of(1, 2, 3) }]));
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decodeEntry(whole.subarray(0, length)), Error, `${length} of ${whole.length} bytes`);
  }
  assert.throws(() => decodeEntry(Buffer.from([1, 0, 0, 0, 0])), /format 1/);
});

test("a command's frame is what RESP says, whatever its arguments are", () => {
  const writer = createCommandWriter();
  fc.assert(
    fc.property(fc.array(fc.oneof(someText, fc.uint8Array({ maxLength: 80 })), { maxLength: 9 }), (list) => {
      writer.begin(list.length);
      for (const argument of list) writer.put(argument);
      const expected = list.flatMap((argument) => {
        const bytes = Buffer.from(argument as string);
        return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")];
      });
      assert.deepEqual(writer.finish(), Buffer.concat([Buffer.from(`*${list.length}\r\n`), ...expected]));
    }),
    runs(500),
  );
});

test("a frame of too few arguments is refused, and does not spoil the next one", () => {
  const writer = createCommandWriter();
  writer.begin(2);
  writer.put("GET");
  assert.throws(() => writer.finish(), RangeError);
  writer.begin(1);
  writer.put("PING");
  assert.equal(writer.finish().toString(), "*1\r\n$4\r\nPING\r\n");
});

test("a frame is its owner's until it is released", () => {
  const writer = createCommandWriter();
  const write = (text: string) => {
    writer.begin(1);
    writer.put(text);
    return writer.finish();
  };
  const [first, second] = [write("first"), write("second")];
  writer.release(first);
  const third = write("3");
  assert.equal(third.buffer, first.buffer);
  const larger = write("x".repeat(1_000));
  writer.release(third);
  assert.equal(write("y".repeat(1_000)).length, larger.length);
  assert.equal(second.toString(), "*1\r\n$6\r\nsecond\r\n");
  assert.equal(larger.toString(), `*1\r\n$1000\r\n${"x".repeat(1_000)}\r\n`);
});

function plain(records: readonly NewRecord[]): unknown {
  return records.map(({ value, headers, ...rest }) => ({
    ...rest,
    value: value && [...value],
    headers: headers && Object.entries(headers),
  }));
}
