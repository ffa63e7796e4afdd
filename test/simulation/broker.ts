// The simulated log: partitions of records and markers, and a transaction coordinator. A transaction's records are in the
// partitions at once; readers of committed records stop at the last stable offset, before the first record of any
// transaction that has not ended. Its end is asked for once, then a marker lands in each partition and in the group's
// positions, each in its own time. Producers are fenced by the epoch of their transactional id. A broker of Kafka 3.6 or
// newer: a record of a transaction that has ended is refused (before, such a record could hang for ever).

import type { NewRecord, Position } from "#ports/log.ts";
import { partitionKey } from "#ports/log.ts";
import { Partition, type Producer, type Transaction } from "./partition.ts";
import type { World } from "./world.ts";

/** A dead owner's transaction is aborted after this. */
export const TRANSACTION_TIMEOUT_MS = 1_200;
const MARKER_MS_MAX = 12;
const CONCURRENT_PAUSE_MS = 3;

export class Fenced extends Error {}

/** A position, and when it was written: of two that are committed the one written last counts, whichever ends first. */
type Written = Position & { readonly at: number };

export class Broker {
  /** False plants a bug: an initialised producer does not fence the one before. */
  fencesProducers = true;
  /** True plants a bug: positions move although the transaction may still be aborted. */
  movesPositionsEarly = false;
  /** True plants a bug: a transaction ends in its records, and its positions stay. */
  losesPositions = false;
  readonly #world: World;
  readonly #topics = new Map<string, Partition[]>();
  readonly #positions = new Map<string, Map<string, Written>>();
  readonly #producers = new Map<string, Producer>();
  readonly #onVisible: (partition: Partition) => void;
  readonly #watchers = new Map<string, Set<() => void>>();
  #written = 1;

  constructor(world: World, onVisible: (partition: Partition) => void) {
    this.#world = world;
    this.#onVisible = onVisible;
  }

  createTopic(name: string, partitions: number): void {
    const list = Array.from(
      { length: partitions },
      (_, partition) => new Partition(partitionKey({ topic: name, partition })),
    );
    this.#topics.set(name, list);
  }

  partitionsOf(topic: string): readonly Partition[] {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined) throw new Error(`no topic ${topic}`);
    return partitions;
  }

  at(topic: string, partition: number): Partition {
    const found = this.partitionsOf(topic)[partition];
    if (found === undefined) throw new Error(`no partition ${topic}/${partition}`);
    return found;
  }

  /** A plain producer's record. */
  append(record: NewRecord & { readonly partition: number }): void {
    const partition = this.#write(record, null);
    this.#show(partition);
  }

  /** InitProducerId: what an earlier owner left open is aborted, what is ending ends first. */
  async initialise(id: string): Promise<number> {
    const producer = this.#producerOf(id);
    if (this.fencesProducers || producer.epoch === 0) producer.epoch += 1;
    const { epoch } = producer;
    if (producer.transaction?.state === "open" && this.fencesProducers) this.#finish(producer.transaction, "aborting");
    while (producer.transaction !== null && (this.fencesProducers || producer.transaction.state !== "open"))
      await this.#pause();
    producer.ended = null;
    return epoch;
  }

  async addPositions(
    id: string,
    epoch: number,
    group: string,
    positions: ReadonlyMap<string, Position>,
  ): Promise<void> {
    const transaction = await this.#join(id, epoch);
    transaction.group = group;
    const written = new Map(
      [...positions].map(([key, position]) => [key, { ...position, at: this.#written }] as const),
    );
    this.#written += 1;
    for (const [key, position] of written) transaction.positions.set(key, position);
    if (this.movesPositionsEarly) this.#move(group, written);
  }

  /** A record of a transaction that does not exist (any more) is refused, not kept. */
  async produce(id: string, epoch: number, records: readonly NewRecord[]): Promise<void> {
    const producer = this.#producerOf(id);
    if (producer.epoch !== epoch) throw new Fenced(`${id} has a newer producer`);
    if (producer.transaction?.state !== "open") throw new Error(`${id} has no open transaction`);
    for (const record of records) this.#write(record, producer.transaction);
  }

  /** EndTxn: whatever transaction of this id and epoch is open then. */
  async end(id: string, epoch: number, how: "committing" | "aborting"): Promise<void> {
    const producer = this.#producerOf(id);
    if (producer.epoch !== epoch) throw new Fenced(`${id} has a newer producer`);
    const { transaction } = producer;
    if (transaction === null && producer.ended === how) return;
    if (transaction === null) throw new Error(`${id} has no transaction`);
    if (transaction.state === "open") this.#finish(transaction, how);
    else if (transaction.state !== how) throw new Error(`the transaction of ${id} is ${transaction.state}`);
  }

  /** OffsetFetch with require_stable: a position that is about to move is waited for. */
  async readPositions(group: string, keys: readonly string[]): Promise<Map<string, Position>> {
    while (this.#isMoving(group, keys)) await this.#pause();
    const known = this.#positions.get(group);
    const place = ({ offset, step }: Position): Position => ({ offset, step });
    return new Map(keys.map((key) => [key, place(known?.get(key) ?? { offset: 0, step: 0 })]));
  }

  positionOf(group: string, key: string): number {
    return this.placeOf(group, key).offset;
  }

  placeOf(group: string, key: string): Position {
    const { offset, step } = this.#positions.get(group)?.get(key) ?? { offset: 0, step: 0 };
    return { offset, step };
  }

  /** Plants a bug: see `isolated`. */
  readUncommitted(): void {
    for (const partitions of this.#topics.values()) for (const partition of partitions) partition.isolated = false;
  }

  /** No transaction is open or ending. */
  get isQuiet(): boolean {
    return [...this.#producers.values()].every(({ transaction }) => transaction === null);
  }

  /** Calls back each time that something has become visible in one of the partitions, until the returned function is called. */
  watch(keys: readonly string[], onChange: () => void): () => void {
    for (const key of keys) this.#watchers.set(key, (this.#watchers.get(key) ?? new Set()).add(onChange));
    return () => {
      for (const key of keys) this.#watchers.get(key)?.delete(onChange);
    };
  }

  /** Only what is being ended moves a position for sure; of what is open nobody knows. */
  #isMoving(group: string, keys: readonly string[]): boolean {
    for (const { transaction } of this.#producers.values())
      if (transaction !== null && transaction.group === group && keys.some((key) => transaction.positions.has(key)))
        return true;
    return false;
  }

  async #join(id: string, epoch: number): Promise<Transaction> {
    const producer = this.#producerOf(id);
    // CONCURRENT_TRANSACTIONS: the last one is still ending.
    for (;;) {
      if (producer.epoch !== epoch) throw new Fenced(`${id} has a newer producer`);
      if (producer.transaction === null) return this.#begin(producer);
      if (producer.transaction.state === "open") return producer.transaction;
      await this.#pause();
    }
  }

  #begin(producer: Producer): Transaction {
    const transaction: Transaction = {
      producer,
      firstOffsets: new Map(),
      group: null,
      positions: new Map(),
      state: "open",
      landing: 0,
    };
    producer.transaction = transaction;
    producer.ended = null;
    this.#world.after(TRANSACTION_TIMEOUT_MS, `time-out of ${producer.id}`, () => {
      if (producer.transaction !== transaction || transaction.state !== "open") return;
      this.#world.count("transaction timed out");
      producer.epoch += 1;
      this.#finish(transaction, "aborting");
    });
    return transaction;
  }

  #finish(transaction: Transaction, how: "committing" | "aborting"): void {
    transaction.state = how;
    if (how === "aborting") this.#world.count("transaction aborted");
    const { producer, firstOffsets, group, positions } = transaction;
    transaction.landing = firstOffsets.size + 1;
    const land = (what: string, run: () => void) => {
      const name = this.#world.number(`marker ${producer.id} ${what}`);
      this.#world.after(MARKER_MS_MAX * this.#world.draw(name), name, () => {
        run();
        transaction.landing -= 1;
        if (transaction.landing > 0) return;
        producer.transaction = null;
        producer.ended = how;
      });
    };
    for (const partition of firstOffsets.keys())
      land(partition.key, () => {
        partition.entries.push({ record: null, atMs: this.#world.nowMs, transaction });
        partition.open.delete(transaction);
        this.#show(partition);
      });
    land("positions", () => {
      const isLost = this.losesPositions && this.#world.draw(this.#world.number(`loss ${producer.id}`)) < 0.1;
      if (how === "committing" && group !== null && !isLost) this.#move(group, positions);
    });
  }

  #move(group: string, positions: ReadonlyMap<string, Written>): void {
    const known = this.#positions.get(group) ?? new Map<string, Written>();
    this.#positions.set(group, known);
    for (const [key, position] of positions) if (position.at >= (known.get(key)?.at ?? 0)) known.set(key, position);
  }

  #write(record: NewRecord, transaction: Transaction | null): Partition {
    const { topic, key, value, timestampMs = 0 } = record;
    const partitions = this.partitionsOf(topic);
    const number = record.partition ?? hashKey(key ?? "") % partitions.length;
    const partition = this.at(topic, number);
    const offset = partition.entries.length;
    if (transaction !== null && !transaction.firstOffsets.has(partition)) {
      transaction.firstOffsets.set(partition, offset);
      partition.open.add(transaction);
    }
    const kept = value === null ? null : Buffer.from(value);
    const headers = record.headers ?? {};
    partition.entries.push({
      record: { topic, partition: number, offset, timestampMs, key, value: kept, headers },
      atMs: this.#world.nowMs,
      transaction,
    });
    return partition;
  }

  #show(partition: Partition): void {
    this.#onVisible(partition);
    for (const onChange of this.#watchers.get(partition.key) ?? []) onChange();
  }

  #producerOf(id: string): Producer {
    let producer = this.#producers.get(id);
    if (producer === undefined) this.#producers.set(id, (producer = { id, epoch: 0, transaction: null, ended: null }));
    return producer;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#world.after(CONCURRENT_PAUSE_MS, "coordinator waits", resolve));
  }
}

function hashKey(key: string): number {
  let hash = 0;
  for (let at = 0; at < key.length; at += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) >>> 0;
  return hash;
}
