// Three defects in how kafkajs 2.2.4 reads, each of which would lose or invent records:
//   aborted   it takes any record whose key is four zero bytes (Java's integer 0) for the end of an aborted transaction,
//             and shows what follows of that transaction
//   unseen    a batch of markers and aborted records alone never reaches `eachBatch`, so nobody learns how far it went
//   reset     where a position does not exist (any more) it commits "earliest" for the group, over the published position

import { createRequire } from "node:module";

interface Message {
  readonly key: Buffer | null;
  readonly offset: string;
  isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface FetchedPartition {
  abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[] | null;
  readonly messages: readonly Message[];
}

interface Responses {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
}

type Prototype<T> = { prototype: T & { weftPatched?: boolean } };

const ABORT_MARKER = Buffer.from([0, 0, 0, 0]);

/** Aborted records count as control records from here on: nobody sees them, and their offsets are passed. */
export function hideAborted(partition: FetchedPartition): void {
  const waiting = [...(partition.abortedTransactions ?? [])].sort((a, b) =>
    Number(BigInt(a.firstOffset) - BigInt(b.firstOffset)),
  );
  if (waiting.length === 0) return;
  const aborting = new Set<string>();
  for (const message of partition.messages) {
    while (waiting[0] !== undefined && BigInt(waiting[0].firstOffset) <= BigInt(message.offset))
      aborting.add((waiting.shift() as (typeof waiting)[number]).producerId);
    const { producerId, inTransaction } = message.batchContext;
    if (message.isControlRecord) {
      if (message.key?.equals(ABORT_MARKER) === true) aborting.delete(producerId);
    } else if (inTransaction && aborting.has(producerId)) message.isControlRecord = true;
  }
  partition.abortedTransactions = [];
}

export function patchFetches(): void {
  const require = createRequire(import.meta.url);

  const broker = (require("kafkajs/src/broker") as Prototype<{ fetch(request: object): Promise<Responses> }>).prototype;
  if (broker.weftPatched === true) return;
  broker.weftPatched = true;
  const fetch = broker.fetch;
  broker.fetch = async function fetchRightly(request) {
    const answer = await fetch.call(this, request);
    for (const { partitions } of answer.responses) partitions.forEach(hideAborted);
    return answer;
  };

  const batch = (require("kafkajs/src/consumer/batch") as Prototype<BatchClass>).prototype;
  batch.isEmpty = function isEmpty() {
    return this.rawMessages.length === 0;
  };

  const offsets = (require("kafkajs/src/consumer/offsetManager") as Prototype<OffsetManager>).prototype;
  offsets.setDefaultOffset = async function setDefaultOffset({ topic, partition }) {
    const [found] = await this.cluster.fetchTopicsOffset([{ topic, fromBeginning: true, partitions: [{ partition }] }]);
    // What comes from there is not what the slot asked for: it looks at the partition's bounds and seeks again.
    (this.resolvedOffsets[topic] as Record<number, string>)[partition] = found?.partitions[0]?.offset ?? "0";
  };
}

interface BatchClass {
  readonly rawMessages: readonly unknown[];
  isEmpty(): boolean;
}

interface OffsetManager {
  readonly resolvedOffsets: Record<string, Record<number, string>>;
  readonly cluster: {
    fetchTopicsOffset(topics: object[]): Promise<{ partitions: { partition: number; offset: string }[] }[]>;
  };
  setDefaultOffset(at: { topic: string; partition: number }): Promise<void>;
}
