// What must hold in every state, and what in a state where nothing is under way.

import { compareText } from "#core/comparison.ts";
import { componentPart, identifierPart, type Component, type Forwarder } from "#core/component.ts";
import type { Engine } from "#core/engine.ts";
import { shardOf } from "#core/item.ts";
import { compareOracle, comparePeople, type ComparablePeople } from "#support/oracle-comparison.ts";
import type { Store } from "#ports/store.ts";
import { Fold } from "#services/fold/fold.ts";
import { readPeople } from "#services/wire/profile-reader.ts";
import { decodePart } from "#services/wire/part.ts";
import { configuration } from "#support/histories.ts";
import { recomputePeople, type RecordedEvent } from "#support/oracle.ts";
import { createParts, type Holding, type State } from "./state.ts";
import { createStore } from "./stores.ts";
import { hash, SHARDS } from "./worlds.ts";

const NO_PARTS = createParts(new Map());

/** The people that a naive rule over all of these events finds. */
export function recomputeExpected(events: readonly RecordedEvent[]): string {
  return describePeople(compareOracle(recomputePeople(events, configuration, hash)));
}

/** Those that the engine makes of them where there is one home, and each event's consequences end before the next. */
export async function foldExpected(events: readonly RecordedEvent[]): Promise<string> {
  const fold = new Fold({ configuration, hash });
  for (const event of events) await fold.add([event]);
  return describePeople(comparePeople(await fold.readPeople()));
}

function describePeople(people: ComparablePeople): string {
  return JSON.stringify(people, null, 1);
}

/** Who holds what in a state, and what is wrong with that. */
export class Census {
  /** Null: nothing. */
  fault: string | null = null;
  readonly #holders = new Set<string>();
  readonly #fragments: string[] = [];
  readonly #marks = new Set<number>();
  #events = 0;

  constructor({ index, shards }: State) {
    for (const [number, { parts, log, outbox }] of shards.entries()) {
      for (const holding of parts.holdings) {
        if (holding.kind !== "fragment" && shardOf(holding.id, SHARDS) !== number)
          this.fault = `${holding.id} is not on its shard`;
        this.#count(holding);
      }
      for (const { holdings } of log) holdings.forEach(this.#count);
      for (const messages of outbox) for (const { holdings } of messages) holdings.forEach(this.#count);
    }
    if (this.#events !== this.#marks.size) this.fault = `${this.#marks.size} events are counted ${this.#events} times`;
    for (const key of this.#fragments)
      if (!this.#holders.has(identifierPart(key))) this.fault = `the fragment of ${key} is nobody's`;
    for (const [key, value] of index.values)
      if (key.startsWith("p:") && compareText(value, key.slice(2)) >= 0)
        this.fault = `the parent of ${key.slice(2)} is ${value}`;
  }

  /** What was held, or counted, in the state before is so still. */
  compare(before: Census): string | null {
    for (const name of before.#holders) if (!this.#holders.has(name)) return `nobody has ${name} any more`;
    for (const mark of before.#marks) if (!this.#marks.has(mark)) return "an event is no longer counted";
    return null;
  }

  readonly #count = (holding: Holding): void => {
    if (holding.kind === "forwarder") {
      const { id, forward } = holding;
      if (compareText(forward, id) >= 0) this.fault = `${id} forwards to ${forward}`;
    } else if (holding.kind === "component") {
      for (const birth of holding.held) this.#hold(birth);
      for (const key of holding.keys) this.#hold(identifierPart(key));
    } else {
      this.#hold(`the fragment of ${holding.key}`);
      this.#fragments.push(holding.key);
      this.#events += holding.events;
      for (const mark of holding.marks) this.#marks.add(mark);
    }
  };

  #hold(name: string): void {
    if (this.#holders.has(name)) this.fault = `${name} is in two places`;
    this.#holders.add(name);
  }
}

export function isAtRest({ resolvers, shards }: State): boolean {
  return (
    resolvers.every(({ tasks }) => tasks.length === 0) &&
    shards.every(({ log, outbox, again }) => log.length + outbox.length + again.length === 0)
  );
}

/** Nothing is under way: nobody waits, and the people are those of the fold. */
export async function findDifference(engine: Engine, state: State, expected: string): Promise<string | null> {
  for (const { parts } of state.shards) {
    for (const [key, { bytes }] of parts.values) {
      if (!key.startsWith(componentPart(""))) continue;
      const component = decodePart({ key, value: bytes }).value as Component | Forwarder;
      if (component.forward !== undefined) continue;
      const { id, abroad, identifiers } = component;
      if (abroad !== null && abroad.parked.length + abroad.arriving.size > 0) return `${id} waits for a hand-over`;
      for (const entry of identifiers.values()) if (entry.pending) return `${entry.key} is pending`;
    }
  }
  const stores = state.shards.map(({ parts }) => createStore(parts, []));
  const store: Store = {
    ...createStore(NO_PARTS, []),
    load: async (shard, keys) => (await stores[shard]?.load(shard, keys)) ?? [],
    scan: (shard, prefix) => (stores[shard] as Store).scan(shard, prefix),
  };
  const people = describePeople(comparePeople(await readPeople(engine, store, SHARDS)));
  return people === expected ? null : `the people are\n${people}\nand not\n${expected}`;
}
