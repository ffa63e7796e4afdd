// A component: where the state of some connected identifiers lives. One home (the shard of its id) changes it.
// In memory it is whole. In the store it is the part `c/<id>`, who is connected to whom, of which all that stands under
// keys lies on pages `p/<id>/<place>` where that is much, and for each identifier that has a fragment or names a profile the
// part `i/<identifier>`: an event rewrites a few small parts, however many identifiers a person has (P5). The shell loads
// all together; the engine marks what it changes.

import type { Stamp } from "./comparison.ts";
import type { Assurance } from "./configuration.ts";
import type { ErasureKind } from "./erasure.ts";
import type { Fragment } from "./fragment.ts";
import type { Carried, ComponentId, EventItem, Status } from "./item.ts";
import type { Membership } from "./membership.ts";
import type { ProfileRecord } from "./profile.ts";
import type { Ties } from "./region.ts";
import type { Rulings } from "./ruling.ts";

/** One identifier that lives here. */
export interface Entry {
  readonly key: string;
  /** As it was said most plainly: an address rather than its digest. */
  namespace: string;
  value: string;
  readonly birth: ComponentId;
  /** Earliest record that asserts it, and earliest that does so with `authenticated` or better (null: weak). */
  first: Stamp;
  firstAuthenticated: Stamp | null;
  /** The same without operators' links, which may be taken back (assertion.ts); null: none ever named it. */
  unlinked: Unlinked | null;
  /** Raised each time what other homes are told of it changes. */
  statusVersion: number;
  status: Status | null;
  /** Naming key of the profile that it belongs to; null before the first weighing, and for a contested shareable one. */
  profile: string | null;
  /** Of a contested shareable identifier: a member of each person that claims it, on whose profiles it is shown. */
  claimants: readonly string[];
  state: "owned" | "contested" | "quarantined";
  /** It was kept out of a profile that has as many values of its namespace as it may have. */
  limited: boolean;
  /** True until every far end of its ties has told its status, and a far owner's home has been joined. */
  pending: boolean;
  fragment: Fragment | null;
  /** What of it a request to forget a person has taken away. */
  erased: Erased | null;
  /** How many orders are listed under it (parts `l/<key>/<n>`). */
  ordersListed: number;
}

export interface Unlinked {
  /** Null: nobody else asserts it. */
  readonly first: Stamp | null;
  readonly firstAuthenticated: Stamp | null;
  /** Nobody asserts it now: every link is taken back. */
  readonly isUnsaid: boolean;
}

export interface Erased {
  readonly kind: ErasureKind;
  /** When that was recorded. */
  readonly at: number;
  /** It is on no profile and has no value: until it is said again, where it was only claimed. */
  readonly hidden: boolean;
  /** What is sealed under an earlier key of it (item.ts) counts as not readable. */
  readonly rotation: number;
}

/** Of whom nothing is shown: he was erased, or only links that were taken back named him. He still weighs, on no profile. */
export function isHidden({ erased, unlinked }: Entry): boolean {
  return erased?.hidden === true || unlinked?.isUnsaid === true;
}

/** A tie came first, from before its birth came here: it does not say what those are called that live elsewhere. */
export function isUntold({ value, erased }: Entry): boolean {
  return value === "" && erased?.hidden !== true;
}

/** That two identifiers were asserted together; kept per (pair, source, assurance) with its earliest record. */
export interface Evidence {
  readonly a: string;
  readonly b: string;
  readonly source: string;
  readonly assurance: Assurance;
  stamp: Stamp;
}

/** The far end of a tie. */
export interface FarEnd {
  readonly key: string;
  readonly namespace: string;
  readonly birth: ComponentId;
  /** 0: no status has arrived yet. */
  version: number;
  status: Status | null;
}

export interface Component {
  readonly id: ComponentId;
  readonly forward?: undefined;
  /** Births that live here: its own and those of every component that it has absorbed. */
  readonly held: Set<ComponentId>;
  readonly identifiers: Map<string, Entry>;
  readonly evidence: Map<string, Evidence>;
  /** By naming key: the identifier that a profile's id is made of. Dead ones stay, so that versions go on. */
  readonly profiles: Map<string, ProfileRecord>;
  /** What operators ruled about two identifiers of which one lives here; null: nothing. */
  rulings: Rulings | null;
  /** Null while there is nothing: of most components there never is. */
  abroad: Abroad | null;
  /** Derived from the rest (membership.ts), never stored. */
  memberships: Map<string, Membership> | null;
  /** Derived from the rest (region.ts), never stored. */
  ties: Ties | null;
  /** The keys of what lies on each of its pages in the store; null: it is one part. */
  pages: Set<string>[] | null;
}

/** What a component has to do with other homes. */
export interface Abroad {
  readonly far: Map<string, FarEnd>;
  /** What the home of a far end was last told: tieKey to a status version. */
  readonly told: Map<string, number>;
  /** Orders that live here without a local owner. */
  readonly looseOrders: Set<string>;
  /** Items that overtook the hand-over that they need. */
  parked: Carried<EventItem>[];
  /** Chunks of hand-overs under way, by the component that they come from. */
  readonly arriving: Map<ComponentId, Part[]>;
  /** Joins asked for and not yet handed over, so that they are asked for once. */
  readonly asked: Set<ComponentId>;
  /**
   * Keys to be forgotten once its state is on the log without what was erased (erasing.ts); and the parts of orders that say
   * no more than that they were.
   */
  readonly forgets: Set<string>;
  /** Lives that ended before anything of them came here, by key: when. Whatever comes counts as what was erased. */
  readonly ended: Map<string, number>;
}

/** A part under its key, as a hand-over carries it. */
export interface Part {
  readonly key: string;
  readonly value: unknown;
}

/** What the part of one identifier holds. */
export interface IdentifierState {
  readonly fragment: Fragment | null;
  readonly record: ProfileRecord | null;
}

/** What is left of an absorbed component. */
export interface Forwarder {
  readonly id: ComponentId;
  readonly forward: ComponentId;
}

export function createComponent(id: ComponentId): Component {
  return {
    id,
    held: new Set([id]),
    identifiers: new Map(),
    evidence: new Map(),
    profiles: new Map(),
    rulings: null,
    abroad: null,
    memberships: null,
    ties: null,
    pages: null,
  };
}

/** Of each kind of thing in one slice. */
const SLICE_MAX = { held: 2_000, identifiers: 500, evidence: 1_000, far: 1_000 };

/**
 * A component as several, so that none is larger than a record may be. What was told of far ends is not among it: its next
 * home tells them anew. Nor is what is parked, which follows by itself.
 */
export function sliceComponent(component: Component): Component[] {
  const { rulings, profiles, abroad } = component;
  const createSlice = (): Component => ({ ...createComponent(component.id), held: new Set(), profiles });
  const whole = { ...createSlice(), rulings };
  const slices: Component[] = [whole];
  const cut = <T>(all: Iterable<T>, max: number, put: (slice: Component, some: T[]) => void): void => {
    const list = [...all];
    for (let place = 0; place * max < list.length; place += 1) {
      slices[place] ??= createSlice();
      put(slices[place] as Component, list.slice(place * max, (place + 1) * max));
    }
  };
  cut(component.held, SLICE_MAX.held, (slice, some) => {
    for (const birth of some) slice.held.add(birth);
  });
  cut(component.identifiers, SLICE_MAX.identifiers, (slice, some) => {
    for (const [key, entry] of some) slice.identifiers.set(key, entry);
  });
  cut(component.evidence, SLICE_MAX.evidence, (slice, some) => {
    for (const [key, evidence] of some) slice.evidence.set(key, evidence);
  });
  if (abroad === null) return slices;
  Object.assign(openAbroad(whole), {
    looseOrders: abroad.looseOrders,
    arriving: abroad.arriving,
    asked: abroad.asked,
    ended: abroad.ended,
  });
  cut(abroad.far, SLICE_MAX.far, (slice, some) => {
    for (const [key, end] of some) openAbroad(slice).far.set(key, end);
  });
  return slices;
}

/** The converse of sliceComponent, into the first; undefined where there is none. */
export function joinSlices([whole, ...others]: readonly Component[]): Component | undefined {
  for (const { held, identifiers, evidence, abroad } of others) {
    for (const birth of held) whole?.held.add(birth);
    for (const [key, entry] of identifiers) whole?.identifiers.set(key, entry);
    for (const [key, one] of evidence) whole?.evidence.set(key, one);
    if (whole === undefined || abroad === null) continue;
    for (const [key, end] of abroad.far) openAbroad(whole).far.set(key, end);
    for (const [tie, version] of abroad.told) openAbroad(whole).told.set(tie, version);
  }
  return whole;
}

export function openAbroad(component: Component): Abroad {
  component.abroad ??= {
    far: new Map(),
    told: new Map(),
    looseOrders: new Set(),
    parked: [],
    arriving: new Map(),
    asked: new Set(),
    forgets: new Set(),
    ended: new Map(),
  };
  return component.abroad;
}

/** Under what evidence is kept. */
export function evidenceKey(a: string, b: string, source: string, assurance: Assurance): string {
  return `${a} ${b} ${source} ${assurance}`;
}

/** Under what it is kept what the home of a far end was told last of an identifier here. */
export function tieKey(near: string, far: string): string {
  return `${near} ${far}`;
}

export const COMPONENT_PARTS = "c/";

export function componentPart(id: ComponentId): string {
  return `${COMPONENT_PARTS}${id}`;
}

export function isComponentPart(part: string): boolean {
  return part.startsWith(COMPONENT_PARTS);
}

/** Of a component that is more than one part. */
export function pagePart(id: ComponentId, place: number): string {
  return `p/${id}/${place}`;
}

export function identifierPart(key: string): string {
  return `i/${key}`;
}

/** The identifier whose part has this key; null where it is another kind of part. */
export function identifierOf(part: string): string | null {
  return part.startsWith("i/") ? part.slice(2) : null;
}

/** The state of one identifier; null where it has none, so no part. */
export function stateOf(component: Component, key: string): IdentifierState | null {
  const fragment = component.identifiers.get(key)?.fragment ?? null;
  const record = component.profiles.get(key) ?? null;
  return fragment === null && record === null ? null : { fragment, record };
}

/** Puts the state of an identifier where the engine looks for it; the converse of stateOf. */
export function attachState(component: Component, key: string, { fragment, record }: IdentifierState): void {
  const entry = component.identifiers.get(key);
  if (entry !== undefined) entry.fragment = fragment;
  if (record !== null) component.profiles.set(key, record);
}
