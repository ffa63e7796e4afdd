// Where an identifier lives: index, shard, component. Whoever reads beside the shards' writers begins here.

import { componentPart, isHidden, type Component, type Entry, type Forwarder } from "#core/component.ts";
import type { Engine } from "#core/engine.ts";
import { lifeKey } from "#core/erasure.ts";
import { identifierKey, normaliseIdentifier } from "#core/identifier.ts";
import { shardOf, type ComponentId } from "#core/item.ts";
import { orderPart, type Order } from "#core/order.ts";
import { type Store, StoreDamaged } from "#ports/store.ts";
import type { ComponentIndex } from "./component-index.ts";
import { readParts, repeatRead } from "./part.ts";
import { requireStanding } from "./standing.ts";

/** Of two requests that were made of one person at once, the second ends a life in which nothing happened. */
const LIVES_MISSING_MAX = 3;

/** Where a shard stood when it was read: all of its log before the offset is in what was read. */
export interface ShardPosition {
  readonly shard: number;
  readonly offset: number;
}

export interface LookupServices {
  readonly engine: Engine;
  readonly index: ComponentIndex;
  readonly store: Store;
  readonly shards: number;
}

/** Of the component's shard, in the order of the keys and in one call; null: there is none. Throws StoreDamaged. */
export async function readPartsOf<T>(
  { store, shards }: LookupServices,
  component: ComponentId,
  keys: readonly string[],
): Promise<(T | null)[]> {
  if (keys.length === 0) return [];
  const shard = shardOf(component, shards);
  return await repeatRead(async () => {
    const parts = await readParts((wanted) => store.load(shard, wanted), keys);
    const read = keys.map((key) => (parts.get(key) ?? null) as T | null);
    const missing = keys.filter((_, place) => read[place] === null);
    if (missing.length > 0 && (await store.hasLost(shard, missing)))
      throw new StoreDamaged(`shard ${shard}: a part that is listed is not there`);
    return read;
  });
}

export async function readPart<T>(services: LookupServices, component: ComponentId, key: string): Promise<T | null> {
  return (await readPartsOf<T>(services, component, [key]))[0] ?? null;
}

/** An identifier at its home. */
export interface Located {
  readonly component: Component;
  readonly entry: Entry;
  readonly position: ShardPosition;
}

export type Whereabouts =
  | ({ readonly found: true } & Located)
  | {
      readonly found: false;
      readonly reason: "unknown-namespace" | "not-an-identifier" | "unknown-identifier";
    };

export async function findIdentifier(
  services: LookupServices,
  namespaceName: string,
  raw: string,
  country: string,
): Promise<Whereabouts> {
  const { registry } = services.engine;
  const namespace = registry.namespaces.get(namespaceName);
  if (namespace === undefined) return { found: false, reason: "unknown-namespace" };
  const value = normaliseIdentifier(namespace, raw, country);
  if (value === null) return { found: false, reason: "not-an-identifier" };
  const located = await locateKey(services, identifierKey(registry, namespaceName, value));
  return located === null ? { found: false, reason: "unknown-identifier" } : { found: true, ...located };
}

/** The identifier of this key at its home, in its present life; null where nobody has met it, or it was erased. */
export async function locateKey(services: LookupServices, key: string): Promise<Located | null> {
  for (let life = 0, missing = 0; missing < LIVES_MISSING_MAX; life += 1) {
    const located = await locateLife(services, lifeKey(services.engine.registry.hash, key, life));
    if (located === null && life === 0) return null;
    if (located === null) missing += 1;
    else if (located.entry.erased?.kind !== "own") return isHidden(located.entry) ? null : located;
  }
  return null;
}

/** The order of this key at its home, in its present life; null where nobody has met it, or it was erased. */
export async function locateOrder(
  services: LookupServices,
  key: string,
): Promise<({ readonly order: Order } & Pick<Located, "component" | "position">) | null> {
  for (let life = 0; ; life += 1) {
    const order = lifeKey(services.engine.registry.hash, key, life);
    const located = await locateComponent(services, order);
    if (located === null) return null;
    const part = await readPart<Order>(services, located.component.id, orderPart(order));
    if (part === null) return null;
    if (part.erased !== true) return { order: part, ...located };
  }
}

/** The identifier under this very key, erased or not. */
export async function locateLife(services: LookupServices, key: string): Promise<Located | null> {
  const located = await locateComponent(services, key);
  const entry = located?.component.identifiers.get(key);
  return located === null || entry === undefined ? null : { ...located, entry };
}

/** Where what was born under this key lives now. */
async function locateComponent(
  services: LookupServices,
  key: string,
): Promise<Pick<Located, "component" | "position"> | null> {
  const { index, store, shards } = services;
  await index.prefetch([key]);
  const birth = index.birthOf(key);
  if (birth === null) return null;
  for (let id = index.rootOf(birth); ; ) {
    const shard = shardOf(id, shards);
    // Before the part: what is read is then at least as new.
    const { offset } = await requireStanding(store, shard);
    const component = await readPart<Component | Forwarder>(services, id, componentPart(id));
    if (component?.forward !== undefined) {
      id = component.forward;
      continue;
    }
    return component === null ? null : { component, position: { shard, offset } };
  }
}
