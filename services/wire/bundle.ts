// Items of the inner log to ResolvedBundle records and back. Event bytes travel beside their item as they came, parts of
// a hand-over as the store holds them; both, and the values of identifiers, are sealed where there is something to seal
// with. A bundle is bounded, so that no record of the inner log is larger than its topic allows.

import type {
  AbsorbItem,
  Carried,
  EventItem,
  HandoverItem,
  Item,
  ProgressItem,
  RoutedIdentifier,
  RulesItem,
  StatusItem,
  ToldPlace,
} from "#core/item.ts";
import { handoverKey, isToldEvent, keyName, sealedUnder } from "#core/item.ts";
import { bareParts } from "./bared-part.ts";
import type { Part } from "#core/component.ts";
import { decodePart, encodePart } from "./part.ts";
import { toBuffer } from "./avro.ts";
import type { StoredPart } from "./component-state.ts";
import { type Opening, pack, type Sealing, unpack } from "./sealing.ts";

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
  readonly sealed?: Uint8Array | null;
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
function writeHandover(item: HandoverItem, sealing: Sealing | null): Written[] {
  const chunks: { parts: StoredPart[]; whole: Part[]; bytes: number }[] = [{ parts: [], whole: [], bytes: ITEM_BYTES }];
  for (const one of item.parts) {
    const part = encodePart(one);
    const bytes = ITEM_BYTES + (part.value?.length ?? 0);
    const open = chunks.at(-1) as (typeof chunks)[number];
    const isFull = open.parts.length >= HANDOVER_PARTS_MAX || open.bytes + bytes > BUNDLE_BYTES_MAX;
    if (isFull && open.parts.length > 0) chunks.push({ parts: [part], whole: [one], bytes: ITEM_BYTES + bytes });
    else {
      open.parts.push(part);
      open.whole.push(one);
      open.bytes += bytes;
    }
  }
  const forgotten = Buffer.byteLength((item.forgets ?? []).join());
  return chunks.map(({ parts, whole, bytes: bytesOfParts }, place) => {
    const isEnd = place === chunks.length - 1;
    // Needed once everything has come.
    const chunk = { ...item, last: item.last && isEnd, forgets: isEnd ? (item.forgets ?? []) : [] };
    const bytes = bytesOfParts + (isEnd ? forgotten : 0);
    if (sealing === null || parts.length === 0) return { wire: { handover: { ...chunk, parts } }, bytes };
    const packed = pack(parts.flatMap(({ key, value }) => [Buffer.from(key), value]));
    const sealed = toBuffer(sealing.seal(handoverKey(item.from), packed));
    return { wire: { handover: { ...chunk, parts: bareParts(whole).map(encodePart) }, sealed }, bytes };
  });
}

/** Each value under the key of its identifier; those of identifiers that live elsewhere only with what the event says. */
function writeEvent({ item, event }: Carried<EventItem>, sealing: Sealing | null): Written {
  const payload = event === null ? null : toBuffer(event);
  const bytes = ITEM_BYTES + IDENTIFIER_BYTES * item.identifiers.length + (payload?.length ?? 0);
  if (sealing === null) return { wire: { event: item, payload }, bytes };
  const seal = (one: RoutedIdentifier): RoutedIdentifier => {
    return { ...one, value: isTold(one, item) ? sealing.sealText(keyName(one), one.value) : "" };
  };
  const order = item.order && seal(item.order);
  const place = mapParent(item, (name, parent) => sealing.sealText(name, parent));
  const sealed = { ...item, identifiers: item.identifiers.map(seal), order, place };
  if (payload === null) return { wire: { event: sealed }, bytes };
  return { wire: { event: sealed, sealed: toBuffer(sealing.seal(sealedUnder(item), payload)) }, bytes };
}

/** Not by whether the event is there: its key may have been destroyed on the way, and nobody else's name goes with it. */
function isTold({ value, local }: RoutedIdentifier, item: EventItem): boolean {
  return value !== "" && (local || isToldEvent(item));
}

function listIdentifiers({ identifiers, order }: EventItem): readonly RoutedIdentifier[] {
  return order === null ? identifiers : [...identifiers, order];
}

/** Names of the keys that these items are to be sealed under. */
export function listSealed(items: readonly Carried[]): string[] {
  return items.flatMap(({ item, event }) => {
    if (item.kind === "handover") return item.parts.length > 0 ? [handoverKey(item.from)] : [];
    if (item.kind !== "event") return [];
    const told = listIdentifiers(item).flatMap((one) => (isTold(one, item) ? [keyName(one)] : []));
    told.push(...listParentKeys(item));
    return event === null ? told : [...told, sealedUnder(item)];
  });
}

/** Of those that this record is sealed under. */
export function listOpened({ items }: BundleValue): string[] {
  return items.flatMap(({ event, handover, sealed }) => {
    const isSealed = (sealed?.length ?? 0) > 0;
    if (handover) return isSealed ? [handoverKey(handover.from)] : [];
    if (!event) return [];
    const told = listIdentifiers(event).flatMap((one) => (one.value === "" ? [] : [keyName(one)]));
    told.push(...listParentKeys(event));
    return isSealed ? [...told, sealedUnder(event)] : told;
  });
}

function writeItem(item: Exclude<Item, HandoverItem | EventItem>): Written {
  switch (item.kind) {
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

/** One or more records for one shard, items in order. sealing: of the names that listSealed gives; null: nothing is sealed. */
export function encodeBundles(
  encode: EncodeBundle,
  slot: number,
  timeMs: number,
  items: readonly Carried[],
  sealing: Sealing | null = null,
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
    if (item.kind === "handover") writeHandover(item, sealing).forEach(add);
    else add(item.kind === "event" ? writeEvent({ item, event }, sealing) : writeItem(item));
  }
  if (open.length > 0) records.push(encode({ slot, timeMs, items: open }));
  return records;
}

/** opening: of the names that listOpened gives; null: nothing is sealed. onShredded: told of each whose key is destroyed. */
export function readBundle(
  value: BundleValue,
  opening: Opening | null = null,
  onShredded: (name: string) => void = () => {},
): Carried[] {
  const open = (name: string, sealed: Uint8Array): Uint8Array | null => {
    if (opening === null) throw new Error("something is sealed, and nobody has keys");
    // Sealed when its key was destroyed already.
    const plain = sealed.length === 0 ? null : opening.open(name, sealed);
    if (plain === null) onShredded(name);
    return plain;
  };
  return value.items.map(({ event, absorb, handover, status, progress, rules, payload, sealed }): Carried => {
    const bytes = sealed ?? null;
    if (handover) {
      const packed = bytes === null ? null : open(handoverKey(handover.from), bytes);
      const parts = packed === null ? handover.parts : pairParts(unpack(packed));
      return { item: { ...handover, parts: parts.map(decodePart) }, event: null };
    }
    if (event) {
      const item = opening === null ? event : openValues(event, opening, onShredded);
      return { item, event: bytes === null ? (payload ?? null) : open(sealedUnder(event), bytes) };
    }
    const item = absorb ?? status ?? progress ?? rules;
    if (!item) throw new Error("an item of no kind that this version knows");
    return { item, event: null };
  });
}

function openValues(item: EventItem, opening: Opening, onShredded: (name: string) => void): EventItem {
  const open = (one: RoutedIdentifier): RoutedIdentifier => {
    if (one.value === "") return one;
    const value = opening.openText(keyName(one), one.value);
    if (value === "") onShredded(keyName(one));
    return { ...one, value };
  };
  const place = mapParent(item, (name, sealed) => opening.openText(name, sealed));
  return { ...item, identifiers: item.identifiers.map(open), order: item.order && open(item.order), place };
}

/** Name of the key of a group whose parent is told. */
function listParentKeys({ order, place = null }: Pick<EventItem, "order" | "place">): string[] {
  return order === null || (place?.parent ?? "") === "" ? [] : [keyName(order)];
}

/** Under the group's key. */
function mapParent({ order, place = null }: EventItem, map: (name: string, text: string) => string): ToldPlace | null {
  const [name] = listParentKeys({ order, place });
  return name === undefined || place === null ? place : { ...place, parent: map(name, place.parent ?? "") };
}

function pairParts(texts: readonly (Uint8Array | null)[]): StoredPart[] {
  return Array.from({ length: texts.length / 2 }, (_, place) => ({
    key: Buffer.from(texts[2 * place] as Uint8Array).toString(),
    value: texts[2 * place + 1] as Uint8Array | null,
  }));
}
