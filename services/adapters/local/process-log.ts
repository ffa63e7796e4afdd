// The log of one process: topics, groups and readers over a synchronous `Records`.
//
// This folder is what the logs and groups of one process (memory, embedded) share. It is not an outside thing itself:
// only those two adapters import it, and each brings the place that keeps the records.

import type { GroupOptions, Log, LogRecord, NewRecord, ReadFrom, TopicPartition, TopicSpec } from "#ports/log.ts";
import { LogError, partitionKey } from "#ports/log.ts";
import { openBell } from "./bell.ts";
import type { Group } from "./group.ts";
import { openGroup } from "./group.ts";
import { partitionOfKey } from "./partitioner.ts";
import type { PlacedRecord, Records } from "./records.ts";
import { openSlot } from "./slot.ts";

const READ_CHUNK_RECORDS = 500;

export function openProcessLog(records: Records, now: () => number): Log {
  const bell = openBell();
  const groups = new Map<string, Group>();
  const closing = new AbortController();
  const turns = new Map<string, number>();

  function place(wanted: readonly NewRecord[]): PlacedRecord[] {
    return wanted.map((record) => {
      const partitions = topicOf(record.topic).partitions;
      const partition = record.partition ?? choosePartition(record, partitions);
      if (!(partition >= 0 && partition < partitions)) {
        throw new LogError("log-unavailable", `topic ${record.topic} has no partition ${partition}`);
      }
      const { topic, key, value } = record;
      return { topic, partition, key, value, headers: record.headers ?? {}, timestampMs: record.timestampMs ?? now() };
    });
  }

  function choosePartition(record: NewRecord, partitions: number): number {
    if (record.key !== null) return partitionOfKey(record.key, partitions);
    const turn = turns.get(record.topic) ?? 0;
    turns.set(record.topic, turn + 1);
    return turn % partitions;
  }

  function topicOf(name: string): TopicSpec {
    const topic = records.topic(name);
    if (topic === undefined) throw new LogError("log-unavailable", `topic ${name} does not exist`);
    return topic;
  }

  function checkOpen(): void {
    if (closing.signal.aborted) throw new LogError("log-unavailable", "the log is closed");
  }

  async function* readFrom(
    cursors: readonly Cursor[],
    topics: readonly string[],
    options: { readonly follow: boolean; readonly signal?: AbortSignal },
  ): AsyncGenerator<LogRecord> {
    const over = options.signal === undefined ? closing.signal : AbortSignal.any([options.signal, closing.signal]);
    const watched = new Set(topics);
    while (!over.aborted) {
      let moved = false;
      for (const cursor of cursors) {
        const max = Math.min(READ_CHUNK_RECORDS, cursor.end - cursor.offset);
        for (const record of max > 0 ? records.read(cursor.topic, cursor.partition, cursor.offset, max) : []) {
          if (over.aborted) return;
          moved = true;
          cursor.offset = record.offset + 1;
          yield record;
        }
      }
      if (moved) continue;
      if (!options.follow) return;
      await bell.wait(watched, over);
    }
  }

  return {
    async createTopics(specs) {
      checkOpen();
      for (const spec of specs) {
        const present = records.topic(spec.name);
        if (present !== undefined) checkAlike(present, spec);
      }
      for (const spec of specs) if (records.topic(spec.name) === undefined) records.createTopic(spec);
    },
    async listTopics() {
      checkOpen();
      return records.topics();
    },
    async findUnsafeTopics() {
      return [];
    },
    async append(wanted) {
      checkOpen();
      const placed = place(wanted);
      records.write(placed, null);
      bell.ring(new Set(placed.map((record) => record.topic)));
    },
    async joinGroup(options: GroupOptions) {
      checkOpen();
      for (const topic of options.topics) topicOf(topic);
      let group = groups.get(options.group);
      if (group === undefined) {
        const ground = { records, bell, closed: closing.signal, place };
        group = openGroup(options.slots, (slot, of, revoked) => openSlot(ground, slot, of, revoked));
        groups.set(options.group, group);
      }
      return group.join(options);
    },
    // Not itself a generator: "start", "end" and the present end are those of the call, not of the first record taken.
    read(topics, options) {
      checkOpen();
      const cursors = topics.flatMap((topic) =>
        Array.from({ length: topicOf(topic).partitions }, (_, partition): Cursor => {
          const end = records.endOffset(topic, partition);
          const offset = startOf(options.from, { topic, partition }, end);
          return { topic, partition, offset, end: options.follow ? Number.POSITIVE_INFINITY : end };
        }),
      );
      return readFrom(cursors, topics, options);
    },
    async endOffsets(topics) {
      checkOpen();
      return new Map(
        topics.flatMap((topic) =>
          Array.from({ length: topicOf(topic).partitions }, (_, partition): [string, number] => {
            return [partitionKey({ topic, partition }), records.endOffset(topic, partition)];
          }),
        ),
      );
    },
    async groupOffsets(group, topics) {
      checkOpen();
      const all = topics.flatMap((topic) =>
        Array.from({ length: topicOf(topic).partitions }, (_, partition) => ({ topic, partition })),
      );
      return new Map([...records.positions(group, all)].map(([key, { offset }]) => [key, offset]));
    },
    async close() {
      closing.abort();
      await Promise.all([...groups.values()].map((group) => group.close()));
    },
  };
}

function startOf(from: ReadFrom, at: TopicPartition, end: number): number {
  if (typeof from === "string") return from === "end" ? end : 0;
  return from.get(partitionKey(at)) ?? 0;
}

interface Cursor {
  readonly topic: string;
  readonly partition: number;
  offset: number;
  readonly end: number;
}

function checkAlike(present: TopicSpec, wanted: TopicSpec): void {
  const policy = (spec: TopicSpec) => spec.config["cleanup.policy"] ?? "delete";
  if (present.partitions === wanted.partitions && policy(present) === policy(wanted)) return;
  throw new LogError(
    "log-unavailable",
    `topic ${wanted.name} has ${present.partitions} partitions and policy ${policy(present)}, ` +
      `not ${wanted.partitions} and ${policy(wanted)}`,
  );
}
