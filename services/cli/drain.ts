// Knows when the engine is done with what it was given: everything appended has been resolved, folded and published, in
// however many hops between homes, and time has passed everywhere. For clocks that the caller moves.
//
// The clock is the marker: a tick of an instant says that its slot had read everything appended before the clock was
// set to it. A round: move the clock, wait for its tick from every slot in every shard, then until the store is beyond
// those ticks with nothing left to publish. If the next round brings nothing but ticks, nobody had anything to say.
// It wakes with the records of the inner log, so it neither polls nor sleeps.

import type { Codec } from "#ports/codec.ts";
import type { Log, LogRecord } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import { BLIND } from "../wire/sealing.ts";
import { readBundle, type BundleValue } from "#services/wire/bundle.ts";

export interface DrainOptions {
  readonly log: Log;
  readonly codec: Codec;
  readonly store: Store;
  readonly resolvedTopic: string;
  readonly shards: number;
  readonly resolverSlots: number;
  setClock(timeMs: number): void;
}

export interface Drain {
  /** Moves the clock to timeMs, or on from where it is by a few milliseconds, and resolves once all is quiet there. */
  until(timeMs: number): Promise<void>;
  close(): void;
}

interface ShardView {
  /** Offset of the last record that was more than a tick; -1: none. */
  busyOffset: number;
  /** By slot, the latest instant that it has ticked, and where. */
  readonly ticks: Map<number, { timeMs: number; offset: number }>;
}

export function openDrain({ log, codec, store, resolvedTopic, shards, resolverSlots, setClock }: DrainOptions): Drain {
  const closing = new AbortController();
  const views = Array.from({ length: shards }, (): ShardView => ({ busyOffset: -1, ticks: new Map() }));
  let clockMs = Number.NEGATIVE_INFINITY;
  let next = Promise.withResolvers<void>();
  const following = follow();
  following.catch(() => {});

  async function follow(): Promise<void> {
    const records = log.read([resolvedTopic], { from: "start", follow: true, signal: closing.signal });
    for await (const record of records) {
      await codec.prepare([record.value]);
      note(record);
      next.resolve();
      next = Promise.withResolvers();
    }
  }

  function note({ partition, offset, value }: LogRecord): void {
    const view = views[partition];
    const decoded = codec.decode(value);
    if (view === undefined || !decoded.ok) throw new Error(`${resolvedTopic}/${partition}@${offset} cannot be read`);
    for (const { item } of readBundle(decoded.value as BundleValue, BLIND)) {
      if (item.kind !== "progress") view.busyOffset = offset;
      else if (item.timeMs > (view.ticks.get(item.slot)?.timeMs ?? -1))
        view.ticks.set(item.slot, { timeMs: item.timeMs, offset });
    }
  }

  async function waitFor<Result>(look: () => Promise<Result | null>): Promise<Result> {
    for (;;) {
      const woken = next.promise;
      const seen = await look();
      if (seen !== null) return seen;
      await Promise.race([woken, following]);
      closing.signal.throwIfAborted();
    }
  }

  /** Where in each shard every slot has ticked the instant, or null. */
  async function findTicks(timeMs: number): Promise<number[] | null> {
    const ticked = views.every(
      ({ ticks }) => ticks.size === resolverSlots && [...ticks.values()].every((tick) => tick.timeMs >= timeMs),
    );
    return ticked ? views.map(({ ticks }) => Math.max(...[...ticks.values()].map(({ offset }) => offset))) : null;
  }

  /** Where the store stands, once it is beyond the ticks and has nothing left to publish; null before. */
  async function findRest(ticks: readonly number[]): Promise<number[] | null> {
    const heads = await Promise.all(views.map((_, shard) => store.readHead(shard)));
    const rests = heads.every((head, shard) => head.outbox.length === 0 && head.position.offset > (ticks[shard] ?? 0));
    return rests ? heads.map((head) => head.position.offset) : null;
  }

  return {
    async until(timeMs) {
      for (let folded: readonly number[] | null = null; ; ) {
        // Never the same instant again: its ticks were there before what may have been appended since.
        clockMs = Math.max(timeMs, clockMs + 1);
        setClock(clockMs);
        const ticks = await waitFor(() => findTicks(clockMs));
        const before = folded;
        if (before !== null && views.every(({ busyOffset }, shard) => busyOffset < (before[shard] ?? 0))) return;
        folded = await waitFor(() => findRest(ticks));
      }
    },
    close: () => closing.abort(),
  };
}
