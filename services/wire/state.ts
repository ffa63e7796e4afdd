// State in the store as Avro (wire/schemas): the engine's maps and sets as arrays, and back. Evolves by Avro's rules of
// resolution; what cannot be read is rebuilt from the log.

import { readFileSync } from "node:fs";
import avsc, { type Type } from "avsc";
import type { Abroad, Component, Entry, Evidence, FarEnd, Forwarder, IdentifierState, Part } from "#core/component.ts";
import { stateOf } from "#core/component.ts";
import { evidenceKey } from "#core/evidence.ts";
import { traitSlot, type Fragment, type TraitValue } from "#core/fragment.ts";
import type { Carried, EventItem } from "#core/item.ts";
import type { OrderTotals } from "#core/order-totals.ts";
import type { ProfileRecord } from "#core/profile.ts";

type SchemaJson = Parameters<typeof avsc.Type.forSchema>[0];

function readSchema(path: string): SchemaJson {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as SchemaJson;
}

const options = { wrapUnions: "auto", omitRecordMethods: true, registry: {} as Record<string, Type> } as const;
// The component's schema names types of the bundle's.
avsc.Type.forSchema(readSchema("../../schemas/ResolvedBundle.avsc"), options);
const componentType = avsc.Type.forSchema(readSchema("schemas/ComponentState.avsc"), options);
const identifierType = avsc.Type.forSchema(readSchema("schemas/IdentifierState.avsc"), { ...options, registry: {} });

export interface StoredPart {
  readonly key: string;
  readonly value: Uint8Array | null;
}

interface ComponentState {
  readonly id: string;
  readonly forward: string | null;
  readonly held: readonly string[];
  readonly identifiers: readonly Omit<Entry, "fragment">[];
  readonly stateful: readonly number[];
  readonly evidence: readonly Evidence[];
  readonly far: readonly FarEnd[];
  readonly told: Readonly<Record<string, number>>;
  readonly looseOrders: readonly string[];
  readonly parked: readonly Carried<EventItem>[];
  readonly arriving: readonly { readonly from: string; readonly parts: readonly StoredPart[] }[];
  readonly asked: readonly string[];
}

type AbroadState = Pick<ComponentState, "far" | "told" | "looseOrders" | "parked" | "arriving" | "asked">;

const NOTHING_ABROAD: AbroadState = { far: [], told: {}, looseOrders: [], parked: [], arriving: [], asked: [] };
const NOTHING = { held: [], identifiers: [], stateful: [], evidence: [], ...NOTHING_ABROAD };

let scratch = Buffer.allocUnsafeSlow(64 * 1024);

function encode(type: Type, value: unknown): Buffer {
  let end = type.encode(value, scratch, 0);
  if (end < 0) {
    scratch = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, scratch.length - end));
    end = type.encode(value, scratch, 0);
  }
  return Buffer.from(scratch.subarray(0, end));
}

/** encodePart: for the parts of a hand-over under way. */
export function encodeComponent(component: Component | Forwarder, encodePart: (part: Part) => StoredPart): Buffer {
  if (component.forward !== undefined) return encode(componentType, { ...NOTHING, ...component });
  const stateful: number[] = [];
  let place = 0;
  for (const key of component.identifiers.keys()) {
    if (stateOf(component, key) !== null) stateful.push(place);
    place += 1;
  }
  const state: ComponentState = {
    id: component.id,
    forward: null,
    held: [...component.held],
    identifiers: [...component.identifiers.values()],
    stateful,
    evidence: [...component.evidence.values()],
    ...(component.abroad === null ? NOTHING_ABROAD : writeAbroad(component.abroad, encodePart)),
  };
  return encode(componentType, state);
}

/** What is read of a component before its identifiers' state is attached; stateful: the identifiers that have some. */
export interface ReadComponent {
  readonly component: Component | Forwarder;
  readonly stateful: readonly string[];
}

export function decodeComponent(bytes: Uint8Array, decodePart: (part: StoredPart) => Part): ReadComponent {
  const state = componentType.fromBuffer(toBuffer(bytes)) as ComponentState;
  if (state.forward !== null) return { component: { id: state.id, forward: state.forward }, stateful: [] };
  const component: Component = {
    id: state.id,
    held: new Set(state.held),
    identifiers: new Map(state.identifiers.map((entry) => [entry.key, readEntry(entry)])),
    evidence: new Map(state.evidence.map((one) => [evidenceKey(one.a, one.b, one.source, one.assurance), one])),
    profiles: new Map(),
    abroad: readAbroad(state, decodePart),
    memberships: null,
  };
  return { component, stateful: state.stateful.map((place) => (state.identifiers[place] as Entry).key) };
}

function writeAbroad(abroad: Abroad, encodePart: (part: Part) => StoredPart): AbroadState {
  return {
    far: [...abroad.far.values()],
    told: Object.fromEntries(abroad.told),
    looseOrders: [...abroad.looseOrders],
    parked: abroad.parked.map(({ item, event }) => ({ item, event: event === null ? null : toBuffer(event) })),
    arriving: [...abroad.arriving].map(([from, parts]) => ({ from, parts: parts.map(encodePart) })),
    asked: [...abroad.asked],
  };
}

/** Null where nothing is waiting and nobody has been told anything. */
function readAbroad(state: AbroadState, decodePart: (part: StoredPart) => Part): Abroad | null {
  const { far, told, looseOrders, parked, arriving, asked } = state;
  const lists = [far, looseOrders, parked, arriving, asked];
  const names = Object.entries(told);
  if (names.length === 0 && lists.every(({ length }) => length === 0)) return null;
  return {
    far: new Map(far.map((end) => [end.key, end])),
    told: new Map(names),
    looseOrders: new Set(looseOrders),
    parked: [...parked],
    arriving: new Map(arriving.map(({ from, parts }) => [from, parts.map(decodePart)])),
    asked: new Set(asked),
  };
}

function readEntry(entry: Omit<Entry, "fragment">): Entry {
  const { key, namespace, value, birth, first, firstAuthenticated, statusVersion } = entry;
  const { status, profile, claimants, state, pending, ordersListed } = entry;
  return {
    key,
    namespace,
    value,
    birth,
    first,
    firstAuthenticated,
    statusVersion,
    status,
    profile,
    claimants,
    state,
    pending,
    fragment: null,
    ordersListed,
  };
}

interface Amount {
  readonly name: string;
  readonly amount: number;
}

interface FragmentState extends Omit<Fragment, "byType" | "traits" | "orders" | "seen"> {
  readonly byType: readonly Amount[];
  readonly traits: readonly { readonly name: string; readonly values: readonly TraitValue[] }[];
  readonly orders: Omit<OrderTotals, "spentMinor"> & { readonly spentMinor: readonly Amount[] };
  readonly seen: readonly Amount[];
}

export function encodeIdentifierState({ fragment, record }: IdentifierState): Buffer {
  return encode(identifierType, { fragment: fragment === null ? null : writeFragment(fragment), record });
}

export function decodeIdentifierState(bytes: Uint8Array): IdentifierState {
  const { fragment, record } = identifierType.fromBuffer(toBuffer(bytes)) as {
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
    firstAt,
    lastAt,
    seen: listAmounts(fragment.seen),
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
    firstAt,
    lastAt,
    seen: mapAmounts(state.seen),
  };
}

function listAmounts(map: ReadonlyMap<string, number>): Amount[] {
  const list: Amount[] = [];
  for (const [name, amount] of map) list.push({ name, amount });
  return list;
}

function mapAmounts(list: readonly Amount[]): Map<string, number> {
  const map = new Map<string, number>();
  for (const { name, amount } of list) map.set(name, amount);
  return map;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
