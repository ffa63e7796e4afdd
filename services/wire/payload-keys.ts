// The keys of what is sealed on the inner log (sealing.ts): one for each name, drawn by whoever needs it first. They stand in
// the identity index, where setting what is absent decides whose draw counts, and on weft.keys, in the transaction of the first
// item under them, from where the index is put back. Never in the clear: wrapped under a key that is derived of the identity
// key. Destroyed is a word in the key's place, so that a key that was lost is not taken for one.

import { createSecretKey, hash, hkdfSync, type KeyObject, randomBytes } from "node:crypto";
import type { Index } from "#ports/index.ts";
import type { NewRecord } from "#ports/log.ts";
import { openBytes, type Opening, sealBytes, type Sealing } from "./sealing.ts";

/** Keys that a process holds, and for how long: then it asks again whether they are still to be used. */
export const CACHED_KEYS_MAX = 100_000;
export const CACHED_FOR_MS = 60_000;
/** Not each time: whatever is taken out of a map leaves a hole that is walked over. */
const DROP_INTERVAL_MS = 1000;
/** Names of which a process remembers that it has put their keys on the topic. */
const WRITTEN_MAX = 500_000;
const KEY_BYTES = 32;
/** In place of a wrapped key. */
export const DESTROYED = "-";

export interface PayloadKeysOptions {
  readonly index: Pick<Index, "get" | "putIfAbsent" | "restore">;
  readonly identityKey: Uint8Array;
  readonly topic: string;
  /** A clock that only ever measures how old something is. */
  now(): number;
  /** Puts back what the index has lost, these names at least. */
  repair?(names: ReadonlySet<string>): Promise<unknown>;
}

/** A name that something is sealed under has no key and was not destroyed. */
export class KeyMissing extends Error {
  readonly code = "payload-key-missing";
}

interface Held {
  readonly wrapped: string;
  /** Of it, and nothing that opens anything. */
  readonly mark: string;
  /** Null: destroyed. */
  readonly key: KeyObject | null;
  readonly at: number;
  /** What was sealed or opened last as a text: an identifier says the same each time. */
  text?: { readonly plain: string; readonly sealed: string };
}

export interface Seals extends Sealing {
  /** What has to be on the log with that which is sealed. */
  readonly records: readonly NewRecord[];
}

export class PayloadKeys {
  readonly topic: string;
  readonly #options: PayloadKeysOptions;
  readonly #wrapping: KeyObject;
  /** The longest held first. */
  #held = new Map<string, Held>();
  /** Marks alone: a key that is destroyed must not stay here, not even wrapped, as long as a process lives. */
  #written = new Map<string, string>();
  #life: string | null = null;
  #droppedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PayloadKeysOptions) {
    this.topic = options.topic;
    this.#options = options;
    this.#wrapping = deriveWrapping(options.identityKey);
  }

  /** How many it holds. */
  get size(): number {
    return this.#held.size;
  }

  /** Throws KeyMissing. */
  async toOpen(names: Iterable<string>): Promise<Opening> {
    this.#dropPast();
    const wanted = [...new Set(names)];
    let held = await this.#find(wanted);
    if (held.size < wanted.length && this.#options.repair !== undefined) {
      await this.#options.repair(new Set(wanted.filter((name) => !held.has(name))));
      held = await this.#find(wanted);
    }
    const missing = wanted.find((name) => !held.has(name));
    if (missing !== undefined) throw new KeyMissing(`nobody has the key of ${missing}`);
    // What is to be opened stands on the log, so its key does. Who wrote it once more could do so after it is destroyed.
    for (const [name, { mark }] of held) this.#noteWritten(name, mark);
    return createSealing(held);
  }

  /** What is sealed under these does not open: a lost index may have given other keys, before it was put back. */
  async doubt(names: Iterable<string>): Promise<void> {
    this.#forget(this.#life);
    await this.#options.repair?.(new Set(names));
  }

  /** life: of the index; what was known in another one is asked for again. */
  async toSeal(names: Iterable<string>, life: string): Promise<Seals> {
    this.#dropPast();
    const wanted = [...new Set(names)];
    if (wanted.length === 0) return { ...createSealing(new Map()), records: [] };
    if (life !== this.#life) this.#forget(life);
    const held = await this.#find(wanted);
    for (const [name, one] of await this.#draw(wanted.filter((name) => !held.has(name)))) held.set(name, one);
    const records = [...held]
      .filter(([name, { mark, key }]) => key !== null && this.#written.get(name) !== mark)
      .map(([name, { wrapped }]) => this.#record(name, wrapped));
    return { ...createSealing(held), records };
  }

  /** They are on the log. */
  confirm(records: readonly NewRecord[]): void {
    for (const { topic, key, value } of records)
      if (topic === this.topic && key !== null && value !== null)
        this.#noteWritten(key, markOf(Buffer.from(value).toString("latin1")));
  }

  #noteWritten(name: string, mark: string): void {
    if (this.#written.size > WRITTEN_MAX) this.#written = new Map();
    this.#written.set(name, mark);
  }

  /**
   * Whether or not the index has them: it may have lost one that stands on the topic. Nobody makes another one under the name
   * again; returns what has to be on the log.
   */
  async destroy(names: Iterable<string>): Promise<NewRecord[]> {
    const wanted = [...new Set(names)];
    await this.#options.index.restore(wanted.map((name) => ({ key: indexKey(name), value: DESTROYED })));
    for (const name of wanted) this.#held.delete(name);
    return wanted.map((name) => this.#record(name, DESTROYED));
  }

  /** What waits to be published: the index may have lost since what it says of destroyed keys. */
  async destroyAgain(records: readonly NewRecord[]): Promise<void> {
    const isDestroyed = ({ topic, value }: NewRecord) =>
      topic === this.topic && value !== null && Buffer.from(value).toString("latin1") === DESTROYED;
    const names = records.flatMap((record) => (isDestroyed(record) ? (record.key ?? []) : []));
    if (names.length > 0) await this.destroy(names);
  }

  #record(name: string, value: string): NewRecord {
    return { topic: this.topic, partition: 0, key: name, value: Buffer.from(value, "latin1") };
  }

  /** Whoever was first with a name has drawn its key. */
  async #draw(names: readonly string[]): Promise<Map<string, Held>> {
    if (names.length === 0) return new Map();
    const drawn = names.map((name) => {
      const bytes = randomBytes(KEY_BYTES);
      const wrapped = Buffer.from(sealBytes(this.#wrapping, name, bytes)).toString("base64url");
      return { name, wrapped, key: createSecretKey(bytes) };
    });
    const entries = drawn.map(({ name, wrapped }) => ({ key: indexKey(name), value: wrapped }));
    const winners = await this.#options.index.putIfAbsent(entries);
    const at = this.#options.now();
    return new Map(
      drawn.map(({ name, wrapped, key }, place) => {
        const winner = winners[place] ?? wrapped;
        return [name, winner === wrapped ? this.#hold(name, { wrapped, key, at }) : this.#take(name, winner, at)];
      }),
    );
  }

  #take(name: string, wrapped: string, at: number): Held {
    const key = wrapped === DESTROYED ? null : unwrapKey(this.#wrapping, name, wrapped);
    return this.#hold(name, { wrapped, key, at });
  }

  #hold(name: string, key: Omit<Held, "mark">): Held {
    const held = { ...key, mark: markOf(key.wrapped) };
    this.#held.delete(name);
    this.#held.set(name, held);
    return held;
  }

  /** What was sealed under a key stands beside it in the clear: of who is erased that must not stay as long as a process lives. */
  #dropPast(): void {
    const now = this.#options.now();
    if (now - this.#droppedAt < DROP_INTERVAL_MS) return;
    this.#droppedAt = now;
    for (const [name, { at }] of this.#held) {
      if (now - at <= CACHED_FOR_MS) return;
      this.#held.delete(name);
    }
  }

  #forget(life: string | null): void {
    this.#held = new Map();
    this.#written = new Map();
    this.#life = life;
  }

  async #find(names: readonly string[]): Promise<Map<string, Held>> {
    const { index, now } = this.#options;
    const at = now();
    if (this.#held.size > CACHED_KEYS_MAX) this.#held = new Map();
    const found = new Map<string, Held>();
    const missing: string[] = [];
    for (const name of names) {
      const held = this.#held.get(name);
      if (held === undefined || at - held.at > CACHED_FOR_MS) missing.push(name);
      else found.set(name, held);
    }
    if (missing.length === 0) return found;
    const read = await index.get(missing.map(indexKey));
    for (const [place, name] of missing.entries()) {
      const wrapped = read[place] ?? null;
      if (wrapped !== null) found.set(name, this.#take(name, wrapped, at));
    }
    return found;
  }
}

/** What keys are wrapped under. */
export function deriveWrapping(identityKey: Uint8Array): KeyObject {
  return createKey(hkdfSync("sha256", identityKey, "", "weft payload keys", KEY_BYTES));
}

export function unwrapKey(wrapping: KeyObject, name: string, wrapped: string): KeyObject {
  return createKey(openBytes(wrapping, name, Buffer.from(wrapped, "base64url")));
}

function markOf(wrapped: string): string {
  return hash("sha256", wrapped, "base64url");
}

function createKey(bytes: ArrayBuffer | Uint8Array): KeyObject {
  return createSecretKey(new Uint8Array(bytes));
}

/** Under what the index keeps the key of a name. */
export function indexKey(name: string): string {
  return `k:${name}`;
}

function createSealing(held: ReadonlyMap<string, Held>): Sealing {
  const find = (name: string): Held => {
    const one = held.get(name);
    if (one === undefined) throw new Error(`nobody asked for the key of ${name}`);
    return one;
  };
  return {
    seal(name, plain) {
      const { key } = find(name);
      return key === null ? new Uint8Array() : sealBytes(key, name, plain);
    },
    open(name, sealed) {
      const { key } = find(name);
      return key === null || sealed.length === 0 ? null : openBytes(key, name, sealed);
    },
    sealText(name, plain) {
      const one = find(name);
      if (one.key === null) return "";
      if (one.text?.plain !== plain)
        one.text = { plain, sealed: Buffer.from(sealBytes(one.key, name, Buffer.from(plain))).toString("base64url") };
      return one.text.sealed;
    },
    openText(name, sealed) {
      const one = find(name);
      if (one.key === null) return "";
      if (one.text?.sealed !== sealed)
        one.text = {
          sealed,
          plain: Buffer.from(openBytes(one.key, name, Buffer.from(sealed, "base64url"))).toString(),
        };
      return one.text.plain;
    },
  };
}
