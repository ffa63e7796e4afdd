// The log as a process reads it outside of any group: what is committed, from where it is told to the end.

import type { Log, LogRecord } from "#ports/log.ts";
import type { Incarnation } from "./incarnation.ts";
import type { WorkerGround } from "./worker.ts";
import { send } from "./world.ts";

export function openReading({ world, kit, broker }: WorkerGround, life: Incarnation): Pick<Log, "read" | "endOffsets"> {
  const ask = <T>(name: string, effect: () => T): Promise<T> =>
    send(world, life, {
      name,
      refused: "log-refused",
      lost: "log-lost",
      effect,
      error: (why) => new kit.system.LogError("log-unavailable", why),
    });
  return {
    async *read(topics, { from, awaitsOpen = false }): AsyncIterable<LogRecord> {
      for (const topic of topics)
        for (const partition of broker.partitionsOf(topic)) {
          const { key } = partition;
          const start = from instanceof Map ? ((from as ReadonlyMap<string, number>).get(key) ?? 0) : 0;
          const end = await ask(`end of ${key}`, () => (awaitsOpen ? partition.entries.length : partition.end));
          while (partition.end < end) await ask(`wait for ${key}`, () => {});
          const { records } = await ask(`read ${key}`, () => partition.read(start, Number.POSITIVE_INFINITY));
          yield* records.filter(({ offset }) => offset < end);
        }
    },
    endOffsets: (topics) =>
      ask(`ends of ${topics.join()}`, () => {
        const partitions = topics.flatMap((topic) => broker.partitionsOf(topic));
        return new Map(partitions.map(({ key, end }) => [key, end]));
      }),
  };
}
