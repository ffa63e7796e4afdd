// What the workers do with the values of a state: the production resolver, stitcher and engine, each fresh for one step.

import type { Component, Forwarder } from "#core/component.ts";
import { componentPart } from "#core/component.ts";
import { createEngine, type Engine } from "#core/engine.ts";
import type { Carried } from "#core/item.ts";
import type { ShardCommit } from "#ports/store.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { resolveBatch } from "#services/resolver/resolver.ts";
import { ShardStitcher, type ShardServices } from "#services/stitcher/shard.ts";
import { encodeBundles, readBundle, type BundleValue } from "#services/wire/bundle.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { decodePart } from "#services/wire/part.ts";
import { configuration, strictConfiguration } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import type { Fault } from "./faults.ts";
import {
  createIndex,
  createMessage,
  type IndexValues,
  type Message,
  type Parts,
  type Shard,
  type State,
  type Task,
} from "./state.ts";
import { createStore, Died, ORIGIN, takeCommit, WorkerIndex } from "./stores.ts";
import { copyEvent, hash, SHARDS } from "./worlds.ts";

const RESOLVED = "weft.resolved";

export interface Routed {
  readonly messages: Message[];
  readonly index: IndexValues;
  readonly writes: number;
}

export interface Applied {
  readonly parts: Parts;
  readonly sends: Message[];
  readonly index: IndexValues;
  readonly writes: number;
  /** Without the index: it is all the same when other workers do what they do. */
  readonly isPrivate: boolean;
}

export class Workers {
  readonly engine: Engine;
  readonly #events: readonly RecordedEvent[];
  readonly #fault: Fault | null;
  readonly #resolving: Engine;
  /** Each a function of what its name says. */
  readonly #applied = new Map<string, Promise<Applied>>();
  readonly #routed = new Map<string, Promise<Routed>>();

  constructor(events: readonly RecordedEvent[], isCautious: boolean, fault: Fault | null) {
    this.#events = events;
    this.#fault = fault;
    const create = (told: typeof configuration) =>
      createEngine({
        configuration: told,
        hash,
        resolverSlots: 1,
        decode: ([place = 0]) => (events[place] as RecordedEvent).event,
      });
    this.engine = create(configuration);
    this.#resolving = isCautious ? create(strictConfiguration) : this.engine;
  }

  /** A resolver takes in an event. */
  route({ index }: State, task: Task, seen: IndexValues | null, livesFor: number): Promise<Routed> {
    const name = `${index.id} ${seen?.id} ${task.event} ${task.record} ${livesFor}`;
    return remember(this.#routed, name, async () => {
      const values = new WorkerIndex(index, livesFor, seen);
      const recorded = this.#events[task.event] as RecordedEvent;
      const { registry } = this.#resolving;
      const arrival = {
        ...(task.record === "second" ? copyEvent(recorded) : recorded),
        bytes: Uint8Array.of(task.event),
        backfill: false,
        traceparent: null,
      };
      const messages: Message[] = [];
      try {
        const options = { registry, index: new ComponentIndex(values), shards: SHARDS, recent: new RecentEvents() };
        const { items, refused } = await resolveBatch(options, [arrival]);
        for (const { detail } of refused) throw new Error(`e${task.event} is refused: ${detail}`);
        for (const [shard, carried] of items) messages.push(...split(shard, carried));
      } catch (error) {
        if (!(error instanceof Died)) throw error;
      }
      return { messages, index: createIndex(values.values), writes: values.writes };
    });
  }

  /** A stitcher applies a record. */
  apply({ shards, index }: State, number: number, message: Message, livesFor: number): Promise<Applied> {
    const { parts } = shards[number] as Shard;
    const name = `${parts.id} ${message.id} ${index.id} ${livesFor}`;
    return remember(this.#applied, name, async () => {
      const items = readBundle(message.bundle).flatMap((carried) => {
        return this.#fault?.deliver?.(carried, (id) => peek(parts, id)) ?? carried;
      });
      if (items.length === 0) return { parts, sends: [], index, writes: 0, isPrivate: true };
      const values = new WorkerIndex(index, livesFor);
      const known = new ComponentIndex(values);
      const bundles: BundleValue[] = [];
      const commits: ShardCommit[] = [];
      const services: ShardServices = {
        engine: this.engine,
        store: createStore(parts, commits),
        shards: SHARDS,
        resolvedTopic: RESOLVED,
        encodeBundle: (bundle) => Uint8Array.of(bundles.push(bundle) - 1),
        encodeOutput: () => ({ topic: "outputs", key: null, value: null }),
        prepareEvents: async () => {},
        findRoots: (components) => known.findRoots(components),
        join: async (request) => (this.#fault?.isWithoutJoins === true ? [] : known.join(request)),
      };
      const sends: Message[] = [];
      try {
        const stitcher = new ShardStitcher(services, number, 0, ORIGIN);
        const { records } = await stitcher.apply([{ offset: 0, items }], ORIGIN, ORIGIN);
        for (const { topic, partition, value } of records) {
          if (topic !== RESOLVED || partition === undefined) continue;
          const sent = readBundle(bundles[value?.[0] ?? 0] as BundleValue);
          sends.push(
            ...split(
              partition,
              sent.flatMap((carried) => this.#fault?.send?.(carried, number) ?? carried),
            ),
          );
        }
      } catch (error) {
        if (!(error instanceof Died)) throw error;
      }
      const written = commits.reduce(takeCommit, parts);
      return {
        parts: written,
        sends,
        index: createIndex(values.values),
        writes: values.writes,
        isPrivate: !values.isAsked,
      };
    });
  }
}

function remember<T>(results: Map<string, Promise<T>>, name: string, find: () => Promise<T>): Promise<T> {
  const known = results.get(name) ?? find();
  results.set(name, known);
  return known;
}

/** One record for each item: finer than the product's, which may cut its bundles anywhere. */
function split(shard: number, items: readonly Carried[]): Message[] {
  const messages: Message[] = [];
  const take = (bundle: BundleValue): Uint8Array => {
    messages.push(createMessage(shard, bundle));
    return new Uint8Array();
  };
  for (const carried of items) encodeBundles(take, 0, 0, [carried]);
  return messages;
}

function peek({ values }: Parts, id: string): Component | Forwarder | null {
  const key = componentPart(id);
  const stored = values.get(key);
  return stored === undefined ? null : (decodePart({ key, value: stored.bytes }).value as Component | Forwarder);
}
