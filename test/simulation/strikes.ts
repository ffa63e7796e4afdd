// The timetable of a plan, carried out: processes die, are paused past their session or are restarted in order; slots move;
// the store fails over; retention takes what has been read. A strike that finds nothing to hit does not count.

import type { Broker } from "./broker.ts";
import { type FaultKind, LOSS_KINDS } from "./faults.ts";
import { type Group, SESSION_MS } from "./group.ts";
import { CHANNEL_TOPICS } from "./kit.ts";
import { LOSABLE_KEYS, type LosableKey } from "./lossy-shard.ts";
import type { Strike } from "./plan.ts";
import type { ServerState } from "./state.ts";
import type { Worker } from "./worker.ts";
import type { World } from "./world.ts";

export interface StrikesGround {
  readonly world: World;
  readonly broker: Broker;
  readonly groups: readonly Group[];
  readonly state: ServerState;
  readonly workers: readonly Worker[];
}

/** Acknowledged entries that one shard loses at most in a fail-over. */
const LOST_MAX = 6;
/** Writes that the index loses at most. */
const INDEX_LOST_MAX = 12;

export class Strikes {
  readonly #ground: StrikesGround;

  constructor(ground: StrikesGround) {
    this.#ground = ground;
  }

  start(): void {
    const { world } = this.#ground;
    for (const [place, strike] of world.plan.strikes.entries())
      world.after(strike.atMs, `strike ${strike.kind}`, () => this.#strike(strike, `${strike.kind}-${place}`));
  }

  #strike({ kind, luck }: Strike, name: string): void {
    const { world, groups } = this.#ground;
    const worker = this.#pick(luck);
    if (kind === "crash" && worker?.isUp && this.#counts(kind, name)) worker.crash();
    else if (kind === "zombie" && worker?.isUp && this.#counts(kind, name))
      worker.pause(SESSION_MS * (1.1 + 2 * world.draw(`pause ${name}`)));
    else if (kind === "rebalance" && this.#counts(kind, name)) for (const group of groups) group.rebalance(name);
    else if (kind === "drain" && worker?.isUp && this.#counts(kind, name))
      void worker.drain().then(() => worker.restart());
    else if (kind === "failover" && this.#counts(kind, name)) void this.#failOver(name);
    else if (kind === "retention") this.#retain(name);
    else if (LOSS_KINDS.includes(kind)) void this.#lose(kind, luck, name);
  }

  #may(kind: FaultKind, name: string): boolean {
    return this.#ground.world.allows(`${kind} ${name}`);
  }

  #counts(kind: FaultKind, name: string): boolean {
    return this.#ground.world.strikes(kind, name);
  }

  #pick(luck: number): Worker | undefined {
    const { workers } = this.#ground;
    return workers[Math.floor(luck * workers.length)];
  }

  /** Each shard loses its own number of entries, some none. */
  async #failOver(name: string): Promise<void> {
    const { world, state } = this.#ground;
    for (let shard = 0; shard < world.plan.shards; shard += 1) {
      const lost = Math.floor(world.draw(`${name} of ${shard}`) * (LOST_MAX + 2)) - 1;
      if (lost > 0) await state.failOver(shard, lost);
    }
  }

  async #lose(kind: FaultKind, luck: number, name: string): Promise<void> {
    const { world, state } = this.#ground;
    const shard = Math.floor(luck * world.plan.shards);
    const drawn = world.draw(`${name} which`);
    if (kind === "lost-part") {
      if (this.#may(kind, name) && (await state.losePart(shard, drawn))) this.#counts(kind, name);
    } else if (kind === "lost-key") {
      const key = LOSABLE_KEYS[Math.floor(drawn * LOSABLE_KEYS.length)] as LosableKey;
      if (this.#may(kind, name) && (await state.loseKey(shard, key))) this.#counts(kind, name);
    } else if (this.#counts(kind, name)) {
      if (kind === "flushall") await state.flush();
      else await state.failOverIndex(1 + Math.floor(drawn * INDEX_LOST_MAX));
    }
  }

  /** Up to what every transaction of the resolvers has passed, the head of a partition goes. */
  #retain(name: string): void {
    const { world, broker } = this.#ground;
    const passed = CHANNEL_TOPICS.flatMap((topic) => broker.partitionsOf(topic)).flatMap((partition) => {
      const upTo = broker.positionOf("weft-resolve", partition.key);
      return upTo > partition.start ? [{ partition, upTo }] : [];
    });
    if (passed.length === 0 || !this.#counts("retention", name)) return;
    for (const { partition, upTo } of passed) if (world.draw(`${name} ${partition.key}`) < 0.7) partition.start = upTo;
  }
}
