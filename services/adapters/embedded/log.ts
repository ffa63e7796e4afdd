// The records of the embedded log: one row each, numbered by (partition, offset) in a single integer key, so that a
// partition is a range of the table and an append goes to the end of it.

import type { Log, LogRecord, Position, TopicSpec } from "#ports/log.ts";
import { LogError, partitionKey } from "#ports/log.ts";
import type { Database } from "./database.ts";
import { openProcessLog } from "../local/process-log.ts";
import type { PlacedRecord, Records } from "../local/records.ts";

/** Offsets below 2^40 in a partition, partitions below 2^13 in a file: together the 53 bits of an exact number. */
const OFFSETS = 2 ** 40;
const PARTITIONS_MAX = 2 ** 13;

interface Topic {
  readonly spec: TopicSpec;
  /** Number of the topic's partition 0 in the file. */
  readonly base: number;
  /** Next offset per partition, as committed. */
  readonly ends: number[];
}

export function openEmbeddedLog(database: Database, now: () => number): Log {
  return openProcessLog(openEmbeddedRecords(database), now);
}

function openEmbeddedRecords(database: Database): Records {
  const { sqlite } = database;
  const insertTopic = sqlite.prepare("INSERT INTO topics VALUES (?, ?, ?, ?)");
  const insertRecord = sqlite.prepare("INSERT INTO records VALUES (?, ?, ?, ?, ?)");
  const selectRecords = sqlite.prepare("SELECT * FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?");
  const selectLast = sqlite.prepare("SELECT max(id) AS id FROM records WHERE id >= ? AND id < ?");
  const upsertPosition = sqlite.prepare(
    `INSERT INTO positions VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "offset" = excluded."offset", step = excluded.step`,
  );
  const selectPosition = sqlite.prepare(
    `SELECT "offset", step FROM positions WHERE groupName = ? AND topic = ? AND partition = ?`,
  );
  const selectEpoch = sqlite.prepare("SELECT epoch FROM epochs WHERE groupName = ? AND slot = ?");
  const raiseEpoch = sqlite.prepare(
    "INSERT INTO epochs VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
  );
  const topics = new Map<string, Topic>();
  for (const row of sqlite.prepare("SELECT * FROM topics").all()) {
    const spec = { name: String(row["name"]), partitions: Number(row["partitions"]), config: parse(row["config"]) };
    const base = Number(row["base"]);
    topics.set(spec.name, { spec, base, ends: Array.from({ length: spec.partitions }, (_, p) => findEnd(base + p)) });
  }

  function findEnd(partition: number): number {
    const last = selectLast.get(partition * OFFSETS, (partition + 1) * OFFSETS)?.["id"];
    return typeof last === "number" ? (last % OFFSETS) + 1 : 0;
  }

  function topicOf(name: string): Topic {
    const topic = topics.get(name);
    if (topic === undefined) throw new Error(`no topic ${name}`);
    return topic;
  }

  function insert(record: PlacedRecord, ends: Map<string, number>): void {
    const topic = topicOf(record.topic);
    const key = partitionKey(record);
    const offset = ends.get(key) ?? topic.ends[record.partition] ?? 0;
    const id = (topic.base + record.partition) * OFFSETS + offset;
    const headers = Object.keys(record.headers).length === 0 ? null : JSON.stringify(record.headers);
    insertRecord.run(id, record.timestampMs, record.key, record.value, headers);
    ends.set(key, offset + 1);
  }

  return {
    topic: (name) => topics.get(name)?.spec,
    topics: () => [...topics.keys()],
    createTopic(spec) {
      let base = 0;
      for (const topic of topics.values()) base = Math.max(base, topic.base + topic.spec.partitions);
      if (base + spec.partitions > PARTITIONS_MAX)
        throw new LogError("log-unavailable", "too many partitions in one file");
      guard(() => insertTopic.run(spec.name, spec.partitions, JSON.stringify(spec.config), base));
      topics.set(spec.name, { spec, base, ends: Array.from({ length: spec.partitions }, () => 0) });
    },
    write(records, move) {
      const ends = new Map<string, number>();
      const outcome = guard(() =>
        database.transact(() => {
          if (move !== null) {
            if (selectEpoch.get(move.group, move.slot)?.["epoch"] !== move.epoch) return "fenced";
            for (const [key, { offset, step }] of move.positions) {
              const slash = key.lastIndexOf("/");
              upsertPosition.run(move.group, key.slice(0, slash), Number(key.slice(slash + 1)), offset, step);
            }
          }
          for (const record of records) insert(record, ends);
          return "written";
        }),
      );
      // Only now: a transaction that failed has not moved the ends.
      if (outcome === "written") {
        for (const record of records) {
          topicOf(record.topic).ends[record.partition] = ends.get(partitionKey(record)) ?? 0;
        }
      }
      return outcome;
    },
    endOffset: (topic, partition) => topicOf(topic).ends[partition] ?? 0,
    read(topic, partition, from, max) {
      const { base } = topicOf(topic);
      const first = (base + partition) * OFFSETS;
      return selectRecords.all(first + from, first + OFFSETS, max).map(
        (row): LogRecord => ({
          topic,
          partition,
          offset: Number(row["id"]) - first,
          timestampMs: Number(row["timestampMs"]),
          key: typeof row["key"] === "string" ? row["key"] : null,
          value: row["value"] instanceof Uint8Array ? row["value"] : null,
          headers: parse(row["headers"]),
        }),
      );
    },
    positions(group, partitions) {
      const found = new Map<string, Position>();
      for (const at of partitions) {
        const row = selectPosition.get(group, at.topic, at.partition);
        if (row !== undefined)
          found.set(partitionKey(at), { offset: Number(row["offset"]), step: Number(row["step"]) });
      }
      return found;
    },
    raiseEpoch: (group, slot) => guard(() => Number(raiseEpoch.get(group, slot)?.["epoch"])),
  };
}

/** What goes wrong in the file (full disk, I/O error) has written nothing. */
function guard<Result>(body: () => Result): Result {
  try {
    return body();
  } catch (error) {
    if (error instanceof Error && "errcode" in error)
      throw new LogError("log-unavailable", error.message, { cause: error });
    throw error;
  }
}

function parse(json: unknown): Record<string, string> {
  return typeof json === "string" ? JSON.parse(json) : {};
}
