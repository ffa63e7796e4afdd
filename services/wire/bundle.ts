// Items of the inner log to ResolvedBundle records and back. Event bytes travel beside their item as they came, parts of
// a hand-over as the store holds them. A bundle is bounded, so that no record of the inner log is larger than its topic
// allows.

import type { AbsorbItem, Carried, EventItem, HandoverItem, ProgressItem, StatusItem } from "#core/item.ts";
import { decodePart, encodePart } from "./part.ts";
import type { StoredPart } from "./component-state.ts";

/** A bundle is closed when its items reach about this many bytes. */
export const BUNDLE_BYTES_MAX = 512 * 1024;
/** About what an item takes beside its event, its identifiers and its parts; and what one identifier takes. */
const ITEM_BYTES = 200;
const IDENTIFIER_BYTES = 150;

type StoredHandover = Omit<HandoverItem, "parts"> & { readonly parts: readonly StoredPart[] };

/** One of the kinds is there. */
interface WireItem {
  readonly event?: EventItem | null;
  readonly absorb?: AbsorbItem | null;
  readonly handover?: StoredHandover | null;
  readonly status?: StatusItem | null;
  readonly progress?: ProgressItem | null;
  readonly payload?: Uint8Array | null;
}

export interface BundleValue {
  readonly slot: number;
  readonly timeMs: number;
  readonly items: readonly WireItem[];
}

export type EncodeBundle = (value: BundleValue) => Uint8Array;

function writeItem({ item, event }: Carried): { readonly wire: WireItem; readonly bytes: number } {
  switch (item.kind) {
    case "event": {
      // avsc takes Buffers alone; SQLite, and a parked item read back from the store, give plain byte arrays.
      const payload = event === null ? null : Buffer.from(event.buffer, event.byteOffset, event.length);
      const bytes = ITEM_BYTES + IDENTIFIER_BYTES * item.identifiers.length + (payload?.length ?? 0);
      return { wire: { event: item, payload }, bytes };
    }
    case "handover": {
      const parts = item.parts.map(encodePart);
      const bytes = parts.reduce((sum, { value }) => sum + ITEM_BYTES + (value?.length ?? 0), ITEM_BYTES);
      return { wire: { handover: { ...item, parts } }, bytes };
    }
    case "absorb":
      return { wire: { absorb: item }, bytes: ITEM_BYTES };
    case "status":
      return { wire: { status: item }, bytes: ITEM_BYTES };
    case "progress":
      return { wire: { progress: item }, bytes: ITEM_BYTES };
  }
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
  let openBytes = 0;
  for (const carried of items) {
    const { wire, bytes } = writeItem(carried);
    if (open.length > 0 && openBytes + bytes > BUNDLE_BYTES_MAX) {
      records.push(encode({ slot, timeMs, items: open }));
      open = [];
      openBytes = 0;
    }
    open.push(wire);
    openBytes += bytes;
  }
  if (open.length > 0) records.push(encode({ slot, timeMs, items: open }));
  return records;
}

export function readBundle(value: BundleValue): Carried[] {
  return value.items.map(({ event, absorb, handover, status, progress, payload }): Carried => {
    if (handover) return { item: { ...handover, parts: handover.parts.map(decodePart) }, event: null };
    const item = event ?? absorb ?? status ?? progress;
    if (!item) throw new Error("an item of no kind that this version knows");
    return { item, event: payload ?? null };
  });
}
