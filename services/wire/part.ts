// Parts of a shard as bytes of the store and back: components and the state of identifiers as Avro, orders,
// lists of orders and the shard's time as JSON.

import {
  attachState,
  componentPart,
  identifierOf,
  identifierPart,
  stateOf,
  type Component,
  type Forwarder,
  type IdentifierState,
  type Part,
} from "#core/component.ts";
import { StoreDamaged } from "#ports/store.ts";
import { decodeComponent, encodeComponent, type ReadComponent, type StoredPart } from "./component-state.ts";
import { decodeIdentifierState, encodeIdentifierState } from "./identifier-state.ts";

const COMPONENT = componentPart("");

/** null, as absent: the part is deleted. */
export function encodePart({ key, value }: Part): StoredPart {
  if (value === null || value === undefined) return { key, value: null };
  if (key.startsWith(COMPONENT)) return { key, value: encodeComponent(value as Component | Forwarder, encodePart) };
  if (identifierOf(key) !== null) return { key, value: encodeIdentifierState(value as IdentifierState) };
  return { key, value: Buffer.from(JSON.stringify(value)) };
}

/** A component comes without its identifiers' state: see readParts for whole ones. */
export function decodePart({ key, value }: StoredPart): Part {
  if (value === null) return { key, value: null };
  if (key.startsWith(COMPONENT)) return { key, value: decodeComponent(value, decodePart).component };
  if (identifierOf(key) !== null) return { key, value: decodeIdentifierState(value) };
  return { key, value: JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.length).toString()) as unknown };
}

/** The state of an identifier at the component, as its part. */
export function encodeStateOf(component: Component, key: string): Uint8Array | null {
  const state = stateOf(component, key);
  return state === null ? null : encodeIdentifierState(state);
}

type Load = (keys: readonly string[]) => Promise<readonly (Uint8Array | null)[]>;

/**
 * Parts by key, components whole: two round trips where there are components, else one. Throws StoreDamaged where a
 * component's identifiers are not all there; to a reader beside the shard's writer that may be the change of a moment.
 */
export async function readParts(load: Load, keys: readonly string[]): Promise<Map<string, unknown>> {
  const parts = new Map<string, unknown>();
  const components: { component: Component; stateful: readonly string[] }[] = [];
  const values = await load(keys);
  for (const [i, key] of keys.entries()) {
    const value = values[i] ?? null;
    if (value === null || !key.startsWith(COMPONENT)) {
      parts.set(key, decodePart({ key, value }).value);
      continue;
    }
    const read = decodeComponent(value, decodePart);
    parts.set(key, read.component);
    if (isWhole(read)) components.push(read);
  }
  await attachStates(load, components);
  return parts;
}

/** Whole components out of a store's component parts. */
export async function readComponents(load: Load, parts: readonly Uint8Array[]): Promise<Component[]> {
  const read = parts.map((bytes) => decodeComponent(bytes, decodePart)).filter(isWhole);
  await attachStates(load, read);
  return read.map(({ component }) => component);
}

function isWhole(read: ReadComponent): read is { component: Component; stateful: readonly string[] } {
  return read.component.forward === undefined;
}

async function attachStates(
  load: Load,
  components: readonly { component: Component; stateful: readonly string[] }[],
): Promise<void> {
  const wanted = components.flatMap(({ component, stateful }) => stateful.map((key) => ({ component, key })));
  if (wanted.length === 0) return;
  const values = await load(wanted.map(({ key }) => identifierPart(key)));
  for (const [i, { component, key }] of wanted.entries()) {
    const value = values[i];
    if (value === null || value === undefined)
      throw new StoreDamaged(`component ${component.id} has an identifier whose state is not there`);
    attachState(component, key, decodeIdentifierState(value));
  }
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
