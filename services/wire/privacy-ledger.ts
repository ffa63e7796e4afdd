// The requests of weft.privacy, as every resolver knows them before it resolves what was recorded after them. The topic has
// one partition and is read to its end after each poll: an event that is polled was recorded before, so what it must not
// say any more is known.

import { Erasures, type ErasureRequest } from "#core/erasure.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { SmallTopic } from "./small-topic.ts";

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
  readonly #records: SmallTopic;
  readonly #requests = new Map<number, ErasureRequest>();
  readonly #byId = new Map<string, ErasureRequest>();
  #latestMs = 0;

  constructor(topic: string, log: Pick<Log, "endOffsets" | "read">, codec: Codec) {
    this.topic = topic;
    this.#records = new SmallTopic(topic, log, codec, ({ offset, timestampMs }, value) => {
      this.#take(offset, timestampMs, value as PrivacyRecord);
    });
  }

  /** Knows, once it resolves, all that was on the topic when it was called. */
  catchUp(): Promise<void> {
    return this.#records.catchUp();
  }

  /** The request of a record that catchUp has read; null: it is none that this version knows. */
  requestAt(offset: number): ErasureRequest | null {
    return this.#requests.get(offset) ?? null;
  }

  /** Null: catchUp has read none of this id. */
  find(requestId: string): ErasureRequest | null {
    return this.#byId.get(requestId) ?? null;
  }

  #take(offset: number, timestampMs: number, record: PrivacyRecord): void {
    const { kind, author: _author, reason: _reason, ...asked } = record;
    if (kind !== ERASE) return;
    // Requests take effect in the order of the topic, whatever the clocks of those who made them.
    this.#latestMs = Math.max(this.#latestMs, timestampMs);
    // Of several records of one id the first counts; what another lists is nobody's to be forgotten by.
    const request = this.#byId.get(asked.requestId) ?? { ...asked, at: this.#latestMs };
    this.#requests.set(offset, request);
    this.#byId.set(request.requestId, request);
    this.erasures.add(request);
  }
}
