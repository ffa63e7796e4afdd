// A duplicate is the same (source, eventId). Copies usually come close together (a producer that tried again), and are
// dropped here before they travel; what this window has forgotten, the anchor's own window and the order know.
// A copy that was recorded earlier than the first passes: evidence counts from its earliest record (I1).

export const RECENT_EVENTS_MAX = 200_000;

export class RecentEvents {
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  /** True where a copy recorded no later than this one has been seen; otherwise remembers it. */
  isDuplicate(source: string, eventId: string, recordedAt: number): boolean {
    const key = `${source}\n${eventId}`;
    const seen = this.#young.get(key) ?? this.#old.get(key);
    if (seen !== undefined && seen <= recordedAt) return true;
    this.#young.set(key, recordedAt);
    if (this.#young.size >= RECENT_EVENTS_MAX / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    return false;
  }
}
