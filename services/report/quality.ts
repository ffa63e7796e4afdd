// How far what was counted can be relied upon: what behaviour moved and what was learned, ruled or loaded, what was taken
// back, whom automation could reach.

import type { SourceEntry } from "../wire/hold-ledger.ts";
import { shareOf, type Report, type Sheet } from "./sheet.ts";

export const reportQuality: Report = (ledger, selection) => {
  const causes = ledger.rows(
    `SELECT nature, cause, count(*) AS passages, sum(id IN (SELECT retracts FROM retractions)) AS retracted FROM told
     GROUP BY cause ORDER BY passages DESC, cause`,
    selection,
  );
  const total = causes.reduce((sum, { passages }) => sum + Number(passages), 0);
  const reach = ledger.rows(
    `SELECT CASE reachable WHEN '' THEN 'nowhere' ELSE reachable END AS reachable, count(*) AS passages FROM held
     WHERE "to" IS NOT NULL GROUP BY reachable ORDER BY passages DESC, reachable`,
    selection,
  );
  return [
    {
      name: "causes",
      title: "What moved them, and what of it was taken back",
      rows: causes.map((row) => ({ ...row, share: shareOf(Number(row["passages"]), total) })),
    },
    {
      name: "retractions",
      title: "What took passages back",
      rows: ledger.rows(`SELECT cause, count(*) AS retractions FROM retractions GROUP BY cause ORDER BY cause`),
    },
    { name: "reach", title: "Where they may be reached by consent when they move", rows: reach },
  ];
};

/** Sources that are held back, or were: of each the latest word. */
export function describeHolds(entries: readonly SourceEntry[]): Sheet {
  const rows = entries.map(({ source, kind, from, author, reason }) => {
    return { source, kind, since: new Date(from).toISOString(), author, reason };
  });
  return { name: "holds", title: "Sources held back, whose word is a claim meanwhile", rows };
}

/** What a fold's summary says of its events. */
export function describeSummary(summary: {
  readonly events: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly heldBack?: Readonly<Record<string, number>>;
  readonly unattributedOrders: number;
}): Sheet {
  const held = Object.entries(summary.heldBack ?? {}).map(
    ([source, events]) => [`held back: ${source}`, events] as const,
  );
  const rows = [...Object.entries(summary.outcomes), ...held].map(([outcome, events]) => {
    return { outcome, events, share: shareOf(events, summary.events) };
  });
  return {
    name: "events",
    title: `Events: ${summary.events}; orders that belong to nobody known: ${summary.unattributedOrders}`,
    rows,
  };
}
