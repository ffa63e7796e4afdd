// A batch of which compaction has left nothing is passed by whoever reads (O4).

import { deepEqual, equal } from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { nextOffset, selectCommitted } from "#adapters/kafka/committed.ts";
import { patchEmptyBatches } from "#adapters/kafka/empty-batches.ts";
import type { FetchedMessage } from "#adapters/kafka/records.ts";

const require = createRequire(import.meta.url);

/** What a fetch brings of a partition, with its length before it. */
function encodeEmptyBatches(batches: readonly { readonly firstOffset: number; readonly lastOffsetDelta: number }[]) {
  const encoded = batches.map(({ firstOffset, lastOffsetDelta }) => {
    const bytes = Buffer.alloc(61);
    bytes.writeBigInt64BE(BigInt(firstOffset), 0);
    bytes.writeInt32BE(bytes.length - 12, 8);
    bytes.writeInt8(2, 16);
    bytes.writeInt32BE(lastOffsetDelta, 23);
    bytes.writeBigInt64BE(7n, 43);
    return bytes;
  });
  const length = Buffer.alloc(4);
  length.writeInt32BE(61 * batches.length);
  return Buffer.concat([length, ...encoded]);
}

test("a fetch that brings nothing but an empty batch goes on behind it (O4)", async () => {
  patchEmptyBatches();
  const Decoder = require("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => unknown;
  const decode = require("kafkajs/src/protocol/requests/fetch/v4/decodeMessages") as (
    decoder: unknown,
  ) => Promise<FetchedMessage[]>;
  const bytes = encodeEmptyBatches([
    { firstOffset: 8, lastOffsetDelta: 3 },
    { firstOffset: 14, lastOffsetDelta: 0 },
  ]);
  const messages = await decode(new Decoder(bytes));
  deepEqual(selectCommitted("t", 0, messages, [], 8), []);
  equal(nextOffset(messages, 8), 15);
});
