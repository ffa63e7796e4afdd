// A slot as its owner's process sees it: the port's calls as requests to the broker. The order inside a transaction is the
// Kafka adapter's: positions, records, end. What goes wrong before the end is given up (aborted as far as can be) and is
// "unavailable"; no answer to the end is "unknown". Either way the producer is thrown away until the next take-over.

import type {
  GroupOptions,
  LogError,
  LogErrorCode,
  LogRecord,
  NewRecord,
  OwnedSlot,
  Polled,
  Position,
} from "#ports/log.ts";
import { partitionKey, type TopicPartition } from "#ports/log.ts";
import { Fenced, type Broker } from "./broker.ts";
import { clockOf } from "./clock.ts";
import { sourceOf } from "./kit.ts";
import type { Incarnation } from "./incarnation.ts";
import { send, type World } from "./world.ts";

const FETCH_WAIT_MS_MIN = 1;
/** Of what is hidden: how often nobody knows since when. */
const UNKNOWN_SINCE_SHARE = 0.2;

export interface SlotGround {
  readonly world: World;
  readonly broker: Broker;
  readonly incarnation: Incarnation;
  readonly logError: new (code: LogErrorCode, message: string) => LogError;
}

/** An answer that did not come, or a refusal before anything was done. */
class Unanswered extends Error {}

export class SimulatedSlot implements OwnedSlot {
  readonly slot: number;
  readonly partitions: readonly TopicPartition[];
  readonly revoked: AbortSignal;
  readonly #ground: SlotGround;
  readonly #group: string;
  readonly #id: string;
  readonly #keys: readonly string[];
  readonly #cursors = new Map<string, number>();
  #epoch: number | null = null;
  #turn = 0;
  #readAtMs: number | null = null;

  constructor(ground: SlotGround, slot: number, options: GroupOptions, revoked: AbortSignal) {
    this.#ground = ground;
    this.slot = slot;
    this.revoked = revoked;
    this.#group = options.group;
    this.#id = `${options.group}-${slot}`;
    this.partitions = options.topics.flatMap((topic) =>
      ground.broker
        .partitionsOf(topic)
        .map((_, partition) => ({ topic, partition }))
        .filter(({ partition }) => options.slotOf(partition) === slot),
    );
    this.#keys = this.partitions.map(partitionKey);
  }

  async takeOver(): Promise<void> {
    this.#epoch = null;
    this.#epoch = await this.#ask("initialise", () => this.#ground.broker.initialise(this.#id));
  }

  async positions(): Promise<ReadonlyMap<string, Position>> {
    return await this.#ask("read positions", () => this.#ground.broker.readPositions(this.#group, this.#keys));
  }

  seek(positions: ReadonlyMap<string, Position>): void {
    for (const [key, { offset }] of positions) this.#cursors.set(key, offset);
  }

  poll(recordsMax: number, waitMs: number): Promise<Polled> {
    const { world, broker, incarnation } = this.#ground;
    const { promise, resolve } = Promise.withResolvers<Polled>();
    const nothing = { records: [], atEnd: false };
    if (this.revoked.aborted) return Promise.resolve(nothing);
    let isOver = false;
    const onRevoked = () => finish(nothing);
    const finish = (answer: Polled) => {
      if (isOver) return;
      isOver = true;
      unwatch();
      this.revoked.removeEventListener("abort", onRevoked);
      resolve(answer);
    };
    const fetch = (isLast: boolean) =>
      incarnation.deliver(() => {
        if (isOver) return;
        const records = this.#take(world.faultsOn ? Math.min(recordsMax, world.plan.fetchMax) : recordsMax);
        if (records.length === 0 && !isLast) return;
        this.#readAtMs = world.nowMs;
        const atEnd = this.#isAtEnd();
        finish({ records, atEnd, ...(atEnd ? { hidden: this.#listHidden() } : {}) });
      });
    let isFetching = false;
    const unwatch = broker.watch(this.#keys, () => {
      if (isFetching) return;
      isFetching = true;
      world.after(FETCH_WAIT_MS_MIN + world.plan.latencyMs * 0.5, `fetch ${this.#id}`, () => {
        isFetching = false;
        fetch(false);
      });
    });
    this.revoked.addEventListener("abort", onRevoked, { once: true });
    world.after(world.plan.latencyMs * 0.5, `fetch ${this.#id}`, () => fetch(false));
    world.after(waitMs, `fetch wait ${this.#id}`, () => fetch(true));
    return promise;
  }

  async publish(
    records: readonly NewRecord[],
    positions: ReadonlyMap<string, Position>,
    isSound: () => Promise<boolean> = async () => true,
  ): Promise<void> {
    const { broker, logError, world } = this.#ground;
    if (this.revoked.aborted) throw new logError("log-fenced", "the slot was taken away");
    const epoch = this.#epoch;
    const readAtMs = this.#readAtMs;
    if (epoch === null) throw new logError("log-unavailable", "the slot must be taken over first");
    try {
      await this.#ask("positions", () => broker.addPositions(this.#id, epoch, this.#group, positions, readAtMs));
      const half = world.draw(world.number(`cut ${this.#id}`)) < 0.5 ? records.length : Math.ceil(records.length / 2);
      for (const part of [records.slice(0, half), records.slice(half)])
        if (part.length > 0) await this.#ask("produce", () => broker.produce(this.#id, epoch, part));
      if (!(await isSound())) throw new logError("log-unavailable", "what is to be published does not hold any more");
    } catch (error) {
      this.#epoch = null;
      const failure = error instanceof logError ? error : this.#toLogError(error, "log-unavailable");
      if (failure.code !== "log-fenced")
        await this.#ask("abort", () => broker.end(this.#id, epoch, "aborting")).catch(() => {});
      throw failure;
    }
    try {
      await this.#request("end", "end-lost", "end-late", () => broker.end(this.#id, epoch, "committing"));
    } catch (error) {
      this.#epoch = null;
      world.count("outcome unknown");
      throw this.#toLogError(error, "log-outcome-unknown");
    }
  }

  async #ask<T>(what: string, effect: () => Promise<T>): Promise<T> {
    try {
      return await this.#request(what, "log-lost", "log-late", effect);
    } catch (error) {
      throw this.#toLogError(error, "log-unavailable");
    }
  }

  #request<T>(
    what: string,
    lost: "log-lost" | "end-lost",
    late: "log-late" | "end-late",
    effect: () => Promise<T>,
  ): Promise<T> {
    const { world, incarnation } = this.#ground;
    const name = `${what} ${this.#id}`;
    return send(world, incarnation, {
      name,
      refused: "log-refused",
      lost,
      late,
      ...(what === "initialise" ? { held: "coordinator-slow" as const } : {}),
      effect,
      error: (why) => new Unanswered(why),
    });
  }

  #toLogError(error: unknown, otherwise: LogErrorCode): LogError {
    const { logError } = this.#ground;
    return new logError(error instanceof Fenced ? "log-fenced" : otherwise, (error as Error).message);
  }

  /** Takes turns between the partitions. */
  #take(recordsMax: number): LogRecord[] {
    const taken: LogRecord[] = [];
    const first = this.#turn++;
    for (let step = 0; step < this.partitions.length && taken.length < recordsMax; step += 1) {
      const at = this.partitions[(first + step) % this.partitions.length] as TopicPartition;
      const key = partitionKey(at);
      const { records, next } = this.#ground.broker
        .at(at.topic, at.partition)
        .read(this.#cursors.get(key) ?? 0, recordsMax - taken.length);
      this.#cursors.set(key, next);
      taken.push(...records);
    }
    return taken;
  }

  #isAtEnd(): boolean {
    const { broker } = this.#ground;
    return this.partitions.every(
      (at) => (this.#cursors.get(partitionKey(at)) ?? 0) >= broker.at(at.topic, at.partition).end,
    );
  }

  /** In the time of the shells, for from their clock it is subtracted. */
  #listHidden(): Map<string, number> {
    const { broker, world } = this.#ground;
    const hidden = new Map<string, number>();
    for (const at of this.partitions) {
      const key = partitionKey(at);
      const first = broker.at(at.topic, at.partition).entries[this.#cursors.get(key) ?? 0];
      if (first === undefined) continue;
      // What resolvers have under way hides as much from stitchers, at any time.
      if (sourceOf(at.topic) !== null) world.count("records hidden by an open transaction");
      const isUnknown = world.draw(world.number(`hidden ${this.#id}`)) < UNKNOWN_SINCE_SHARE;
      hidden.set(key, isUnknown ? Number.POSITIVE_INFINITY : clockOf(world.nowMs) - clockOf(first.atMs));
    }
    return hidden;
  }
}
