// The identity index as the processes use it: births of identifiers and parents of components, both set once and never
// changed, so both may be cached for ever; that a component is a root may not, and a stale root is harmless, because
// forwarders answer for absorbed components. Beside an identifier's birth stands its name: the profile id that is made of
// it leads back to it, so that a profile is found by id. Set once like a birth, and put back from the log with it.

import type { Forwarder } from "#core/component.ts";
import type { Carried, ComponentId } from "#core/item.ts";
import type { IndexView } from "#core/routing.ts";
import type { JoinRequest } from "#core/workspace.ts";
import { compareText } from "#core/comparison.ts";
import type { Hash } from "#core/identifier.ts";
import { profileId } from "#core/profile.ts";
import type { Index } from "#ports/index.ts";

/** Identifiers and parents remembered per process. */
export const CACHED_KEYS_MAX = 500_000;
const NOTHING: ReadonlySet<string> = new Set();

export class ComponentIndex {
  readonly #index: Index;
  #births = new Map<string, ComponentId>();
  #parents = new Map<ComponentId, ComponentId>();
  readonly #hash: Hash | null;

  /** hash: what profile ids are made with; without it nobody can be found by id. */
  constructor(index: Index, hash: Hash | null = null) {
    this.#index = index;
    this.#hash = hash;
  }

  /** Sees to it that the births of these identifiers, and the ways to their roots, are at hand: two round trips or more. */
  async prefetch(keys: readonly string[]): Promise<void> {
    if (this.#births.size > CACHED_KEYS_MAX) this.#births = new Map();
    if (this.#parents.size > CACHED_KEYS_MAX) this.#parents = new Map();
    await this.#learnBirths(keys);
    await this.climb(keys.flatMap((key) => this.#births.get(key) ?? []));
  }

  /** Where what was born under the key may be looked for first: forwarders lead on from there. One round trip or none. */
  async findStart(key: string): Promise<ComponentId | null> {
    if (this.#births.size > CACHED_KEYS_MAX) this.#births = new Map();
    await this.#learnBirths([key]);
    const birth = this.birthOf(key);
    return birth === null ? null : this.rootOf(birth);
  }

  /** A forwarder says where to look from now on: whoever has left does not come back. */
  follow({ id, forward }: Forwarder): void {
    if (this.#parents.size > CACHED_KEYS_MAX) this.#parents = new Map();
    this.#parents.set(id, forward);
  }

  async #learnBirths(keys: readonly string[]): Promise<void> {
    const missing = keys.filter((key) => !this.#births.has(key));
    if (missing.length === 0) return;
    const births = await this.#index.get(missing.map(birthKey));
    for (const [i, key] of missing.entries()) {
      const birth = births[i];
      if (typeof birth === "string") this.#births.set(key, birth);
    }
  }

  /** Follows parents to the present roots. */
  async climb(components: readonly ComponentId[]): Promise<void> {
    for (let tops = new Set(components.map((id) => this.rootOf(id))); tops.size > 0; ) {
      const list = [...tops];
      const parents = await this.#index.get(list.map(parentKey));
      tops = new Set();
      for (const [i, id] of list.entries()) {
        const parent = parents[i];
        if (typeof parent !== "string") continue;
        this.#parents.set(id, parent);
        tops.add(this.rootOf(parent));
      }
    }
  }

  /** All that is remembered: the index may hold something else after a loss. */
  forget(): void {
    this.#births = new Map();
    this.#parents = new Map();
  }

  /** Another view of the same index that remembers nothing yet. */
  anew(): ComponentIndex {
    return new ComponentIndex(this.#index, this.#hash);
  }

  birthOf(key: string): ComponentId | null {
    return this.#births.get(key) ?? null;
  }

  /** The root as far as is known here. */
  rootOf(component: ComponentId): ComponentId {
    let root = component;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent;
    return root;
  }

  parentOf(component: ComponentId): ComponentId | null {
    return this.#parents.get(component) ?? null;
  }

  /** A view that collects proposals on top of what is known. nameless: identifiers that no profile is named after. */
  propose(nameless: ReadonlySet<string> = NOTHING): Proposal {
    return new Proposal(this, nameless);
  }

  /** The name of each identifier, as entries of the index. */
  nameEntries(keys: Iterable<string>): { key: string; value: string }[] {
    const hash = this.#hash;
    return hash === null ? [] : Array.from(keys, (value) => ({ key: nameKey(profileId(hash, value)), value }));
  }

  /** The key of the identifier that the profile id is made of; null where no identifier that was ever seen makes it. */
  async findNaming(id: string): Promise<string | null> {
    const [naming = null] = await this.#index.get([nameKey(id)]);
    return naming;
  }

  /** Puts the proposals to the index; true if every one of them was first. What others were first with is then known. */
  async settle(proposal: Proposal): Promise<boolean> {
    const names = this.nameEntries([...proposal.births.keys()].filter((key) => !proposal.nameless.has(key)));
    // Before the births: a batch that breaks off here finds nothing born and puts the names again.
    if (names.length > 0) await this.#index.putIfAbsent(names);
    const births = await this.#put([...proposal.births], birthKey, this.#births);
    if (!births) return false;
    return this.#put([...proposal.parents], parentKey, this.#parents);
  }

  async #put(
    entries: readonly (readonly [string, ComponentId])[],
    keyOf: (name: string) => string,
    known: Map<string, ComponentId>,
  ): Promise<boolean> {
    if (entries.length === 0) return true;
    const held = await this.#index.putIfAbsent(entries.map(([name, value]) => ({ key: keyOf(name), value })));
    let first = true;
    for (const [i, [name, value]] of entries.entries()) {
      const winner = held[i] ?? value;
      known.set(name, winner);
      if (winner !== value) first = false;
    }
    return first;
  }

  /**
   * Makes the later of two roots a child of the earlier, whoever else is joining them; returns what the homes must be
   * told. Joined already: both are told again, which is harmless and repairs a message lost in a crash.
   */
  async join({ a, b, cause }: JoinRequest): Promise<Carried[]> {
    for (;;) {
      await this.climb([a, b]);
      const [ra, rb] = [this.rootOf(a), this.rootOf(b)];
      if (ra === rb) {
        const told = [a, b].filter((id) => id !== ra);
        return told.map((id) => ({ item: { kind: "absorb", component: id, into: ra, cause }, event: null }));
      }
      const [winner, loser] = compareText(ra, rb) < 0 ? [ra, rb] : [rb, ra];
      if (await this.#put([[loser, winner]], parentKey, this.#parents)) {
        const told = new Set([loser, ...[a, b].filter((id) => id !== winner)]);
        return [...told].map((id) => ({ item: { kind: "absorb", component: id, into: winner, cause }, event: null }));
      }
    }
  }

  async findRoots(components: readonly ComponentId[]): Promise<Map<ComponentId, ComponentId>> {
    await this.climb(components);
    return new Map(components.map((id) => [id, this.rootOf(id)]));
  }
}

export function birthKey(key: string): string {
  return `b:${key}`;
}

export function parentKey(component: ComponentId): string {
  return `p:${component}`;
}

function nameKey(id: string): string {
  return `n:${id}`;
}

/** What a batch means to set in the index, over what is known of it. */
export class Proposal implements IndexView {
  readonly births = new Map<string, ComponentId>();
  readonly parents = new Map<ComponentId, ComponentId>();
  readonly nameless: ReadonlySet<string>;
  readonly #known: ComponentIndex;

  constructor(known: ComponentIndex, nameless: ReadonlySet<string>) {
    this.#known = known;
    this.nameless = nameless;
  }

  birth(key: string): ComponentId | null {
    return this.births.get(key) ?? this.#known.birthOf(key);
  }

  root(component: ComponentId): ComponentId {
    let root = this.#known.rootOf(component);
    for (let parent = this.parents.get(root); parent !== undefined; parent = this.parents.get(root))
      root = this.#known.rootOf(parent);
    return root;
  }

  setBirth(key: string, component: ComponentId): void {
    this.births.set(key, component);
  }

  setParent(loser: ComponentId, winner: ComponentId): void {
    this.parents.set(loser, winner);
  }
}
