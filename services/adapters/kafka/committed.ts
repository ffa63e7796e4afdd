// Which fetched messages are committed. kafkajs' own filter takes at most one aborted transaction into account per
// message, so that of two that began before the fetch the second one's first record comes through; and it takes any
// record whose key is four zero bytes for the end of an abortion. This is the Java client's way.

import type { LogRecord } from "#ports/log.ts";
import { toLogRecord, type FetchedMessage } from "./records.ts";

export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

const CONTROL_ABORT = 0;

/** A control record's key: version int16, type int16. */
function isAbortMarker({ isControlRecord, key }: FetchedMessage): boolean {
  return isControlRecord && key !== null && key.length >= 4 && key.readInt16BE(2) === CONTROL_ABORT;
}

export function selectCommitted(
  topic: string,
  partition: number,
  messages: readonly FetchedMessage[],
  abortedTransactions: readonly AbortedTransaction[] | null,
  fromOffset: number,
): LogRecord[] {
  const waiting = (abortedTransactions ?? [])
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: Number(firstOffset) }))
    .sort((a, b) => a.firstOffset - b.firstOffset);
  const aborted = new Set<string>();
  const records: LogRecord[] = [];
  for (const message of messages) {
    const offset = Number(message.offset);
    while (waiting[0] !== undefined && waiting[0].firstOffset <= offset) {
      aborted.add(waiting[0].producerId);
      waiting.shift();
    }
    const { producerId, inTransaction } = message.batchContext ?? { producerId: "-1", inTransaction: false };
    if (message.isControlRecord) {
      if (isAbortMarker(message)) aborted.delete(producerId);
      continue;
    }
    if (inTransaction && aborted.has(producerId)) continue;
    // A batch is sent whole, also from before the offset that was asked for.
    if (offset >= fromOffset) records.push(toLogRecord(topic, partition, offset, message));
  }
  return records;
}

/** The offset after everything in these messages; a compacted batch covers more than the records left in it. */
export function nextOffset(messages: readonly FetchedMessage[], fromOffset: number): number {
  const last = messages.at(-1);
  if (last === undefined) return fromOffset;
  const batch = last.batchContext;
  const end = batch === undefined ? Number(last.offset) : Number(batch.firstOffset) + batch.lastOffsetDelta;
  return Math.max(fromOffset, end + 1);
}
