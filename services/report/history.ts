// The passages of one profile, the latest first: under its id and under those that it bore before, with those that were
// taken back.

import type { ChannelCredit } from "#core/credit.ts";
import type { TransitionNature } from "#core/effect.ts";
import { type Ledger, NAMES_MAX, type Row } from "./ledger.ts";
import { isUpTo } from "./place.ts";

export interface Passage {
  readonly transitionId: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string;
  readonly nature: TransitionNature;
  /** Of the event that caused it; null: none did. */
  readonly source: string | null;
  readonly eventId: string | null;
  /** The rung that held. */
  readonly rule: string | null;
  readonly ruleVersion: string;
  readonly atMs: number;
  readonly timeInFormerMs: number | null;
  readonly valueTier: string | null;
  /** Channels on which she could be told. */
  readonly reachable: readonly string[];
  /** Facts that decided. */
  readonly decisive: readonly string[];
  readonly touches: readonly { channel: string; campaignId: string | null; medium: string | null }[];
  readonly credit: readonly ChannelCredit[];
  /** What took it back; null: it stands. */
  readonly retractedBy: string | null;
}

export interface PassagePage {
  readonly passages: readonly Passage[];
  /** Whether there are earlier ones. */
  readonly hasMore: boolean;
}

/** As they were told: under her id, then under the one before, up to where that went on as hers: it may live again as somebody else's. */
const LISTED = `
  WITH RECURSIVE followed (profile, age, at, shard, "offset", step) AS (
    SELECT :profile, 0, ${Number.MAX_SAFE_INTEGER}, NULL, NULL, NULL
    UNION SELECT old, age + 1, aliases.at, aliases.shard, aliases."offset", aliases.step
    FROM aliases JOIN followed USING (profile) WHERE age < ${NAMES_MAX} AND ${isUpTo("aliases", "followed")}),
  listed AS (
    SELECT passages.*, min(age) AS age FROM passages JOIN followed USING (profile)
    WHERE ${isUpTo("passages", "followed")} GROUP BY id)
  SELECT id, "from", "to", cause, nature, source, eventId, rule, ruleVersion, at, formerMs, valueTier, reachable,
    (SELECT min(cause) FROM retractions WHERE retracts = listed.id) AS retractedBy
  FROM listed
  WHERE :before = '' OR (-age, place) < (SELECT -age, place FROM listed WHERE id = :before)
  ORDER BY age, place DESC LIMIT :max`;

/** before: a transition's id, or none; after one that is not hers there is nothing. */
export function listPassages(ledger: Ledger, profile: string, before: string, max: number): PassagePage {
  const rows = ledger.sqlite.prepare(LISTED).all({ profile, before, max: max + 1 }) as Row[];
  return { passages: rows.slice(0, max).map((row) => readPassage(ledger, row)), hasMore: rows.length > max };
}

function readPassage({ sqlite }: Ledger, row: Row): Passage {
  const id = String(row["id"]);
  const ask = <T>(query: string) =>
    sqlite
      .prepare(query)
      .all(id)
      .map((one) => ({ ...one })) as T[];
  return {
    transitionId: id,
    from: row["from"] as string | null,
    to: row["to"] as string | null,
    cause: String(row["cause"]),
    nature: row["nature"] as TransitionNature,
    source: row["source"] as string | null,
    eventId: row["eventId"] as string | null,
    rule: row["rule"] as string | null,
    ruleVersion: String(row["ruleVersion"]),
    atMs: Number(row["at"]),
    timeInFormerMs: row["formerMs"] as number | null,
    valueTier: row["valueTier"] as string | null,
    reachable: String(row["reachable"]).split(" ").filter(Boolean),
    decisive: ask<{ path: string }>("SELECT path FROM decisive WHERE id = ? ORDER BY path").map(({ path }) => path),
    touches: ask("SELECT channel, campaignId, medium FROM touches WHERE id = ? ORDER BY place"),
    credit: ask(
      "SELECT channel, touches, first, last, linear, position, timeDecay FROM credits WHERE id = ? ORDER BY channel",
    ),
    retractedBy: row["retractedBy"] as string | null,
  };
}
