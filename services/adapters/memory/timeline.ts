// Timers of one queue in order of (atMs, ref). A ref has at most one: added again, it moves.

interface Due {
  readonly atMs: number;
  readonly ref: string;
}

export interface Timeline {
  add(atMs: number, ref: string): void;
  remove(ref: string): void;
  due(upToMs: number, max: number): Due[];
}

export function openTimeline(): Timeline {
  const times = new Map<string, number>();
  const sorted: Due[] = [];

  /** Where (atMs, ref) is or would be. */
  function find(atMs: number, ref: string): number {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const one = sorted[middle];
      if (one !== undefined && (one.atMs < atMs || (one.atMs === atMs && one.ref < ref))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function remove(ref: string): void {
    const atMs = times.get(ref);
    if (atMs === undefined) return;
    sorted.splice(find(atMs, ref), 1);
    times.delete(ref);
  }

  return {
    add(atMs, ref) {
      remove(ref);
      sorted.splice(find(atMs, ref), 0, { atMs, ref });
      times.set(ref, atMs);
    },
    remove,
    due(upToMs, max) {
      let count = 0;
      while (count < max && (sorted[count]?.atMs ?? Number.POSITIVE_INFINITY) <= upToMs) count++;
      return sorted.slice(0, count);
    },
  };
}
