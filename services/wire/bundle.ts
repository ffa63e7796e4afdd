// Items of the inner log to ResolvedBundle records and back. An item's JSON is its body; event bytes travel beside it as
// they came. A bundle is bounded, so that no record of the inner log is larger than its topic allows.

import type { Carried, Item } from "#core/item.ts";
import { parseJson, writeJson } from "./json.ts";

/** A bundle is closed when its bodies and events reach this many bytes. */
export const BUNDLE_BYTES_MAX = 512 * 1024;

interface WireItem {
  readonly kind: string;
  readonly component: string;
  readonly body: Uint8Array;
  readonly event: Uint8Array | null;
}

export interface BundleValue {
  readonly slot: number;
  readonly timeMs: number;
  readonly items: readonly WireItem[];
}

export type EncodeBundle = (value: BundleValue) => Uint8Array;

function writeItem({ item, event }: Carried): WireItem {
  return {
    kind: item.kind,
    component: item.kind === "progress" ? "" : item.component,
    body: Buffer.from(writeJson(item)),
    // avsc takes Buffers alone; SQLite, and a parked item read back from the store, give plain byte arrays.
    event: event === null ? null : Buffer.from(event.buffer, event.byteOffset, event.length),
  };
}

/** One or more records for one shard, items in order. */
export function encodeBundles(
  encode: EncodeBundle,
  slot: number,
  timeMs: number,
  items: readonly Carried[],
): Uint8Array[] {
  const records: Uint8Array[] = [];
  let open: WireItem[] = [];
  let bytes = 0;
  for (const carried of items) {
    const item = writeItem(carried);
    const size = item.body.length + (item.event?.length ?? 0) + 64;
    if (open.length > 0 && bytes + size > BUNDLE_BYTES_MAX) {
      records.push(encode({ slot, timeMs, items: open }));
      open = [];
      bytes = 0;
    }
    open.push(item);
    bytes += size;
  }
  if (open.length > 0) records.push(encode({ slot, timeMs, items: open }));
  return records;
}

export function readBundle(value: BundleValue): Carried[] {
  return value.items.map((item) => ({
    item: parseJson(item.body) as Item,
    event: item.event,
  }));
}
