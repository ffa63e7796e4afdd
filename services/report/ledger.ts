// Passages as they happen: a row a transition, marked when it is retracted, with its touches and credit. Every report is
// a query over it, so a retraction takes back exactly what it cancels, whatever was counted from it. Of whoever is erased the
// passages stay, as those of nobody: which events caused them is forgotten (G1).

import type { ChannelCredit } from "#core/credit.ts";
import type { IdentityChanged, SegmentTransition } from "#core/effect.ts";
import { Book } from "./book.ts";

/** That somebody was erased is told on topics that keep 30 days: a day less. */
const AWAY_MAX_MS = 29 * 86_400_000;
const FORMAT = 1;
const TABLES = `
CREATE TABLE IF NOT EXISTS passages (
  id TEXT PRIMARY KEY, profile TEXT NOT NULL, "from" TEXT, "to" TEXT, cause TEXT NOT NULL, nature TEXT NOT NULL,
  source TEXT, eventId TEXT, rule TEXT, ruleVersion TEXT NOT NULL,
  at INTEGER NOT NULL, day TEXT NOT NULL, formerMs INTEGER, valueTier TEXT, reachable TEXT NOT NULL,
  place INTEGER NOT NULL, shard INTEGER, "offset" INTEGER, step INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passagesByProfile ON passages (profile, place);
CREATE INDEX IF NOT EXISTS passagesErased ON passages (profile) WHERE cause = 'erasure';
CREATE TABLE IF NOT EXISTS aliases (
  id TEXT PRIMARY KEY, profile TEXT NOT NULL, old TEXT NOT NULL,
  at INTEGER NOT NULL, shard INTEGER, "offset" INTEGER, step INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS aliasesByProfile ON aliases (profile);
CREATE INDEX IF NOT EXISTS aliasesByOld ON aliases (old);
CREATE TABLE IF NOT EXISTS retractions (id TEXT PRIMARY KEY, retracts TEXT NOT NULL, cause TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS retractionsByPassage ON retractions (retracts);
CREATE TABLE IF NOT EXISTS decisive (id TEXT, path TEXT, PRIMARY KEY (id, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS touches (
  id TEXT, place INTEGER, channel TEXT NOT NULL, campaignId TEXT, medium TEXT, PRIMARY KEY (id, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credits (
  id TEXT, channel TEXT, touches INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  linear INTEGER NOT NULL, position INTEGER NOT NULL, timeDecay INTEGER NOT NULL, PRIMARY KEY (id, channel)
) WITHOUT ROWID;
`;

/** Ids may follow each other in a circle. */
export const NAMES_MAX = 32;

/**
 * Whether a passage or alias was before an alias, or in its step. Within a shard they have one order; what a hand-over parts has
 * its instants, and what a fold tells has nothing else.
 */
export function isUpTo(one: string, alias: string): string {
  return `CASE WHEN ${one}.shard = ${alias}.shard THEN (${one}."offset", ${one}.step) <= (${alias}."offset", ${alias}.step)
    ELSE ${one}.at <= ${alias}.at END`;
}

/** An id that went on as another one may live again: how often it had gone on before this. */
function stretchOf(one: string, profile: string): string {
  return `(SELECT count(*) FROM aliases AS ended WHERE ended.old = ${profile} AND NOT ${isUpTo(one, "ended")})`;
}

/** Which stretches of ids go on as which, and how many are between; those that follow each other in a circle are journeys of their own. */
const JOURNEYS = `journeys (profile, stretch, journey, generation) AS (
  SELECT old, ${stretchOf("aliases", "aliases.old")}, profile || ' ' || ${stretchOf("aliases", "aliases.profile")}, -1 FROM aliases
  WHERE NOT EXISTS (SELECT 1 FROM aliases AS next WHERE next.old = aliases.profile AND ${isUpTo("aliases", "next")})
  UNION SELECT old, ${stretchOf("aliases", "aliases.old")}, journey, generation - 1 FROM journeys JOIN aliases USING (profile)
  WHERE stretch = ${stretchOf("aliases", "aliases.profile")} AND generation > -${NAMES_MAX})`;

/** Of an id that was erased, or one that goes on as such: its passages, and those of the ids before it until they went on. Told in any order. */
const FORGET = `
  WITH RECURSIVE heirs (profile) AS (
    SELECT :profile UNION SELECT aliases.profile FROM aliases JOIN heirs ON aliases.old = heirs.profile),
  hers (profile, at, shard, "offset", step) AS (
    SELECT profile, max(at), NULL, NULL, NULL FROM passages JOIN heirs USING (profile)
    GROUP BY profile HAVING sum(cause = 'erasure') > 0
    UNION SELECT old, aliases.at, aliases.shard, aliases."offset", aliases.step FROM aliases JOIN hers USING (profile)
    WHERE ${isUpTo("aliases", "hers")})
  UPDATE passages SET source = NULL, eventId = NULL
  WHERE EXISTS (SELECT 1 FROM hers WHERE profile = passages.profile AND ${isUpTo("passages", "hers")})`;

/** Where in the inner log something was told; what a fold tells has no place. */
interface Told {
  readonly at: number;
  readonly shard?: number | null;
  readonly offset?: number | null;
  readonly step?: number | null;
}

/** A transition or retraction as its topic and the fold's file tell it. */
export interface ToldTransition
  extends Pick<
      SegmentTransition,
      | "kind"
      | "transitionId"
      | "retracts"
      | "profileId"
      | "from"
      | "to"
      | "cause"
      | "nature"
      | "rule"
      | "ruleVersion"
      | "timeInFormerMs"
      | "decisive"
      | "valueTier"
      | "reachable"
    >,
    Told {
  /** Of the event that caused it; null: none did. */
  readonly source: string | null;
  readonly eventId: string | null;
  readonly touches: readonly {
    readonly channel: string;
    readonly campaignId: string | null;
    readonly medium: string | null;
  }[];
  readonly credit: readonly ChannelCredit[];
}

export type ToldIdentityChange = Pick<IdentityChanged, "changeId" | "change" | "profileId" | "otherProfileId"> & Told;

/** Which passages a report is about. */
export interface Selection {
  /** Days (UTC), the first and the last of them. */
  readonly since?: string;
  readonly until?: string;
  readonly nature?: string;
}

export type Row = Readonly<Record<string, string | number | null>>;

export class Ledger extends Book {
  constructor(file?: string, onAwayTooLong?: () => void) {
    super(TABLES, file, { format: FORMAT, awayMaxMs: AWAY_MAX_MS, ...(onAwayTooLong && { onAwayTooLong }) });
  }

  /** Told again, it is the same; to be called within a transaction. */
  add(told: ToldTransition): void {
    const { kind, transitionId: id, retracts, cause } = told;
    if (kind === "retraction") {
      this.#insert("retractions", { id, retracts, cause });
      return;
    }
    const {
      profileId: profile,
      from,
      to,
      nature,
      source,
      eventId,
      rule,
      ruleVersion,
      at,
      timeInFormerMs: formerMs,
      valueTier,
    } = told;
    const reachable = told.reachable.join(" ");
    const day = new Date(at).toISOString().slice(0, 10);
    const place = Number(id.slice(id.lastIndexOf(".") + 1));
    const { shard = null, offset = null, step = null } = told;
    const where = { place, shard, offset, step };
    const why = { cause, nature, source, eventId, rule, ruleVersion };
    this.#insert("passages", { id, profile, from, to, ...why, at, day, formerMs, valueTier, reachable, ...where });
    for (const path of told.decisive) this.#insert("decisive", { id, path });
    for (const [n, { channel, campaignId, medium }] of told.touches.entries())
      this.#insert("touches", { id, place: n, channel, campaignId, medium });
    for (const { channel, touches, first, last, linear, position, timeDecay } of told.credit)
      this.#insert("credits", { id, channel, touches, first, last, linear, position, timeDecay });
    this.#forgetErased(profile);
  }

  /** A profile goes on under another id: one journey. To be called within a transaction. */
  addAlias(told: ToldIdentityChange): void {
    const { changeId: id, change, profileId, otherProfileId: old, at, shard = null, offset = null, step = null } = told;
    if (change !== "alias" || old === null) return;
    this.#insert("aliases", { id, profile: profileId, old, at, shard, offset, step });
    this.#forgetErased(profileId);
  }

  #forgetErased(profile: string): void {
    this.#forget ??= this.sqlite.prepare(FORGET);
    this.#forget.run({ profile });
  }

  /**
   * Rows of a query over `held`: the passages of the selection that nothing retracted, which is how the query names them;
   * `told` are those of the selection with the retracted ones.
   */
  rows(query: string, { since = "", until = "9", nature = "" }: Selection = {}): Row[] {
    const text = `WITH RECURSIVE ${JOURNEYS},
      named AS (SELECT profile, stretch, min(journey) AS journey, min(generation) AS generation FROM journeys GROUP BY profile, stretch),
      selected AS (
        SELECT *, ${stretchOf("passages", "passages.profile")} AS stretch FROM passages
        WHERE day >= :since AND day <= :until AND (:nature = '' OR nature = :nature)),
      told AS (
        SELECT selected.*, coalesce(journey, profile || ' ' || stretch) AS journey, coalesce(generation, 0) AS generation
        FROM selected LEFT JOIN named USING (profile, stretch)),
      held AS (SELECT * FROM told WHERE id NOT IN (SELECT retracts FROM retractions)) ${query}`;
    return this.sqlite.prepare(text).all({ since, until, nature }) as Row[];
  }

  #insert(table: string, row: Readonly<Record<string, string | number | null>>): void {
    const names = Object.keys(row);
    const text = `INSERT OR IGNORE INTO ${table} (${names.map((name) => `"${name}"`).join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
    let statement = this.#statements.get(table);
    if (statement === undefined) this.#statements.set(table, (statement = this.sqlite.prepare(text)));
    statement.run(...Object.values(row));
  }

  #forget: ReturnType<Book["sqlite"]["prepare"]> | null = null;
  readonly #statements = new Map<string, ReturnType<Book["sqlite"]["prepare"]>>();
}
