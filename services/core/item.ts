// What travels on the inner log: items for the home of one component, in bundles per shard. The inner log's order of
// items is the recorded order: transitions are a function of it and of nothing else (O2).

import type { Part } from "./component.ts";
import type { Assurance } from "./configuration.ts";
import type { KeptObjection } from "./objection.ts";
import type { Cause } from "./profile.ts";
import type { AcceptedRuling } from "./declaration.ts";
import type { Stamp } from "./comparison.ts";
import type { ErasureRequest } from "./erasure.ts";
import { hashText } from "./text-hash.ts";

/** A component id is `<class>-<record time, 13 digits>-<22 characters of hash>`: as text, an earlier root sorts first. */
export type ComponentId = string;
const HASH_LENGTH = 22;

export interface RoutedIdentifier {
  readonly namespace: string;
  readonly value: string;
  readonly key: string;
  readonly assurance: Assurance;
  /** The component that the index gave this identifier at first sight; never changes. */
  readonly birth: ComponentId;
  /** True where the resolver found it under the addressed root: the home must hold its birth before it folds the item. */
  readonly local: boolean;
  /** Which of its keys what it says is sealed under: each request that lists it as claimed or shared begins another. Absent: the first. */
  readonly rotation?: number;
  /** Of a life that was erased: the value is empty. */
  readonly erased?: "own" | "claimed" | null;
  /** Of somebody who was erased and could be reached by it. */
  readonly objections?: readonly KeptObjection[] | null;
}

/** Keys, of the lives that the request ends. */
export type RoutedErasure = Omit<ErasureRequest, "objections" | "contacts">;

export interface ToldPlace {
  readonly occurredAt: number;
  readonly left: boolean;
  /** Empty: the group has none. Null: nothing is said. */
  readonly parent: string | null;
}

export interface EventItem {
  readonly kind: "event";
  readonly component: ComponentId;
  /** anchor: fold everything that is local. tie: evidence only. order: the order's facts only. ruling: the verdict, or the erasure, only. place: for the home of a group (group-home.ts). */
  readonly role: "anchor" | "tie" | "order" | "ruling" | "place";
  readonly ruling: AcceptedRuling | null;
  /** For the home of a group: what the event says of it, which is all that it is told. */
  readonly place?: ToldPlace | null;
  /** Of a request to forget a person: what of her lives here, the identifiers being hers. */
  readonly erasure?: RoutedErasure | null;
  readonly source: string;
  readonly eventId: string;
  readonly recordedAt: number;
  readonly backfill: boolean;
  readonly traceparent: string | null;
  readonly anchor: string;
  readonly identifiers: readonly RoutedIdentifier[];
  readonly order: RoutedIdentifier | null;
}

/** The index has made `into` the parent of the addressed component: hand over, keep a forwarder. May be repeated. */
export interface AbsorbItem {
  readonly kind: "absorb";
  readonly component: ComponentId;
  readonly into: ComponentId;
  readonly cause: Cause;
}

/** The parts of an absorbed component, for its new home; the shell cuts them into chunks. Complete with `last`. */
export interface HandoverItem {
  readonly kind: "handover";
  readonly component: ComponentId;
  readonly from: ComponentId;
  readonly last: boolean;
  readonly parts: readonly Part[];
  /** Keys of payloads that nobody needs any more once this state is on the log, and parts of erased orders; absent: none. */
  readonly forgets?: readonly string[];
  /** Sequence of the rules under which its profiles were evaluated; absent: those of before the first change. */
  readonly rules?: number;
  readonly cause: Cause;
}

/** What the home of `of` says of it to the home of `to`, the other end of a tie. A newer version replaces an older one. */
export interface StatusItem {
  readonly kind: "status";
  readonly component: ComponentId;
  readonly of: string;
  readonly to: string;
  /** Of `of`. */
  readonly namespace: string;
  readonly birth: ComponentId;
  readonly version: number;
  readonly status: Status;
  readonly cause: Cause;
}

export type Status =
  /** Known, and which person it belongs to (null: contested, a claim of nobody's). */
  | { readonly known: true; readonly person: string | null; readonly released: Stamp | null }
  /** Weak, and who claims it. */
  | { readonly known: false; readonly claimants: readonly string[]; readonly released: Stamp | null };

/** A resolver slot has passed timeMs, and its sources are complete up to the given times. */
export interface ProgressItem {
  readonly kind: "progress";
  readonly slot: number;
  readonly timeMs: number;
  readonly completeUpToMs: Readonly<Record<string, number>>;
}

/** A rule set that is in force from here on, for every shard (rules-in-force.ts). */
export interface RulesItem {
  readonly kind: "rules";
  readonly sequence: number;
  readonly recordedAt: number;
  readonly version: string;
  readonly digest: string;
  readonly rules: string;
}

/** The items that belong to one component. */
export type HomeItem = EventItem | AbsorbItem | HandoverItem | StatusItem;
export type Item = HomeItem | ProgressItem | RulesItem;

/** An item with the bytes of the event that it is about, forwarded as they came. */
export interface Carried<T extends Item = Item> {
  readonly item: T;
  readonly event: Uint8Array | null;
}

/** Whether the item takes what the event says with it, and the names of those who live elsewhere. */
export function isToldEvent({ role }: EventItem): boolean {
  return role === "anchor" || role === "order";
}

/** The name of the key that keeps the value of an identifier. */
export function keyName({ key, rotation = 0 }: Pick<RoutedIdentifier, "key" | "rotation">): string {
  return rotation === 0 ? key : `${key}/${rotation}`;
}

/** The names of its keys from one rotation to before another. */
export function listKeyNames(key: string, from: number, end: number): string[] {
  return Array.from({ length: end - from }, (_, place) => keyName({ key, rotation: from + place }));
}

/** Whose key keeps what the event says, at this home: of what lives here the anchor, else the order, else another. */
export function findSealer({ anchor, identifiers, order }: EventItem): Pick<RoutedIdentifier, "key" | "rotation"> {
  const here = identifiers.filter(({ local }) => local);
  const told = here.find(({ key }) => key === anchor);
  if (told !== undefined) return told;
  return order?.local === true ? order : (here[0] ?? { key: anchor });
}

export function sealedUnder(item: EventItem): string {
  return keyName(findSealer(item));
}

/** The key of what a component hands over: it does so once. */
export function handoverKey(from: ComponentId): string {
  return `h/${from}`;
}

export function shardOf(component: ComponentId, shards: number): number {
  return hashText(component, component.length - HASH_LENGTH) % shards;
}
