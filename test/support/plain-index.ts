// The identity index as two maps, for whoever folds without a server.

import { compareText } from "#core/comparison.ts";
import type { AbsorbItem, ComponentId } from "#core/item.ts";
import type { IndexView } from "#core/routing.ts";
import type { JoinRequest } from "#core/workspace.ts";

/** Births and parents in maps, set once. */
export class PlainIndex implements IndexView {
  readonly #births = new Map<string, ComponentId>();
  readonly #parents = new Map<ComponentId, ComponentId>();

  birth(key: string): ComponentId | null {
    return this.#births.get(key) ?? null;
  }

  root(component: ComponentId): ComponentId {
    let root = component;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent;
    return root;
  }

  setBirth(key: string, component: ComponentId): void {
    this.#births.set(key, component);
  }

  setParent(loser: ComponentId, winner: ComponentId): void {
    this.#parents.set(loser, winner);
  }

  /** As the processes' index has it (wire/component-index.ts). */
  join({ a, b, cause }: JoinRequest): AbsorbItem[] {
    const [ra, rb] = [this.root(a), this.root(b)];
    const [winner, loser] = compareText(ra, rb) <= 0 ? [ra, rb] : [rb, ra];
    if (winner !== loser) this.setParent(loser, winner);
    const told = new Set([loser, a, b].filter((id) => id !== winner));
    return [...told].map((component) => ({ kind: "absorb", component, into: winner, cause }));
  }
}
