// Living profiles out of the parts of a store: what `fold`, `digest` and `lookup` print. The same lines whatever store
// the parts are in, so two ways to the same people can be compared byte for byte.

import type { Engine } from "#core/engine.ts";
import { compareText, sortedEntries } from "#core/comparison.ts";
import type { Component, Entry } from "#core/component.ts";
import type { Scalar } from "#core/event.ts";
import type { Order, OrderView } from "#core/order.ts";
import { GROUP_PARTS, groupOf, type GroupState, type Holding, type PlaceView } from "#core/group.ts";
import type { IdentifierView } from "#core/listing.ts";
import { identifiersOf } from "#core/membership.ts";
import { isGivenUp } from "#core/ruling.ts";
import type { Score } from "#core/score.ts";
import type { ContactView } from "#core/contact.ts";
import { viewDemographics, type DemographicView } from "#core/demographics.ts";
import { viewDossier, viewLatest, type DossierView, type LatestView } from "#core/dossier-view.ts";
import { viewCadence, type Cadence } from "#core/habit.ts";
import {
  viewCompleteness,
  viewConfidence,
  viewContactsOf,
  viewLosingValues,
  viewProfile,
  type LosingValue,
} from "#core/view.ts";
import type { Store } from "#ports/store.ts";
import { decodePart, readShardComponents } from "./part.ts";
import { holdAnchor, linkGroups, type FindLinks, type GroupLinks } from "./group.ts";
import { requireStanding } from "./standing.ts";

/** Instants as texts: numbers called `at`, or ending so. */
type WithTimes<T> = T extends readonly (infer One)[]
  ? readonly WithTimes<One>[]
  : T extends object
    ? { readonly [K in keyof T]: K extends "at" | `${string}At` ? string | Extract<T[K], null> : WithTimes<T[K]> }
    : T;

/** A household or account that she is in, with the others in it and, of an account, those above it. */
export interface GroupLine extends PlaceView, GroupLinks {}

type Dossier = Omit<DossierView, "groups"> &
  LatestView & {
    readonly groups: readonly GroupLine[];
    readonly demographics: readonly DemographicView[];
    readonly contacts: readonly ContactView[];
    readonly others: readonly LosingValue[];
  };

/** A line of profiles.jsonl. */
export interface ProfileLine {
  readonly profileId: string;
  readonly identifiers: readonly IdentifierView[];
  readonly segment: string | null;
  /** By name. */
  readonly audiences: readonly string[];
  readonly scores: readonly Score[];
  readonly view: {
    readonly traits: Readonly<Record<string, { readonly value: Scalar; readonly source: string; readonly at: string }>>;
    readonly orders: readonly (Pick<
      OrderView,
      "orderId" | "status" | "source" | "currency" | "totalMinor" | "lines" | "valid"
    > & { readonly at: string })[];
    readonly counters: Readonly<Record<string, number>>;
    readonly cadence: Cadence | null;
    /** Per mille. */
    readonly completeness: number;
    readonly confidence: number;
  } & WithTimes<Dossier>;
}

export interface People {
  /** By profileId. */
  readonly profiles: readonly ProfileLine[];
  readonly unattributedOrders: number;
  /** Final holder of an anchor (identifier or order key): a profile id, or null. */
  readonly holders: ReadonlyMap<string, string | null>;
}

export async function readPeople(engine: Engine, store: Store, shards: number): Promise<People> {
  const read: ShardPeople[] = [];
  for (let shard = 0; shard < shards; shard += 1) {
    await requireStanding(store, shard);
    const components = await readShardComponents(store, shard);
    const orders: Order[] = [];
    for await (const { key, value } of store.scan(shard, "o/")) orders.push(decodePart({ key, value }).value as Order);
    const groups = new Map<string, GroupState>();
    for await (const { key, value } of store.scan(shard, GROUP_PARTS))
      groups.set(groupOf(key), decodePart({ key, value }).value as GroupState);
    read.push({ components, orders, groups });
  }
  return gatherPeople(engine, read);
}

export interface ShardPeople {
  readonly components: readonly Component[];
  readonly orders: readonly Order[];
  /** By key. */
  readonly groups: ReadonlyMap<string, GroupState>;
}

export function gatherPeople(engine: Engine, shards: readonly ShardPeople[]): People {
  const profiles: ProfileLine[] = [];
  const holders = new Map<string, string | null>();
  const holdings = new Map<string, Holding>();
  let unattributedOrders = 0;
  for (const { components } of shards)
    for (const component of components)
      for (const [key, entry] of component.identifiers) {
        const profileId = isGivenUp(component, key) ? null : profileIdOf(component, entry);
        holders.set(key, profileId);
        if (profileId !== null) holdings.set(key, holdAnchor(entry, profileId));
      }
  const states = new Map(shards.flatMap(({ groups }) => [...groups]));
  const links = linkGroups(engine.registry, states, (key) => holdings.get(key) ?? null);
  for (const { components, orders } of shards) {
    const ordersByOwner = new Map<string, OrderView[]>();
    for (const order of orders) {
      const holder = order.owner === null ? null : (holders.get(order.owner) ?? null);
      holders.set(order.key, holder);
      if (order.view === null) continue;
      if (holder === null || order.owner === null) unattributedOrders += 1;
      else ordersByOwner.set(order.owner, [...(ordersByOwner.get(order.owner) ?? []), order.view]);
    }
    for (const component of components) profiles.push(...readComponent(engine, component, ordersByOwner, links));
  }
  return { profiles: profiles.sort((a, b) => compareText(a.profileId, b.profileId)), unattributedOrders, holders };
}

function profileIdOf(component: Component, entry: Entry): string | null {
  return entry.profile === null ? null : (component.profiles.get(entry.profile)?.id ?? null);
}

function readComponent(
  engine: Engine,
  component: Component,
  ordersByOwner: ReadonlyMap<string, OrderView[]>,
  links: FindLinks,
): ProfileLine[] {
  return [...component.profiles]
    .filter(([, record]) => record.alive)
    .map(([naming, record]) => {
      const orders = [...component.identifiers]
        .filter(([, entry]) => entry.profile === naming)
        .flatMap(([key]) => ordersByOwner.get(key) ?? []);
      return describeProfile(engine, component, naming, record.id, record.segment, orders, links);
    });
}

function writeTimes<T>(value: T): WithTimes<T> {
  if (Array.isArray(value)) return value.map(writeTimes) as WithTimes<T>;
  if (typeof value !== "object" || value === null) return value as WithTimes<T>;
  const entries = Object.entries(value).map(([name, part]: [string, unknown]) => {
    const isTime = typeof part === "number" && /(^at|At)$/.test(name);
    return [name, isTime ? new Date(part).toISOString() : writeTimes(part)] as const;
  });
  return Object.fromEntries(entries) as WithTimes<T>;
}

export function describeProfile(
  { registry }: Engine,
  component: Component,
  naming: string,
  profileId: string,
  segment: string | null,
  orders: readonly OrderView[],
  links: FindLinks,
): ProfileLine {
  const view = viewProfile(registry, component, naming);
  const { groups, ...told } = viewDossier(registry, view.dossier);
  const { cases, consents, subscriptions, ...rest } = writeTimes(told);
  const linked = groups.map((group): GroupLine => {
    const { members = [], parents = [], cycleRefused = false } = links(group.kind, group.groupId) ?? {};
    return { ...group, members: members.filter((id) => id !== profileId), parents, cycleRefused };
  });
  const contacts = viewContactsOf(registry, component, naming, view, []);
  const traits = sortedEntries(view.traits).map(
    ([name, { value, source, at }]) => [name, { value, source, at: new Date(at).toISOString() }] as const,
  );
  return {
    profileId,
    identifiers: identifiersOf(registry, component, naming),
    segment,
    audiences: component.profiles.get(naming)?.audiences ?? [],
    scores: component.profiles.get(naming)?.scores ?? [],
    view: {
      traits: Object.fromEntries(traits),
      orders: orders
        .map(({ orderId, status, source, currency, totalMinor, lines, valid, at }) => ({
          orderId,
          status,
          source,
          currency,
          totalMinor,
          lines: lines.map(({ productId, quantity, unitPriceMinor }) => ({ productId, quantity, unitPriceMinor })),
          valid,
          at: new Date(at).toISOString(),
        }))
        .sort(
          (a, b) =>
            compareText(a.orderId, b.orderId) ||
            compareText(a.source, b.source) ||
            compareText(JSON.stringify(a), JSON.stringify(b)),
        ),
      cases,
      consents,
      subscriptions,
      counters: Object.fromEntries(sortedEntries(view.counters)),
      demographics: writeTimes(viewDemographics(registry, view)),
      contacts: writeTimes(contacts),
      groups: writeTimes(linked),
      ...rest,
      ...writeTimes(viewLatest(registry, view.dossier)),
      cadence: viewCadence(orders.flatMap(({ valid, at }) => (valid ? [at] : []))),
      completeness: viewCompleteness(registry, view.traits, contacts),
      confidence: viewConfidence(registry, view, contacts),
      others: writeTimes(viewLosingValues(registry, view)),
    },
  };
}
