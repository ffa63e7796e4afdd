// Which identifiers a merge or a split moves, as readers of profile-state know it: those that were another profile's and are
// the one's.

import { deepEqual, ok } from "node:assert/strict";
import type { IdentityChanged, PublicProfile } from "#core/effect.ts";
import { type Hash, identifierKey } from "#core/identifier.ts";
import { createRegistry } from "#core/registry.ts";
import { configuration } from "./histories.ts";

type Keys = ReadonlySet<string>;
const NOBODY: Keys = new Set();

interface Open extends IdentityChanged {
  readonly had: Keys;
  readonly was: Keys;
}

export class Moves {
  readonly #keyOf: (namespace: string, value: string) => string;
  /** Keys of the identifiers that are a profile's own, by profile, as they were told last. */
  readonly #held = new Map<string, Keys>();
  /** By profile: changes since its last state, with what the two profiles had been told to hold. */
  readonly #open = new Map<string, Open[]>();
  count = 0;

  constructor(hash: Hash) {
    const registry = createRegistry(configuration, hash);
    this.#keyOf = (namespace, value) => identifierKey(registry, namespace, value);
  }

  add(change: IdentityChanged): void {
    const { profileId, otherProfileId } = change;
    const [had, was] = [profileId, otherProfileId ?? ""].map((id) => this.#held.get(id) ?? NOBODY) as [Keys, Keys];
    // What else happened to the other before may have taken of it, and given to anybody.
    const isClear = !this.#open.has(otherProfileId ?? "");
    for (const id of [profileId, otherProfileId])
      if (id !== null)
        this.#open.set(id, [...(this.#open.get(id) ?? []), { ...change, had, was: isClear ? was : NOBODY }]);
    const names = change.identifiers.map(({ key }) => key);
    ok(new Set(names).size === names.length && names.length <= change.identifiersCount, "each moves once");
  }

  read(profileId: string, state: PublicProfile | null): void {
    // Phones may have been nobody's in between, and then they come from nowhere.
    const own = state?.identifiers.filter((one) => one.state !== "contested" && one.namespace !== "phone") ?? [];
    const holds = new Set(own.map(({ namespace, value }) => this.#keyOf(namespace, value)));
    const [change, ...others] = this.#open.get(profileId) ?? [];
    this.#open.delete(profileId);
    // Where more than one thing happened between two states nobody can tell what did what.
    if (change !== undefined && others.length === 0 && change.profileId === profileId && state !== null)
      this.#check(change, holds);
    if (state === null) this.#held.delete(profileId);
    else this.#held.set(profileId, holds);
  }

  #check({ change, identifiers, identifiersCount, had, was }: Open, now: Keys): void {
    if (change !== "merged" || identifiersCount > identifiers.length) return;
    const names = identifiers.map(({ key }) => key).filter((key) => now.has(key));
    for (const key of names) ok(!had.has(key), "what was the one's already does not move");
    const came = [...was].filter((key) => now.has(key) && !had.has(key));
    deepEqual(
      came.filter((key) => !names.includes(key)),
      [],
      "what was the other's and is the one's has moved",
    );
    this.count += came.length;
  }
}
