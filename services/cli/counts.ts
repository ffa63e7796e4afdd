/** `3 folded, 1 duplicate`, or `none`. */
export function describeCounts(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(", ") || "none"
  );
}

/** Names come from outside, so at most so many are kept; the rest is counted together. */
const NAMES_MAX = 200;

export function addCounts(counts: Record<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [name, count] of more) {
    const kept = name in counts || Object.keys(counts).length < NAMES_MAX ? name : "others";
    counts[kept] = (counts[kept] ?? 0) + count;
  }
}
