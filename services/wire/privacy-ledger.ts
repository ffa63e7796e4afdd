// The requests of weft.privacy, as every resolver knows them before it resolves what was recorded after them. The topic has
// one partition and is read to its end after each poll: an event that is polled was recorded before, so what it must not
// say any more is known.

import { Erasures, type ErasureRequest } from "#core/erasure.ts";
import type { Codec } from "#ports/codec.ts";
import { partitionKey, type Log, type LogRecord } from "#ports/log.ts";

/** As it stands on the topic; when it was recorded is the record's timestamp. */
export interface PrivacyRecord extends Omit<ErasureRequest, "at"> {
  readonly kind: string;
  readonly author: string;
  readonly reason: string;
}

export const ERASE = "erase";

export class PrivacyLedger {
  readonly topic: string;
  readonly erasures = new Erasures();
  readonly #log: Pick<Log, "endOffsets" | "read">;
  readonly #codec: Codec;
  #next = 0;
  #latestMs = 0;
  #requests = new Map<number, ErasureRequest>();
  #reading: Promise<void> = Promise.resolve();

  constructor(topic: string, log: Pick<Log, "endOffsets" | "read">, codec: Codec) {
    this.topic = topic;
    this.#log = log;
    this.#codec = codec;
  }

  /** Knows, once it resolves, all that was on the topic when it was called. */
  catchUp(): Promise<void> {
    // One that is under way may have looked for the end too early.
    this.#reading = this.#reading.catch(() => {}).then(() => this.#read());
    return this.#reading;
  }

  /** The request of a record that catchUp has read; null: it is none that this version knows. */
  requestAt(offset: number): ErasureRequest | null {
    return this.#requests.get(offset) ?? null;
  }

  async #read(): Promise<void> {
    const partition = partitionKey({ topic: this.topic, partition: 0 });
    const end = (await this.#log.endOffsets([this.topic])).get(partition) ?? 0;
    if (end <= this.#next) return;
    const from = new Map([[partition, this.#next]]);
    for await (const record of this.#log.read([this.topic], { from, follow: false })) await this.#take(record);
    this.#next = Math.max(end, this.#next);
  }

  async #take({ offset, timestampMs, value }: LogRecord): Promise<void> {
    await this.#codec.prepare([value]);
    const decoded = this.#codec.decode(value);
    this.#next = Math.max(this.#next, offset + 1);
    if (!decoded.ok) return;
    const { kind, requestId, own, orders, claimed, shared } = decoded.value as PrivacyRecord;
    if (kind !== ERASE) return;
    // Requests take effect in the order of the topic, whatever the clocks of those who made them.
    this.#latestMs = Math.max(this.#latestMs, timestampMs);
    const request = { requestId, at: this.#latestMs, own, orders, claimed, shared };
    this.#requests.set(offset, request);
    this.erasures.add(request);
  }
}
