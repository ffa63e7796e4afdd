// Passages as they happen: a row a transition, marked when it is retracted, with its touches and credit. Every report is
// a query over it, so a retraction takes back exactly what it cancels, whatever was counted from it. Of whoever is erased the
// passages stay, as those of nobody (G1; forgetting.ts).

import { setImmediate } from "node:timers/promises";
import type { ChannelCredit } from "#core/credit.ts";
import type { IdentityChanged, KeptMove, SegmentTransition } from "#core/effect.ts";
import { placeOfTransition } from "#core/transition-id.ts";
import { Book } from "./book.ts";
import { ERASED_TABLE, forgetRequest, listRequests, noteErasure, type ToldErasure } from "./forgetting.ts";
import { isUpTo, type Told } from "./place.ts";

/** That somebody was erased is told on topics that keep 30 days: a day less. */
const AWAY_MAX_MS = 29 * 86_400_000;
const FORMAT = 2;
const TABLES = `
CREATE TABLE IF NOT EXISTS passages (
  id TEXT PRIMARY KEY, profile TEXT NOT NULL, "from" TEXT, "to" TEXT, cause TEXT NOT NULL, nature TEXT NOT NULL,
  source TEXT, eventId TEXT, rule TEXT, ruleVersion TEXT NOT NULL,
  at INTEGER NOT NULL, day TEXT NOT NULL, formerMs INTEGER, valueTier TEXT, reachable TEXT NOT NULL,
  place INTEGER NOT NULL, shard INTEGER, "offset" INTEGER, step INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passagesByProfile ON passages (profile, place);
CREATE TABLE IF NOT EXISTS aliases (
  id TEXT PRIMARY KEY, profile TEXT NOT NULL, old TEXT NOT NULL,
  at INTEGER NOT NULL, shard INTEGER, "offset" INTEGER, step INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS aliasesByProfile ON aliases (profile);
CREATE INDEX IF NOT EXISTS aliasesByOld ON aliases (old);
CREATE TABLE IF NOT EXISTS retractions (
  id TEXT PRIMARY KEY, profile TEXT NOT NULL, retracts TEXT NOT NULL, cause TEXT NOT NULL,
  at INTEGER NOT NULL, place INTEGER NOT NULL, shard INTEGER, "offset" INTEGER, step INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS retractionsByProfile ON retractions (profile);
CREATE INDEX IF NOT EXISTS retractionsByPassage ON retractions (retracts);
CREATE TABLE IF NOT EXISTS decisive (id TEXT, path TEXT, PRIMARY KEY (id, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS touches (
  id TEXT, place INTEGER, channel TEXT NOT NULL, campaignId TEXT, medium TEXT, PRIMARY KEY (id, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credits (
  id TEXT, channel TEXT, touches INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  linear INTEGER NOT NULL, position INTEGER NOT NULL, timeDecay INTEGER NOT NULL, PRIMARY KEY (id, channel)
) WITHOUT ROWID;
${ERASED_TABLE}`;

/** Ids may follow each other in a circle. */
export const NAMES_MAX = 32;

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

/** A transition or retraction as its topic and the fold's file tell it. */
export interface ToldTransition extends KeptMove, Pick<SegmentTransition, "kind" | "retracts">, Told {
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
    const { kind, transitionId: id, retracts, cause, profileId: profile, at } = told;
    const { shard = null, offset = null, step = null } = told;
    const where = { place: placeOfTransition(id), shard, offset, step };
    if (this.#isForgotten(profile, where.place)) return;
    if (kind === "retraction") {
      this.#insert("retractions", { id, profile, retracts, cause, at, ...where });
      return;
    }
    const { from, to, nature, source, eventId, rule, ruleVersion, timeInFormerMs: formerMs, valueTier } = told;
    const reachable = told.reachable.join(" ");
    const day = new Date(at).toISOString().slice(0, 10);
    const why = { cause, nature, source, eventId, rule, ruleVersion };
    this.#insert("passages", { id, profile, from, to, ...why, at, day, formerMs, valueTier, reachable, ...where });
    for (const path of told.decisive) this.#insert("decisive", { id, path });
    for (const [n, { channel, campaignId, medium }] of told.touches.entries())
      this.#insert("touches", { id, place: n, channel, campaignId, medium });
    for (const { channel, touches, first, last, linear, position, timeDecay } of told.credit)
      this.#insert("credits", { id, channel, touches, first, last, linear, position, timeDecay });
  }

  /** What comes late of an id that was erased is forgotten too. */
  #isForgotten(profile: string, place: number): boolean {
    this.#findErased ??= this.sqlite.prepare("SELECT place, isPending FROM erased WHERE profile = ?");
    const erased = this.#findErased.get(profile);
    if (erased === undefined) return false;
    if (Number(erased["place"]) >= place) return true;
    if (erased["isPending"] === 0)
      this.sqlite.prepare("UPDATE erased SET isPending = 1 WHERE profile = ?").run(profile);
    return false;
  }

  /** A profile goes on under another id: one journey. To be called within a transaction. */
  addAlias(told: ToldIdentityChange): void {
    const { changeId: id, change, profileId, otherProfileId: old, at, shard = null, offset = null, step = null } = told;
    if (change !== "alias" || old === null) return;
    const forgotten = this.sqlite.prepare("SELECT 1 FROM erased WHERE profile IN (?, ?) AND at >= ? AND NOT isPending");
    if (forgotten.get(profileId, old, at) !== undefined) return;
    this.#insert("aliases", { id, profile: profileId, old, at, shard, offset, step });
  }

  /** To be called within a transaction. */
  addErasure(told: ToldErasure): void {
    noteErasure(this.sqlite, told);
  }

  /** Whoever was erased, once all that had been published when the reading began is read. Others have their turn in between. */
  async forget(): Promise<void> {
    const requests = listRequests(this.sqlite);
    for (const request of requests) {
      this.transact(() => forgetRequest(this.sqlite, request));
      await setImmediate();
    }
    if (requests.length > 0) this.shed();
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

  #findErased: ReturnType<Book["sqlite"]["prepare"]> | null = null;
  readonly #statements = new Map<string, ReturnType<Book["sqlite"]["prepare"]>>();
}
