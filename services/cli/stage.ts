// A deployment to play on: embedded log and store in a folder of its own, the engine over them as `weft up` runs it, and
// a clock that the caller moves, so that days pass in seconds. Small, because one process has little to share out.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identifierKey } from "#core/identifier.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { LogRecord, Membership, NewRecord } from "#ports/log.ts";
import { type LoadedConfiguration, loadConfiguration } from "#services/config/configuration.ts";
import { deadLetterTopics, outputTopics, topicNames } from "#services/config/topics.ts";
import { openDrain } from "./drain.ts";
import { openRuntime, type Runtime } from "./runtime.ts";

/** Events as their channels would send them, with the time at which the log learns of each. */
export interface StagedEvent {
  readonly source: string;
  readonly recordedAt: number;
  readonly event: ChannelEvent;
}

export interface Outcomes {
  records: number;
  folded: number;
  duplicates: number;
  deadLetters: number;
}

export interface Stage {
  readonly folder: string;
  readonly configFile: string;
  readonly loaded: LoadedConfiguration;
  readonly runtime: Runtime;
  readonly outcomes: Outcomes;
  /** Lets time pass to the instant, sends the events, and resolves once the engine is at rest; no time passes meanwhile. */
  play(atMs: number, events: readonly StagedEvent[]): Promise<void>;
  /** The output records and dead letters that have come since the last call, decoded. */
  readBack(add: (record: LogRecord, value: unknown) => void): Promise<void>;
  /** Stops the engine and closes the files, which stay. */
  close(): Promise<void>;
  remove(): void;
}

/** Ticks follow each other quickly, because nobody waits for their instants in real time. */
const CONFIGURATION = (file: string) => `# One machine without servers, as the demo made it.
embedded: { file: ${JSON.stringify(file)} }
engine: { shards: 4, stitchSlots: 1, resolverSlots: 1, tickInterval: 5ms, transactionInterval: 1ms }
`;

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "weft-demo-"));
  const configFile = join(folder, "weft.yaml");
  writeFileSync(configFile, CONFIGURATION(join(folder, "weft.sqlite")));
  // Nothing from outside: a variable that is set for a real deployment must not reach the demo.
  const loaded = loadConfiguration(configFile, {});
  let clockMs = 0;
  const outcomes: Outcomes = { records: 0, folded: 0, duplicates: 0, deadLetters: 0 };
  const runtime = await openRuntime(loaded, {
    embedded: true,
    now: () => clockMs,
    onBatch({ records, duplicates, deadLetters }) {
      outcomes.records += records;
      outcomes.duplicates += duplicates;
      for (const count of deadLetters.values()) outcomes.deadLetters += count;
    },
    onOutcome({ outcome }) {
      if (outcome === "folded") outcomes.folded += 1;
      else outcomes.duplicates += 1;
    },
  });
  const { log, codec } = runtime.wires;
  await runtime.createTopics();
  const { shards, resolverSlots } = loaded.deployment.engine;
  const drain = openDrain({
    log,
    codec,
    store: runtime.store,
    resolvedTopic: topicNames(loaded).resolved,
    shards,
    resolverSlots,
    setClock: (timeMs) => {
      clockMs = timeMs;
    },
  });
  const memberships: Membership[] = [await runtime.startResolver(), await runtime.startStitcher()];
  // A loop that fails ends the wait for it.
  const failed = Promise.all(memberships.map(({ closed }) => closed));
  failed.catch(() => {});
  const until = (timeMs: number) => Promise.race([drain.until(timeMs), failed]);

  const topicOf = new Map(loaded.configuration.sources.map(({ name, topic }) => [name, topic]));
  const seen = new Map<string, number>();
  const outputs = [...outputTopics(loaded), ...deadLetterTopics(loaded)].map(({ name }) => name);

  async function record({ source, recordedAt, event }: StagedEvent): Promise<NewRecord> {
    const topic = topicOf.get(source) ?? "";
    const encode = await codec.encoder(topic, "ChannelEvent");
    const [first] = event.identifiers;
    return {
      topic,
      // One visitor's events stay in order, and the key says nothing about who it is.
      key: first === undefined ? null : identifierKey(runtime.engine.registry, first.namespace, first.value),
      value: encode(event),
      timestampMs: recordedAt,
    };
  }

  return {
    folder,
    configFile,
    loaded,
    runtime,
    outcomes,
    async play(atMs, events) {
      await until(atMs);
      if (events.length === 0) return;
      await log.append(await Promise.all(events.map(record)));
      await until(atMs);
    },
    async readBack(add) {
      for await (const one of log.read(outputs, { from: "start", follow: false })) {
        const place = `${one.topic}/${one.partition}`;
        if (one.offset < (seen.get(place) ?? 0)) continue;
        seen.set(place, one.offset + 1);
        const decoded = one.value === null ? null : codec.decode(one.value);
        add(one, decoded?.ok === true ? decoded.value : null);
      }
    },
    async close() {
      drain.close();
      for (const membership of memberships) await membership.close();
      await runtime.close();
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
