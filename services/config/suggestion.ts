// The nearest of some known names to a mistyped one: two slips at most, and fewer than half of the letters.

export function suggestName(typed: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let fewest = Math.min(2, Math.ceil(typed.length / 2) - 1) + 1;
  for (const name of known) {
    const slips = countSlips(typed.toLowerCase(), name.toLowerCase());
    if (slips < fewest) {
      fewest = slips;
      nearest = name;
    }
  }
  return nearest;
}

/** ` (did you mean "x"?)`, or nothing. */
export function formatSuggestion(typed: string, known: Iterable<string>): string {
  const nearest = suggestName(typed, known);
  return nearest === undefined ? "" : ` (did you mean "${nearest}"?)`;
}

/** Damerau's distance: two neighbouring letters swapped are one slip. */
function countSlips(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const above = rows[i - 1] ?? [];
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let slips = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) slips = Math.min(slips, (rows[i - 2]?.[j - 2] ?? slips) + 1);
      row.push(slips);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? a.length;
}
