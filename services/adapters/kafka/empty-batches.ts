// Of a producer that wrote lately compaction keeps the last batch, also where no record of it is left. kafkajs makes nothing of
// such a batch, so a fetch that brings no other, at the end of a segment, would be repeated for ever. Here it is a control
// record that says nothing: whoever reads passes it (committed.ts). The module is replaced before the first fetch loads it.

import { createRequire } from "node:module";
import type { FetchedMessage } from "./records.ts";

const require = createRequire(import.meta.url);
const MODULE = "kafkajs/src/protocol/recordBatch/v0/decoder";

type Batch = NonNullable<FetchedMessage["batchContext"]> & {
  readonly maxTimestamp: string;
  readonly records: readonly FetchedMessage[];
};
type Decode = (decoder: unknown) => Promise<Batch>;

let isPatched = false;

export function patchEmptyBatches(): void {
  if (isPatched) return;
  isPatched = true;
  const path = require.resolve(MODULE);
  const original = require(path) as Decode;
  const module = require.cache[path];
  if (module === undefined) throw new Error(`${MODULE} cannot be replaced`);
  module.exports = async (decoder: unknown): Promise<Batch> => {
    const batch = await original(decoder);
    return batch.records.length > 0 ? batch : { ...batch, records: [standIn(batch)] };
  };
}

function standIn(batch: Batch): FetchedMessage {
  const offset = String(Number(batch.firstOffset) + batch.lastOffsetDelta);
  const nothing = { key: null, value: null, isControlRecord: true };
  return { offset, timestamp: batch.maxTimestamp, ...nothing, batchContext: batch };
}
