// Bytes that nobody would write, for the three ways in which bytes come in: framed Avro, JSON lines, and what Redis answers of
// an outbox. Inputs are mutations of whole ones and of earlier inputs that were answered as none was before, so that they
// reach further in. Whatever comes is answered or refused, within 50 ms and 64 MB.

import { join } from "node:path";
import * as fc from "fast-check";
import { decodeEntry, encodeEntry } from "#adapters/redis/entry.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import { readJsonLine } from "#services/channel/json-lines.ts";
import { configuration, history } from "./histories.ts";
import { ROOT } from "./source.ts";

export const ELAPSED_MS_MAX = 50;
export const GROWTH_BYTES_MAX = 64 * 1024 * 1024;
const CORPUS_MAX = 4_000;
const EDITS_MAX = 4;
const SAMPLES = 40;
/** Growth is looked at now and then: garbage that was not collected yet is none. */
const LOOK_EVERY = 20_000;

type Draw = (below: number) => number;

interface Target {
  readonly name: string;
  readonly samples: readonly Buffer[];
  /** What became of the input, in a few words; throws what must not be thrown. */
  read(bytes: Buffer): string;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly accepted: number;
  /** Answers that differ in more than figures. */
  readonly answers: number;
  readonly slowestMs: number;
}

/** mulberry32 */
export function createDraw(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export async function openTargets(): Promise<readonly Target[]> {
  const codec = await openLocalCodec({ schemasDirectory: join(ROOT, "schemas") });
  const encodeEvent = await codec.encoder("channel", "ChannelEvent");
  const drawn = fc.sample(history(10, 10), { numRuns: SAMPLES / 10, seed: 1 }).flatMap(({ events }) => events);
  const avro = drawn.map(({ event }) => Buffer.from(encodeEvent(event)));
  const lines = drawn.map(({ source, recordedAt, event }) =>
    Buffer.from(JSON.stringify({ source, recordedAt, ...event })),
  );
  const entries = avro.map((value, place) =>
    Buffer.from(
      encodeEntry([
        { topic: "profile-changed", key: `p${place}`, value, headers: { ce_id: `p${place}.v1`, ce_type: "changed" } },
        { topic: "weft.resolved", partition: place, key: null, value: null, timestampMs: place },
      ]),
    ),
  );
  const sources = new Set(configuration.sources.map(({ name }) => name));
  return [
    {
      name: "avro",
      samples: avro,
      read(bytes) {
        const decoded = codec.decode(bytes);
        return decoded.ok ? "accepted" : `${decoded.reason} ${decoded.detail}`;
      },
    },
    {
      name: "json",
      samples: lines,
      read(bytes) {
        const reading = readJsonLine({ line: 1, bytes }, { sources, source: "web" });
        return reading.ok ? "accepted" : `${reading.reason} ${reading.detail}`;
      },
    },
    {
      name: "outbox",
      samples: entries,
      read(bytes) {
        try {
          return decodeEntry(bytes).length > 0 ? "accepted" : "nothing";
        } catch (error) {
          // The store tells it as damage of the shard.
          if (error instanceof Error) return `refused ${error.message}`;
          throw error;
        }
      },
    },
  ];
}

/** Throws where an input is answered too slowly, takes too much memory, or is not answered. */
export function fuzz(targets: readonly Target[], seed: number, inputs: number): FuzzReport {
  const draw = createDraw(seed);
  const corpora = targets.map(({ samples }) => [...samples]);
  const answers = new Set<string>();
  const heldBefore = process.memoryUsage.rss();
  let [accepted, slowestMs] = [0, 0];
  for (let n = 0; n < inputs; n += 1) {
    const place = draw(targets.length);
    const [target, corpus] = [targets[place] as Target, corpora[place] as Buffer[]];
    const bytes = createInput(corpus, draw);
    const describe = () => `seed ${seed}, input ${n}, ${target.name} ${bytes.toString("base64").slice(0, 600)}`;
    let answer: string;
    let elapsedMs = 0;
    try {
      const startedAt = performance.now();
      answer = target.read(bytes);
      elapsedMs = performance.now() - startedAt;
      // A pause of the machine or of the collector is not the input's doing.
      for (let again = 0; again < 3 && elapsedMs > ELAPSED_MS_MAX; again += 1) elapsedMs = timeByCpu(target, bytes);
    } catch (error) {
      throw new Error(describe(), { cause: error });
    }
    if (elapsedMs > ELAPSED_MS_MAX) throw new Error(`${elapsedMs} ms: ${describe()}`);
    slowestMs = Math.max(slowestMs, elapsedMs);
    if (answer === "accepted") accepted += 1;
    const kind = `${target.name} ${answer.replaceAll(/\d+/g, "#").slice(0, 120)}`;
    if (!answers.has(kind) && answers.size < CORPUS_MAX) {
      answers.add(kind);
      corpus.push(bytes);
    }
    if (n % LOOK_EVERY === 0 && process.memoryUsage.rss() - heldBefore > GROWTH_BYTES_MAX)
      checkGrowth(heldBefore, describe);
  }
  return { inputs, accepted, answers: answers.size, slowestMs: Math.round(slowestMs) };
}

function checkGrowth(heldBefore: number, describe: () => string): void {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  if (heapUsed + external > heldBefore + GROWTH_BYTES_MAX) throw new Error(`memory grows: ${describe()}`);
}

function timeByCpu({ read }: Target, bytes: Buffer): number {
  const before = process.cpuUsage();
  read(bytes);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function createInput(corpus: readonly Buffer[], draw: Draw): Buffer {
  if (draw(16) === 0) return Buffer.from(Array.from({ length: draw(60) }, () => (draw(2) === 0 ? draw(8) : draw(256))));
  let bytes = corpus[draw(corpus.length)] as Buffer;
  for (let edits = 1 + draw(EDITS_MAX); edits > 0; edits -= 1) bytes = edit(bytes, corpus, draw);
  return bytes;
}

function edit(bytes: Buffer, corpus: readonly Buffer[], draw: Draw): Buffer {
  const at = draw(bytes.length + 1);
  const byte = draw(2) === 0 ? draw(128) : draw(256);
  switch (draw(7)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + draw(8))]);
    case 3: {
      // A number that claims much.
      const claim = Buffer.from([...Array.from({ length: draw(9) }, () => 128 + draw(128)), draw(128)]);
      return Buffer.concat([bytes.subarray(0, at), claim, bytes.subarray(at + draw(3))]);
    }
    case 4: {
      const other = corpus[draw(corpus.length)] as Buffer;
      const from = draw(other.length + 1);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + draw(40)), bytes.subarray(at)]);
    }
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at + 1)]);
  }
}
