// `import --dry-run`: what would be refused, what would meet a conflict and whom it would make one, with nothing written.

import type { DeadLetterReason } from "#core/acceptance.ts";
import { type FileReading, readChannelFiles } from "#services/channel/file.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { topicNames } from "#services/config/topics.ts";
import { readHolds } from "#services/wire/hold-ledger.ts";
import { PrivacyLedger } from "#services/wire/privacy-ledger.ts";
import { REHEARSED_MAX, rehearseEvents, type RehearsalReport } from "#services/wire/rehearsal.ts";
import { requireSource } from "./argument.ts";
import { countOf, EXIT, UsageError } from "./failure.ts";
import { LeftOut } from "./left-out.ts";
import type { CommonOptions } from "./program.ts";
import { openRuntime } from "./runtime.ts";

/** Lines of a kind on a terminal. */
const SHOWN_MAX = 20;

type Read = FileReading & { readonly ok: true };

interface Refused {
  readonly file: string;
  readonly line: number;
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

export async function rehearseFiles(
  files: readonly string[],
  { config, json = false, embedded = false, source }: CommonOptions & { readonly source?: string },
): Promise<void> {
  const loaded = loadConfiguration(config);
  requireSource(loaded, source);
  const refused: Refused[] = [];
  const read: Read[] = [];
  const leftOut = new LeftOut();
  const options = { onLeftOut: leftOut.note, ...(source === undefined ? {} : { source }) };
  for await (const reading of readChannelFiles(files, loaded, options)) {
    if (reading.ok) read.push(reading);
    else refused.push(reading);
    if (read.length > REHEARSED_MAX)
      throw new UsageError(`--dry-run takes ${REHEARSED_MAX} events at once: give a part of them`);
  }
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const { log, codec } = runtime.wires;
    const { privacy, sources } = topicNames(loaded);
    const requests = new PrivacyLedger(privacy, log, codec);
    if ((await log.listTopics()).includes(privacy)) await requests.catchUp();
    const { holds } = await readHolds(runtime.wires, sources);
    // Before anything has ever run here, nobody has marked the index.
    const { isIndexWhole: _, ...lookups } = runtime.lookups;
    const report = await rehearseEvents(lookups, requests.erasures, read, holds);
    for (const [place, fate] of report.fates.entries())
      if (fate.fate === "refused") refused.push({ ...placeOf(read, place), reason: fate.reason, detail: fate.detail });
    leftOut.tell(json);
    process.stdout.write(json ? writeReport(report, refused, read) : describeReport(report, refused, read));
    if (refused.length > 0) process.exitCode = EXIT.inputRefused;
  } finally {
    await runtime.close();
  }
}

function placeOf(read: readonly Read[], place: number) {
  const { file = "", line = 0 } = read[place] ?? {};
  return { file, line };
}

function countFates({ fates }: RehearsalReport) {
  const count = (name: string) => fates.filter(({ fate }) => fate === name).length;
  return {
    accepted: count("accepted"),
    repeated: count("repeated"),
    known: count("known"),
    suppressed: count("suppressed"),
  };
}

function writeReport(report: RehearsalReport, refused: readonly Refused[], read: readonly Read[]): string {
  const { merges, parted, conflicts } = report;
  const placed = conflicts.map(({ event, ...one }) => ({ ...one, ...placeOf(read, event) }));
  const lines = refused.map(({ file, line, reason, detail }) => ({ file, line, reason, detail }));
  const told = { dryRun: true, ...countFates(report), refused: lines, merges, parted, conflicts: placed };
  return `${JSON.stringify(told)}\n`;
}

function describeReport(report: RehearsalReport, refused: readonly Refused[], read: readonly Read[]): string {
  const { accepted, repeated, known, suppressed } = countFates(report);
  const { merges, parted, conflicts } = report;
  const people = merges.filter((merge) => merge.known > 1).length;
  const list = (title: string, lines: readonly string[]) => [
    title,
    ...lines.slice(0, SHOWN_MAX).map((line) => `  ${line}`),
    ...(lines.length > SHOWN_MAX ? [`  … ${lines.length - SHOWN_MAX} more: --json prints all`] : []),
  ];
  const at = (event: number) => {
    const { file, line } = placeOf(read, event);
    return `${file}:${line}`;
  };
  return `${[
    `dry run, nothing was written: ${countOf(accepted, "event")} would be folded, ${repeated} are there twice, ${known} are known already, ${suppressed} are of people who were erased`,
    ...list(
      `refused: ${refused.length}`,
      refused.map(({ file, line, reason, detail }) => `${file}:${line} ${reason}: ${detail}`),
    ),
    ...list(
      `merges: ${merges.length}, of which ${people} make known people one`,
      merges.map(({ profiles }) => profiles.join(" + ")),
    ),
    ...list(`people who would be parted: ${parted.length}`, parted),
    ...list(
      `conflicts: ${conflicts.length}`,
      conflicts.map(({ kind, namespaces, event }) => `${at(event)} ${kind}: ${namespaces.join(" and ")}`),
    ),
  ].join("\n")}\n`;
}
