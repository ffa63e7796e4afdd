// The simulated deployment: log, groups, store, index, workers and producers, brought up, attacked, healed and brought to
// rest. Safety first, while faults strike; then they stop, and everything must drain within a bound (liveness).

import { Asking } from "./asking.ts";
import { Broker } from "./broker.ts";
import { clockAt } from "./clock.ts";
import { Feeder } from "./feeder.ts";
import { Forgetting } from "./forgetting.ts";
import { Group } from "./group.ts";
import { CHANNEL_TOPICS, DEAD_LETTER_TOPICS, type Kit, NAMES, OUTPUT_TOPICS, READ_TOPICS } from "./kit.ts";
import type { Sabotage } from "./mutant.ts";
import { Observer } from "./observer.ts";
import { Readers } from "./readers.ts";
import type { Partition } from "./partition.ts";
import { PassedTime } from "./passed-time.ts";
import type { Plan } from "./plan.ts";
import { SimulatedSlot } from "./slot.ts";
import { ServerState } from "./state.ts";
import { Strikes } from "./strikes.ts";
import { judge } from "./verdict.ts";
import { Worker } from "./worker.ts";
import type { Arrival } from "./workload.ts";
import type { World } from "./world.ts";

/** A virtual minute after the faults have stopped. */
const LIVENESS_MS = 60_000;
const LOOK_EVERY_MS = 100;
/** Faults go on when the last event has come. */
const FAULTS_ON_MS = 1_000;
/** A loop that was refused pauses half a second before it takes its slot over again. */
const CALM_MS = 700;
const CALM_LOOKS = 8;

export interface Subject {
  readonly kit: Kit;
  readonly sabotage?: Sabotage;
}

export class SimulatedCluster {
  readonly observer: Observer;
  readonly #world: World;
  readonly #kit: Kit;
  readonly #reference: Kit;
  readonly #plan: Plan;
  readonly #broker: Broker;
  readonly #state: ServerState;
  readonly #workers: Worker[];
  readonly #feeder: Feeder;
  readonly #forgetting: Forgetting;
  readonly #asking: Asking;
  readonly #strikes: Strikes;
  readonly #readers: Readers;

  constructor(world: World, reference: Kit, { kit, sabotage }: Subject, events: readonly Arrival[]) {
    this.#world = world;
    this.#reference = reference;
    this.#kit = kit;
    const { plan } = world;
    this.#plan = plan;
    this.#state = new ServerState(world, kit.system);
    this.observer = new Observer(world, kit.codec, this.#state);
    const broker = new Broker(world, (partition) => this.observer.advance(partition));
    this.#broker = broker;
    for (const topic of CHANNEL_TOPICS) broker.createTopic(topic, plan.channelPartitions);
    for (const topic of DEAD_LETTER_TOPICS) broker.createTopic(topic, 1);
    for (const topic of OUTPUT_TOPICS) broker.createTopic(topic, 2);
    broker.createTopic(NAMES.rules, 1);
    broker.createTopic(NAMES.privacy, 1);
    broker.createTopic(NAMES.keys, 1);
    broker.createTopic(NAMES.resolved, plan.shards);
    const groups = new Map(
      [
        [kit.system.resolverGroup, plan.resolverSlots] as const,
        [kit.system.stitcherGroup, plan.stitchSlots] as const,
      ].map(([name, slots]) => {
        const group = new Group(
          world,
          name,
          slots,
          (incarnation) => (slot, options, revoked) =>
            new SimulatedSlot({ world, broker, incarnation, system: kit.system }, slot, options, revoked),
        );
        return [name, group];
      }),
    );
    sabotage?.({ broker, groups: [...groups.values()], state: this.#state });
    const now = () => clockAt(world.nowMs);
    const ground = { world, kit, broker, state: this.#state, groups, now };
    this.#workers = Array.from({ length: plan.workers }, (_, place) => new Worker(ground, `w${place}`));
    this.#readers = new Readers(ground);
    this.#feeder = new Feeder(world, broker, kit, events);
    const { recorded } = this.#feeder;
    const isAtRest = () => this.#isDrained();
    const asked = { world, kit: reference, broker, state: this.#state, recorded, isAtRest };
    const forgetting = new Forgetting(asked);
    this.#forgetting = forgetting;
    const asking = new Asking(asked, forgetting);
    this.#asking = asking;
    this.#feeder.isHolding = () => asking.isHolding;
    asking.onRelease = () => this.#feeder.release();
    this.#state.onCommit = (commit, isAnew) => forgetting.seeCommit(commit, isAnew);
    this.observer.forgetting = forgetting;
    this.observer.time = new PassedTime(world, broker);
    this.#strikes = new Strikes({
      world,
      broker,
      groups: [...groups.values()],
      state: this.#state,
      workers: this.#workers,
    });
  }

  async live(): Promise<string | null> {
    const world = this.#world;
    const safetyMs = this.#plan.feedMs + FAULTS_ON_MS;
    this.#feeder.start();
    this.#strikes.start();
    this.#asking.start();
    this.#readers.start();
    await world.run(safetyMs, () => false);
    world.faultsOn = false;
    for (const worker of this.#workers) worker.resume();
    const deadlineMs = safetyMs + LIVENESS_MS;
    if (
      !(await world.run(
        deadlineMs,
        this.#look(() => this.#asking.isDone && this.#feeder.isDone && this.#isDrained()),
      ))
    )
      return `not drained in ${LIVENESS_MS} virtual ms: ${await this.#describeLag()}`;
    if (!(await this.#comesToCalm())) return "owners go on fencing each other although nothing else goes wrong";
    let isClosed = false;
    void Promise.all(this.#workers.map((worker) => worker.drain())).then(() => (isClosed = true));
    if (
      !(await world.run(
        deadlineMs + LIVENESS_MS,
        this.#look(() => isClosed && this.#broker.isQuiet),
      ))
    )
      return "the workers do not end when they are asked to";
    this.#forgetting.tally();
    const { resolved } = NAMES;
    const unforgotten = await this.#forgetting.findUnforgotten();
    if (unforgotten !== null) return unforgotten;
    const readable = await this.#forgetting.findReadable([...this.observer.bundles.values()].flat());
    if (readable !== null) return readable;
    return await judge({
      plan: this.#plan,
      kit: this.#reference,
      state: this.#state.readAll(),
      keyring: this.#state.keyring,
      readIndex: (keys) => this.#state.readIndex().get(keys),
      observer: this.observer,
      recorded: this.#feeder.recorded,
      rules: this.#feeder.rules,
      requests: this.#forgetting.requests,
      published: this.#broker
        .partitionsOf(resolved)
        .map(({ key }) => this.#broker.placeOf(this.#kit.system.stitcherGroup, key)),
      applied: this.#broker.partitionsOf(resolved).map((_, shard) => this.#state.appliedUpTo(shard)),
    });
  }

  /** What was under way when the faults stopped may still be refused; a duel goes on. */
  async #comesToCalm(): Promise<boolean> {
    for (let look = 0; look < CALM_LOOKS; look += 1) {
      const before = this.#countRefusals();
      await this.#world.run(this.#world.nowMs + CALM_MS, () => false);
      if (this.#countRefusals() === before) return true;
    }
    return false;
  }

  #countRefusals(): number {
    return (this.#world.counts.get("commit fenced") ?? 0) + (this.#world.counts.get("commit moved") ?? 0);
  }

  /** Asked now and then: it takes a while to find out. */
  #look(isDone: () => boolean): () => boolean {
    let nextMs = 0;
    return () => {
      if (this.#world.nowMs < nextMs) return false;
      nextMs = this.#world.nowMs + LOOK_EVERY_MS;
      return isDone();
    };
  }

  /** Whatever the log holds beside the passing of time has been applied and published, by everybody. */
  #isDrained(): boolean {
    const { stitcherGroup, resolverGroup } = this.#kit.system;
    for (const topic of READ_TOPICS)
      for (const partition of this.#broker.partitionsOf(topic)) {
        const { records } = partition.read(this.#broker.positionOf(resolverGroup, partition.key), 1);
        if (records.length > 0 || partition.open.size > 0) return false;
      }
    return (
      this.#state.isWhole &&
      this.#broker.partitionsOf(NAMES.resolved).every((partition, shard) => {
        const k = this.#broker.positionOf(stitcherGroup, partition.key);
        return (
          k > this.#lastItem(shard) &&
          this.#state.appliedUpTo(shard).offset > this.#lastItem(shard) &&
          !this.#isItemUnderWay(partition)
        );
      })
    );
  }

  #lastItem(shard: number): number {
    const bundles = this.observer.bundles.get(shard) ?? [];
    return bundles.findLast(({ value }) => isMoreThanTime(value))?.offset ?? -1;
  }

  /** Written, and its transaction has not ended. */
  #isItemUnderWay(partition: Partition): boolean {
    return partition.entries.slice(partition.end).some(({ record }) => {
      if (record === null) return false;
      const decoded = this.#kit.codec.decode(record.value);
      return !decoded.ok || isMoreThanTime(decoded.value as Parameters<typeof isMoreThanTime>[0]);
    });
  }

  async #describeLag(): Promise<string> {
    const { stitcherGroup } = this.#kit.system;
    return this.#broker
      .partitionsOf(NAMES.resolved)
      .map(
        (partition, shard) =>
          `${shard}: K ${this.#broker.positionOf(stitcherGroup, partition.key)} of ${this.#lastItem(shard)}`,
      )
      .join(", ");
  }
}

function isMoreThanTime({ items }: { readonly items: readonly { readonly progress?: unknown }[] }): boolean {
  return items.some(({ progress }) => !progress);
}
