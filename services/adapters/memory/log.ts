// The log in plain arrays: for tests, simulation and `fold`. Its time is injected; it forgets everything at the end.

import type { Log, LogRecord, Position, TopicSpec } from "#ports/log.ts";
import { partitionKey } from "#ports/log.ts";
import { openProcessLog } from "../local/process-log.ts";
import type { PlacedRecord, Records } from "../local/records.ts";

export function openMemoryLog(options: { readonly now?: () => number } = {}): Log {
  return openProcessLog(openMemoryRecords(), options.now ?? Date.now);
}

function openMemoryRecords(): Records {
  const topics = new Map<string, { readonly spec: TopicSpec; readonly partitions: LogRecord[][] }>();
  const groups = new Map<string, { positions: Map<string, Position>; epochs: Map<number, number> }>();

  function partitionOf(topic: string, partition: number): LogRecord[] {
    const records = topics.get(topic)?.partitions[partition];
    if (records === undefined) throw new Error(`no partition ${topic}/${partition}`);
    return records;
  }

  function groupOf(name: string) {
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = { positions: new Map(), epochs: new Map() }));
    return group;
  }

  function keep(record: PlacedRecord): void {
    const kept = partitionOf(record.topic, record.partition);
    const value = record.value === null ? null : new Uint8Array(record.value);
    kept.push({ ...record, value, headers: { ...record.headers }, offset: kept.length });
  }

  return {
    topic: (name) => topics.get(name)?.spec,
    topics: () => [...topics.keys()],
    createTopic(spec) {
      topics.set(spec.name, { spec, partitions: Array.from({ length: spec.partitions }, () => []) });
    },
    write(records, move) {
      if (move !== null) {
        const group = groupOf(move.group);
        if (group.epochs.get(move.slot) !== move.epoch) return "fenced";
        for (const [key, position] of move.positions) group.positions.set(key, position);
      }
      for (const record of records) keep(record);
      return "written";
    },
    endOffset: (topic, partition) => partitionOf(topic, partition).length,
    read: (topic, partition, from, max) => partitionOf(topic, partition).slice(from, from + max),
    positions(group, partitions) {
      const known = groupOf(group).positions;
      return new Map(
        partitions.flatMap((at): [string, Position][] => {
          const position = known.get(partitionKey(at));
          return position === undefined ? [] : [[partitionKey(at), position]];
        }),
      );
    },
    raiseEpoch(group, slot) {
      const { epochs } = groupOf(group);
      const epoch = (epochs.get(slot) ?? 0) + 1;
      epochs.set(slot, epoch);
      return epoch;
    },
  };
}
