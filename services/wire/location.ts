// Where an identifier lives: index, shard, component. Whoever reads beside the shards' writers begins here.

import { componentPart, isHidden, type Component, type Entry, type Forwarder } from "#core/component.ts";
import type { Engine } from "#core/engine.ts";
import { lifeKey } from "#core/erasure.ts";
import { identifierKey, normaliseIdentifier } from "#core/identifier.ts";
import { shardOf, type ComponentId } from "#core/item.ts";
import { orderPart, type Order } from "#core/order.ts";
import { isLifeOver } from "#core/shredding.ts";
import { SHARD_PART, type ShardTime } from "#core/shard-time.ts";
import { type Store, StoreBehind, StoreDamaged } from "#ports/store.ts";
import type { ComponentIndex } from "./component-index.ts";
import { decodePart, readComponentBeside, readParts, repeatRead } from "./part.ts";
import { checkStanding } from "./standing.ts";

/** Of two requests that were made of one person at once, the second ends a life in which nothing happened. */
const LIVES_MISSING_MAX = 3;

/** Where a shard stood when it was read: all of its log before the offset is in what was read. */
export interface ShardPosition {
  readonly shard: number;
  readonly offset: number;
}

/** As readers wait for it (`?at-least=`). */
export function formatPosition({ shard, offset }: ShardPosition): string {
  return `${shard}.${offset}`;
}

export interface LookupServices {
  readonly engine: Engine;
  readonly index: ComponentIndex;
  readonly store: Store;
  readonly shards: number;
  /** Whether whom the index does not name nobody has met (index-keeper.ts). Absent: it loses nothing. */
  isIndexWhole?(): Promise<boolean>;
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

/** A component, and what was read of its shard with it. */
export interface Home {
  readonly component: Component;
  readonly position: ShardPosition;
  /** Null: no source has told anything. */
  readonly time: ShardTime | null;
  /** Parts that were asked for beside it. */
  readonly beside: ReadonlyMap<string, unknown>;
}

/** An identifier at its home. */
export interface Located extends Home {
  readonly entry: Entry;
}

/** Parts that will be wanted where the component holds what was asked for, and are read with it: a call less. */
export type ListBeside = (component: Component, key: string) => readonly string[];

const NOTHING_BESIDE: ListBeside = () => [];

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
  listBeside?: ListBeside,
): Promise<Whereabouts> {
  const { registry } = services.engine;
  const namespace = registry.namespaces.get(namespaceName);
  if (namespace === undefined) return { found: false, reason: "unknown-namespace" };
  const value = normaliseIdentifier(namespace, raw, country);
  if (value === null) return { found: false, reason: "not-an-identifier" };
  const located = await locateKey(services, identifierKey(registry, namespaceName, value), listBeside);
  return located === null ? { found: false, reason: "unknown-identifier" } : { found: true, ...located };
}

/** The identifier of this key at its home, in its present life; null where nobody has met it, or it was erased. */
export async function locateKey(
  services: LookupServices,
  key: string,
  listBeside?: ListBeside,
): Promise<Located | null> {
  for (let life = 0, missing = 0; missing < LIVES_MISSING_MAX; life += 1) {
    const located = await locateLife(services, lifeKey(services.engine.registry.hash, key, life), listBeside);
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
): Promise<({ readonly order: Order } & Home) | null> {
  for (let life = 0; ; life += 1) {
    const order = lifeKey(services.engine.registry.hash, key, life);
    const located = await locateComponent(services, order);
    if (located === null) return null;
    const part = await readPart<Order>(services, located.component.id, orderPart(order));
    if (part === null) return null;
    if (part.erased !== true) return { order: part, ...located };
  }
}

/** Whether the life under this very key has ended, be it before anything of it has come. */
export async function hasEnded(services: LookupServices, key: string): Promise<boolean> {
  const located = await locateComponent(services, key);
  return located !== null && isLifeOver(located.component, key);
}

/** The order under this very key, erased or not. */
export async function locateOrderLife(services: LookupServices, key: string): Promise<Order | null> {
  const located = await locateComponent(services, key);
  return located === null ? null : await readPart<Order>(services, located.component.id, orderPart(key));
}

/** The identifier under this very key, erased or not. */
export async function locateLife(
  services: LookupServices,
  key: string,
  listBeside?: ListBeside,
): Promise<Located | null> {
  const located = await locateComponent(services, key, listBeside);
  const entry = located?.component.identifiers.get(key);
  return located === null || entry === undefined ? null : { ...located, entry };
}

/** Where what was born under this key lives now. */
async function locateComponent(
  services: LookupServices,
  key: string,
  listBeside: ListBeside = NOTHING_BESIDE,
): Promise<Home | null> {
  const { index } = services;
  const start = await index.findStart(key);
  if (start === null) await requireIndex(services);
  for (let id = start; id !== null; ) {
    const home = await repeatRead(() =>
      readHome(services, id as ComponentId, (component) => listBeside(component, key)),
    );
    if (home === null || "component" in home) return home;
    index.follow(home);
    id = home.forward;
  }
  return null;
}

/** The identifier that the profile id is made of, at its home; null: nobody has been met under that id. Throws StoreBehind. */
export async function locateNaming(
  services: LookupServices,
  profileId: string,
  listBeside?: ListBeside,
): Promise<Located | null> {
  const naming = await services.index.findNaming(profileId);
  if (naming !== null) return locateLife(services, naming, listBeside);
  await requireIndex(services);
  return null;
}

/** Before nobody is what is answered. Throws StoreBehind. */
async function requireIndex({ isIndexWhole }: LookupServices): Promise<void> {
  if ((await isIndexWhole?.()) === false) throw new StoreBehind("the identity index is being put back");
}

/** Null: there is none. Throws StoreDamaged. */
async function readHome(
  { store, shards }: LookupServices,
  id: ComponentId,
  listBeside: (component: Component) => readonly string[],
): Promise<Home | Forwarder | null> {
  const shard = shardOf(id, shards);
  const key = componentPart(id);
  const { standing, values } = await store.survey(shard, [key, SHARD_PART]);
  const { offset } = checkStanding(shard, standing);
  const [head = null, time = null] = values;
  if (head === null) {
    if (await store.hasLost(shard, [key]))
      throw new StoreDamaged(`shard ${shard}: a component that is listed is not there`);
    return null;
  }
  const { component, beside } = await readComponentBeside((keys) => store.load(shard, keys), head, listBeside);
  if (component.forward !== undefined) return component;
  const told = decodePart({ key: SHARD_PART, value: time }).value as ShardTime | null;
  return { component, position: { shard, offset }, time: told, beside };
}
