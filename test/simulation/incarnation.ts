// One life of one simulated process. Whatever comes to it (replies, timers, news of the group) passes `deliver`: a dead
// life never hears again, a paused one hears everything in order when it is resumed, without knowing that it was away.

import type { World } from "./world.ts";

export class Incarnation {
  readonly name: string;
  readonly #world: World;
  readonly #onCrash: () => void;
  #alive = true;
  #paused = false;
  #held: (() => void)[] = [];

  constructor(world: World, name: string, onCrash: () => void) {
    this.#world = world;
    this.name = name;
    this.#onCrash = onCrash;
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  /** Answers heartbeats. */
  get isResponsive(): boolean {
    return this.#alive && !this.#paused;
  }

  deliver(run: () => void): void {
    if (!this.#alive) return;
    if (this.#paused) this.#held.push(run);
    else run();
  }

  crash(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#held = [];
    this.#onCrash();
  }

  /** An end in order: nothing is left to hear. */
  end(): void {
    this.#alive = false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const held = this.#held;
    this.#held = [];
    for (const [place, run] of held.entries())
      this.#world.after(place / 100, `held reply of ${this.name}`, () => this.deliver(run));
  }
}
