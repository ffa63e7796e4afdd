// How many histories a file of properties has seen, and of what sizes: SPEC.md section 8 says how many there are in all.

import { checkMet, seed } from "./property.ts";
import type { RecordedEvent } from "./oracle.ts";

const SIZES = [5, 10, 20, 40];

export class Campaign {
  histories = 0;
  events = 0;
  /** Up to 4 events, up to 9, up to 19, up to 39, more. */
  readonly #sizes = [0, 0, 0, 0, 0];

  add(events: readonly RecordedEvent[]): void {
    this.histories += 1;
    this.events += events.length;
    const size = SIZES.findIndex((bound) => events.length < bound);
    const place = size < 0 ? SIZES.length : size;
    this.#sizes[place] = (this.#sizes[place] ?? 0) + 1;
  }

  share(count: number): string {
    return `${Math.round((100 * count) / this.histories)} %`;
  }

  describe(): string {
    const names = ["up to 4", "5 to 9", "10 to 19", "20 to 39", "40 and more"];
    const sizes = this.#sizes.map((count, place) => `${names[place]} ${this.share(count)}`);
    const average = (this.events / this.histories).toFixed(1);
    return `seed ${seed}: ${this.histories} histories, ${average} events each (${sizes.join(", ")})`;
  }

  /** Small ones find what is simple soonest, and collide least. */
  checkSizes(): void {
    const [small = 0] = this.#sizes;
    checkMet(small < this.histories / 10 && this.events > 8 * this.histories, this.describe());
  }
}
