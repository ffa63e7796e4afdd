// A topic of one partition that is read to its end again and again: what is on it must be known before something else is done.

import type { Codec } from "#ports/codec.ts";
import { partitionKey, type Log, type LogRecord } from "#ports/log.ts";
import { CatchUp } from "./catch-up.ts";

export class SmallTopic {
  readonly topic: string;
  readonly #log: Pick<Log, "endOffsets" | "read">;
  readonly #codec: Codec;
  readonly #take: (record: LogRecord, value: unknown) => void;
  #next = 0;
  readonly #catchUp = new CatchUp(() => this.#read());

  /** take: each record that can be read, once, in their order. */
  constructor(
    topic: string,
    log: Pick<Log, "endOffsets" | "read">,
    codec: Codec,
    take: (record: LogRecord, value: unknown) => void,
  ) {
    this.topic = topic;
    this.#log = log;
    this.#codec = codec;
    this.#take = take;
  }

  /** Knows, once it resolves, all that was on the topic when it was called. */
  catchUp(): Promise<void> {
    return this.#catchUp.run();
  }

  async #read(): Promise<void> {
    const partition = partitionKey({ topic: this.topic, partition: 0 });
    const end = (await this.#log.endOffsets([this.topic])).get(partition) ?? 0;
    if (end <= this.#next) return;
    const from = new Map([[partition, this.#next]]);
    for await (const record of this.#log.read([this.topic], { from, follow: false })) {
      await this.#codec.prepare([record.value]);
      const decoded = this.#codec.decode(record.value);
      this.#next = Math.max(this.#next, record.offset + 1);
      if (decoded.ok) this.#take(record, decoded.value);
    }
    this.#next = Math.max(end, this.#next);
  }
}
