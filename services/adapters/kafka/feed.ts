// One partition being read: where the next fetch begins, and who takes what it brings. Moving a feed makes what is still
// under way for the old place void.

import type { LogRecord, TopicPartition } from "#ports/log.ts";

/** What one fetch said of a partition. */
export interface Fetched {
  readonly records: readonly LogRecord[];
  /** Everything before it has been delivered, control records and aborted ones counted in. */
  readonly next: number;
  /** Where the committed records ended. */
  readonly end: number;
  /** Where the log ended, with records that wait for a transaction to end. */
  readonly high: number;
  /** When that was so: performance.now() before the fetch was sent, and by the clock, which alone goes on while a machine sleeps. */
  readonly asOfMs: number;
  readonly clockMs: number;
}

export interface FeedListener {
  deliver(fetched: Fetched): void;
  /** Nothing is fetched while it is full. */
  isFull(): boolean;
  fail(error: unknown): void;
}

export class Feed {
  readonly partition: TopicPartition;
  readonly #listener: FeedListener;
  #next: number;
  #version = 0;
  #failed = false;

  constructor(partition: TopicPartition, next: number, listener: FeedListener) {
    this.partition = partition;
    this.#next = next;
    this.#listener = listener;
  }

  get next(): number {
    return this.#next;
  }

  get version(): number {
    return this.#version;
  }

  get isReady(): boolean {
    return !this.#failed && !this.#listener.isFull();
  }

  moveTo(next: number): void {
    this.#next = next;
    this.#version += 1;
  }

  /** `version`: of the feed when the fetch was sent. */
  deliver(fetched: Fetched, version: number): void {
    if (version !== this.#version) return;
    this.#next = fetched.next;
    this.#listener.deliver(fetched);
  }

  fail(error: unknown): void {
    this.#failed = true;
    this.#listener.fail(error);
  }
}
