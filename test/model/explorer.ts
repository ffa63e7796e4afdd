// Depth first through every state of a world that can be reached, each once.

import { Moves, type Variation } from "./moves.ts";
import { Census, findDifference, recomputeExpected, isAtRest } from "./predicates.ts";
import { countUnderWay, describeEnd, nameState, type State } from "./state.ts";
import type { Bounds, World } from "./worlds.ts";

export interface Exploration {
  readonly states: number;
  readonly moves: number;
  /** What is stored where nothing is under way. */
  readonly ends: ReadonlySet<string>;
  readonly movesMost: number;
  readonly underWayMost: number;
  /** What does not hold, and the way there; null: everything holds. */
  readonly found: { readonly what: string; readonly way: readonly string[] } | null;
}

class Found extends Error {}

export async function explore(world: World, bounds: Bounds, variation: Variation = {}): Promise<Exploration> {
  const moves = new Moves(world, bounds, variation);
  const expected = recomputeExpected(moves.events);
  /** True while the state is on the way that is being gone. */
  const visited = new Map<string, boolean>();
  const ends = new Set<string>();
  const way: string[] = [];
  let [made, movesMost, underWayMost] = [0, 0, 0];
  const visit = async (state: State, before: Census | null): Promise<void> => {
    const name = nameState(state);
    const isOpen = visited.get(name);
    if (isOpen === true) throw new Found("messages go round in a circle");
    if (isOpen === false) return;
    visited.set(name, true);
    movesMost = Math.max(movesMost, way.length);
    underWayMost = Math.max(underWayMost, countUnderWay(state));
    const census = new Census(state);
    const wrong = census.fault ?? (before === null ? null : census.compare(before));
    if (wrong !== null) throw new Found(wrong);
    if (isAtRest(state)) {
      ends.add(describeEnd(state));
      const difference = await findDifference(moves.engine, state, expected);
      if (difference !== null) throw new Found(difference);
    }
    for (const move of await moves.list(state)) {
      made += 1;
      way.push(move.what);
      await visit(move.state, census);
      way.pop();
    }
    visited.set(name, false);
  };
  let found: Exploration["found"] = null;
  try {
    await visit(await moves.begin(), null);
  } catch (error) {
    // Also what the product throws: nothing that can happen here may make it do so.
    found = { what: error instanceof Found ? error.message : String((error as Error).stack), way };
  }
  return { states: visited.size, moves: made, ends, movesMost, underWayMost, found };
}
