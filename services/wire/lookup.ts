// Looking a profile up by one of its identifiers, or by its id: index, component, orders. A look-up by a claimed
// identifier returns what is kept under that identifier alone (I5).

import { identifierKey, normaliseIdentifier } from "#core/identifier.ts";
import type { Engine } from "#core/engine.ts";
import { componentPart, type Component, type Entry, type Forwarder } from "#core/component.ts";
import { shardOf, type ComponentId } from "#core/item.ts";
import { isAuthenticated } from "#core/configuration.ts";
import { membersOf } from "#core/membership.ts";
import { profileId } from "#core/profile.ts";
import type { Registry } from "#core/registry.ts";
import { Verdicts } from "#core/ruling.ts";
import { isKnown, listCounting } from "#core/weighed.ts";
import { listPart, ORDERS_LISTED_PER_PART } from "#core/order-book.ts";
import { orderPart, type Order } from "#core/order.ts";
import { type Store, StoreDamaged } from "#ports/store.ts";
import type { ComponentIndex } from "./component-index.ts";
import { readParts, repeatRead } from "./part.ts";
import { requireStanding } from "./standing.ts";
import { describeProfile, type ProfileLine } from "./profile-reader.ts";

export type Lookup =
  | { readonly found: true; readonly profile: ProfileLine; readonly version: number; readonly claimedOnly: boolean }
  | {
      readonly found: false;
      readonly reason: "unknown-namespace" | "not-an-identifier" | "unknown-identifier" | "held-apart";
    };

export interface LookupServices {
  readonly engine: Engine;
  readonly index: ComponentIndex;
  readonly store: Store;
  readonly shards: number;
}

async function readPart<T>({ store, shards }: LookupServices, component: ComponentId, key: string): Promise<T | null> {
  const shard = shardOf(component, shards);
  return await repeatRead(async () => {
    const part = (await readParts((keys) => store.load(shard, keys), [key])).get(key) as T | null;
    if (part === null && (await store.hasLost(shard, [key])))
      throw new StoreDamaged(`shard ${shard}: a part that is listed is not there`);
    return part;
  });
}

/** An identifier at its home. */
export type Whereabouts =
  | { readonly found: true; readonly component: Component; readonly entry: Entry }
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
  const { engine, index } = services;
  const namespace = engine.registry.namespaces.get(namespaceName);
  if (namespace === undefined) return { found: false, reason: "unknown-namespace" };
  const value = normaliseIdentifier(namespace, raw, country);
  if (value === null) return { found: false, reason: "not-an-identifier" };
  const key = identifierKey(engine.registry, namespaceName, value);
  await index.prefetch([key]);
  const birth = index.birthOf(key);
  if (birth === null) return { found: false, reason: "unknown-identifier" };
  const readHome = async (id: ComponentId) => {
    await requireStanding(services.store, shardOf(id, services.shards));
    return readPart<Component | Forwarder>(services, id, componentPart(id));
  };
  let component = await readHome(index.rootOf(birth));
  while (component?.forward !== undefined) component = await readHome(component.forward);
  const entry = component?.identifiers.get(key);
  if (component === null || entry === undefined) return { found: false, reason: "unknown-identifier" };
  return { found: true, component, entry };
}

export async function lookUp(
  services: LookupServices,
  namespaceName: string,
  raw: string,
  country: string,
): Promise<Lookup> {
  const found = await findIdentifier(services, namespaceName, raw, country);
  if (!found.found) return found;
  const { component, entry } = found;
  if (entry.profile === null) return { found: false, reason: "held-apart" };
  const record = component.profiles.get(entry.profile);
  if (record === undefined) return { found: false, reason: "unknown-identifier" };
  if (!isVouchedFor(services.engine.registry, component, entry)) return lookUpAlone(services, component, entry);
  const orders = await readOrders(services, component, entry.profile);
  const profile = describeProfile(services.engine, component, entry.profile, record.id, record.segment, orders);
  return { found: true, profile, version: record.version, claimedOnly: false };
}

/** Whether who holds the identifier is who the profile is about: it is known, or a device on which she has logged in. */
function isVouchedFor(registry: Registry, component: Component, entry: Entry): boolean {
  const members = new Set(membersOf(component, entry.profile ?? ""));
  if (members.size === 1 || isKnown(registry, entry)) return true;
  return listCounting(component, new Verdicts(component.rulings)).some(({ a, b, assurance }) => {
    const other = a === entry.key ? b : b === entry.key ? a : null;
    return other !== null && members.has(other) && isAuthenticated(assurance);
  });
}

/** What is kept under the identifier, as if it were a profile of its own: no word of whose it is claimed to be. */
async function lookUpAlone(services: LookupServices, component: Component, entry: Entry): Promise<Lookup> {
  const { engine } = services;
  const { key } = entry;
  const identifiers = new Map([[key, { ...entry, profile: key, claimants: [] }]]);
  const alone: Component = {
    ...component,
    identifiers,
    profiles: new Map(),
    memberships: null,
    ties: null,
    pages: null,
  };
  const orders = await readOrders(services, alone, key);
  const profile = describeProfile(engine, alone, key, profileId(engine.registry.hash, key), null, orders);
  return { found: true, profile, version: 0, claimedOnly: true };
}

async function readOrders(services: LookupServices, component: Component, naming: string) {
  const keys = new Set<string>();
  const members = new Set(membersOf(component, naming));
  for (const member of members) {
    const listed = component.identifiers.get(member)?.ordersListed ?? 0;
    for (let n = 0; n * ORDERS_LISTED_PER_PART < listed; n += 1)
      for (const key of (await readPart<string[]>(services, component.id, listPart(member, n))) ?? []) keys.add(key);
  }
  const orders = await Promise.all([...keys].map((key) => readPart<Order>(services, component.id, orderPart(key))));
  return orders.flatMap((order) =>
    order !== null && order.owner !== null && members.has(order.owner) && order.view !== null ? [order.view] : [],
  );
}
