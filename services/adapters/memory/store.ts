// The store in plain maps. Every method does its whole work before it returns, so a commit is one step.

import type { NewRecord, Position } from "#ports/log.ts";
import type { OutboxEntry, Store, Timer } from "#ports/store.ts";
import type { Timeline } from "./timeline.ts";
import { openTimeline } from "./timeline.ts";

interface Shard {
  epoch: number;
  until: number;
  position: Position;
  outbox: OutboxEntry[];
  parts: Map<string, Uint8Array>;
  timers: Readonly<Record<Timer["queue"], Timeline>>;
}

export interface MemoryStore extends Store {
  /** How many parts the shard has. */
  countParts(shard: number): Promise<number>;
}

const START: Position = { offset: 0, step: 0 };

export function openMemoryStore(): MemoryStore {
  const shards = new Map<number, Shard>();

  function shardOf(number: number): Shard {
    let shard = shards.get(number);
    if (shard === undefined) {
      const timers = { time: openTimeline(), completeness: openTimeline() };
      shard = { epoch: 0, until: 0, position: START, outbox: [], parts: new Map(), timers };
      shards.set(number, shard);
    }
    return shard;
  }

  return {
    async raiseEpochs(wanted) {
      return new Map(wanted.map((number) => [number, ++shardOf(number).epoch]));
    },
    async readHead(number) {
      const { position, outbox } = shardOf(number);
      return { position, outbox: [...outbox], damage: null };
    },
    async scrub() {
      return { next: "0", lost: null };
    },
    async hasLost() {
      return false;
    },
    async standing(number) {
      const { epoch, position, until } = shardOf(number);
      return { epoch, position, until };
    },
    async survey(number, keys) {
      const { epoch, position, until, parts } = shardOf(number);
      return { standing: { epoch, position, until }, values: keys.map((key) => parts.get(key) ?? null) };
    },
    async awaitPosition(number, epoch, until) {
      const shard = shardOf(number);
      if (shard.epoch !== epoch) return "fenced";
      shard.until = until;
      return "told";
    },
    async clear(number, epoch) {
      const shard = shardOf(number);
      if (shard.epoch !== epoch) return "fenced";
      const timers = { time: openTimeline(), completeness: openTimeline() };
      Object.assign(shard, { position: START, until: Number.MAX_SAFE_INTEGER, outbox: [], parts: new Map(), timers });
      return "cleared";
    },
    async load(number, keys) {
      const { parts } = shardOf(number);
      return keys.map((key) => parts.get(key) ?? null);
    },
    async dueTimers(number, queue, upToMs, max) {
      return shardOf(number)
        .timers[queue].due(upToMs, max)
        .map(({ atMs, ref }) => ({ queue, atMs, ref }));
    },
    async commit(commit) {
      const shard = shardOf(commit.shard);
      checkPublications(commit);
      if (shard.epoch !== commit.epoch) return "fenced";
      if (comparePositions(shard.position, commit.from) !== 0) return "moved";
      for (const key of commit.absent) if (shard.parts.has(key)) return "damaged";
      for (const [key, value] of commit.parts) {
        // The bytes belong to the caller, who may go on to use their buffer for something else.
        if (value === null) shard.parts.delete(key);
        else shard.parts.set(key, new Uint8Array(value));
      }
      for (const timer of commit.timersRemoved) shard.timers[timer.queue].remove(timer.ref);
      for (const timer of commit.timersAdded) shard.timers[timer.queue].add(timer.atMs, timer.ref);
      if (commit.outbox.length > 0) shard.outbox.push({ to: commit.to, records: commit.outbox.map(copyRecord) });
      shard.outbox = shard.outbox.filter((entry) => comparePositions(entry.to, commit.published) > 0);
      shard.position = commit.to;
      return "committed";
    },
    async *scan(number, prefix) {
      for (const [key, value] of Array.from(shardOf(number).parts)) if (key.startsWith(prefix)) yield { key, value };
    },
    async countParts(number) {
      return shardOf(number).parts.size;
    },
    async close() {},
  };
}

/** Outbox entries are told apart by `to`, so a step with publications has to move. */
function checkPublications(commit: { from: Position; to: Position; outbox: readonly NewRecord[] }): void {
  const order = comparePositions(commit.to, commit.from);
  if (order < 0 || (order === 0 && commit.outbox.length > 0)) throw new RangeError("a commit must move forwards");
}

function comparePositions(a: Position, b: Position): number {
  return a.offset - b.offset || a.step - b.step;
}

function copyRecord(record: NewRecord): NewRecord {
  return { ...record, value: record.value === null ? null : new Uint8Array(record.value) };
}
