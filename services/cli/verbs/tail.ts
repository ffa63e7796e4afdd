// weft tail: the records of a topic, decoded, as they stand in the log.

import { type Command, InvalidArgumentError, Option } from "commander";
import type { Decoded } from "#ports/codec.ts";
import type { LogRecord } from "#ports/log.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { formatSuggestion } from "#services/config/suggestion.ts";
import type { CommonOptions } from "../program.ts";
import { listenForStop } from "../until-stopped.ts";
import { openWires } from "../wiring.ts";

interface TailOptions extends CommonOptions {
  readonly from: "start" | "end";
  readonly follow?: boolean;
  readonly max?: number;
}

class NoTopic extends Error {
  readonly code = "no-topic";
}

export function registerTail(program: Command): void {
  program
    .command("tail")
    .description("print the records of topics, decoded")
    .argument("<topics...>", "names of topics, as `weft topics` prints them")
    .addOption(new Option("--from <where>", "where to begin").choices(["start", "end"]).default("start"))
    .option("-f, --follow", "wait for more at the end")
    .option("-n, --max <count>", "stop after so many records", parseCount)
    .action(async (topics: string[], _options: unknown, command: Command) =>
      tailTopics(topics, command.optsWithGlobals<TailOptions>()),
    );
}

async function tailTopics(
  topics: readonly string[],
  { config, json, embedded = false, from, follow = false, max = Number.POSITIVE_INFINITY }: TailOptions,
): Promise<void> {
  const wires = await openWires(loadConfiguration(config), { embedded, isProcess: follow });
  // Not before: whoever waits for a log that is away is ended by the signal itself.
  const stop = listenForStop();
  try {
    const known = await wires.log.listTopics();
    const missing = topics.find((topic) => !known.includes(topic));
    if (missing !== undefined) throw new NoTopic(`topic ${missing} does not exist${formatSuggestion(missing, known)}`);
    let count = 0;
    for await (const record of wires.log.read(topics, { from, follow, signal: stop.signal })) {
      await wires.codec.prepare([record.value]);
      const text = (json ? formatJson : formatLine)(
        record,
        record.value === null ? null : wires.codec.decode(record.value),
      );
      if (!process.stdout.write(`${text}\n`)) await drained();
      count += 1;
      if (count >= max || stop.signal.aborted) break;
    }
  } finally {
    stop.release();
    await wires.close();
  }
}

/** `decoded` is null for a tombstone. */
function formatJson(record: LogRecord, decoded: Decoded | null): string {
  const { topic, partition, offset, key, headers } = record;
  const recordedAt = new Date(record.timestampMs).toISOString();
  const rest =
    decoded === null
      ? { value: null }
      : decoded.ok
        ? { value: decoded.value }
        : { reason: decoded.reason, detail: decoded.detail };
  return JSON.stringify({ topic, partition, offset, recordedAt, key, headers, ...rest }, replaceBinary);
}

function formatLine(record: LogRecord, decoded: Decoded | null): string {
  const place = `${new Date(record.timestampMs).toISOString()} ${record.topic}/${record.partition}@${record.offset}`;
  const value =
    decoded === null
      ? "(deleted)"
      : decoded.ok
        ? JSON.stringify(decoded.value, replaceBinary)
        : `(${decoded.reason}: ${decoded.detail})`;
  return `${place} ${record.key ?? "-"} ${value}`;
}

/** Buffers turn themselves into lists of numbers before a replacer sees them, hence `this`. */
function replaceBinary(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key];
  if (original instanceof Uint8Array) return Buffer.from(original).toString("base64");
  return typeof value === "bigint" ? value.toString() : value;
}

function drained(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.once("drain", resolve);
  });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError("expected a whole number from 1");
  return Number(text);
}
