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
import { clockAt } from "./clock.ts";
import type { Incarnation } from "./incarnation.ts";
import { NAMES } from "./kit.ts";
import type { System } from "./system.ts";
import { send, type World } from "./world.ts";

const FETCH_WAIT_MS_MIN = 1;
/** Looks of an owner at a partition that holds more behind an open transaction, and whether it knows since when. */
export const HIDDEN = "partition that hides more";
export const HIDDEN_SINCE_UNKNOWN = "partition that hides more since nobody knows when";

export interface SlotGround {
  readonly world: World;
  readonly broker: Broker;
  readonly incarnation: Incarnation;
  readonly system: Pick<System, "LogError" | "SlotQueue">;
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
  /** The adapter's own: here it holds no records, and knows how far each partition was read, and what is hidden. */
  readonly #looks: InstanceType<System["SlotQueue"]>;
  #epoch: number | null = null;
  readonly #isOfChannels: boolean;
  #turn = 0;

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
    this.#isOfChannels = !options.topics.includes(NAMES.resolved);
    this.#looks = new ground.system.SlotQueue(this.partitions, () => {});
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
    this.#looks.clear();
  }

  poll(recordsMax: number, waitMs: number): Promise<Polled> {
    const { world, broker, incarnation } = this.#ground;
    const { promise, resolve } = Promise.withResolvers<Polled>();
    const nothing = { records: [], reach: new Map() };
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
        if (records.length > 0 || isLast) finish(this.#answer(records));
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
    const { broker, world } = this.#ground;
    const { LogError: logError } = this.#ground.system;
    if (this.revoked.aborted) throw new logError("log-fenced", "the slot was taken away");
    const epoch = this.#epoch;
    if (epoch === null) throw new logError("log-unavailable", "the slot must be taken over first");
    try {
      await this.#ask("positions", () => broker.addPositions(this.#id, epoch, this.#group, positions));
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
    const { LogError: logError } = this.#ground.system;
    return new logError(error instanceof Fenced ? "log-fenced" : otherwise, (error as Error).message);
  }

  /** Takes turns between the partitions. */
  #take(recordsMax: number): LogRecord[] {
    const taken: LogRecord[] = [];
    const clockMs = clockAt(this.#ground.world.nowMs);
    const first = this.#turn++;
    for (let step = 0; step < this.partitions.length && taken.length < recordsMax; step += 1) {
      const at = this.partitions[(first + step) % this.partitions.length] as TopicPartition;
      const key = partitionKey(at);
      const partition = this.#ground.broker.at(at.topic, at.partition);
      const { records, next } = partition.read(this.#cursors.get(key) ?? 0, recordsMax - taken.length);
      this.#cursors.set(key, next);
      const { end, entries } = partition;
      this.#looks.push(at, { records: [], next, end, high: entries.length, asOfMs: performance.now(), clockMs });
      taken.push(...records);
    }
    return taken;
  }

  #answer(records: LogRecord[]): Polled {
    const { world } = this.#ground;
    const reach = this.#looks.listReach();
    // What resolvers have under way hides as much from stitchers, at any time.
    if (this.#isOfChannels)
      for (const { readUpToMs, rest } of reach.values())
        if (rest === "hidden") world.count(Number.isFinite(readUpToMs) ? HIDDEN : HIDDEN_SINCE_UNKNOWN);
    return { records, reach };
  }
}
