// One state of a world: the index, what the resolvers have still to do, and of each shard its stored parts, its log and
// its outbox. Immutable: a move makes a new one and shares what it leaves. Two are one where their texts are: each text is
// kept once and has a number, so that a state's name is short.

import { hash } from "node:crypto";
import {
  componentPart,
  identifierOf,
  type Component,
  type Forwarder,
  type IdentifierState,
  type Part,
} from "#core/component.ts";
import { compareText } from "#core/comparison.ts";
import { readBundle, type BundleValue } from "#services/wire/bundle.ts";
import { decodePart } from "#services/wire/part.ts";

/** One item of the inner log as it stands there. */
export interface Message {
  readonly shard: number;
  readonly bundle: BundleValue;
  readonly id: number;
  /** What it carries of identifiers, if it is a chunk of a hand-over. */
  readonly holdings: readonly Holding[];
  /** Delivered a second time already, or never to be. */
  readonly single: boolean;
}

export interface Parts {
  readonly values: ReadonlyMap<string, StoredValue>;
  readonly holdings: readonly Holding[];
  readonly id: number;
}

export interface Shard {
  readonly parts: Parts;
  /** Strictly in order, whoever has appended: the inner log has one partition for a shard. */
  readonly log: readonly Message[];
  /** Committed and not yet published, by step. */
  readonly outbox: readonly (readonly Message[])[];
  /** Copies of messages delivered already, which will be delivered again. */
  readonly again: readonly Message[];
  readonly id: number;
}

export interface StoredValue {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly holdings: readonly Holding[];
}

/** What a place (a shard's store, a chunk under way) has of a component, an identifier, a fragment. */
export type Holding =
  | {
      readonly kind: "component";
      readonly id: string;
      readonly held: readonly string[];
      readonly keys: readonly string[];
    }
  | { readonly kind: "forwarder"; readonly id: string; readonly forward: string }
  | { readonly kind: "fragment"; readonly key: string; readonly events: number; readonly marks: readonly number[] };

export interface IndexValues {
  readonly values: ReadonlyMap<string, string>;
  readonly id: number;
}

export interface Task {
  /** Place of the event in the world's list. */
  readonly event: number;
  /** first: it may still be recorded a second time. */
  readonly record: "first" | "only" | "second";
}

export interface Resolver {
  readonly tasks: readonly Task[];
  /** What it has read of the index; null: nothing yet. */
  readonly seen: IndexValues | null;
  /** Written to the index and not appended yet. */
  readonly resolved: readonly Message[] | null;
}

export interface State {
  readonly index: IndexValues;
  readonly resolvers: readonly Resolver[];
  readonly shards: readonly Shard[];
  readonly crashesLeft: number;
  readonly copiesLeft: number;
}

/**
 * What only publications read is left out: numbers of versions, transitions and changes, what a profile looked like, since
 * when and because of what it is in its segment. No other decision of the engine depends on it.
 */
const UNSEEN = new Set([
  "cause",
  "heldCause",
  "version",
  "transitions",
  "changes",
  "segmentSince",
  "lastTransitionOccurredAt",
  "touchedUpTo",
  "published",
  "aliasOf",
  "look",
  "memberships",
  "signals",
  "signalled",
  "traceparent",
]);

/** Sets and maps by content: the order in which something was put in is no part of the state. */
function describe(value: unknown): string {
  if (value instanceof Map) {
    const entries = [...value].map(([key, one]) => `${describe(key)}:${describe(one)}`);
    return `{${entries.sort(compareText).join()}}`;
  }
  if (value instanceof Set) return `{${[...value].map(describe).sort(compareText).join()}}`;
  if (Array.isArray(value)) return `[${value.map(describe).join()}]`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "object" && value !== null) {
    let text = "(";
    for (const [name, one] of Object.entries(value))
      if (!UNSEEN.has(name) || isStatusVersion(name, value)) text += `${name}=${describe(one)};`;
    return `${text})`;
  }
  return String(value);
}

/** A status and a far end have a version that decides. */
function isStatusVersion(name: string, value: object): boolean {
  return name === "version" && "status" in value;
}

function holdingOf({ key, value }: Part, owner: string): Holding | null {
  if (key.startsWith(componentPart(""))) {
    const component = value as Component | Forwarder;
    if (component.forward !== undefined) return { kind: "forwarder", id: component.id, forward: component.forward };
    return { kind: "component", id: component.id, held: [...component.held], keys: [...component.identifiers.keys()] };
  }
  const identifier = identifierOf(key);
  if (identifier === null) throw new Error(`${owner} has a part that no world needs: ${key}`);
  const { fragment } = value as IdentifierState;
  return {
    kind: "fragment",
    key: identifier,
    events: fragment?.events ?? 0,
    marks: [...(fragment?.seen.keys() ?? [])],
  };
}

function listHoldings(parts: readonly Part[], owner: string): Holding[] {
  return parts.flatMap((part) => holdingOf(part, owner) ?? []).concat(parts.flatMap(listArriving));
}

/** Chunks of hand-overs that a component has and has not taken in. */
function listArriving({ value }: Part): Holding[] {
  const { abroad } = value as Partial<Component>;
  return [...(abroad?.arriving.values() ?? [])].flatMap((parts) => listHoldings(parts, "a chunk"));
}

export function storeValue(key: string, bytes: Uint8Array): StoredValue {
  const part = decodePart({ key, value: bytes });
  return { bytes, text: describe(part.value), holdings: listHoldings([part], "a store") };
}

export function createParts(values: Parts["values"]): Parts {
  const texts = Array.from(values, ([key, { text }]) => `${key}=${text}`).sort(compareText);
  return { values, holdings: [...values.values()].flatMap(({ holdings }) => holdings), id: number(texts.join("\n")) };
}

export function createIndex(values: IndexValues["values"]): IndexValues {
  return { values, id: number(describe(values)) };
}

/** single: it was delivered already, and will not be a third time. A chunk of a hand-over comes once. */
export function createMessage(shard: number, bundle: BundleValue, single = false): Message {
  const items = readBundle(bundle);
  const chunks = items.flatMap(({ item }) => (item.kind === "handover" ? [item] : []));
  const holdings = chunks.flatMap(({ parts }) => listHoldings(parts, "a chunk"));
  const isSingle = single || chunks.length > 0;
  return { shard, bundle, id: number(`${isSingle} ${shard} ${describe(items)}`), holdings, single: isSingle };
}

function list(messages: readonly Message[]): string {
  return messages.map(({ id }) => id).join();
}

export function createShard({ parts, log, outbox, again }: Omit<Shard, "id">): Shard {
  const copies = again.map(({ id }) => id).sort((a, b) => a - b);
  const id = number(`${parts.id}/${list(log)}/${outbox.map(list).join("|")}/${copies.join()}`);
  return { parts, log, outbox, again, id };
}

export function nameState({ index, resolvers, shards, crashesLeft, copiesLeft }: State): string {
  const working = resolvers.map(({ tasks, seen, resolved }) => {
    const left = tasks.map(({ event, record }) => record + event).join();
    return `${left};${seen?.id ?? ""};${resolved === null ? "" : list(resolved)}`;
  });
  return `${index.id}/${working.join("/")}/${shards.map(({ id }) => id).join()}/${crashesLeft}/${copiesLeft}`;
}

/** The same text wherever it is found; a name says so only within one thread. */
export function describeEnd({ index, shards }: State): string {
  const stored = shards.flatMap(({ parts }) => Array.from(parts.values, ([key, { text }]) => `${key}=${text}`));
  return hash("sha256", [describe(index.values), ...stored.sort(compareText)].join("\n"));
}

export function countUnderWay({ resolvers, shards }: State): number {
  let count = 0;
  for (const { log, outbox, again } of shards) {
    count += log.length + again.length;
    for (const { length } of outbox) count += length;
  }
  for (const { resolved } of resolvers) count += resolved?.length ?? 0;
  return count;
}

const numbers = new Map<string, number>();

function number(text: string): number {
  const known = numbers.get(text);
  if (known !== undefined) return known;
  numbers.set(text, numbers.size);
  return numbers.size - 1;
}
