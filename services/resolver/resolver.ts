// Resolving a micro-batch: decoded events to items per shard, through the identity index. It proposes births and joins,
// puts them to the index, and routes again where another resolver was first; the index only grows, so that ends.
// The decision is recorded in the items once, and never made again downstream.

import { acceptEvent, type AcceptedEvent, type DeadLetterReason, type LeftOut } from "#core/acceptance.ts";
import { isMailbox } from "#core/mailbox.ts";
import type { Registry } from "#core/registry.ts";
import { OCCURRED_AHEAD_MAX_MS, type ChannelEvent } from "#core/event.ts";
import { Erasures, type ErasureRequest } from "#core/erasure.ts";
import { NO_HOLDS, type Holds } from "#core/hold.ts";
import { isToldEvent, shardOf, type AbsorbItem, type Carried, type EventItem } from "#core/item.ts";
import { routeEvent } from "#core/routing.ts";
import type { RecentEvents } from "./recent-events.ts";
import type { ComponentIndex } from "../wire/component-index.ts";
import { listErasedKeys, routeErasure } from "../wire/erasure.ts";

export const NO_ERASURES = new Erasures();

/** One decoded record of a channel topic. */
export interface Arrival {
  readonly source: string;
  readonly recordedAt: number;
  readonly event: ChannelEvent;
  /** The record's value as it came. */
  readonly bytes: Uint8Array;
  readonly backfill: boolean;
  readonly traceparent: string | null;
}

export interface Resolution {
  /** By shard, in recorded order. */
  readonly items: ReadonlyMap<number, Carried[]>;
  readonly refused: readonly {
    readonly arrival: Arrival;
    readonly reason: DeadLetterReason;
    readonly detail: string;
  }[];
  /** Copies of events that were seen before; anchor: where the first copy's facts are kept. */
  readonly duplicates: readonly { readonly arrival: Arrival; readonly anchor: string }[];
  /** Events whose subject was erased: evidence is all that they bring. */
  readonly suppressed: readonly { readonly arrival: Arrival; readonly anchor: string }[];
  readonly clamped: number;
  readonly leftOut: LeftOut;
  /** By source and field (`web traits.birthDate`): how many events were folded without it, for want of a legal basis. */
  readonly dropped: ReadonlyMap<string, number>;
  /** By source: how many events were folded as claims, because it is held back. */
  readonly held: ReadonlyMap<string, number>;
  /** Of each source that delivers files: the latest occurredAt of this batch. */
  readonly latestOccurredAt: ReadonlyMap<string, number>;
}

export interface ResolveOptions {
  readonly registry: Registry;
  readonly index: ComponentIndex;
  readonly shards: number;
  readonly recent: RecentEvents;
  /** For the log of record: an event without what its source may not tell. Absent: no source has such a contract. */
  encodeEvent?(event: ChannelEvent): Uint8Array;
  /** Every request to forget somebody that was recorded before the arrivals. Absent: there is none. */
  readonly erasures?: Erasures;
  /** Those of them that this batch is to bring to the homes, in the order of the topic. */
  readonly requests?: readonly ErasureRequest[];
  /** When each source was held back, as far as the arrivals reach. Absent: none ever was. */
  readonly holds?: Holds;
  /** Whether the index is still the one that was asked; if not, the batch is resolved anew. Absent: it loses nothing. */
  isSound?(): Promise<boolean>;
}

export async function resolveBatch(options: ResolveOptions, arrivals: readonly Arrival[]): Promise<Resolution> {
  const { registry, index, shards, recent, encodeEvent, isSound } = options;
  const { erasures = NO_ERASURES, requests = [], holds = NO_HOLDS } = options;
  const refused: Resolution["refused"][number][] = [];
  const duplicates: Resolution["duplicates"][number][] = [];
  const accepted: { arrival: Arrival; event: AcceptedEvent; bytes: Uint8Array }[] = [];
  const batch = recent.open();
  for (const arrival of arrivals) {
    const acceptance = acceptEvent(registry, arrival.source, arrival.recordedAt, arrival.event, holds);
    if (acceptance.ok) {
      const event = erasures.apply(registry, acceptance.accepted);
      if (batch.isDuplicate(acceptance.accepted)) duplicates.push({ arrival, anchor: event.anchor });
      else {
        const bytes = event.dropped.length === 0 ? arrival.bytes : encodeEvent?.(event.lawful);
        if (bytes === undefined) throw new Error("nobody encodes what is left of an event");
        accepted.push({ arrival, event, bytes });
      }
    } else refused.push({ arrival, reason: acceptance.reason, detail: acceptance.detail });
  }
  const nameless = new Set(accepted.flatMap(({ event }) => listNameless(registry, event)));
  const keys = new Set([...accepted.flatMap(({ event }) => event.identifiers.map(({ key }) => key)), ...nameless]);
  for (const request of requests)
    for (const key of [...request.own, ...listErasedKeys(registry.hash, erasures, request)]) keys.add(key);
  await index.prefetch([...keys]);
  // Joins that an attempt has made stand, also where the attempt is repeated: their homes must hear of them, and the index
  // too, which may have lost them since.
  let joined: AbsorbItem[] = [];
  for (;;) {
    const absorbs: AbsorbItem[] = [];
    const proposal = index.propose(nameless);
    const items = new Map<number, Carried[]>();
    const send = (carried: Carried, component: string) => {
      const shard = shardOf(component, shards);
      const list = items.get(shard);
      if (list === undefined) items.set(shard, [carried]);
      else list.push(carried);
    };
    for (const item of joined) {
      proposal.setParent(item.component, item.into);
      send({ item, event: null }, item.component);
    }
    // What was recorded after a request comes after it, and so does the time that passes until then.
    const left = [...requests];
    const sendRequests = (beforeMs: number): void => {
      for (let next = left[0]; next !== undefined && next.at < beforeMs; next = left[0]) {
        left.shift();
        for (const carried of routeErasure(registry.hash, erasures, proposal, next))
          send(carried, (carried.item as EventItem).component);
      }
    };
    for (const { arrival, event, bytes } of accepted) {
      sendRequests(arrival.recordedAt);
      const routing = routeEvent(registry, proposal, event, {
        backfill: arrival.backfill,
        traceparent: arrival.traceparent,
      });
      absorbs.push(...routing.absorbs);
      for (const item of routing.absorbs) send({ item, event: null }, item.component);
      for (const item of routing.items) send({ item, event: isToldEvent(item) ? bytes : null }, item.component);
    }
    sendRequests(Number.POSITIVE_INFINITY);
    const isFirst = await index.settle(proposal);
    joined = [...joined, ...absorbs].filter(({ component, into }) => index.parentOf(component) === into);
    if (isFirst && (await (isSound?.() ?? true))) {
      recent.keep(batch);
      return {
        items,
        refused,
        duplicates,
        suppressed: accepted
          .filter(({ event }) => event.suppressed === true)
          .map(({ arrival, event }) => ({ arrival, anchor: event.anchor })),
        clamped: accepted.filter(({ event }) => event.clamped).length,
        leftOut: sumLeftOut(accepted),
        dropped: countTexts(accepted.flatMap(({ event }) => event.dropped.map((field) => `${event.source} ${field}`))),
        held: countTexts(
          accepted.flatMap(({ event }) => (holds.isHeld(event.source, event.recordedAt) ? [event.source] : [])),
        ),
        latestOccurredAt: findLatest(registry, accepted),
      };
    }
    await index.prefetch([...keys]);
  }
}

/** What no profile is named after: orders, groups and mailboxes. */
function listNameless(registry: Registry, { order, group, identifiers }: AcceptedEvent): string[] {
  const mailboxes = identifiers.filter((one) => isMailbox(registry, one)).map(({ key }) => key);
  return [...mailboxes, ...[order, group].flatMap((one) => (one === null ? [] : [one.key]))];
}

function sumLeftOut(accepted: readonly { event: AcceptedEvent }[]): LeftOut {
  const sum = { junk: 0, unknownNamespace: 0 };
  for (const { event } of accepted) {
    sum.junk += event.leftOut.junk;
    sum.unknownNamespace += event.leftOut.unknownNamespace;
  }
  return sum;
}

function countTexts(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

function findLatest(
  registry: Registry,
  accepted: readonly { arrival: Arrival; event: AcceptedEvent }[],
): Map<string, number> {
  const latest = new Map<string, number>();
  for (const { arrival, event } of accepted) {
    if (registry.sources.get(event.source)?.delivery !== "files") continue;
    const occurredAt = Math.min(event.event.occurredAt, arrival.recordedAt + OCCURRED_AHEAD_MAX_MS);
    latest.set(event.source, Math.max(latest.get(event.source) ?? 0, occurredAt));
  }
  return latest;
}
