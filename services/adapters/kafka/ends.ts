// Where the partitions of a group's topics begin and end, asked of the broker. An answer always belongs to a question
// put after the call; callers that come while one is under way share the next.

import { setTimeout as delay } from "node:timers/promises";
import type { Admin } from "kafkajs";
import { partitionKey } from "#ports/log.ts";
import { isPassing } from "./failure.ts";

const TRIES_MAX = 5;
const TRY_PAUSE_MS = 100;

export interface Bounds {
  /** The first offset that is still there. */
  readonly low: number;
  /** The offset behind the last committed record. */
  readonly high: number;
}

export class Ends {
  readonly #admin: Admin;
  readonly #topics: readonly string[];
  #current: Promise<unknown> | null = null;
  #next: Promise<ReadonlyMap<string, Bounds>> | null = null;

  constructor(admin: Admin, topics: readonly string[]) {
    this.#admin = admin;
    this.#topics = topics;
  }

  read(): Promise<ReadonlyMap<string, Bounds>> {
    this.#next ??= this.#askNext();
    return this.#next;
  }

  async #askNext(): Promise<ReadonlyMap<string, Bounds>> {
    // Also where nothing is under way: until here the caller has not yet noted that this one can be shared.
    await (this.#current ?? Promise.resolve()).catch(() => {});
    const asked = readBounds(this.#admin, this.#topics);
    this.#current = asked;
    this.#next = null;
    try {
      return await asked;
    } finally {
      if (this.#current === asked) this.#current = null;
    }
  }
}

export async function readBounds(admin: Admin, topics: readonly string[]): Promise<ReadonlyMap<string, Bounds>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const bounds = new Map<string, Bounds>();
      await Promise.all(
        topics.map(async (topic) => {
          for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
            bounds.set(partitionKey({ topic, partition }), { low: Number(low), high: Number(high) });
        }),
      );
      return bounds;
    } catch (error) {
      if (!isPassing(error) || attempt >= TRIES_MAX) throw error;
      await delay(TRY_PAUSE_MS);
      await refreshLeaders(admin);
    }
  }
}

/** kafkajs asks a leader that moved, or that was just elected, again and again; making no topics makes it look anew. */
async function refreshLeaders(admin: Admin): Promise<void> {
  await admin.createTopics({ topics: [], validateOnly: true, waitForLeaders: false }).catch(() => {});
}
