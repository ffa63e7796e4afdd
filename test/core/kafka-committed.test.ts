// Which of the fetched messages are committed, where kafkajs' own filter shows too much.

import assert from "node:assert/strict";
import { test } from "node:test";
import { nextOffset, selectCommitted } from "#adapters/kafka/committed.ts";
import type { FetchedMessage } from "#adapters/kafka/records.ts";

function message(offset: number, producerId: string, extra: Partial<FetchedMessage> = {}): FetchedMessage {
  return {
    offset: String(offset),
    timestamp: "0",
    key: null,
    value: Buffer.from(`${producerId}${offset}`),
    isControlRecord: false,
    batchContext: { firstOffset: String(offset), lastOffsetDelta: 0, producerId, inTransaction: true },
    ...extra,
  };
}

function marker(offset: number, producerId: string, type: "abort" | "commit"): FetchedMessage {
  return message(offset, producerId, { isControlRecord: true, key: Buffer.from([0, 0, 0, type === "abort" ? 0 : 1]) });
}

function offsetsOf(
  messages: readonly FetchedMessage[],
  aborted: readonly { producerId: string; firstOffset: string }[],
  from = 0,
): number[] {
  return selectCommitted("t", 0, messages, aborted, from).map(({ offset }) => offset);
}

test("of two transactions that were open before the fetch and then aborted, nothing is shown", () => {
  const messages = [message(10, "B"), message(11, "A"), marker(12, "A", "abort"), marker(13, "B", "abort")];
  const aborted = [
    { producerId: "B", firstOffset: "6" },
    { producerId: "A", firstOffset: "5" },
  ];
  assert.deepEqual(offsetsOf([...messages, message(14, "A")], aborted), [14]);
});

test("a record whose key is four zero bytes ends no aborted transaction", () => {
  const zero = message(1, "A", { key: Buffer.alloc(4) });
  const messages = [message(0, "A"), zero, message(2, "A"), message(3, "C"), marker(4, "A", "abort"), zero];
  assert.deepEqual(offsetsOf(messages, [{ producerId: "A", firstOffset: "0" }]), [3, 1]);
});

test("a committed transaction, one outside any, and one after an aborted one of the same producer are shown", () => {
  const plain = message(5, "A", {
    batchContext: { firstOffset: "5", lastOffsetDelta: 0, producerId: "A", inTransaction: false },
  });
  const messages = [message(0, "A"), marker(1, "A", "abort"), message(2, "A"), marker(3, "A", "commit"), plain];
  assert.deepEqual(offsetsOf(messages, [{ producerId: "A", firstOffset: "0" }]), [2, 5]);
});

test("records from before the offset that was asked for are left out", () => {
  assert.deepEqual(offsetsOf([message(3, "A"), message(4, "A"), message(5, "A")], [], 4), [4, 5]);
});

test("the next offset passes markers, and what compaction took from the end of a batch", () => {
  assert.equal(nextOffset([], 7), 7);
  assert.equal(nextOffset([message(7, "A"), marker(8, "A", "commit")], 7), 9);
  const thinned = message(7, "A", {
    batchContext: { firstOffset: "7", lastOffsetDelta: 4, producerId: "A", inTransaction: false },
  });
  assert.equal(nextOffset([thinned], 7), 12);
});
