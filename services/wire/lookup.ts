// Looking a profile up by one of its identifiers, or by its id: index, component, orders. A look-up by a claimed
// identifier returns what is kept under that identifier alone (I5).

import { isHidden, type Component, type Entry } from "#core/component.ts";
import { identifierKey } from "#core/identifier.ts";
import { type Configuration, isAuthenticated } from "#core/configuration.ts";
import { countMembers, membersOf } from "#core/membership.ts";
import { profileId, type ProfileRecord } from "#core/profile.ts";
import type { Watermark } from "#core/purchase.ts";
import type { ShardTime } from "#core/shard-time.ts";
import type { Registry } from "#core/registry.ts";
import { isGivenUp, Verdicts } from "#core/ruling.ts";
import { isKnown, listCounting } from "#core/weighed.ts";
import { listParts } from "#core/order-book.ts";
import { orderPart, type Order, type OrderView } from "#core/order.ts";
import { viewDossier } from "#core/dossier-view.ts";
import { viewProfile } from "#core/view.ts";
import { describeInstant } from "./instant.ts";
import { type FindLinks, findLinks, NO_LINKS } from "./group.ts";
import { findIdentifier, locateNaming, locateOrder, readPartsOf } from "./location.ts";
import type { Located, LookupServices, ShardPosition } from "./location.ts";
import { describeProfile, type ProfileLine } from "./profile-reader.ts";

/** Of an identifier that more people claim, these many are told. */
const CLAIMANTS_MAX = 10;

/** A profile as it was found. */
export interface FoundProfile {
  readonly profile: ProfileLine;
  readonly version: number;
  readonly segmentSince: number | null;
  /** When the earliest of her valid orders was placed; null: she is no customer. */
  readonly customerSinceAt: number | null;
  /** Of each source, in the order of the configuration. */
  readonly watermarks: readonly Watermark[];
  /** When the earliest and the latest of what it knows happened. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  readonly claimedOnly: boolean;
  /** What "has she bought there?" is answered from, beside the watermarks (core/purchase.ts). */
  readonly orders: readonly OrderView[];
  readonly position: ShardPosition;
}

export type Lookup =
  | ({ readonly found: true } & FoundProfile)
  | {
      readonly found: false;
      readonly reason: "unknown-namespace" | "not-an-identifier" | "unknown-identifier" | "held-apart";
    };

/** How a national phone number is read that somebody asks by, who has no source. */
export function countryOfAskers({ sources }: Pick<Configuration, "sources">): string {
  return sources[0]?.country ?? "FR";
}

export async function lookUp(
  services: LookupServices,
  namespaceName: string,
  raw: string,
  country: string,
): Promise<Lookup> {
  const found = await findIdentifier(services, namespaceName, raw, country, listHolders);
  return found.found ? readHolder(services, found) : found;
}

/** Of each source that numbers its orders so, whose the order of this number is. */
export async function lookUpOrder(services: LookupServices, orderId: string): Promise<FoundProfile[]> {
  const { registry } = services.engine;
  const found: FoundProfile[] = [];
  for (const scope of new Set([...registry.sources.values()].map(({ name, orderIdScope = name }) => orderIdScope))) {
    const located = await locateOrder(services, identifierKey(registry, "order", `${scope}/${orderId}`));
    const entry = located?.component.identifiers.get(located.order.owner ?? "");
    if (located === null || entry === undefined || isHidden(entry) || isGivenUp(located.component, entry.key)) continue;
    const { found: isFound, ...one } = await readHolder(services, { ...located, entry });
    if (isFound) found.push(one as FoundProfile);
  }
  return found;
}

async function readHolder(services: LookupServices, located: Located): Promise<Lookup> {
  const { component, entry } = located;
  if (entry.profile === null) return { found: false, reason: "held-apart" };
  if (!component.profiles.has(entry.profile)) return { found: false, reason: "unknown-identifier" };
  if (!isVouchedFor(services.engine.registry, component, entry)) return lookUpAlone(services, located);
  return { found: true, ...(await readProfile(services, located, entry.profile)) };
}

/** The living profile of an id: its own, or the one that holds the identifier which it was made of (I6). */
export async function lookUpId(services: LookupServices, id: string): Promise<Lookup> {
  const located = await locateNaming(services, id, listHolders);
  if (located === null) return { found: false, reason: "unknown-identifier" };
  const { component, entry } = located;
  const naming = entry.key;
  if (isHidden(entry)) return { found: false, reason: "unknown-identifier" };
  // Whoever has it next is not who was named by it.
  if (isGivenUp(component, naming)) return { found: false, reason: "unknown-identifier" };
  const named = component.profiles.get(naming);
  // An identifier that never named anybody makes an id too; it is nobody's.
  if (named === undefined) return { found: false, reason: "unknown-identifier" };
  const holder = named.alive ? naming : entry.profile;
  if (holder === null) return { found: false, reason: "held-apart" };
  if (component.profiles.get(holder)?.alive !== true) return { found: false, reason: "unknown-identifier" };
  // An id that was made of what is only claimed to be hers leads no further than a look-up by that (I5).
  if (holder !== naming && !isVouchedFor(services.engine.registry, component, entry))
    return lookUpAlone(services, located);
  return { found: true, ...(await readProfile(services, located, holder)) };
}

/** Who may be meant by an identifier: its profile, or each of those on which a contested one is shown. */
export async function lookUpAll(
  services: LookupServices,
  namespaceName: string,
  raw: string,
  country: string,
): Promise<FoundProfile[]> {
  const found = await findIdentifier(services, namespaceName, raw, country, listHolders);
  if (!found.found) return [];
  const { component, entry } = found;
  if (entry.profile !== null) {
    const { found: isFound, ...one } = await readHolder(services, found);
    return isFound ? [one as FoundProfile] : [];
  }
  const holders = entry.claimants.map((claimant) => component.identifiers.get(claimant)?.profile ?? null);
  const living = [...new Set(holders)].filter(
    (naming) => naming !== null && component.profiles.get(naming)?.alive === true,
  );
  return Promise.all(living.slice(0, CLAIMANTS_MAX).map((naming) => readProfile(services, found, naming as string)));
}

/** The lists of orders of whoever may be meant by the identifier. */
function listHolders({ identifiers }: Component, key: string): string[] {
  const { profile = null, claimants = [] } = identifiers.get(key) ?? {};
  const meant = claimants.slice(0, CLAIMANTS_MAX).map((claimant) => identifiers.get(claimant)?.profile ?? null);
  const profiles = new Set([key, profile, ...meant]);
  return [...identifiers.values()].flatMap((entry) =>
    entry.profile !== null && profiles.has(entry.profile) ? listParts(entry) : [],
  );
}

/** The whole profile of this name, whatever it was asked by. */
export async function readProfile(services: LookupServices, located: Located, naming: string): Promise<FoundProfile> {
  const { id, segment, segmentSince, version } = located.component.profiles.get(naming) as ProfileRecord;
  const { dossier } = viewProfile(services.engine.registry, located.component, naming);
  const links = await findLinks(services, viewDossier(services.engine.registry, dossier).groups);
  const found = await describeFound(services, located, naming, id, segment, links);
  return { ...found, version, segmentSince, claimedOnly: false };
}

async function describeFound(
  services: LookupServices,
  { component, position, time, beside }: Located,
  naming: string,
  id: string,
  segment: string | null,
  links: FindLinks,
): Promise<Omit<FoundProfile, "version" | "segmentSince" | "claimedOnly">> {
  const owned = await readOrdersOf(services, component, membersOf(component, naming), beside);
  const orders = owned.flatMap(({ view }) => view ?? []);
  const { firstAt, lastAt } = viewProfile(services.engine.registry, component, naming);
  const bought = orders.flatMap(({ valid, at }) => (valid ? [at] : []));
  return {
    profile: describeProfile(services.engine, component, naming, id, segment, orders, links),
    customerSinceAt: bought.length === 0 ? null : Math.min(...bought),
    watermarks: listWatermarks(services, time),
    orders,
    firstAt,
    lastAt,
    position,
  };
}

/** A live source is complete up to the shard's time, one of files up to what it has told. */
export function listWatermarks(services: Pick<LookupServices, "engine">, time: ShardTime | null): Watermark[] {
  return services.engine.registry.configuration.sources.map(({ name, delivery }) => {
    const upToMs = delivery === "files" ? time?.completeUpToMs[name] : time?.timeMs;
    return { source: name, upToMs: upToMs === undefined || upToMs === 0 ? null : upToMs };
  });
}

export function describeWatermarks(watermarks: readonly Watermark[]) {
  return watermarks.map(({ source, upToMs }) => ({ source, upTo: describeInstant(upToMs) }));
}

/** Whether who holds the identifier is who the profile is about: it is known, or a device on which she has logged in. */
export function isVouchedFor(registry: Registry, component: Component, entry: Entry): boolean {
  const members = new Set(membersOf(component, entry.profile ?? ""));
  if (countMembers(registry, component, entry.profile ?? "") === 1 || isKnown(registry, entry)) return true;
  return listCounting(component, new Verdicts(component.rulings)).some(({ a, b, assurance }) => {
    const other = a === entry.key ? b : b === entry.key ? a : null;
    return other !== null && members.has(other) && isAuthenticated(assurance);
  });
}

/** What is kept under the identifier, as if it were a profile of its own: no word of whose it is claimed to be. */
async function lookUpAlone(services: LookupServices, located: Located): Promise<Lookup> {
  const { engine } = services;
  const { component, entry } = located;
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
  const id = profileId(engine.registry.hash, key);
  const found = await describeFound(services, { ...located, component: alone }, key, id, null, NO_LINKS);
  return { found: true, ...found, version: 0, segmentSince: null, claimedOnly: true };
}

/** The orders that belong to any of these identifiers of the component. known: lists that have been read. */
export async function readOrdersOf(
  services: LookupServices,
  component: Component,
  members: ReadonlySet<string>,
  known: ReadonlyMap<string, unknown> = new Map(),
): Promise<Order[]> {
  const orders = await readOrdersUnder(services, component, members, known);
  return orders.filter(({ owner }) => !isGivenUp(component, owner ?? ""));
}

/** With those of an identifier that was given up: they count for nobody, and are kept under it. */
export async function readOrdersUnder(
  services: LookupServices,
  component: Component,
  members: ReadonlySet<string>,
  known: ReadonlyMap<string, unknown> = new Map(),
): Promise<Order[]> {
  const lists = [...members].flatMap((member) => {
    const entry = component.identifiers.get(member);
    return entry === undefined ? [] : listParts(entry);
  });
  const isKnown = (list: string) => (known.get(list) ?? null) !== null;
  const read = await readPartsOf<string[]>(
    services,
    component.id,
    lists.filter((list) => !isKnown(list)),
  );
  const listed = [...lists.filter(isKnown).map((list) => known.get(list) as string[]), ...read];
  const keys = [...new Set(listed.flatMap((list) => list ?? []))].map(orderPart);
  const orders = await readPartsOf<Order>(services, component.id, keys);
  return orders.flatMap((order) =>
    order !== null && order.owner !== null && members.has(order.owner) && order.view !== null ? [order] : [],
  );
}
