// Items of the inner log to ResolvedBundle records and back. Event bytes travel beside their item as they came, parts of
// a hand-over as the store holds them. A bundle is bounded, so that no record of the inner log is larger than its topic
// allows.

import type {
  AbsorbItem,
  Carried,
  EventItem,
  HandoverItem,
  Item,
  ProgressItem,
  RulesItem,
  StatusItem,
} from "#core/item.ts";
import { decodePart, encodePart } from "./part.ts";
import { toBuffer } from "./avro.ts";
import type { StoredPart } from "./component-state.ts";

/** A bundle is closed when its items reach about this many bytes. */
export const BUNDLE_BYTES_MAX = 512 * 1024;
/** Parts of a hand-over in one chunk. */
const HANDOVER_PARTS_MAX = 64;
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
  readonly rules?: RulesItem | null;
  readonly payload?: Uint8Array | null;
}

export interface BundleValue {
  readonly slot: number;
  readonly timeMs: number;
  readonly items: readonly WireItem[];
}

export type EncodeBundle = (value: BundleValue) => Uint8Array;

interface Written {
  readonly wire: WireItem;
  readonly bytes: number;
}

/** In chunks: a part is bounded, and how many there are is not. */
function writeHandover(item: HandoverItem): Written[] {
  const chunks: { parts: StoredPart[]; bytes: number }[] = [{ parts: [], bytes: ITEM_BYTES }];
  for (const part of item.parts.map(encodePart)) {
    const bytes = ITEM_BYTES + (part.value?.length ?? 0);
    const open = chunks.at(-1) as (typeof chunks)[number];
    const isFull = open.parts.length >= HANDOVER_PARTS_MAX || open.bytes + bytes > BUNDLE_BYTES_MAX;
    if (isFull && open.parts.length > 0) chunks.push({ parts: [part], bytes: ITEM_BYTES + bytes });
    else {
      open.parts.push(part);
      open.bytes += bytes;
    }
  }
  return chunks.map(({ parts, bytes }, place) => ({
    wire: { handover: { ...item, parts, last: item.last && place === chunks.length - 1 } },
    bytes,
  }));
}

function writeItem({ item, event }: Carried<Exclude<Item, HandoverItem>>): Written {
  switch (item.kind) {
    case "event": {
      const payload = event === null ? null : toBuffer(event);
      const bytes = ITEM_BYTES + IDENTIFIER_BYTES * item.identifiers.length + (payload?.length ?? 0);
      return { wire: { event: item, payload }, bytes };
    }
    case "absorb":
      return { wire: { absorb: item }, bytes: ITEM_BYTES };
    case "status":
      return { wire: { status: item }, bytes: ITEM_BYTES };
    case "progress":
      return { wire: { progress: item }, bytes: ITEM_BYTES };
    case "rules":
      return { wire: { rules: item }, bytes: ITEM_BYTES + item.rules.length };
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
  const add = ({ wire, bytes }: Written): void => {
    if (open.length > 0 && openBytes + bytes > BUNDLE_BYTES_MAX) {
      records.push(encode({ slot, timeMs, items: open }));
      open = [];
      openBytes = 0;
    }
    open.push(wire);
    openBytes += bytes;
  };
  for (const { item, event } of items) {
    if (item.kind === "handover") writeHandover(item).forEach(add);
    else add(writeItem({ item, event }));
  }
  if (open.length > 0) records.push(encode({ slot, timeMs, items: open }));
  return records;
}

export function readBundle(value: BundleValue): Carried[] {
  return value.items.map(({ event, absorb, handover, status, progress, rules, payload }): Carried => {
    if (handover) return { item: { ...handover, parts: handover.parts.map(decodePart) }, event: null };
    const item = event ?? absorb ?? status ?? progress ?? rules;
    if (!item) throw new Error("an item of no kind that this version knows");
    return { item, event: payload ?? null };
  });
}
