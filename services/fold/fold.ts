// The whole engine as a pure program: one shard, a memory store and index, and a queue in place of the inner log. Each
// event's consequences are drained before the next one, and time passes with the records. The resolver, the stitcher
// and the core are the ones that run over Kafka and Redis.

import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openMemoryStore } from "#adapters/memory/store.ts";
import type { Configuration, Rules } from "#core/configuration.ts";
import { compareText } from "#core/comparison.ts";
import type { EventOutcome, Output } from "#core/effect.ts";
import { createEngine, type Engine } from "#core/engine.ts";
import { Erasures, type ErasureRequest } from "#core/erasure.ts";
import type { ChannelEvent } from "#core/event.ts";
import { NO_HOLDS, type Holds } from "#core/hold.ts";
import type { LimitKind } from "#core/limit.ts";
import type { Hash } from "#core/identifier.ts";
import type { Carried, RulesItem } from "#core/item.ts";
import { writeRules } from "#core/rules-in-force.ts";
import type { NewRecord } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import { RecentEvents } from "../resolver/recent-events.ts";
import { resolveBatch } from "../resolver/resolver.ts";
import { ShardStitcher } from "../stitcher/shard.ts";
import { countryOfAskers } from "../wire/lookup.ts";
import { readBundle, type BundleValue } from "../wire/bundle.ts";
import { ComponentIndex } from "../wire/component-index.ts";
import { digestRules } from "../wire/rules.ts";
import { draftErasure, type ErasureDraft } from "../wire/erasure.ts";
import { readPeople, type People } from "../wire/profile-reader.ts";

export interface FoldEvent {
  readonly source: string;
  readonly recordedAt: number;
  readonly event: ChannelEvent;
  readonly backfill?: boolean;
}

export type FoldOutcome = EventOutcome & { readonly detail?: string };

export interface FoldOptions {
  readonly configuration: Configuration;
  readonly hash: Hash;
  /** When sources are held back. Absent: none ever is. */
  readonly holds?: Holds;
}

/** The recorded order of a fold: by record time, then source, eventId and content, so a shuffled file is the same log. */
export function compareFoldEvents(a: FoldEvent, b: FoldEvent): number {
  return (
    a.recordedAt - b.recordedAt ||
    compareText(a.source, b.source) ||
    compareText(a.event.eventId, b.event.eventId) ||
    compareText(JSON.stringify(a.event), JSON.stringify(b.event))
  );
}

const SHARD = 0;
const RESOLVED = "weft.resolved";
const START = { offset: 0, step: 0 };

export class Fold {
  readonly engine: Engine;
  readonly store: Store = openMemoryStore();
  readonly outputs: Output[] = [];
  readonly outcomes: FoldOutcome[] = [];
  /** How often each limit was met. */
  readonly limits = new Map<LimitKind, number>();
  /** By source and field, how many events were folded without it, for want of a legal basis. */
  readonly dropped = new Map<string, number>();
  /** By source, how many events counted as claims because it was held back. */
  readonly heldBack = new Map<string, number>();
  readonly index = new ComponentIndex(openMemoryIndex());
  readonly #shard: ShardStitcher;
  readonly #recent = new RecentEvents();
  readonly #erasures = new Erasures();
  readonly #holds: Holds;
  #offset = 0;
  #timeMs = 0;
  #sequence = 0;
  readonly #events: ChannelEvent[] = [];
  #bundles: BundleValue[] = [];
  #queue: NewRecord[] = [];

  constructor({ configuration, hash, holds = NO_HOLDS }: FoldOptions) {
    this.#holds = holds;
    // The bytes of an event or a bundle are its place here: nothing leaves the process, so nothing needs encoding.
    this.engine = createEngine({
      configuration,
      hash,
      resolverSlots: 1,
      decode: (bytes) => this.#events[readPlace(bytes)] as ChannelEvent,
    });
    this.#shard = new ShardStitcher(
      {
        engine: this.engine,
        store: this.store,
        shards: 1,
        resolvedTopic: RESOLVED,
        encodeBundle: (bundle) => writePlace(this.#bundles.push(bundle) - 1),
        encodeOutput: () => ({ topic: "", key: null, value: null }),
        prepareEvents: async () => {},
        findRoots: (components) => this.index.findRoots(components),
        join: (request) => this.index.join(request),
        onOutputs: (outputs) => this.outputs.push(...outputs),
        onOutcome: (outcome) => this.outcomes.push(outcome),
        onLimit: (limit) => this.limits.set(limit, (this.limits.get(limit) ?? 0) + 1),
      },
      SHARD,
      0,
      { offset: 0, step: 0 },
    );
  }

  /** Folds one event with all its consequences; returns what became of it. */
  async fold(event: FoldEvent): Promise<readonly FoldOutcome[]> {
    const before = this.outcomes.length;
    await this.add([event]);
    return this.outcomes.slice(before);
  }

  /** Adds a batch of events that share a micro-batch; time passes to the earliest of them first. */
  async add(batch: readonly FoldEvent[]): Promise<void> {
    if (batch.length === 0) return;
    await this.advance(Math.min(...batch.map(({ recordedAt }) => recordedAt)));
    const arrivals = batch.map(({ source, recordedAt, event, backfill }) => {
      return {
        source,
        recordedAt,
        event,
        bytes: writePlace(this.#events.push(event) - 1),
        backfill: backfill ?? false,
        traceparent: null,
      };
    });
    const encodeEvent = (event: ChannelEvent) => writePlace(this.#events.push(event) - 1);
    const resolution = await resolveBatch({ ...this.#resolving, recent: this.#recent, encodeEvent }, arrivals);
    for (const [counts, more] of [
      [this.dropped, resolution.dropped],
      [this.heldBack, resolution.held],
    ] as const)
      for (const [name, count] of more) counts.set(name, (counts.get(name) ?? 0) + count);
    for (const { arrival, anchor } of resolution.suppressed) {
      const { source, event } = arrival;
      const { eventId } = event;
      this.outcomes.push({ kind: "outcome", source, eventId, outcome: "suppressed", reason: null, anchor });
    }
    for (const { arrival, reason, detail } of resolution.refused) {
      this.outcomes.push({
        kind: "outcome",
        source: arrival.source,
        eventId: arrival.event.eventId,
        outcome: "dead-lettered",
        reason,
        anchor: null,
        detail,
      });
    }
    for (const { arrival, anchor } of resolution.duplicates) {
      this.outcomes.push({
        kind: "outcome",
        source: arrival.source,
        eventId: arrival.event.eventId,
        outcome: "duplicate",
        reason: null,
        anchor,
      });
    }
    await this.#apply(resolution.items.get(SHARD) ?? []);
    await this.#drain();
    if (resolution.latestOccurredAt.size > 0)
      await this.#apply([this.#progress(Object.fromEntries(resolution.latestOccurredAt))]);
  }

  /** Another rule set comes into force. */
  async putRules(rules: Rules, recordedAt: number): Promise<void> {
    await this.advance(recordedAt);
    this.#sequence += 1;
    const text = writeRules(rules);
    const { version } = rules;
    const item = {
      kind: "rules",
      sequence: this.#sequence,
      recordedAt,
      version,
      digest: digestRules(text),
      rules: text,
    };
    await this.#apply([{ item: item as RulesItem, event: null }]);
    await this.#drain();
  }

  /** Whom a request would be about that names her so. */
  draftErasure(namespace: string, value: string): Promise<ErasureDraft> {
    const services = { engine: this.engine, index: this.index, store: this.store, shards: 1 };
    return draftErasure(services, namespace, value, countryOfAskers(this.engine.registry.configuration));
  }

  /** Forgets whom the request names, up to when it is recorded. */
  async erase(request: ErasureRequest): Promise<void> {
    await this.advance(request.at);
    this.#erasures.add(request);
    const recent = new RecentEvents();
    const resolution = await resolveBatch({ ...this.#resolving, recent, requests: [request] }, []);
    await this.#apply(resolution.items.get(SHARD) ?? []);
    await this.#drain();
  }

  get #resolving() {
    const { registry } = this.engine;
    return { registry, index: this.index, shards: 1, erasures: this.#erasures, holds: this.#holds };
  }

  /** Time passes: timers due up to here fire. */
  async advance(timeMs: number): Promise<void> {
    if (timeMs <= this.#timeMs) return;
    this.#timeMs = timeMs;
    await this.#apply([this.#progress({})]);
    await this.#drain();
  }

  readPeople(): Promise<People> {
    return readPeople(this.engine, this.store, 1);
  }

  #progress(completeUpToMs: Readonly<Record<string, number>>): Carried {
    return { item: { kind: "progress", slot: 0, timeMs: this.#timeMs, completeUpToMs }, event: null };
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const [records, bundles] = [this.#queue, this.#bundles];
      this.#queue = [];
      this.#bundles = [];
      for (const { value } of records)
        await this.#apply(readBundle(bundles[readPlace(value as Uint8Array)] as BundleValue));
    }
  }

  async #apply(items: readonly Carried[]): Promise<void> {
    if (items.length === 0) return;
    const offset = this.#offset;
    this.#offset += 1;
    const upTo = { offset: this.#offset, step: 0 };
    for await (const { records } of this.#shard.applyAll([{ offset, items }], () => upTo, START))
      this.#queue.push(...records.filter(({ topic }) => topic === RESOLVED));
  }
}

function writePlace(place: number): Uint8Array {
  return new Uint8Array([place >>> 24, place >>> 16, place >>> 8, place]);
}

function readPlace(bytes: Uint8Array): number {
  return bytes.reduce((place, byte) => place * 256 + byte, 0);
}
