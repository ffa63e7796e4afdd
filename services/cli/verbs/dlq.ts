// weft dlq ls | show | redrive: what was refused, why, and sending it again once its cause is mended.

import type { Command } from "commander";
import { parsePayload } from "#services/channel/payload.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { deadLetterTopics } from "#services/config/topics.ts";
import { type Letter, type LetterSelection, readLetters, redriveLetters } from "#services/resolver/redrive.ts";
import { HIDDEN } from "#services/wire/mask.ts";
import { countOf, EXIT, UsageError } from "../failure.ts";
import type { CommonOptions } from "../program.ts";
import { openWires, type Wires } from "../wiring.ts";

interface SelectionOptions extends CommonOptions {
  readonly topic?: string;
  readonly reason?: string;
  readonly id?: string;
}

export function registerDeadLetters(program: Command): void {
  const letters = program.command("dlq").description("dead letters: what was refused, with its bytes and a reason");
  const select = (command: Command) =>
    command
      .option("-t, --topic <name>", "only those of this topic")
      .option("-r, --reason <code>", "only those with this reason");
  select(letters.command("ls").description("count them by topic and reason, with the first and the last")).action(
    async (_options: unknown, command: Command) => listLetters(command.optsWithGlobals<SelectionOptions>()),
  );
  letters
    .command("show")
    .description("one dead letter; without --pii its values are masked")
    .argument("<id>", "as `dlq ls` names the first and the last, such as channel-web.dlq/0@12")
    .option("--pii", "show values")
    .action(async (id: string, _options: unknown, command: Command) =>
      showLetter(id, command.optsWithGlobals<CommonOptions & { pii?: boolean }>()),
    );
  select(letters.command("redrive").description("send them to their topic again, as they came, each once"))
    .option("--id <id>", "only this one")
    .option("--all", "all there are")
    .option("--again", "also those that were sent again before")
    .action(async (_options: unknown, command: Command) =>
      redrive(command.optsWithGlobals<SelectionOptions & { all?: boolean; again?: boolean }>()),
    );
}

type Select = () => AsyncIterable<Letter>;

async function withLetters<T>(
  { config, embedded = false }: CommonOptions,
  selection: LetterSelection,
  use: (select: Select, wires: Wires) => Promise<T>,
): Promise<T> {
  const loaded = loadConfiguration(config);
  const wires = await openWires(loaded, { embedded });
  try {
    const present = new Set(await wires.log.listTopics());
    const topics = deadLetterTopics(loaded).flatMap(({ name }) => (present.has(name) ? [name] : []));
    return await use(() => readLetters(wires.log, topics, selection), wires);
  } finally {
    await wires.close();
  }
}

interface Group {
  readonly topic: string;
  readonly reason: string;
  readonly first: Place;
  count: number;
  last: Place;
}

async function listLetters(options: SelectionOptions): Promise<void> {
  await withLetters(options, pickSelection(options), async (select) => {
    const groups = new Map<string, Group>();
    for await (const letter of select()) {
      const { topic, reason } = letter;
      const [name, place] = [`${topic} ${reason}`, describePlace(letter)];
      const group = groups.get(name) ?? { topic, reason, count: 0, first: place, last: place };
      group.count += 1;
      group.last = place;
      groups.set(name, group);
    }
    const rows = [...groups.values()].map(({ topic, reason, count, first, last }) => {
      return { topic, reason, count, first, last };
    });
    if (options.json === true) process.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    else if (rows.length === 0) process.stdout.write("no dead letters\n");
    else
      for (const { topic, reason, count, first, last } of rows)
        process.stdout.write(`${topic} ${reason}: ${count}, ${first.id} of ${first.at} to ${last.id} of ${last.at}\n`);
  });
}

interface Place {
  readonly id: string;
  readonly at: string;
}

function describePlace({ id, recordedAt }: Letter): Place {
  return { id, at: new Date(recordedAt).toISOString() };
}

async function showLetter(id: string, options: CommonOptions & { pii?: boolean }): Promise<void> {
  await withLetters(options, { id }, async (select, wires) => {
    let letter: Letter | undefined;
    for await (const found of select()) letter = found;
    if (letter === undefined) {
      tellMissing(options.json === true);
      return;
    }
    const { reason, detail, topic, partition, offset, recordedAt, record } = letter;
    const show = (text: string) => (options.pii === true ? text : HIDDEN);
    const shown = {
      id,
      reason,
      detail,
      record: `${topic}/${partition}@${offset}`,
      recordedAt: new Date(recordedAt).toISOString(),
      key: record.key === null ? null : show(record.key),
      bytes: record.value?.length ?? null,
      value: await readValue(record.value, wires, show),
      ...(options.pii === true && record.value !== null
        ? { base64: Buffer.from(record.value).toString("base64") }
        : {}),
    };
    if (options.json === true) process.stdout.write(`${JSON.stringify(shown)}\n`);
    else
      for (const [name, value] of Object.entries(shown))
        process.stdout.write(`${name}: ${typeof value === "string" ? value : JSON.stringify(value)}\n`);
  });
}

/** As far as it can be read: what is refused for its content mostly can. Null: not at all. */
async function readValue(value: Uint8Array | null, { codec }: Wires, show: (text: string) => string): Promise<unknown> {
  await codec.prepare([value]);
  const decoded = codec.decode(value);
  const read = decoded.ok ? decoded : parsePayload(value);
  return read.ok ? maskTree(read.value, show) : null;
}

/** Every value, numbers among them: a year of birth is one. Names of fields stay. */
function maskTree(value: unknown, show: (text: string) => string): unknown {
  if (value === null || value === undefined || typeof value === "boolean") return value ?? null;
  if (Array.isArray(value)) return value.map((one) => maskTree(one, show));
  if (value instanceof Uint8Array) return show(Buffer.from(value).toString("base64"));
  if (typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, maskTree(one, show)]));
  return show(typeof value === "string" ? value : (value as number | bigint).toString());
}

async function redrive(options: SelectionOptions & { all?: boolean; again?: boolean }): Promise<void> {
  const selection = pickSelection(options);
  if (Object.keys(selection).length === 0 && options.all !== true)
    throw new UsageError("say which: --topic, --reason, --id, or --all");
  await withLetters(options, selection, async (select, { log }) => {
    const counts = await redriveLetters(log, select, options.again === true);
    if (options.id !== undefined && counts.redriven + counts.skipped === 0) return tellMissing(options.json === true);
    if (options.json === true) process.stdout.write(`${JSON.stringify(counts)}\n`);
    else
      process.stdout.write(
        `${countOf(counts.redriven, "dead letter")} sent again, ${counts.skipped} had been before (--again sends those too)\n`,
      );
  });
}

function tellMissing(json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify({ found: false })}\n` : "no such dead letter\n");
  process.exitCode = EXIT.failed;
}

function pickSelection({ topic, reason, id }: SelectionOptions): LetterSelection {
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(reason === undefined ? {} : { reason }),
    ...(id === undefined ? {} : { id }),
  };
}
