// A duplicate is the same (source, eventId). Copies usually come close together (a producer that tried again), and are
// dropped here before they travel; what this window has forgotten, the anchor's own window and the order know.
// A copy that was recorded earlier than the first passes: evidence counts from its earliest record (I1).

export const RECENT_EVENTS_MAX = 200_000;

export class RecentEvents {
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  /** What a batch sees, its own events included; they are kept only once it is resolved. */
  open(): RecentBatch {
    return new RecentBatch((key) => this.#young.get(key) ?? this.#old.get(key));
  }

  /** To be called when the batch cannot fail any more: one that is tried again would find its own events otherwise. */
  keep(batch: RecentBatch): void {
    for (const [key, recordedAt] of batch.fresh) {
      this.#young.set(key, recordedAt);
      if (this.#young.size < RECENT_EVENTS_MAX / 2) continue;
      this.#old = this.#young;
      this.#young = new Map();
    }
  }
}

export class RecentBatch {
  readonly fresh = new Map<string, number>();
  readonly #find: (key: string) => number | undefined;

  constructor(find: (key: string) => number | undefined) {
    this.#find = find;
  }

  /** True where a copy recorded no later than this one has been seen; otherwise remembers it. */
  isDuplicate(source: string, eventId: string, recordedAt: number): boolean {
    const key = `${source}\n${eventId}`;
    const seen = this.fresh.get(key) ?? this.#find(key);
    if (seen !== undefined && seen <= recordedAt) return true;
    this.fresh.set(key, recordedAt);
    return false;
  }
}
