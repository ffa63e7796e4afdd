/** `3 folded, 1 duplicate`, or `none`. */
export function describeCounts(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(", ") || "none"
  );
}
