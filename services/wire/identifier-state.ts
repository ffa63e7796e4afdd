// The state of identifiers as bytes of the store and back: what the events anchored at one add up to, and the record of
// the profile that it names.

import type { IdentifierState } from "#core/component.ts";
import type { EventWindow } from "#core/event-window.ts";
import { traitSlot, type Fragment, type TraitValue } from "#core/fragment.ts";
import type { OrderTotals } from "#core/order-totals.ts";
import type { ProfileRecord } from "#core/profile.ts";
import { listAmounts, mapAmounts, readDossier, writeDossier, type Amount, type DossierState } from "./dossier-state.ts";
import { decodeValue, encodeValue, parseSchema } from "./avro.ts";

const identifierType = parseSchema("schemas/IdentifierState.avsc", {});

interface FragmentState extends Omit<Fragment, "byType" | "traits" | "orders" | "recency" | "seen" | "dossier"> {
  readonly byType: readonly Amount[];
  readonly traits: readonly { readonly name: string; readonly values: readonly TraitValue[] }[];
  readonly orders: Omit<OrderTotals, "spentMinor"> & { readonly spentMinor: readonly Amount[] };
  readonly recency: readonly Amount[];
  readonly seen: Buffer;
  readonly dossier: DossierState | null;
}

export function encodeIdentifierState({ fragment, record }: IdentifierState): Buffer {
  return encodeValue(identifierType, { fragment: fragment === null ? null : writeFragment(fragment), record });
}

export function decodeIdentifierState(bytes: Uint8Array): IdentifierState {
  const { fragment, record } = decodeValue(identifierType, bytes) as {
    fragment: FragmentState | null;
    record: ProfileRecord | null;
  };
  if (record !== null) record.look = null;
  return { fragment: fragment === null ? null : readFragment(fragment), record };
}

function writeFragment(fragment: Fragment): FragmentState {
  const { events, contactPoints, checkouts, cartsFilled, cart, orders, firstAt, lastAt } = fragment;
  return {
    events,
    byType: listAmounts(fragment.byType),
    traits: [...fragment.traits].map(([name, slots]) => ({ name, values: [...slots.values()] })),
    contactPoints,
    checkouts,
    cartsFilled,
    cart,
    orders: {
      count: orders.count,
      valid: orders.valid,
      spentMinor: listAmounts(orders.spentMinor),
      latestValid: orders.latestValid,
    },
    recency: listAmounts(fragment.recency),
    firstAt,
    lastAt,
    dossier: fragment.dossier === null ? null : writeDossier(fragment.dossier),
    seen: writeWindow(fragment.seen),
  };
}

function readFragment(state: FragmentState): Fragment {
  const { events, contactPoints, checkouts, cartsFilled, cart, orders, firstAt, lastAt } = state;
  return {
    events,
    byType: mapAmounts(state.byType),
    traits: new Map(
      state.traits.map(({ name, values }) => [name, new Map(values.map((one) => [traitSlot(one), one]))]),
    ),
    contactPoints,
    checkouts,
    cartsFilled,
    cart,
    orders: {
      count: orders.count,
      valid: orders.valid,
      spentMinor: mapAmounts(orders.spentMinor),
      latestValid: [...orders.latestValid],
    },
    recency: mapAmounts(state.recency),
    firstAt,
    lastAt,
    dossier: state.dossier === null ? null : readDossier(state.dossier),
    seen: readWindow(state.seen),
  };
}

/** A mark and its record time, eight bytes each: up to 256 of them, written with every event of a busy anchor. */
const SEEN_BYTES = 16;

function writeWindow(window: EventWindow): Buffer {
  const bytes = Buffer.allocUnsafe(window.size * SEEN_BYTES);
  let at = 0;
  for (const [mark, recordedAt] of window) {
    bytes.writeDoubleLE(mark, at);
    bytes.writeDoubleLE(recordedAt, at + 8);
    at += SEEN_BYTES;
  }
  return bytes;
}

function readWindow(bytes: Buffer): EventWindow {
  const window: EventWindow = new Map();
  for (let at = 0; at < bytes.length; at += SEEN_BYTES) window.set(bytes.readDoubleLE(at), bytes.readDoubleLE(at + 8));
  return window;
}
