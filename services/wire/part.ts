// Parts of a shard as bytes of the store and back: components and the state of identifiers as Avro, orders,
// lists of orders and the shard's time as JSON.

import {
  attachState,
  COMPONENT_PARTS,
  componentPart,
  identifierOf,
  identifierPart,
  isComponentPart,
  stateOf,
  type Component,
  type Forwarder,
  type IdentifierState,
  type Part,
} from "#core/component.ts";
import { type Store, StoreDamaged } from "#ports/store.ts";
import { decodeComponent, encodeComponent, type ReadComponent, type StoredPart } from "./component-state.ts";
import { decodeIdentifierState, encodeIdentifierState } from "./identifier-state.ts";
import { encodePages, joinPages, type Load } from "./paging.ts";

/** null, as absent: the part is deleted. Of a component that changes in its place: see encodeChanges. */
export function encodePart({ key, value }: Part): StoredPart {
  if (value === null || value === undefined) return { key, value: null };
  if (isComponentPart(key)) return { key, value: encodeComponent(value as Component | Forwarder, 0, encodePart) };
  if (identifierOf(key) !== null) return { key, value: encodeIdentifierState(value as IdentifierState) };
  return { key, value: Buffer.from(JSON.stringify(value)) };
}

/** A component comes without its pages and its identifiers' state: see readParts for whole ones. */
export function decodePart({ key, value }: StoredPart): Part {
  if (value === null) return { key, value: null };
  if (isComponentPart(key)) return { key, value: decodeComponent(value, decodePart).component };
  if (identifierOf(key) !== null) return { key, value: decodeIdentifierState(value) };
  return { key, value: JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.length).toString()) as unknown };
}

/**
 * The parts of a component that are other after a step: keys of what has changed under them, and whether anything else has.
 * Of one that went from one part to pages, or to more of them, all.
 */
export function encodeChanges(
  component: Component | Forwarder,
  keys: ReadonlySet<string>,
  isHeadChanged: boolean,
): StoredPart[] {
  if (component.forward === undefined) return encodePages(component, keys, isHeadChanged, encodePart);
  return [encodePart({ key: componentPart(component.id), value: component })];
}

/** The state of an identifier at the component, as its part. */
export function encodeStateOf(component: Component, key: string): Uint8Array | null {
  const state = stateOf(component, key);
  return state === null ? null : encodeIdentifierState(state);
}

/**
 * Parts by key, components whole: a round trip more where there are components, and another where one has pages. Throws
 * StoreDamaged where a component is not all there; to a reader beside the shard's writer that may be the change of a moment.
 */
export async function readParts(load: Load, keys: readonly string[]): Promise<Map<string, unknown>> {
  const parts = new Map<string, unknown>();
  const heads: { readonly key: string; readonly bytes: Uint8Array }[] = [];
  const values = await load(keys);
  for (const [i, key] of keys.entries()) {
    const bytes = values[i] ?? null;
    if (bytes === null || !isComponentPart(key)) parts.set(key, decodePart({ key, value: bytes }).value);
    else heads.push({ key, bytes });
  }
  const read = await joinPages(
    load,
    heads.map(({ bytes }) => bytes),
    decodePart,
  );
  for (const [i, { key }] of heads.entries()) parts.set(key, read[i]?.component);
  await attachStates(load, read);
  return parts;
}

/**
 * A component whole, and with its identifiers' states, in the same round trip, other parts of its shard that are asked for
 * once it is known who is in it.
 */
export async function readComponentBeside(
  load: Load,
  part: Uint8Array,
  listBeside: (component: Component) => readonly string[],
): Promise<{ readonly component: Component | Forwarder; readonly beside: ReadonlyMap<string, unknown> }> {
  const read = await joinPages(load, [part], decodePart);
  const { component } = read[0] as ReadComponent;
  const keys = component.forward === undefined ? listBeside(component) : [];
  return { component, beside: await attachStates(load, read, keys) };
}

/** Whole components out of a store's component parts. */
export async function readComponents(load: Load, parts: readonly Uint8Array[]): Promise<Component[]> {
  const read = await joinPages(load, parts, decodePart);
  await attachStates(load, read);
  return read.flatMap(({ component }) => (component.forward === undefined ? component : []));
}

/** All of a shard, whole. */
export function readShardComponents(store: Pick<Store, "load" | "scan">, shard: number): Promise<Component[]> {
  return repeatRead(async () => {
    const stored: Uint8Array[] = [];
    for await (const { value } of store.scan(shard, COMPONENT_PARTS)) stored.push(value);
    return readComponents((keys) => store.load(shard, keys), stored);
  });
}

/** Returns the parts under other keys, which are read along with the states. */
async function attachStates(
  load: Load,
  read: readonly ReadComponent[],
  besides: readonly string[] = [],
): Promise<ReadonlyMap<string, unknown>> {
  const wanted = read.flatMap(({ component, stateful }) =>
    component.forward === undefined ? stateful.map((key) => ({ component, key })) : [],
  );
  if (wanted.length + besides.length === 0) return new Map();
  const values = await load([...wanted.map(({ key }) => identifierPart(key)), ...besides]);
  for (const [i, { component, key }] of wanted.entries()) {
    const value = values[i];
    if (value === null || value === undefined)
      throw new StoreDamaged(`component ${component.id} has an identifier whose state is not there`);
    attachState(component, key, decodeIdentifierState(value));
  }
  return new Map(
    besides.map((key, place) => [key, decodePart({ key, value: values[wanted.length + place] ?? null }).value]),
  );
}

const READ_ATTEMPTS_MAX = 5;

/** For whoever reads beside a shard's writer: what was handed over between two round trips is found at the next attempt. */
export async function repeatRead<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof StoreDamaged) || attempt >= READ_ATTEMPTS_MAX) throw error;
    }
  }
}
