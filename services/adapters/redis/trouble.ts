// What connections to one Redis have to say of it is told once, by whoever meets it first, until nobody does any more.

export class Trouble {
  readonly #who = new Set<object>();

  begin(who: object, tell: () => void): void {
    if (this.#who.size === 0) tell();
    this.#who.add(who);
  }

  end(who: object): void {
    this.#who.delete(who);
  }
}

/** Redis is away; a slot is on its way from one node of a cluster to another. */
export interface Troubles {
  readonly away: Trouble;
  readonly moving: Trouble;
}

export function createTroubles(): Troubles {
  return { away: new Trouble(), moving: new Trouble() };
}
