// The ways that profiles, under whichever of their ids, took through the segments, and how far those who came in one month have come.

import { compareText } from "#core/comparison.ts";
import { groupRows, shareOf, type Report } from "./sheet.ts";
import type { Ledger, Row, Selection } from "./ledger.ts";

export const reportPaths: Report = (ledger, selection) => {
  const steps = ledger.rows(
    `SELECT journey, "from", "to", at FROM held ORDER BY journey, at, generation, place`,
    selection,
  );
  const paths = new Map<string, { profiles: number; tookMs: number[] }>();
  for (const moves of groupRows(steps, "journey").values()) {
    const [first] = moves;
    const start = first?.["from"] ?? null;
    const path = [...(start === null ? [] : [start]), ...moves.map(({ to }) => to ?? "merged")].join(" > ");
    const kept = paths.get(path) ?? { profiles: 0, tookMs: [] };
    kept.profiles += 1;
    kept.tookMs.push(Number(moves.at(-1)?.["at"]) - Number(first?.["at"]));
    paths.set(path, kept);
  }
  const total = [...paths.values()].reduce((sum, { profiles }) => sum + profiles, 0);
  const rows = [...paths]
    .map(([path, { profiles, tookMs }]) => {
      return { path, profiles, share: shareOf(profiles, total), medianTookMs: medianOf(tookMs) };
    })
    .sort((a, b) => b.profiles - a.profiles || compareText(a.path, b.path));
  return [
    { name: "paths", title: `Ways through the segments (${rows.length})`, rows },
    { name: "steps", title: "Steps of these ways", rows: countSteps(ledger, selection) },
  ];
};

/** The first of a profile is step 1. */
function countSteps(ledger: Ledger, selection: Selection): Row[] {
  return ledger.rows(
    `SELECT step, "from", "to", count(*) AS count FROM (
       SELECT "from", "to", row_number() OVER (PARTITION BY journey ORDER BY at, generation, place) AS step FROM held)
     GROUP BY step, "from", "to" ORDER BY step, "from", "to"`,
    selection,
  );
}

/** By the month (UTC) of the first passage: how many ever came into each segment, and after how long. */
export const reportCohorts: Report = (ledger, selection) => {
  const reached = ledger.rows(
    `SELECT month, "to" AS segment, min(at) - came AS tookMs FROM held JOIN (
       SELECT journey, min(at) AS came, substr(min(day), 1, 7) AS month FROM held WHERE "from" IS NULL GROUP BY journey)
     USING (journey) WHERE "to" IS NOT NULL GROUP BY journey, "to" ORDER BY month, "to", tookMs`,
    selection,
  );
  const sizes = new Map(
    ledger
      .rows(
        `SELECT month, count(*) AS size FROM (
           SELECT substr(min(day), 1, 7) AS month FROM held WHERE "from" IS NULL GROUP BY journey)
         GROUP BY month`,
        selection,
      )
      .map(({ month, size }) => [month, Number(size)]),
  );
  const rows = [...groupRows(reached, "month", "segment").values()].map((group) => {
    const { month = null, segment = null } = group[0] ?? {};
    const profiles = sizes.get(month) ?? 0;
    return {
      month,
      profiles,
      segment,
      reached: group.length,
      reachedShare: shareOf(group.length, profiles),
      medianTookMs: medianOf(group.map(({ tookMs }) => Number(tookMs))),
    };
  });
  return [{ name: "cohorts", title: "Who came in a month, and how far they came", rows }];
};

/** The lower one: a whole number. */
function medianOf(list: readonly number[]): number | null {
  return list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) / 2)] ?? null;
}
