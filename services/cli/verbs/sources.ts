// weft sources: which sources are held back and why; holding one back, by its figures or by hand, and releasing it.

import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { OPERATOR } from "#core/configuration.ts";
import { loadConfiguration, type LoadedConfiguration } from "#services/config/configuration.ts";
import { formatSuggestion } from "#services/config/suggestion.ts";
import { sourcesTopics, topicNames } from "#services/config/topics.ts";
import {
  HELD,
  type HoldLedger,
  publishSourceRecord,
  readHolds,
  RELEASED,
  type SourceRecord,
} from "#services/wire/hold-ledger.ts";
import { parseDurationArgument } from "../argument.ts";
import { UsageError } from "../failure.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime, type Runtime } from "../runtime.ts";
import { type Figures, findLow, measureLatest, showShare } from "../source-watch.ts";

interface SourcesOptions extends CommonOptions {
  readonly author: string;
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly every?: number;
}

interface Session {
  readonly loaded: LoadedConfiguration;
  readonly runtime: Runtime;
  readonly ledger: HoldLedger;
  readonly options: SourcesOptions;
}

export function registerSources(program: Command): void {
  const sources = program.command("sources").description("which sources are held back, holding back and releasing");
  sources
    .command("list", { isDefault: true })
    .description("each source: held back since when, by whom and why")
    .action((_options: unknown, command: Command) => withSources(command, listSources));
  sources
    .command("watch")
    .description("hold back whoever's latest records are below the floors that the configuration declares")
    .option("--dry-run", "only say who would be")
    .option("--every <duration>", "go on, looking again so often; default: once", parseDurationArgument)
    .action((_options: unknown, command: Command) => withSources(command, watchSources, requireFloors));
  const byHand = [
    { verb: "hold", kind: HELD, description: "hold a source back: what it says from a minute on joins nobody" },
    { verb: "release", kind: RELEASED, description: "what it says from a minute on counts again" },
  ] as const;
  for (const { verb, kind, description } of byHand)
    sources
      .command(verb)
      .description(description)
      .argument("<source>", "name, as the configuration has it")
      .requiredOption("--author <name>", "who does so; goes into the log")
      .requiredOption("--reason <text>", "why; goes into the log")
      .option("--dry-run", "only say what would be written")
      .action((source: string, _options: unknown, command: Command) =>
        withSources(
          command,
          (session) => ruleBy(session, source, kind),
          (loaded) => requireHoldable(loaded, source),
        ),
      );
}

/** `check` looks at what was asked for before anything is waited for. */
async function withSources(
  command: Command,
  work: (session: Session) => Promise<void>,
  check: (loaded: LoadedConfiguration) => void = () => {},
): Promise<void> {
  const options = command.optsWithGlobals<SourcesOptions>();
  const { config, embedded = false, every } = options;
  const loaded = loadConfiguration(config);
  check(loaded);
  const runtime = await openRuntime(loaded, { embedded, isProcess: every !== undefined });
  try {
    await runtime.wires.log.createTopics(sourcesTopics(loaded));
    const ledger = await readHolds(runtime.wires, topicNames(loaded).sources);
    await work({ loaded, runtime, ledger, options });
  } finally {
    await runtime.close();
  }
}

async function listSources({ loaded, ledger, options: { json = false } }: Session): Promise<void> {
  for (const { name } of loaded.configuration.sources) {
    if (name === OPERATOR) continue;
    const latest = ledger.latestOf(name);
    const isHeld = latest?.kind === HELD;
    const since = latest === null ? null : new Date(latest.from).toISOString();
    if (json) {
      const { figures = {}, author = null, reason = null } = latest ?? {};
      process.stdout.write(`${JSON.stringify({ source: name, held: isHeld, since, author, reason, figures })}\n`);
    } else
      process.stdout.write(
        `${name}: ${latest === null ? "never held back" : `${isHeld ? "held back" : "released"} since ${since}, by ${latest.author}: ${latest.reason}`}\n`,
      );
  }
}

function requireFloors({ file, deployment }: LoadedConfiguration): void {
  if (deployment.floors.size === 0)
    throw new UsageError(`no source of ${file} declares \`floors\`: there is nothing to watch`);
}

async function watchSources(session: Session): Promise<void> {
  const { loaded, runtime, ledger, options } = session;
  for (;;) {
    await ledger.catchUp();
    for (const { name, topic } of loaded.configuration.sources) {
      const floors = loaded.deployment.floors.get(name);
      const latest = ledger.latestOf(name);
      if (floors === undefined || latest?.kind === HELD) continue;
      const figures = await measureLatest(loaded, runtime, { name, topic }, floors, latest?.from ?? 0);
      const low = figures === null ? [] : findLow(floors, figures);
      if (figures === null || low.length === 0) {
        say(session, { source: name, held: false, figures }, `${name}: ${describeFigures(figures)}`);
        continue;
      }
      const reason = `${low.join(", ")}, of its latest ${floors.events} records`;
      await write(session, { kind: HELD, source: name, figures, author: "weft sources watch", reason });
    }
    if (options.every === undefined) return;
    await delay(options.every);
  }
}

function requireHoldable({ configuration }: LoadedConfiguration, source: string): void {
  const names = configuration.sources.flatMap(({ name }) => (name === OPERATOR ? [] : [name]));
  if (names.includes(source)) return;
  throw new UsageError(`no source ${source}${formatSuggestion(source, names)}: expected one of ${names.join(", ")}`);
}

async function ruleBy(session: Session, source: string, kind: SourceRecord["kind"]): Promise<void> {
  const { ledger, options } = session;
  const isHeld = ledger.latestOf(source)?.kind === HELD;
  if (isHeld === (kind === HELD)) {
    say(
      session,
      { source, held: isHeld, isNew: false },
      `${source}: ${isHeld ? "already held back" : "not held back"}`,
    );
    return;
  }
  const { author, reason } = options;
  await write(session, { kind, source, figures: {}, author, reason });
}

async function write(session: Session, record: SourceRecord): Promise<void> {
  const { loaded, runtime, ledger, options } = session;
  const { kind, source, figures, reason } = record;
  const verb = kind === HELD ? "held back" : "released";
  const line = { source, held: kind === HELD, reason, figures };
  if (options.dryRun === true) return say(session, { ...line, dryRun: true }, `${source}: would be ${verb}: ${reason}`);
  await publishSourceRecord(runtime.wires, topicNames(loaded).sources, record);
  await ledger.catchUp();
  const from = new Date(ledger.latestOf(source)?.from ?? 0).toISOString();
  say(session, { ...line, from }, `${source}: ${verb} from ${from} on: ${reason}`);
}

function say({ options: { json = false } }: Session, told: object, line: string): void {
  process.stdout.write(`${json ? JSON.stringify(told) : line}\n`);
}

function describeFigures(figures: Figures | null): string {
  if (figures === null) return "too few records since it was last released";
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${showShare(value)}`)
    .join(", ");
}
