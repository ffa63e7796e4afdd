// What of an erased person is left in the file of passages: rows of nobody, so that what was counted stays (G1). Her ids give
// way to drawn ones, the same of one id, which keeps a way one; instants to days and how many minutes lie between; where in the
// log it was told, which event and rule, and her value tier go. Of an id it is kept that it is forgotten, and up to which number
// it was counted: a topic that is told again brings nothing back.

import { randomBytes } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { ProfileErased } from "#core/effect.ts";
import { isUpTo, type Told } from "./place.ts";

/** place: the number up to which it was counted; -1: it is to be forgotten for the first time. */
export const ERASED_TABLE = `
CREATE TABLE IF NOT EXISTS erased (
  profile TEXT PRIMARY KEY, request TEXT NOT NULL, at INTEGER NOT NULL, shard INTEGER, "offset" INTEGER, step INTEGER,
  place INTEGER NOT NULL, isPending INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS erasedPending ON erased (request) WHERE isPending;`;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** As the topic of erasures tells it, under each id that was hers. */
export type ToldErasure = Pick<ProfileErased, "profileId" | "requestId"> & Told;

/** Told again, it is the same. */
export function noteErasure(sqlite: DatabaseSync, told: ToldErasure): void {
  const { profileId, requestId, at, shard = null, offset = null, step = null } = told;
  sqlite
    .prepare(
      `INSERT INTO erased VALUES (?, ?, ?, ?, ?, ?, -1, 1) ON CONFLICT (profile) DO UPDATE SET
       request = excluded.request, at = excluded.at, shard = excluded.shard, "offset" = excluded."offset",
       step = excluded.step, isPending = 1 WHERE excluded.at > erased.at`,
    )
    .run(profileId, requestId, at, shard, offset, step);
}

interface Named {
  readonly name: "passages" | "retractions" | "aliases";
  readonly id: string;
  readonly profile: string;
  readonly old: string | null;
  readonly at: number;
  readonly place: number | null;
}

/** Of one request, in their order. */
const HERS = `
  WITH pending AS (SELECT * FROM erased WHERE isPending AND request = :request)
  SELECT * FROM (SELECT 'passages' AS name, id, profile, NULL AS old, passages.at, passages."offset", passages.step, passages.place
  FROM passages JOIN pending USING (profile) WHERE ${isUpTo("passages", "pending")}
  UNION SELECT 'retractions', id, profile, NULL, retractions.at, retractions."offset", retractions.step, retractions.place
  FROM retractions JOIN pending USING (profile) WHERE ${isUpTo("retractions", "pending")}
  UNION SELECT 'aliases', id, profile, old, aliases.at, aliases."offset", aliases.step, NULL
  FROM aliases JOIN pending USING (profile) WHERE ${isUpTo("aliases", "pending")}
  UNION SELECT 'aliases', id, aliases.profile, old, aliases.at, aliases."offset", aliases.step, NULL
  FROM aliases JOIN pending ON pending.profile = old WHERE ${isUpTo("aliases", "pending")}
  ) ORDER BY at, "offset", step, name = 'aliases'`;

const FORGET = {
  passages: `UPDATE passages SET id = :to, profile = :name, source = NULL, eventId = NULL, rule = NULL, ruleVersion = '',
    valueTier = NULL, at = :at, formerMs = formerMs / ${MINUTE_MS} * ${MINUTE_MS}, shard = -1, "offset" = :rank, step = 0
    WHERE id = :id`,
  retractions: `UPDATE retractions SET id = :to, profile = :name, at = :at, shard = -1, "offset" = :rank, step = 0 WHERE id = :id`,
};

/** Requests with something to forget. */
export function listRequests(sqlite: DatabaseSync): string[] {
  const requests = sqlite.prepare("SELECT DISTINCT request FROM erased WHERE isPending").all();
  return requests.map(({ request }) => String(request));
}

/** Within a transaction, once what was published before is read: what it tells of may come in any order. */
export function forgetRequest(sqlite: DatabaseSync, request: string): void {
  const profiles = sqlite.prepare("SELECT profile FROM erased WHERE isPending AND request = ?").all(request);
  const names = new Map(profiles.map(({ profile }) => [String(profile), randomBytes(16).toString("base64url")]));
  const rows = sqlite.prepare(HERS).all({ request }) as unknown as Named[];
  const shiftMs = (rows[0]?.at ?? 0) % DAY_MS;
  for (const [rank, row] of rows.entries()) {
    const at = Math.floor((row.at - shiftMs) / MINUTE_MS) * MINUTE_MS;
    if (row.name === "aliases") forgetAlias(sqlite, names, row, { at, rank });
    else forgetMove(sqlite, names.get(row.profile) ?? "", row, { at, rank });
  }
  sqlite.prepare("UPDATE erased SET request = '', isPending = 0 WHERE isPending AND request = ?").run(request);
}

interface Anew {
  readonly at: number;
  readonly rank: number;
}

function forgetMove(sqlite: DatabaseSync, name: string, { name: table, id, profile, place }: Named, anew: Anew): void {
  const to = `${name}.${place}`;
  sqlite.prepare(FORGET[table as keyof typeof FORGET]).run({ id, to, name, ...anew });
  for (const part of ["decisive", "touches", "credits"])
    sqlite.prepare(`UPDATE ${part} SET id = ? WHERE id = ?`).run(to, id);
  sqlite.prepare("UPDATE retractions SET retracts = ? WHERE retracts = ?").run(to, id);
  sqlite.prepare("UPDATE erased SET place = max(place, ?) WHERE profile = ?").run(place, profile);
}

/** One that leads to, or from, whoever lives would tell who it was. */
function forgetAlias(sqlite: DatabaseSync, names: ReadonlyMap<string, string>, row: Named, { at, rank }: Anew): void {
  const [name, old] = [names.get(row.profile), names.get(row.old ?? "")];
  if (name === undefined || old === undefined) {
    sqlite.prepare("DELETE FROM aliases WHERE id = ?").run(row.id);
    return;
  }
  sqlite
    .prepare(`UPDATE aliases SET id = ?, profile = ?, old = ?, at = ?, shard = -1, "offset" = ?, step = 0 WHERE id = ?`)
    .run(`${name}.i${rank}`, name, old, at, rank, row.id);
}
