// What led people from one segment to another: touches and their credit by channel and campaign, the facts that decided.

import type { Report } from "./sheet.ts";

const CREDIT = `count(DISTINCT id) AS passages, sum(touches) AS touches, sum(first) AS firstParts, sum(last) AS lastParts,
  sum(linear) AS linearParts, sum(position) AS positionParts, sum(timeDecay) AS timeDecayParts`;

/** By segment entered. */
export const reportAttribution: Report = (ledger, selection) => [
  {
    name: "attribution",
    title: "Passages to a segment, credited to channels",
    rows: ledger.rows(
      `SELECT "to", channel, ${CREDIT} FROM held JOIN credits USING (id) GROUP BY "to", channel
       ORDER BY "to", timeDecayParts DESC, channel`,
      selection,
    ),
  },
  {
    name: "untouched",
    title: "Passages that no touch led to",
    rows: ledger.rows(
      `SELECT "to", count(*) AS passages, sum(id NOT IN (SELECT id FROM touches)) AS untouched FROM held
       WHERE "to" IS NOT NULL GROUP BY "to" ORDER BY "to"`,
      selection,
    ),
  },
];

/** By pair. */
export const reportFactors: Report = (ledger, selection) => [
  {
    name: "channels",
    title: "Channels of the touches that led there, with their credit",
    rows: ledger.rows(
      `SELECT "from", "to", channel, ${CREDIT} FROM held JOIN credits USING (id) GROUP BY "from", "to", channel
       ORDER BY "from", "to", timeDecayParts DESC, channel`,
      selection,
    ),
  },
  {
    name: "campaigns",
    title: "Touches that led there",
    rows: ledger.rows(
      `SELECT "from", "to", channel, campaignId AS campaign, medium, count(*) AS touches, count(DISTINCT id) AS passages
       FROM held JOIN touches USING (id) GROUP BY "from", "to", channel, campaignId, medium
       ORDER BY "from", "to", touches DESC, channel, campaignId, medium`,
      selection,
    ),
  },
  {
    name: "facts",
    title: "Facts that decided",
    rows: ledger.rows(
      `SELECT "from", "to", path AS fact, count(*) AS passages FROM held JOIN decisive USING (id)
       GROUP BY "from", "to", path ORDER BY "from", "to", passages DESC, path`,
      selection,
    ),
  },
];
