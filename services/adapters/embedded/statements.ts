// The statements of the embedded store, prepared once.

import type { DatabaseSync } from "node:sqlite";

export function openStatements(sqlite: DatabaseSync) {
  const prepare = (sql: string) => sqlite.prepare(sql);
  return {
    selectShard: prepare(`SELECT epoch, "offset", step, until FROM shards WHERE shard = ?`),
    raiseEpoch: prepare(
      "INSERT INTO shards VALUES (?, 1, 0, 0, 0) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
    ),
    awaitPosition: prepare("UPDATE shards SET until = ? WHERE shard = ?"),
    clearParts: prepare("DELETE FROM parts WHERE shard = ?"),
    clearTimers: prepare("DELETE FROM timers WHERE shard = ?"),
    clearOutbox: prepare("DELETE FROM outbox WHERE shard = ?"),
    moveShard: prepare(`UPDATE shards SET "offset" = ?, step = ? WHERE shard = ?`),
    selectPart: prepare("SELECT value FROM parts WHERE shard = ? AND key = ?"),
    upsertPart: prepare("INSERT INTO parts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"),
    deletePart: prepare("DELETE FROM parts WHERE shard = ? AND key = ?"),
    countParts: prepare("SELECT count(*) AS count FROM parts WHERE shard = ?"),
    selectPartsFrom: prepare("SELECT key, value FROM parts WHERE shard = ? AND key >= ? ORDER BY key LIMIT ?"),
    selectPartsAfter: prepare("SELECT key, value FROM parts WHERE shard = ? AND key > ? ORDER BY key LIMIT ?"),
    upsertTimer: prepare("INSERT INTO timers VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET atMs = excluded.atMs"),
    deleteTimer: prepare("DELETE FROM timers WHERE shard = ? AND queue = ? AND ref = ?"),
    selectDue: prepare(
      "SELECT atMs, ref FROM timers WHERE shard = ? AND queue = ? AND atMs <= ? ORDER BY atMs, ref LIMIT ?",
    ),
    insertOutbox: prepare("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    selectOutbox: prepare(`SELECT * FROM outbox WHERE shard = ? ORDER BY "offset", step, place`),
    trimOutbox: prepare(`DELETE FROM outbox WHERE shard = ? AND ("offset", step) <= (?, ?)`),
  };
}
