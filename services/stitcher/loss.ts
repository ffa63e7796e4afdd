// What the store of a slot's shards has lost though it was acknowledged (S2): how it is noticed, and what follows. A shard
// that misses something is emptied at the next take-over and folded anew from the start of the log.

import { type ShardHead, type Store, StoreDamaged } from "#ports/store.ts";
import type { Waiting } from "../wire/patience.ts";

/** How often a few parts of one shard of the slot are looked for: what nobody reads is missed in the end too. */
const SCRUB_INTERVAL_MS = 1_000;

/** The shard has lost what it acknowledged: it has to be emptied and folded anew. */
export class ShardDamaged extends Error {
  readonly shard: number;
  /** Seen by the store itself, in one step. What was read in two may have been changed in between by a newer owner. */
  readonly isSure: boolean;
  constructor(shard: number, what: string, isSure: boolean) {
    super(`shard ${shard}: ${what}`);
    this.shard = shard;
    this.isSure = isSure;
  }
}

/** A part that was read and is not there is a loss, or was changed meanwhile: passes everything else on. */
export function suspectLoss(shard: number, error: unknown): unknown {
  return error instanceof StoreDamaged ? new ShardDamaged(shard, error.message, false) : error;
}

/** What one slot's loop knows of losses, from one take-over to the next. */
export class Losses {
  readonly #damaged = new Map<number, string>();
  readonly #suspected = new Set<number>();

  note({ shard, isSure, message }: ShardDamaged): void {
    // A second time, with every other owner fenced since the first: it is so.
    if (isSure || this.#suspected.has(shard)) this.#damaged.set(shard, message);
    this.#suspected.add(shard);
  }

  /** A step of the shard has found everything: what was suspected was not so. */
  clearSuspicion(shard: number): void {
    this.#suspected.delete(shard);
  }

  /** The head of a shard that misses nothing: one that does is emptied. Null: another owner has it. */
  async readWhole(store: Store, waiting: Waiting, shard: number, epoch: number): Promise<ShardHead | null> {
    const head = await store.readHead(shard);
    const found = this.#damaged.get(shard) ?? (head.damage === null ? null : `shard ${shard}: ${head.damage}`);
    if (found === null) return head;
    waiting.onWait(`the store has lost what it acknowledged (${found}); emptying the shard and folding it anew`);
    if ((await store.clear(shard, epoch)) === "fenced") return null;
    this.#damaged.delete(shard);
    return await store.readHead(shard);
  }
}

/**
 * Goes through the parts of the slot's shards, a few a second. Throws ShardDamaged where one is not there. What readers are to
 * wait for is told again, of every shard: a fail-over may have lost it and nothing else, a store that was started anew lets
 * nobody read before.
 */
export function createScrubber(
  store: Store,
  shards: readonly number[],
  tellReaders: () => Promise<void>,
): () => Promise<void> {
  let scrubbedAtMs = performance.now();
  let place = 0;
  let cursor = "0";
  return async () => {
    const shard = shards[place];
    if (shard === undefined || performance.now() - scrubbedAtMs < SCRUB_INTERVAL_MS) return;
    scrubbedAtMs = performance.now();
    await tellReaders();
    const { next, lost } = await store.scrub(shard, cursor);
    if (lost !== null) throw new ShardDamaged(shard, "a part that is listed is not there", true);
    cursor = next;
    if (next === "0") place = (place + 1) % shards.length;
  };
}
