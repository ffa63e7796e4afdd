// weft rules: what is wrong with a rules file, and what another one would do.

import type { Command } from "commander";
import { readChannelFiles } from "#services/channel/file.ts";
import { findRulesFile, loadConfiguration } from "#services/config/configuration.ts";
import { loadRules } from "#services/config/rules-file.ts";
import { formatProblem } from "#services/config/problem.ts";
import { checkRulesFile } from "#services/config/rules-check.ts";
import { compareFoldEvents, Fold, type FoldEvent } from "#services/fold/fold.ts";
import { compareRules, formatDifference, type RulesOutcome } from "#services/fold/rules-diff.ts";
import { createHash } from "#services/wire/hash.ts";
import { EXIT, UsageError } from "../failure.ts";
import type { CommonOptions } from "../program.ts";

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
  const untilMs = until === undefined ? undefined : Date.parse(until);
  if (Number.isNaN(untilMs)) throw new UsageError(`--until ${until}: expected an ISO 8601 time`);
  const [old, now] = [loadRules(before), loadRules(after)];
  const loaded = loadConfiguration(config);
  const events: FoldEvent[] = [];
  let refused = 0;
  for await (const reading of readChannelFiles(files, loaded, {})) {
    if (reading.ok) events.push({ source: reading.source, recordedAt: reading.recordedAt, event: reading.event });
    else refused += 1;
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
