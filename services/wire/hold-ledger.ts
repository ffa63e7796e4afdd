// Which sources are held back, by the records of weft.sources: every resolver reads that topic to its end after each poll,
// so what it polls it judges as any other does that reads the log, then or anew. Whoever watches the figures of a source
// writes that it is held, an operator that it is released.

import { HOLD_MARGIN_MS, Holds } from "#core/hold.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { SmallTopic } from "./small-topic.ts";

export const HELD = "held";
export const RELEASED = "released";

/** As it stands on the topic. */
export interface SourceRecord {
  readonly kind: typeof HELD | typeof RELEASED;
  readonly source: string;
  readonly figures: Readonly<Record<string, number>>;
  readonly author: string;
  readonly reason: string;
}

/** A record that changed something. */
export interface SourceEntry extends SourceRecord {
  /** From this instant of the log on. */
  readonly from: number;
}

export class HoldLedger {
  readonly holds = new Holds();
  readonly #records: SmallTopic;
  readonly #latest = new Map<string, SourceEntry>();
  readonly #onChange: (entry: SourceEntry) => void;
  #untold = new Map<string, SourceEntry>();
  #latestMs = 0;

  /** onChange: of each source the latest that is new, as it is read. */
  constructor(
    topic: string,
    log: Pick<Log, "endOffsets" | "read">,
    codec: Codec,
    onChange: (entry: SourceEntry) => void = () => {},
  ) {
    this.#onChange = onChange;
    this.#records = new SmallTopic(topic, log, codec, ({ timestampMs }, value) => {
      this.#take(timestampMs, value as SourceRecord);
    });
  }

  async catchUp(): Promise<void> {
    await this.#records.catchUp();
    const untold = this.#untold;
    this.#untold = new Map();
    for (const entry of untold.values()) this.#onChange(entry);
  }

  /** What was last said of the source, if anything. */
  latestOf(source: string): SourceEntry | null {
    return this.#latest.get(source) ?? null;
  }

  /** Of each source of which anything was ever said. */
  get latest(): readonly SourceEntry[] {
    return [...this.#latest.values()];
  }

  #take(timestampMs: number, record: SourceRecord): void {
    const { kind, source } = record;
    // In the order of the topic, whatever the clocks of those who wrote.
    this.#latestMs = Math.max(this.#latestMs, timestampMs);
    const isHeld = this.latestOf(source)?.kind === HELD;
    const isNew = kind === HELD ? !isHeld : kind === RELEASED && isHeld;
    if (!isNew) return;
    const from = this.#latestMs + HOLD_MARGIN_MS;
    if (kind === HELD) this.holds.add(source, { from, to: null });
    else this.holds.end(source, from);
    const entry = { ...record, from };
    this.#latest.set(source, entry);
    this.#untold.set(source, entry);
  }
}

/** As it stands now; where nobody made the topic yet, nobody is held back. */
export async function readHolds(
  { log, codec }: { readonly log: Pick<Log, "endOffsets" | "read" | "listTopics">; readonly codec: Codec },
  topic: string,
): Promise<HoldLedger> {
  const ledger = new HoldLedger(topic, log, codec);
  if ((await log.listTopics()).includes(topic)) await ledger.catchUp();
  return ledger;
}

export async function publishSourceRecord(
  { codec, log }: { readonly codec: Codec; readonly log: Pick<Log, "append"> },
  topic: string,
  record: SourceRecord,
): Promise<void> {
  const encode = await codec.encoder(topic, "SourceRecord");
  await log.append([{ topic, partition: 0, key: record.source, value: encode(record) }]);
}
