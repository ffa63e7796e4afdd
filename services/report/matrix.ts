// The passage matrix: from x to, how many of each day and cause, how long they had been where they came from, and what
// led there.

import { compareText } from "#core/comparison.ts";
import { NOBODY, groupRows, shareOf, type Report, type Sheet } from "./sheet.ts";
import type { Ledger, Row, Selection } from "./ledger.ts";

const LEADING_MAX = 3;

/** The lower median of what is sorted: a whole number. */
const MEDIANS = `
  SELECT "from", "to", formerMs FROM (
    SELECT "from", "to", formerMs, row_number() OVER pair AS n, count(*) OVER (PARTITION BY "from", "to") AS total
    FROM held WHERE formerMs IS NOT NULL WINDOW pair AS (PARTITION BY "from", "to" ORDER BY formerMs))
  WHERE n = (total + 1) / 2`;

export const reportMatrix: Report = (ledger, selection) => [
  gridOf(ledger, selection),
  pairsOf(ledger, selection),
  { name: "days", title: "Passages by day and cause", rows: countDays(ledger, selection) },
];

export function countDays(ledger: Ledger, selection: Selection): Row[] {
  return ledger.rows(
    `SELECT day, "from", "to", cause, nature, count(*) AS count FROM held
     GROUP BY day, "from", "to", cause ORDER BY day, "from", "to", cause`,
    selection,
  );
}

/** A row a segment left, a column a segment entered. */
function gridOf(ledger: Ledger, selection: Selection): Sheet {
  const counts = ledger.rows(
    `SELECT "from", "to", count(*) AS count FROM held GROUP BY "from", "to" ORDER BY "from", "to"`,
    selection,
  );
  const targets = [...new Set(counts.map(({ to }) => to ?? null))].sort(compareEnds);
  const rows = [...groupRows(counts, "from").values()].map((group) => ({
    from: group[0]?.["from"] ?? null,
    ...Object.fromEntries(
      targets.map((target) => [
        `to ${target ?? NOBODY}`,
        Number(group.find(({ to }) => to === target)?.["count"] ?? 0),
      ]),
    ),
  }));
  return { name: "matrix", title: "From, and to (passages)", rows };
}

/** null, nobody, last. */
function compareEnds(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return compareText(String(a), String(b));
}

function pairsOf(ledger: Ledger, selection: Selection): Sheet {
  const causes = groupRows(
    ledger.rows(
      `SELECT "from", "to", cause, count(*) AS count FROM held GROUP BY "from", "to", cause ORDER BY count DESC, cause`,
      selection,
    ),
    "from",
    "to",
  );
  const medians = groupRows(ledger.rows(MEDIANS, selection), "from", "to");
  const channels = groupRows(
    ledger.rows(
      `SELECT "from", "to", channel AS name, sum(timeDecay) AS parts FROM held JOIN credits USING (id)
       GROUP BY "from", "to", channel ORDER BY parts DESC, channel`,
      selection,
    ),
    "from",
    "to",
  );
  const campaigns = groupRows(
    ledger.rows(
      `SELECT "from", "to", coalesce(campaignId, medium, channel) AS name, count(*) AS parts FROM held JOIN touches USING (id)
       GROUP BY "from", "to", name ORDER BY parts DESC, name`,
      selection,
    ),
    "from",
    "to",
  );
  const rows = [...causes].map(([pair, counts]) => ({
    from: counts[0]?.["from"] ?? null,
    to: counts[0]?.["to"] ?? null,
    count: counts.reduce((sum, { count }) => sum + Number(count), 0),
    causes: counts.map(({ cause, count }) => `${count} ${cause}`).join(", "),
    medianFormerMs: medians.get(pair)?.[0]?.["formerMs"] ?? null,
    leadingChannels: describeLeading(channels.get(pair)),
    leadingTouches: describeLeading(campaigns.get(pair)),
  }));
  return {
    name: "pairs",
    title: "Passages: why, after how long, and what led there",
    rows: rows.toSorted((a, b) => b.count - a.count || compareEnds(a.from, b.from) || compareEnds(a.to, b.to)),
  };
}

function describeLeading(rows: readonly Row[] = []): string | null {
  const whole = rows.reduce((sum, { parts }) => sum + Number(parts), 0);
  const leading = rows.slice(0, LEADING_MAX).map(({ name, parts }) => {
    return `${name} ${Math.round(shareOf(Number(parts), whole) / 10_000)} %`;
  });
  return leading.length === 0 ? null : leading.join(", ");
}
