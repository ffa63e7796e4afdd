// Depth first through every state of a world that can be reached, each once.

import type { Fault } from "./faults.ts";
import { Moves } from "./moves.ts";
import { findDifference, findFault, foldPeople, isAtRest } from "./predicates.ts";
import { nameState, type State } from "./state.ts";
import type { World } from "./worlds.ts";

export interface Exploration {
  readonly states: number;
  readonly moves: number;
  /** States with nothing under way. */
  readonly ends: number;
  readonly longest: number;
  /** What does not hold, and the way there; null: everything holds. */
  readonly found: { readonly what: string; readonly way: readonly string[] } | null;
}

class Found extends Error {}

export async function explore(world: World, fault: Fault | null = null, statesMax = Infinity): Promise<Exploration> {
  const moves = new Moves(world, fault);
  const expected = await foldPeople(moves.events);
  /** True while the state is on the way that is being gone. */
  const visited = new Map<string, boolean>();
  const way: string[] = [];
  let [made, ends, longest] = [0, 0, 0];
  const visit = async (state: State): Promise<void> => {
    const name = nameState(state);
    const open = visited.get(name);
    if (open === true) throw new Found("messages go round in a circle");
    if (open === false) return;
    if (visited.size >= statesMax) throw new Found(`more than ${statesMax} states`);
    visited.set(name, true);
    longest = Math.max(longest, way.length);
    const wrong = findFault(state);
    if (wrong !== null) throw new Found(wrong);
    if (isAtRest(state)) {
      ends += 1;
      const difference = await findDifference(moves.engine, state, expected);
      if (difference !== null) throw new Found(difference);
    }
    for (const move of await moves.list(state)) {
      made += 1;
      way.push(move.what);
      await visit(move.state);
      way.pop();
    }
    visited.set(name, false);
  };
  let found: Exploration["found"] = null;
  try {
    await visit(await moves.begin());
  } catch (error) {
    if (!(error instanceof Found)) throw error;
    found = { what: error.message, way: [...way] };
  }
  return { states: visited.size, moves: made, ends, longest, found };
}
