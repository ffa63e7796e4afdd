// The parts of one shard as its stitcher holds them between steps, decoded. That is legal because it is the shard's only
// writer; whoever is refused a commit throws them away.

import {
  COMPONENT_PARTS,
  componentPart,
  identifierOf,
  isComponentPart,
  type Component,
  type Forwarder,
} from "#core/component.ts";
import { compareText } from "#core/comparison.ts";
import type { Carried, ComponentId } from "#core/item.ts";
import type { Store } from "#ports/store.ts";
import type { StoredPart } from "../wire/component-state.ts";
import { encodeChanges, encodePart, encodeStateOf, readParts } from "../wire/part.ts";

/** Decoded parts kept per shard between steps. */
export const CACHED_PARTS_MAX = 300;
const NOTHING: ReadonlySet<string> = new Set();

export interface PartServices {
  readonly store: Pick<Store, "load" | "scan">;
  /** Sees to it that these events can be decoded: whoever wrote them may use a schema that this process has not met. */
  prepareEvents(events: readonly Uint8Array[]): Promise<void>;
}

export class ShardParts {
  /** By key, in the order of their last use; null: not there. The engine changes them in their place. */
  readonly values = new Map<string, unknown>();
  /** Of these, the store said that they are not there, and no step has yet found that they are not listed either. */
  readonly absent = new Set<string>();
  readonly #services: PartServices;
  readonly #shard: number;
  /** Keys of the shard's components in their order, while an item asks for all of them. */
  #components: readonly string[] | null = null;

  constructor(services: PartServices, shard: number) {
    this.#services = services;
    this.#shard = shard;
  }

  async load(keys: readonly string[]): Promise<void> {
    const missing = keys.filter((key) => !this.#keep(key));
    if (missing.length === 0) return;
    const parts = await readParts((wanted) => this.#services.store.load(this.#shard, wanted), missing);
    for (const [key, value] of parts) {
      this.values.set(key, value);
      if (value === null) this.absent.add(key);
    }
    const parked = missing.flatMap((key) => listParked(this.values.get(key)));
    if (parked.length > 0) await this.#services.prepareEvents(parked);
  }

  /** True where the part is in the cache; from here on as the one that was used last. */
  #keep(key: string): boolean {
    if (!this.values.has(key)) return false;
    const value = this.values.get(key);
    this.values.delete(key);
    this.values.set(key, value);
    return true;
  }

  /** Those behind the key, in order; nothing once there are no more. */
  async listComponents(after: string, max: number): Promise<readonly string[]> {
    if (after === "" || this.#components === null) {
      const keys: string[] = [];
      for await (const { key } of this.#services.store.scan(this.#shard, COMPONENT_PARTS)) keys.push(key);
      this.#components = keys.sort(compareText);
    }
    const first = findBehind(this.#components, after);
    const keys = this.#components.slice(first, first + max);
    if (keys.length === 0) this.#components = null;
    return keys;
  }

  /** What a step has to store. changed: by part; changes: by component, what has changed in it. */
  encode(
    changed: ReadonlyMap<string, Component | null>,
    changes: ReadonlyMap<ComponentId, ReadonlySet<string>>,
  ): Map<string, StoredPart["value"]> {
    const parts = new Map<string, StoredPart["value"]>();
    const encodeInside = (key: string, isHeadChanged: boolean): void => {
      const component = this.values.get(key) as Component | Forwarder;
      const encoded = encodeChanges(component, changes.get(component.id) ?? NOTHING, isHeadChanged);
      for (const { key, value } of encoded) parts.set(key, value);
    };
    for (const [key, component] of changed) {
      const identifier = identifierOf(key);
      if (identifier !== null) parts.set(key, component && encodeStateOf(component, identifier));
      else if (isComponentPart(key)) encodeInside(key, true);
      else parts.set(key, encodePart({ key, value: this.values.get(key) }).value);
    }
    for (const id of changes.keys()) if (!changed.has(componentPart(id))) encodeInside(componentPart(id), false);
    return parts;
  }

  /** They are stored as they are here. */
  settle(): void {
    this.absent.clear();
    const excess = this.values.size - CACHED_PARTS_MAX;
    if (excess <= 0) return;
    let dropped = 0;
    for (const key of this.values.keys()) {
      this.values.delete(key);
      dropped += 1;
      if (dropped >= excess + CACHED_PARTS_MAX / 4) return;
    }
  }
}

/** Where in a list in order those behind the key begin. */
function findBehind(keys: readonly string[], after: string): number {
  let [first, end] = [0, keys.length];
  while (first < end) {
    const middle = (first + end) >> 1;
    if (compareText(keys[middle] as string, after) > 0) end = middle;
    else first = middle + 1;
  }
  return first;
}

/** Events that a part of a component keeps until a hand-over comes. */
function listParked(part: unknown): Uint8Array[] {
  const { abroad } = (part ?? {}) as { abroad?: { readonly parked: readonly Carried[] } | null };
  return (abroad?.parked ?? []).flatMap(({ event }) => event ?? []);
}
