// A table of a report, as data: the terminal, JSON and the page write it each in their way.

import type { Ledger, Row, Selection } from "./ledger.ts";

export interface Sheet {
  readonly name: string;
  readonly title: string;
  /** In the order of their keys; see `showCell` for what a key's ending says. */
  readonly rows: readonly Row[];
}

export type Report = (ledger: Ledger, selection: Selection) => readonly Sheet[];

/** null is an end of the ladder: who comes, who goes into another profile. */
export const NOBODY = "-";

const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
];

/** …Ms is a duration, …Parts millionths of one passage, …share millionths as a percentage. */
export function showCell(key: string, value: string | number | null): string {
  if (value === null) return NOBODY;
  if (typeof value === "string") return value;
  if (key.endsWith("Ms")) return showDuration(value);
  if (key.endsWith("Parts")) return (value / 1_000_000).toFixed(2);
  if (/share$/i.test(key)) return `${(value / 10_000).toFixed(1)} %`;
  return value.toLocaleString("en");
}

/** `medianFormerMs` is headed `median former`. */
export function showHead(key: string): string {
  return key.replace(/(Ms|Parts)$/, "").replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function showDuration(ms: number): string {
  const unit = UNITS.find(([, size]) => ms >= size);
  return unit === undefined ? `${ms} ms` : `${(ms / unit[1]).toFixed(1)} ${unit[0]}`;
}

/** Whole millionths, so that no report sums fractions. */
export function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part * 1_000_000) / whole);
}

/** Names in order, with what they count: `12 event, 3 merge`. */
export function groupRows(rows: readonly Row[], ...keys: readonly string[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = JSON.stringify(keys.map((key) => row[key]));
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}
