// How much one caller may ask for: a bucket of tokens each, refilled evenly. Buckets of those who are silent are let go.

const BUCKETS_MAX = 10_000;

interface Bucket {
  left: number;
  atMs: number;
}

export class RateLimit {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** Takes one; null, or after how many seconds there is one again. */
  take(name: string): number | null {
    const bucket = this.#fill(name);
    if (bucket.left < 1) return this.#secondsUntilOne(bucket);
    bucket.left -= 1;
    return null;
  }

  #secondsUntilOne({ left }: Bucket): number {
    return Math.max(1, Math.ceil(((1 - left) * 60) / this.#perMinute));
  }

  #fill(name: string): Bucket {
    const now = this.#now();
    const known = this.#buckets.get(name) ?? { left: this.#perMinute, atMs: now };
    known.left = Math.min(this.#perMinute, known.left + ((now - known.atMs) * this.#perMinute) / 60_000);
    known.atMs = now;
    // Last in the map is who asked last.
    this.#buckets.delete(name);
    this.#buckets.set(name, known);
    if (this.#buckets.size > BUCKETS_MAX) this.#buckets.delete(this.#buckets.keys().next().value ?? "");
    return known;
  }
}
