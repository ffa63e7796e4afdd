// Keeps the identity index true to the log (S2). The inner log names every birth and every parent that counts, so what the
// index has lost is put back from there. How far the log was when something was last known to be whole is a mark, kept
// beside each part of the index that can be lost by itself: where the mark survived, so did all that was put before it.
//
// Noticed: a mark that is gone, one whose part has another keeper since (Redis was started anew, or a replica has taken
// over), and one of another life (somebody else has put things back). What a batch asked and put is checked when it is
// written to the log and not yet committed: a loss before that gives it up; after that, whoever puts things back waits for
// the transactions that are open, and finds it.

import type { ComponentId } from "#core/item.ts";
import { compareText } from "#core/comparison.ts";
import type { Codec } from "#ports/codec.ts";
import type { Index, IndexMark } from "#ports/index.ts";
import { type Log, partitionKey } from "#ports/log.ts";
import { readBundle, type BundleValue } from "./bundle.ts";
import { birthKey, parentKey, type ComponentIndex } from "./component-index.ts";
import type { Waiting } from "./patience.ts";
import { DESTROYED, indexKey } from "./payload-keys.ts";
import { BLIND } from "./sealing.ts";

export interface IndexKeeperServices {
  readonly index: Index;
  readonly known: ComponentIndex;
  readonly log: Log;
  readonly codec: Codec;
  readonly resolvedTopic: string;
  /** Where the keys of payloads stand. Absent: there are none. */
  readonly keysTopic?: string;
  readonly shards: number;
  readonly waiting: Waiting;
  /** Of this run of this process alone, letters, digits and dashes: lives and claims of others have other names. */
  readonly run: string;
}

/** Whether whom the index does not name nobody has met: it has lost nothing that is not put back yet. For who only reads. */
export async function isIndexWhole(index: Pick<Index, "readMarks">): Promise<boolean> {
  return !describeMarks(await index.readMarks()).isLost;
}

interface Mark {
  readonly life: string;
  /** Per shard, and of the topic of keys: what is named before was put before the mark. */
  readonly offsets: readonly number[];
}

const MARK_INTERVAL_MS = 10_000;
const RESTORED_AT_ONCE = 2_000;

export class IndexKeeper {
  readonly #services: IndexKeeperServices;
  #life: string | null = null;
  /** Names that were given to lives and claims. */
  #named = 0;
  /** A loss was noticed and is not mended yet. */
  #isLost = false;
  #markedAtMs = Number.NEGATIVE_INFINITY;
  #checking: Promise<string> | null = null;
  /** What was resolved over the index as it was, and is not on the log yet. */
  readonly #underWay = new Set<Promise<void>>();

  constructor(services: IndexKeeperServices) {
    this.#services = services;
  }

  /** Which life of the index this is: what was asked of it in another one has to be asked again. Puts back what is lost. */
  check(): Promise<string> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  /**
   * The same, for whoever misses the keys of these names. One that was drawn while the index failed over stands on its topic
   * alone where its transaction ended when the index had been put back: it is looked for there.
   */
  async checkKeys(names: ReadonlySet<string>): Promise<void> {
    const { index } = this.#services;
    await this.check();
    const held = await index.get([...names].map(indexKey));
    const missing = new Set([...names].filter((_, place) => held[place] === null));
    if (missing.size === 0) return;
    const read = new Map<string, string>();
    for await (const [name, value] of this.#readKeys(0)) if (missing.has(name)) read.set(name, value);
    await index.putIfAbsent([...read].map(([name, value]) => ({ key: indexKey(name), value })));
  }

  /** A batch was resolved and will be on the log; to be called back once it is there, or never will be. */
  expect(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.add(promise);
    return () => {
      this.#underWay.delete(promise);
      resolve();
    };
  }

  /** Nothing is known to be lost since; to be asked before what was resolved in that life is committed. Puts nothing back. */
  async isStill(life: string): Promise<boolean> {
    const { lives } = await this.#readMarks();
    return !this.#isLost && lives.every((one) => one === life);
  }

  /** To be called now and then, by whoever writes to the index: the later the mark, the less has to be read after a loss. */
  async mark(): Promise<void> {
    if (this.#life === null || performance.now() - this.#markedAtMs < MARK_INTERVAL_MS) return;
    this.#markedAtMs = performance.now();
    const offsets = await this.#readEnds();
    // Over a loss no new mark may be laid: the next check mends it.
    const { marks, lives } = await this.#readMarks();
    if (!this.#isLost && lives.every((life) => life === this.#life))
      await this.#services.index.moveMarks(marks, writeMark({ life: this.#life, offsets }));
  }

  async #readMarks() {
    const { isLost, ...described } = describeMarks(await this.#services.index.readMarks());
    if (isLost) this.#isLost = true;
    return described;
  }

  async #check(): Promise<string> {
    const { marks, read, lives } = await this.#readMarks();
    const [life = null] = lives;
    if (this.#isLost || life === null || life !== this.#life) await this.#putBack(marks, read, life);
    return this.#life as string;
  }

  async #putBack(marks: readonly IndexMark[], read: readonly (Mark | null)[], life: string | null): Promise<void> {
    const { index, known, waiting } = this.#services;
    const isTold = this.#isLost && read.some((mark) => mark !== null || this.#life !== null);
    if (isTold) waiting.onWait("the identity index has lost what it acknowledged; putting it back from the log");
    known.forget();
    const claimed = await this.#claim(marks);
    // Of this process as well, what is about to be written: its births would be missed, and its next events born again.
    await Promise.all(this.#underWay);
    const ends = await this.#readEnds();
    const from = ends.map((_, shard) => Math.min(...read.map((mark) => mark?.offsets[shard] ?? 0)));
    const count = await this.#restore(from);
    if (isTold) waiting.onWait(`the identity index is whole again; ${count} entries were read from the log`);
    // A loss begins a new life, so that everybody hears of it.
    const next = this.#isLost || life === null ? this.#name() : life;
    await index.moveMarks(claimed, writeMark({ life: next, offsets: ends }));
    this.#life = next;
    this.#isLost = false;
    known.forget();
  }

  /** Marks none of which is absent: from an absent one it would not be seen that the index was lost again meanwhile. */
  async #claim(marks: readonly IndexMark[]): Promise<readonly IndexMark[]> {
    const { index } = this.#services;
    let claimed = marks;
    while (claimed.some(({ text }) => text === null)) {
      await index.moveMarks(claimed, `${CLAIM}${this.#name()}`);
      claimed = await index.readMarks();
    }
    return claimed;
  }

  #name(): string {
    this.#named += 1;
    return `${this.#services.run}-${this.#named}`;
  }

  async #restore(from: readonly number[]): Promise<number> {
    const { log, codec, index, known, resolvedTopic, shards, waiting } = this.#services;
    const start = new Map(
      from.slice(0, shards).map((offset, partition) => [partitionKey({ topic: resolvedTopic, partition }), offset]),
    );
    let births = new Map<string, ComponentId>();
    let parents = new Map<ComponentId, ComponentId>();
    let named = new Set<string>();
    let count = 0;
    const flush = async (): Promise<void> => {
      // The log's word counts: what was put since the loss was put by somebody who had not noticed.
      await index.restore([...births].map(([key, value]) => ({ key: birthKey(key), value })));
      await index.putIfAbsent([
        ...[...parents].map(([id, value]) => ({ key: parentKey(id), value })),
        ...known.nameEntries(named),
      ]);
      count += births.size + parents.size;
      births = new Map();
      parents = new Map();
      named = new Set();
    };
    for await (const record of log.read([resolvedTopic], { from: start, follow: false, awaitsOpen: true })) {
      await codec.prepare([record.value]);
      const decoded = codec.decode(record.value);
      if (!decoded.ok)
        throw new Error(
          `inner record ${record.topic}/${record.partition}@${record.offset} cannot be read: ${decoded.reason}`,
        );
      for (const { item } of readBundle(decoded.value as BundleValue, BLIND)) {
        if (item.kind === "absorb" && compareText(item.into, item.component) < 0)
          parents.set(item.component, item.into);
        if (item.kind !== "event") continue;
        for (const { key } of item.identifiers) named.add(key);
        for (const { key, birth } of item.order === null ? item.identifiers : [...item.identifiers, item.order]) {
          const other = births.get(key);
          if (other !== undefined && other !== birth)
            waiting.onWait(`the log gives an identifier two births, ${other} and ${birth}; the earlier counts`);
          births.set(key, other === undefined || compareText(birth, other) < 0 ? birth : other);
        }
      }
      if (births.size + parents.size >= RESTORED_AT_ONCE) await flush();
    }
    await flush();
    return count + (await this.#restoreKeys(from[shards] ?? 0));
  }

  /** In the order of the topic: of each name its last record counts. */
  async #restoreKeys(from: number): Promise<number> {
    const { index } = this.#services;
    let count = 0;
    let read = new Map<string, string>();
    const flush = async (): Promise<void> => {
      // Somebody may be destroying one, and has not written it yet.
      await index.restore(
        [...read].map(([name, value]) => ({ key: indexKey(name), value })),
        DESTROYED,
      );
      count += read.size;
      read = new Map();
    };
    for await (const [name, value] of this.#readKeys(from)) {
      read.set(name, value);
      if (read.size >= RESTORED_AT_ONCE) await flush();
    }
    await flush();
    return count;
  }

  async *#readKeys(from: number): AsyncGenerator<[name: string, value: string]> {
    const { log, keysTopic } = this.#services;
    if (keysTopic === undefined) return;
    const start = new Map([[partitionKey({ topic: keysTopic, partition: 0 }), from]]);
    for await (const { key, value } of log.read([keysTopic], { from: start, follow: false, awaitsOpen: true }))
      if (key !== null && value !== null) yield [key, Buffer.from(value).toString("latin1")];
  }

  async #readEnds(): Promise<number[]> {
    const { log, resolvedTopic, keysTopic, shards } = this.#services;
    const topics = keysTopic === undefined ? [resolvedTopic] : [resolvedTopic, keysTopic];
    const ends = await log.endOffsets(topics);
    const endOf = (topic: string, partition: number) => ends.get(partitionKey({ topic, partition })) ?? 0;
    const offsets = Array.from({ length: shards }, (_, partition) => endOf(resolvedTopic, partition));
    return keysTopic === undefined ? offsets : [...offsets, endOf(keysTopic, 0)];
  }
}

function describeMarks(marks: readonly IndexMark[]) {
  const read = marks.map(({ text }) => readMark(text));
  const lives = read.map((mark) => mark?.life ?? null);
  const isMixed = lives.some((life) => life === null || life !== lives[0]);
  return { marks, read, lives, isLost: isMixed || marks.some(({ doubtful }) => doubtful) };
}

/** Of an index that somebody is putting back: no mark. */
export const CLAIM = "claim-";

function writeMark({ life, offsets }: Mark): string {
  return `${life}:${offsets.join(",")}`;
}

function readMark(text: string | null): Mark | null {
  if (text === null || text.startsWith(CLAIM)) return null;
  const [life = "", offsets = ""] = text.split(":");
  return { life, offsets: offsets.split(",").map(Number) };
}
