// weft rules: what is wrong with a rules file, what another one would do, putting one in force, and which is.

import type { Command } from "commander";
import { readChannelFiles } from "#services/channel/file.ts";
import { parseIsoTime } from "#services/channel/instant.ts";
import { findRulesFile, loadConfiguration } from "#services/config/configuration.ts";
import { FIXED } from "#services/config/fingerprint.ts";
import { rulesTopics, topicNames } from "#services/config/topics.ts";
import { loadRules } from "#services/config/rules-file.ts";
import { formatProblem } from "#services/config/problem.ts";
import { checkRulesFile } from "#services/config/rules-check.ts";
import { compareFoldEvents, Fold, type FoldEvent } from "#services/fold/fold.ts";
import { compareRules, formatDifference, type RulesOutcome } from "#services/fold/rules-diff.ts";
import { createHash } from "#services/wire/hash.ts";
import { applyRuleSet, countShards, describeRules, readRulesLog, RulesRefused } from "#services/wire/rules.ts";
import { EXIT, UsageError } from "../failure.ts";
import { tellRefused } from "../feeding.ts";
import type { CommonOptions } from "../program.ts";
import { foldedWith, openRuntime } from "../runtime.ts";
import { openWires } from "../wiring.ts";

export function registerRules(program: Command): void {
  const rules = program.command("rules").description("segments, audiences and signals: check a file, compare two");
  rules
    .command("check")
    .description("explain everything that is wrong with a rules file, with line and suggestion")
    .argument("[file]", "rules file; without it, that of the configuration")
    .action((file: string | undefined, _options: unknown, command: Command) =>
      printCheck(file, command.optsWithGlobals<CommonOptions>()),
    );
  rules
    .command("diff")
    .description("fold the same events under two rules files: segments moved, transitions and signals added or removed")
    .argument("<before>", "rules file")
    .argument("<after>", "rules file")
    .argument("[events...]", "files as `fold` reads them; without any, nobody is moved")
    .option("-n, --examples <count>", "how many examples of each to show", "5")
    .option("-u, --until <time>", "let time pass up to here (ISO 8601); default: the last recordedAt")
    .action(async (before: string, after: string, events: string[], _options: unknown, command: Command) =>
      printDifference(before, after, events, command.optsWithGlobals<DiffOptions>()),
    );
  rules
    .command("apply")
    .description("put a rules file in force: from its record in the log on, everybody is where it has them")
    .argument("[file]", "rules file; without it, that of the configuration")
    .requiredOption("--author <name>", "who does so; goes into the log")
    .requiredOption("--reason <text>", "why; goes into the log")
    .action((file: string | undefined, _options: unknown, command: Command) =>
      putInForce(file, command.optsWithGlobals<ApplyOptions>()),
    );
  rules
    .command("show")
    .description("which rules are in force, who put them there, and how many shards have come to them")
    .option("--all", "every rule set that ever was")
    .action((_options: unknown, command: Command) => printInForce(command.optsWithGlobals<ShowOptions>()));
}

interface ApplyOptions extends CommonOptions {
  readonly author: string;
  readonly reason: string;
}

interface ShowOptions extends CommonOptions {
  readonly all?: boolean;
}

interface DiffOptions extends CommonOptions {
  readonly examples: string;
  readonly until?: string;
}

function printCheck(given: string | undefined, { config, json = false }: CommonOptions): void {
  const file = given ?? findRulesFile(config);
  const { rules, errors, warnings } = checkRulesFile(file);
  if (errors.length > 0) process.exitCode = EXIT.failed;
  const { version = null, ladder = [], audiences = [], signals = [] } = rules ?? {};
  const counts = { segments: ladder.length, audiences: audiences.length, signals: signals.length };
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ file, ok: errors.length === 0, version, ...counts, errors, warnings })}\n`,
    );
    return;
  }
  const lines = [...errors.map(formatProblem), ...warnings.map((problem) => `warning: ${formatProblem(problem)}`)];
  if (rules !== null)
    lines.push(
      `${file}: version ${version}, ${counts.segments} segments, ${counts.audiences} audiences, ${counts.signals} signals in use`,
    );
  process.stdout.write(`${lines.join("\n")}\n`);
}

async function printDifference(
  before: string,
  after: string,
  files: readonly string[],
  { config, examples, until, json = false }: DiffOptions,
): Promise<void> {
  const max = Number(examples);
  if (!Number.isSafeInteger(max) || max < 0) throw new UsageError(`--examples ${examples}: expected a whole number`);
  const untilMs = until === undefined ? undefined : parseIsoTime(until);
  if (until !== undefined && untilMs === undefined) throw new UsageError(`--until ${until}: expected an ISO 8601 time`);
  const [old, now] = [loadRules(before), loadRules(after)];
  const loaded = loadConfiguration(config);
  const events: FoldEvent[] = [];
  let refused = 0;
  for await (const reading of readChannelFiles(files, loaded, {})) {
    if (reading.ok) {
      events.push({ source: reading.source, recordedAt: reading.recordedAt, event: reading.event });
      continue;
    }
    // The difference is of what is left.
    refused += 1;
    tellRefused(reading, json);
  }
  events.sort(compareFoldEvents);
  const hash = createHash(loaded.deployment.identityKey.bytes);
  const outcomes: RulesOutcome[] = [];
  for (const rules of [old, now]) {
    const fold = new Fold({ configuration: { ...loaded.configuration, rules }, hash });
    for (const event of events) await fold.add([event]);
    await fold.advance(untilMs ?? events.at(-1)?.recordedAt ?? 0);
    outcomes.push({ rules, profiles: (await fold.readPeople()).profiles, outputs: fold.outputs });
  }
  const difference = compareRules(outcomes[0] as RulesOutcome, outcomes[1] as RulesOutcome, max);
  process.stdout.write(json ? `${JSON.stringify(difference)}\n` : formatDifference(difference));
  if (refused > 0) process.exitCode = EXIT.inputRefused;
}

async function putInForce(file: string | undefined, { config, json = false, ...options }: ApplyOptions): Promise<void> {
  const loaded = loadConfiguration(config);
  const { embedded = false, author, reason } = options;
  const rules = file === undefined ? loaded.configuration.rules : loadRules(file);
  const wires = await openWires(loaded, { embedded });
  try {
    const topic = topicNames(loaded).rules;
    await wires.log.createTopics(rulesTopics(loaded));
    const request = { rules, author, reason };
    const { entry, former, isNew } = await applyRuleSet(wires, topic, foldedWith(loaded), request, FIXED);
    const { sequence, version, digest } = entry;
    const isFiles = digest === describeRules(loaded.configuration.rules).digest;
    const said = isNew
      ? `${version}: written to the log in place of ${former.version}; \`weft rules show\` tells how far the shards are`
      : `${version}: already in force`;
    const hint = isFiles ? "" : `\nprocesses start only where ${loaded.file} names these rules too`;
    process.stdout.write(json ? `${JSON.stringify({ sequence, version, digest, isNew })}\n` : `${said}${hint}\n`);
  } finally {
    await wires.close();
  }
}

async function printInForce({ config, embedded = false, json = false, all = false }: ShowOptions): Promise<void> {
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const { wires, store } = runtime;
    const entries = await readRulesLog(wires, topicNames(loaded).rules);
    const inForce = entries.at(-1);
    if (inForce === undefined)
      throw new RulesRefused("no rules were ever in force: the first process puts its own there");
    const shards = await countShards(store, loaded.deployment.engine.shards, inForce.sequence);
    for (const entry of all ? entries : [inForce]) {
      const { sequence, version, digest, author, reason, recordedAt } = entry;
      const at = new Date(recordedAt).toISOString();
      const described = { sequence, version, digest, author, reason, at, ...(entry === inForce ? { shards } : {}) };
      if (json) process.stdout.write(`${JSON.stringify(described)}\n`);
      else {
        const by = author === "" ? "the first process" : `${author}: ${reason}`;
        process.stdout.write(`${version} (${digest.slice(0, 12)}) since ${at}, by ${by}\n`);
      }
    }
    if (!json)
      process.stdout.write(
        `${shards.there} of ${shards.all} shards have come to it, ${shards.underWay} are under way\n`,
      );
  } finally {
    await runtime.close();
  }
}
