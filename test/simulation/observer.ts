// A reader of committed records who sees each output at the instant at which it becomes visible, and checks what is
// promised about the stream: nothing twice, versions and numbers without a gap, each transition where the last one led
// (O2), and nothing before the state that it announces was committed (O3). Collects what the verdict needs.

import type { Codec } from "#ports/codec.ts";
import type { LogRecord, Position } from "#ports/log.ts";
import type { BundleValue } from "#services/wire/bundle.ts";
import type { Forgetting } from "./forgetting.ts";
import type { Partition } from "./partition.ts";
import type { PassedTime } from "./passed-time.ts";
import { DEAD_LETTER_TOPICS, NAMES, OUTPUT_TOPICS } from "./kit.ts";
import type { ServerState } from "./state.ts";
import type { World } from "./world.ts";

const OUTPUTS = new Set(OUTPUT_TOPICS);
const LETTERS = new Set(DEAD_LETTER_TOPICS);

export interface SeenBundle {
  readonly offset: number;
  readonly value: BundleValue;
}

interface Said {
  readonly profileId: string;
  readonly shard: number;
  readonly offset: number;
  readonly step: number;
  readonly changeId?: string;
  readonly transitionId?: string;
  readonly signalId?: string;
  readonly version?: number;
  readonly segment?: string;
  readonly kind?: string;
  readonly from?: string | null;
  readonly to?: string | null;
  readonly otherProfileId?: string | null;
}

export class Observer {
  /** By shard: the inner log as its readers see it. */
  readonly bundles = new Map<number, SeenBundle[]>();
  /** By topic, key and shard: what was said, in order. */
  readonly outputs = new Map<string, string[]>();
  readonly letters: LogRecord[] = [];
  /** By profile, what was said last. */
  readonly told = new Map<string, string>();
  readonly led = new Map<string, string | null>();
  readonly renames = new Map<string, number>();
  count = 0;
  forgetting: Pick<Forgetting, "seeOutput" | "seeBundle"> | null = null;
  time: Pick<PassedTime, "seeBundle"> | null = null;
  readonly #breaks = new Map<string, number>();
  readonly #world: World;
  readonly #codec: Codec;
  readonly #state: ServerState;
  readonly #cursors = new Map<Partition, number>();
  readonly #ids = new Set<string>();
  readonly #numbers = new Map<string, number>();

  constructor(world: World, codec: Codec, state: ServerState) {
    this.#world = world;
    this.#codec = codec;
    this.#state = state;
  }

  advance(partition: Partition): void {
    const { records, next } = partition.read(this.#cursors.get(partition) ?? 0, Number.POSITIVE_INFINITY);
    this.#cursors.set(partition, next);
    for (const record of records) this.#take(record, partition);
  }

  /** To be asked when all has been read: a rename is told on another topic than the transitions that it cuts. */
  findBrokenChains(): string[] {
    return [...this.#breaks]
      .filter(([profileId, breaks]) => breaks > (this.renames.get(profileId) ?? 0))
      .map(([profileId]) => `the transitions of ${profileId} do not chain`);
  }

  #take(record: LogRecord, partition: Partition): void {
    const { topic } = record;
    if (topic === NAMES.resolved) this.#takeBundle(record, partition);
    else if (OUTPUTS.has(topic)) this.#takeOutput(record);
    else if (LETTERS.has(topic)) this.letters.push(record);
  }

  #takeBundle({ partition: shard, offset, value }: LogRecord, { entries }: Partition): void {
    const list = this.bundles.get(shard) ?? [];
    this.bundles.set(shard, list);
    const bundle = { offset, value: this.#decode(value) as BundleValue };
    list.push(bundle);
    if (value !== null) this.forgetting?.seeBundle(value, bundle.value);
    const transaction = entries[offset]?.transaction;
    if (transaction) this.time?.seeBundle(transaction, bundle.value);
  }

  #takeOutput(record: LogRecord): void {
    this.count += 1;
    const id = record.headers["ce_id"] ?? "";
    const said = record.value === null ? null : (this.#decode(record.value) as Said);
    const { shard, offset, step } = said?.shard === undefined ? readPlace(id) : said;
    if (!this.#state.isCommitted(shard, { offset, step }))
      this.#fail(`${record.topic}: ${id} is visible before ${shard}@${offset}-${step} was committed (O3)`);
    if (record.value !== null) this.forgetting?.seeOutput(record.topic, shard, { offset, step }, record.value);
    const once = `${record.topic} ${id}`;
    if (this.#ids.has(once)) this.#fail(`${once} came twice (O2)`);
    this.#ids.add(once);
    const stream = `${record.topic} ${record.key} ${shard}`;
    const list = this.outputs.get(stream) ?? [];
    this.outputs.set(stream, list);
    list.push(describeOutput({ offset, step }, record));
    if (said === null) return;
    if (record.topic === NAMES.profileChanged) {
      this.#follow(`versions of ${said.profileId}`, said.version ?? 0, id);
      this.told.set(said.profileId, said.segment ?? "");
    } else if (record.topic === NAMES.segmentTransition) this.#takeTransition(said, id);
    else if (record.topic === NAMES.identityChanged) {
      this.#follow(`identity of ${said.profileId}`, readNumber(id), id);
      if (said.kind !== "alias") return;
      for (const one of [said.profileId, said.otherProfileId])
        if (typeof one === "string") this.renames.set(one, (this.renames.get(one) ?? 0) + 1);
    }
  }

  #takeTransition({ kind, profileId, from = null, to = null }: Said, id: string): void {
    this.#follow(`transitions of ${profileId}`, readNumber(id), id);
    // A retraction names a move that was made before; it is none.
    if (kind === "retraction") return;
    if (from !== (this.led.get(profileId) ?? null)) this.#breaks.set(profileId, (this.#breaks.get(profileId) ?? 0) + 1);
    if (from === to) this.#fail(`${id}: from ${from} to itself`);
    this.led.set(profileId, to);
  }

  #follow(of: string, number: number, id: string): void {
    const before = this.#numbers.get(of) ?? 0;
    if (number !== before + 1) this.#fail(`${of}: ${id} after number ${before} (O2)`);
    this.#numbers.set(of, number);
  }

  #decode(value: Uint8Array | null): unknown {
    const decoded = this.#codec.decode(value);
    if (!decoded.ok) this.#fail(`a record cannot be read: ${decoded.reason}`);
    return decoded.ok ? decoded.value : {};
  }

  #fail(text: string): void {
    this.#world.fail(text);
  }
}

/** One output as text: two are the same where place, id, headers and bytes are. */
export function describeOutput(
  { offset, step }: Position,
  { headers, value }: Pick<LogRecord, "value"> & { readonly headers?: Readonly<Record<string, string>> },
): string {
  const rest = Object.entries(headers ?? {}).filter(([name]) => name !== "ce_id");
  const bytes = value === null ? "-" : Buffer.from(value).toString("base64");
  return `${offset}-${step} ${headers?.["ce_id"]} ${rest.flat().join("|")} ${bytes}`;
}

/** Ids of tombstones and aliases end in shard, offset and step. */
function readPlace(id: string): { shard: number } & Position {
  const match = /\.(\d+)\.(\d+)(?:-(\d+))?$/.exec(id);
  return { shard: Number(match?.[1] ?? -1), offset: Number(match?.[2] ?? -1), step: Number(match?.[3] ?? 0) };
}

function readNumber(id: string): number {
  return Number(/\.[a-z]?(\d+)$/.exec(id)?.[1]);
}
