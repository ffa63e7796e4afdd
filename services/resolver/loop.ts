// The loop of one resolver slot: channel records in, bundles for the shards and dead letters out, positions moved in the
// same transaction. It keeps no state but the index, which only grows, so a batch that was resolved twice says the same.
// Outages pause it; they never become dead letters.

import { setTimeout as delay } from "node:timers/promises";
import type { DeadLetterReason, LeftOut, Outcome } from "#core/acceptance.ts";
import type { ErasureRequest } from "#core/erasure.ts";
import { NO_HOLDS } from "#core/hold.ts";
import type { Registry } from "#core/registry.ts";
import { EVENT_BYTES_MAX, type ChannelEvent } from "#core/event.ts";
import type { Carried, RulesItem } from "#core/item.ts";
import type { Codec } from "#ports/codec.ts";
import {
  LogError,
  partitionKey,
  type LogRecord,
  type NewRecord,
  type OwnedSlot,
  type Position,
  type Reach,
} from "#ports/log.ts";
import { encodeBundles, type EncodeBundle, listSealed } from "../wire/bundle.ts";
import type { ComponentIndex } from "../wire/component-index.ts";
import type { IndexKeeper } from "../wire/index-keeper.ts";
import type { HoldLedger } from "../wire/hold-ledger.ts";
import type { PayloadKeys } from "../wire/payload-keys.ts";
import type { PrivacyLedger } from "../wire/privacy-ledger.ts";
import { Stalled, StallWatch } from "../wire/stall.ts";
import { patiently, type Waiting } from "../wire/patience.ts";
import { BACKFILL_HEADER } from "../wire/headers.ts";
import { createDeadLetter } from "./dead-letter.ts";
import { createProgress, interleaveProgress, placeChanges } from "./progress.ts";
import { readRecord, type RecordReading } from "./record.ts";
import { RecentEvents } from "./recent-events.ts";
import { NO_ERASURES, resolveBatch, type Arrival, type Resolution } from "./resolver.ts";

/** Records of one transaction. */
export const BATCH_RECORDS_MAX = 4000;
/** A transaction that is open for so long hangs. */
const HIDDEN_TOLD_AFTER_MS = 60_000;
/** Of a partition of which the log does not say. */
const UNKNOWN: Reach = { readUpToMs: Number.NEGATIVE_INFINITY, rest: "waiting" };

export interface ResolverServices extends RecordReading {
  readonly registry: Registry;
  readonly codec: Codec;
  readonly index: ComponentIndex;
  readonly keeper: Pick<IndexKeeper, "check" | "mark" | "expect" | "isStill">;
  /** Requests to forget somebody. Absent: there are none. */
  readonly privacy?: PrivacyLedger;
  /** What is said of people is sealed under these. Absent: it stands on the inner log in the clear. */
  readonly keys?: Pick<PayloadKeys, "toSeal" | "confirm">;
  /** When sources are held back. Absent: none ever is. */
  readonly holds?: HoldLedger;
  /** Rule sets that come into force. Absent: there is no topic of them. */
  readonly rules?: { readonly topic: string; readItem(record: LogRecord): RulesItem | string | null };
  readonly shards: number;
  readonly resolvedTopic: string;
  readonly encodeBundle: EncodeBundle;
  encodeEvent?(event: ChannelEvent): Uint8Array;
  readonly tickIntervalMs: number;
  readonly transactionIntervalMs: number;
  sourceOf(topic: string): string | null;
  deadLetterTopic(topic: string): string;
  /** The shell's clock: only ever written to the log, as progress. */
  now(): number;
  readonly waiting: Waiting;
  onBatch?(counts: ResolverCounts): void;
}

export interface ResolverCounts {
  readonly records: number;
  readonly accepted: number;
  readonly duplicates: number;
  /** Of persons who were erased. */
  readonly suppressed: number;
  readonly deadLetters: ReadonlyMap<DeadLetterReason, number>;
  readonly clamped: number;
  readonly leftOut: LeftOut;
  readonly dropped: Resolution["dropped"];
  /** By source, and outcome (`accepted` for what goes on to be folded) or reason of a dead letter: `web undecodable`. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly held: Resolution["held"];
}

export async function runResolverSlot(services: ResolverServices, slot: OwnedSlot): Promise<void> {
  while (!slot.revoked.aborted) {
    try {
      await slot.takeOver();
      const positions = await slot.positions();
      slot.seek(positions);
      await new SlotResolver(services, slot, positions).pump();
    } catch (error) {
      if (slot.revoked.aborted) return;
      if (!(error instanceof LogError)) throw error;
      services.waiting.onLoop?.(error instanceof Stalled ? "stalled" : error.code);
      services.waiting.onWait(`resolver slot ${slot.slot}: ${error.message}; taking the slot over again`);
      await delay(error.code === "log-outcome-unknown" ? 0 : 500, undefined, { signal: slot.revoked }).catch(() => {});
    }
  }
}

class SlotResolver {
  readonly #services: ResolverServices;
  readonly #slot: OwnedSlot;
  readonly #positions: Map<string, Position>;
  readonly #partitions: readonly { readonly key: string; readonly source: string | null }[];
  readonly #lastTimestampMs = new Map<string, number>();
  readonly #latestOccurredAtMs = new Map<string, number>();
  #completeUpToMs: ReadonlyMap<string, number> = new Map();
  readonly #recent = new RecentEvents();
  /** To be called once the batch that was resolved last is on the log, or never will be. */
  #published: () => void = () => {};
  /** Of the index over which it was resolved. */
  #life = "";
  /** Infinity: it was told. */
  readonly #hiddenSinceMs = new Map<string, number>();
  #timeMs = 0;
  #tick = -1;

  constructor(services: ResolverServices, slot: OwnedSlot, positions: ReadonlyMap<string, Position>) {
    this.#services = services;
    this.#slot = slot;
    this.#positions = new Map(positions);
    this.#partitions = slot.partitions.map((at) => ({ key: partitionKey(at), source: services.sourceOf(at.topic) }));
  }

  async pump(): Promise<void> {
    try {
      await this.#pump();
    } finally {
      this.#takePublished()();
    }
  }

  async #pump(): Promise<void> {
    const { now, tickIntervalMs, transactionIntervalMs } = this.#services;
    const stall = new StallWatch();
    let publishing: Promise<void> = Promise.resolve();
    for (let startedAt = performance.now(); !this.#slot.revoked.aborted; ) {
      const spare = transactionIntervalMs - (performance.now() - startedAt);
      if (spare > 0) await delay(spare, undefined, { signal: this.#slot.revoked }).catch(() => {});
      startedAt = performance.now();
      // Before the poll: what is appended after it, while the batch is being resolved, has not been passed.
      const clockMs = now();
      const polled = await this.#slot.poll(BATCH_RECORDS_MAX, tickIntervalMs - (startedAt % tickIntervalMs));
      stall.note(polled);
      const { records, reach } = polled;
      this.#tellHidden(clockMs, reach);
      const out = await this.#resolve(records, clockMs, reach);
      await publishing;
      if (out.length === 0 && records.length === 0) {
        this.#takePublished()();
        continue;
      }
      await patiently(this.#services.waiting, this.#slot.revoked, "identity index", () => this.#services.keeper.mark());
      const positions = new Map(this.#positions);
      publishing = this.#publish(out, positions, this.#life);
      // Awaited at the next turn; a rejection until then must not be an unhandled one.
      publishing.catch(() => {}).finally(this.#takePublished());
    }
    await publishing;
  }

  async #publish(out: readonly NewRecord[], positions: ReadonlyMap<string, Position>, life: string): Promise<void> {
    const { keys, waiting } = this.#services;
    await this.#slot.publish(out, positions, () => this.#services.keeper.isStill(life));
    keys?.confirm(out);
    waiting.onLoop?.("transaction");
  }

  #takePublished(): () => void {
    const published = this.#published;
    this.#published = () => {};
    return published;
  }

  /** What hangs makes timers wait: somebody has to see to whose it is. */
  #tellHidden(clockMs: number, reach: ReadonlyMap<string, Reach>): void {
    for (const [key, { rest, readUpToMs }] of reach) {
      if (rest !== "hidden") {
        this.#hiddenSinceMs.delete(key);
        continue;
      }
      const sinceMs = this.#hiddenSinceMs.get(key) ?? clockMs;
      const isTold = sinceMs === Number.POSITIVE_INFINITY;
      const fromMs = Number.isFinite(readUpToMs) ? readUpToMs : sinceMs;
      const isLong = clockMs - fromMs >= HIDDEN_TOLD_AFTER_MS;
      this.#hiddenSinceMs.set(key, isLong ? Number.POSITIVE_INFINITY : sinceMs);
      if (isLong && !isTold)
        this.#services.waiting.onWait(
          `${key}: a producer has left a transaction open; what came after it, and time, wait until it ends`,
        );
    }
  }

  /** clockMs: before the records were polled. */
  async #resolve(
    records: readonly LogRecord[],
    clockMs: number,
    reach: ReadonlyMap<string, Reach>,
  ): Promise<NewRecord[]> {
    const { services, slot } = { services: this.#services, slot: this.#slot };
    const patient = <T>(what: string, work: () => Promise<T>) => patiently(services.waiting, slot.revoked, what, work);
    await patient("schema registry", () => services.codec.prepare(records.map(({ value }) => value)));
    const out: NewRecord[] = [];
    const letters = new Map<DeadLetterReason, number>();
    const outcomes = new Map<string, number>();
    const note = (source: string, outcome: Outcome | DeadLetterReason | "accepted") =>
      outcomes.set(`${source} ${outcome}`, (outcomes.get(`${source} ${outcome}`) ?? 0) + 1);
    const bury = (record: LogRecord, reason: DeadLetterReason, detail: string) => {
      letters.set(reason, (letters.get(reason) ?? 0) + 1);
      note(services.sourceOf(record.topic) ?? "none", reason);
      out.push(createDeadLetter(record, services.deadLetterTopic(record.topic), reason, detail, services.now()));
    };
    // After the poll: whatever was polled was recorded before the requests that are read here, or after those that it heeds.
    const catchUp = () => Promise.all([services.privacy?.catchUp(), services.holds?.catchUp()]);
    if (records.length > 0) await patient("schema registry", catchUp);
    const requests: ErasureRequest[] = [];
    const changes: Carried<RulesItem>[] = [];
    const arrivals: (Arrival & { readonly record: LogRecord })[] = [];
    for (const record of records) {
      if (record.topic === services.privacy?.topic) {
        const request = services.privacy.requestAt(record.offset);
        if (request === null) bury(record, "undecodable", "not a request that this version knows");
        else requests.push(request);
        continue;
      }
      if (record.topic === services.rules?.topic) {
        const item = services.rules.readItem(record);
        if (typeof item === "string") bury(record, "undecodable", item);
        else if (item !== null) changes.push({ item, event: null });
        continue;
      }
      if (record.value !== null && record.value.length > EVENT_BYTES_MAX) {
        bury(record, "too-large", `${record.value.length} bytes, more than ${EVENT_BYTES_MAX}`);
        continue;
      }
      const source = services.sourceOf(record.topic);
      const found = readRecord(services, record);
      if (!found.ok) bury(record, found.reason, found.detail);
      else if (source === null) bury(record, "unknown-source", "no source reads this topic");
      else if (found.bytes.length > EVENT_BYTES_MAX)
        bury(record, "too-large", `${found.bytes.length} bytes as an event, more than ${EVENT_BYTES_MAX}`);
      else
        arrivals.push({
          record,
          source,
          recordedAt: record.timestampMs,
          event: found.event,
          bytes: found.bytes,
          backfill: record.headers[BACKFILL_HEADER] === "1",
          traceparent: record.headers["traceparent"] ?? null,
        });
    }
    // In the order of time, whatever partition they come from: what follows an instant must not come before its timers.
    arrivals.sort((a, b) => a.recordedAt - b.recordedAt);
    const resolution = await patient("identity index", async () => {
      let life = await services.keeper.check();
      const isSound = async (): Promise<boolean> => {
        const before = life;
        life = await services.keeper.check();
        this.#life = life;
        if (life === before) this.#published = services.keeper.expect();
        return life === before;
      };
      const known = { erasures: services.privacy?.erasures ?? NO_ERASURES, holds: services.holds?.holds ?? NO_HOLDS };
      return resolveBatch({ ...services, ...known, recent: this.#recent, isSound, requests }, arrivals);
    });
    const became = new Map<Arrival, Outcome | "accepted">(arrivals.map((arrival) => [arrival, "accepted"]));
    for (const { arrival } of resolution.duplicates) became.set(arrival, "duplicate");
    for (const { arrival } of resolution.suppressed) became.set(arrival, "suppressed");
    for (const { arrival, reason, detail } of resolution.refused) {
      became.delete(arrival);
      bury((arrival as (typeof arrivals)[number]).record, reason, detail);
    }
    for (const [source, upTo] of resolution.latestOccurredAt)
      this.#latestOccurredAtMs.set(source, Math.max(this.#latestOccurredAtMs.get(source) ?? 0, upTo));
    for (const [{ source }, outcome] of became) note(source, outcome);
    const passing = { slot: slot.slot, fromMs: this.#timeMs, stepMs: services.tickIntervalMs };
    const completeBefore = Object.fromEntries(this.#completeUpToMs);
    this.#advance(records, clockMs, reach);
    const within = { ...passing, upToMs: this.#timeMs, completeUpToMs: completeBefore };
    const items = new Map<number, Carried[]>();
    // One slot writes rule sets, to all shards in one transaction: no shard hears of them from another before.
    for (let shard = 0; shard < services.shards; shard += 1) {
      const list = placeChanges(resolution.items.get(shard) ?? [], changes);
      if (list.length > 0) items.set(shard, interleaveProgress(list, within));
    }
    this.#completeUpToMs = this.#listComplete(reach);
    // At once: the next owner of the slot, which begins behind these rows, does not know of them.
    const isCompleted = [...this.#completeUpToMs].some(([source, upTo]) => upTo > (completeBefore[source] ?? 0));
    if (this.#isProgressDue() || isCompleted) {
      const after = { ...within, completeUpToMs: Object.fromEntries(this.#completeUpToMs) };
      const progress: Carried = { item: createProgress(after, this.#timeMs), event: null };
      for (let shard = 0; shard < services.shards; shard += 1)
        items.set(shard, [...(items.get(shard) ?? []), progress]);
    }
    const { keys } = services;
    const seals =
      keys && (await patient("identity index", () => keys.toSeal([...items.values()].flatMap(listSealed), this.#life)));
    out.push(...(seals?.records ?? []));
    for (const [shard, list] of items) {
      for (const value of encodeBundles(services.encodeBundle, slot.slot, this.#timeMs, list, seals))
        out.push({ topic: services.resolvedTopic, partition: shard, key: `r${slot.slot}`, value });
    }
    for (const record of records) this.#positions.set(partitionKey(record), { offset: record.offset + 1, step: 0 });
    if (records.length > 0)
      services.onBatch?.({
        records: records.filter(({ topic }) => topic !== services.rules?.topic).length,
        accepted:
          arrivals.length - resolution.refused.length - resolution.duplicates.length - resolution.suppressed.length,
        duplicates: resolution.duplicates.length,
        suppressed: resolution.suppressed.length,
        deadLetters: letters,
        clamped: resolution.clamped,
        leftOut: resolution.leftOut,
        dropped: resolution.dropped,
        outcomes,
        held: resolution.held,
      });
    return out;
  }

  /** What this slot has passed is what each of its partitions has. */
  #advance(records: readonly LogRecord[], clockMs: number, reach: ReadonlyMap<string, Reach>): void {
    for (const record of records) {
      const key = partitionKey(record);
      // Producers' clocks may be ahead.
      const recordedAt = Math.min(record.timestampMs, clockMs);
      this.#lastTimestampMs.set(key, Math.max(this.#lastTimestampMs.get(key) ?? 0, recordedAt));
    }
    let passedMs = clockMs;
    for (const { key } of this.#partitions) {
      const { rest, readUpToMs } = reach.get(key) ?? UNKNOWN;
      // Of what waits the records themselves say when it was.
      const byRecords = this.#lastTimestampMs.get(key) ?? 0;
      const isKnown = rest !== "waiting" && readUpToMs > UNKNOWN.readUpToMs;
      passedMs = Math.min(passedMs, isKnown ? readUpToMs : Math.max(readUpToMs, byRecords));
    }
    this.#timeMs = Math.max(this.#timeMs, passedMs);
  }

  /**
   * A file need not be in the order of time: only a source that was read to its end is complete, and only once the slot has passed
   * all of it that was read; for as of then the other slots, which may have more of it, are asked.
   */
  #listComplete(reach: ReadonlyMap<string, Reach>): Map<string, number> {
    const incomplete = new Set<string | null>();
    for (const { key, source } of this.#partitions) {
      const isPassed = (this.#lastTimestampMs.get(key) ?? 0) <= this.#timeMs;
      if (!isPassed || reach.get(key)?.rest !== "none") incomplete.add(source);
    }
    const complete = new Map(this.#completeUpToMs);
    for (const [source, upTo] of this.#latestOccurredAtMs) if (!incomplete.has(source)) complete.set(source, upTo);
    return complete;
  }

  /** At the same instants in every slot of the process: a stitcher then takes the ticks of all slots in one step. */
  #isProgressDue(): boolean {
    const tick = Math.floor(performance.now() / this.#services.tickIntervalMs);
    if (this.#timeMs === 0 || tick === this.#tick) return false;
    this.#tick = tick;
    return true;
  }
}
