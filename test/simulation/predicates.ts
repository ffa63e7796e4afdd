// What must hold in every state, and what in a state where nothing is under way.

import { compareText } from "#core/comparison.ts";
import type { Component } from "#core/component.ts";
import { shardOf } from "#core/item.ts";
import { comparePeople, type ComparablePeople } from "#support/oracle-comparison.ts";
import type { Engine } from "#core/engine.ts";
import { Fold } from "#services/fold/fold.ts";
import { readPeople } from "#services/wire/profile-reader.ts";
import { decodePart } from "#services/wire/part.ts";
import { configuration } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import { createStore } from "./moves.ts";
import { createParts, type Holding, type Message, type State } from "./state.ts";
import { hash, SHARDS } from "./worlds.ts";

const NO_PARTS = createParts(new Map());

/** The people that one component home of everything makes of the same events, as text. */
export async function foldPeople(events: readonly RecordedEvent[]): Promise<string> {
  const fold = new Fold({ configuration, hash });
  for (const event of events) await fold.add([event]);
  return describePeople(comparePeople(await fold.readPeople()));
}

function describePeople(people: ComparablePeople): string {
  return JSON.stringify(people, null, 1);
}

export function findFault(state: State): string | null {
  const seen = new Once();
  for (const [number, shard] of state.shards.entries()) {
    const here = shard.parts.holdings;
    const away: readonly Message[] = [...shard.log, ...shard.outbox.flat()];
    for (const one of here) if (one.kind !== "fragment" && shardOf(one.id, SHARDS) !== number) return `${one.id} is not on its shard`;
    const fault = seen.add(here) ?? seen.addAll(away.map(({ holdings }) => holdings));
    if (fault !== null) return fault;
  }
  return seen.findLoss() ?? findLoop(state);
}

/** Whoever holds an identifier, a birth, a fragment or has counted an event: one place only. */
class Once {
  readonly #holders = new Set<string>();
  readonly #marks = new Set<number>();
  #events = 0;

  addAll(places: readonly (readonly Holding[])[]): string | null {
    for (const holdings of places) {
      const fault = this.add(holdings);
      if (fault !== null) return fault;
    }
    return null;
  }

  add(holdings: readonly Holding[]): string | null {
    for (const holding of holdings) {
      if (holding.kind === "forwarder") {
        if (compareText(holding.forward, holding.id) >= 0) return `${holding.id} forwards to ${holding.forward}`;
        continue;
      }
      if (holding.kind === "component") {
        for (const birth of holding.held) if (!this.#isFirst(`birth ${birth}`)) return `${birth} is held twice`;
        for (const key of holding.keys) if (!this.#isFirst(`identifier ${key}`)) return `${key} is in two places`;
        continue;
      }
      if (!this.#isFirst(`fragment ${holding.key}`)) return `the fragment of ${holding.key} is in two places`;
      this.#events += holding.events;
      for (const mark of holding.marks) this.#marks.add(mark);
    }
    return null;
  }

  #isFirst(name: string): boolean {
    if (this.#holders.has(name)) return false;
    this.#holders.add(name);
    return true;
  }

  findLoss(): string | null {
    if (this.#events !== this.#marks.size) return `${this.#marks.size} events are counted ${this.#events} times`;
    for (const name of this.#holders) {
      const key = /^fragment (.*)/.exec(name)?.[1];
      if (key !== undefined && !this.#holders.has(`identifier ${key}`)) return `the fragment of ${key} is nobody's`;
    }
    return null;
  }
}

/** A parent is earlier than its child, so there is no way round. */
function findLoop({ index }: State): string | null {
  for (const [key, value] of index.values)
    if (key.startsWith("p:") && compareText(value, key.slice(2)) >= 0) return `${value} is the parent of ${key.slice(2)}`;
  return null;
}

export function isAtRest({ resolvers, shards }: State): boolean {
  return (
    resolvers.every(({ tasks }) => tasks.length === 0) &&
    shards.every(({ log, outbox, again }) => log.length + outbox.length + again.length === 0)
  );
}

/** Nothing is under way: nobody waits, and the people are those of the fold. */
export async function findDifference(engine: Engine, state: State, expected: string): Promise<string | null> {
  for (const { parts } of state.shards)
    for (const [key, { bytes }] of parts.values) {
      if (!key.startsWith("c/")) continue;
      const { id, abroad, identifiers } = decodePart({ key, value: bytes }).value as Component;
      if (abroad !== null && abroad !== undefined && abroad.parked.length + abroad.arriving.size > 0) return `${id} waits for a hand-over`;
      for (const entry of identifiers?.values() ?? []) if (entry.pending) return `${entry.key} is pending`;
    }
  const stores = state.shards.map(({ parts }) => createStore(parts, []));
  const store = {
    ...createStore(NO_PARTS, []),
    load: (shard: number, keys: readonly string[]) => (stores[shard] ?? createStore(NO_PARTS, [])).load(shard, keys),
    scan: (shard: number, prefix: string) => (stores[shard] ?? createStore(NO_PARTS, [])).scan(shard, prefix),
  };
  const people = describePeople(comparePeople(await readPeople(engine, store, SHARDS)));
  return people === expected ? null : `the people are\n${people}\nand not\n${expected}`;
}
