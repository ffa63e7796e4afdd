// One owned slot over the records of this process: cursors, waiting, and publications under the slot's epoch.

import type {
  GroupOptions,
  LogRecord,
  NewRecord,
  OwnedSlot,
  Polled,
  Position,
  Reach,
  TopicPartition,
} from "#ports/log.ts";
import { LogError, partitionKey } from "#ports/log.ts";
import type { Bell } from "./bell.ts";
import type { PlacedRecord, Records } from "./records.ts";

const READ: Reach = { readUpToMs: Number.POSITIVE_INFINITY, rest: "none" };
const WAITING: Reach = { readUpToMs: Number.NEGATIVE_INFINITY, rest: "waiting" };

export interface SlotGround {
  readonly records: Records;
  readonly bell: Bell;
  readonly closed: AbortSignal;
  place(records: readonly NewRecord[]): PlacedRecord[];
}

export function openSlot(ground: SlotGround, slot: number, options: GroupOptions, revoked: AbortSignal): OwnedSlot {
  const { records, bell } = ground;
  const partitions = listPartitions(records, options, slot);
  const topics = new Set(options.topics);
  const over = AbortSignal.any([revoked, ground.closed]);
  const cursors = new Map<string, number>();
  for (const [key, { offset }] of positionsOf(records, options.group, partitions)) cursors.set(key, offset);
  let epoch: number | null = null;
  let turn = 0;

  /** Takes turns between the partitions, so that a full one does not starve the others. */
  function take(recordsMax: number): LogRecord[] {
    const taken: LogRecord[] = [];
    const first = turn++;
    for (let step = 0; step < partitions.length && taken.length < recordsMax; step++) {
      const at = partitions[(first + step) % partitions.length];
      if (at === undefined) continue;
      const key = partitionKey(at);
      const found = records.read(at.topic, at.partition, cursors.get(key) ?? 0, recordsMax - taken.length);
      const last = found.at(-1);
      if (last === undefined) continue;
      cursors.set(key, last.offset + 1);
      for (const record of found) taken.push(record);
    }
    return taken;
  }

  function tell(taken: LogRecord[]): Polled {
    const reach = new Map<string, Reach>();
    for (const at of partitions) {
      const key = partitionKey(at);
      reach.set(key, (cursors.get(key) ?? 0) >= records.endOffset(at.topic, at.partition) ? READ : WAITING);
    }
    return { records: taken, reach };
  }

  return {
    slot,
    partitions,
    revoked,
    async takeOver() {
      epoch = records.raiseEpoch(options.group, slot);
    },
    async positions() {
      return positionsOf(records, options.group, partitions);
    },
    seek(positions) {
      for (const [key, { offset }] of positions) {
        if (!cursors.has(key)) throw new Error(`${key} does not belong to slot ${slot} of ${options.group}`);
        cursors.set(key, offset);
      }
    },
    async poll(recordsMax, waitMs) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        if (over.aborted) return { records: [], reach: new Map() };
        const taken = take(recordsMax);
        const leftMs = deadline - performance.now();
        if (taken.length > 0 || leftMs <= 0) return tell(taken);
        await bell.wait(topics, over, leftMs);
      }
    },
    async publish(published, positions, isSound) {
      if (epoch === null) throw new Error(`slot ${slot} of ${options.group} publishes before it was taken over`);
      if (ground.closed.aborted) throw new LogError("log-unavailable", "the log is closed");
      for (const key of positions.keys()) {
        if (!cursors.has(key)) throw new Error(`${key} does not belong to slot ${slot} of ${options.group}`);
      }
      if (isSound !== undefined && !(await isSound()))
        throw new LogError("log-unavailable", "what is to be published does not hold any more");
      const placed = ground.place(published);
      if (records.write(placed, { group: options.group, slot, epoch, positions }) === "fenced") {
        throw new LogError("log-fenced", `slot ${slot} of ${options.group} has another owner`);
      }
      bell.ring(new Set(placed.map((record) => record.topic)));
    },
  };
}

function positionsOf(records: Records, group: string, partitions: readonly TopicPartition[]): Map<string, Position> {
  const moved = records.positions(group, partitions);
  return new Map(partitions.map((at) => [partitionKey(at), moved.get(partitionKey(at)) ?? { offset: 0, step: 0 }]));
}

function listPartitions(records: Records, options: GroupOptions, slot: number): TopicPartition[] {
  const partitions: TopicPartition[] = [];
  for (const topic of options.topics) {
    const count = records.topic(topic)?.partitions ?? 0;
    for (let partition = 0; partition < count; partition++) {
      if (options.slotOf(partition) === slot) partitions.push({ topic, partition });
    }
  }
  return partitions;
}
