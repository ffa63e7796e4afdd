// weft report: what the transitions of a deployment, or of a fold, add up to.

import { dirname, join } from "node:path";
import Table from "cli-table3";
import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import { TRANSITION_NATURES } from "#core/effect.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { topicNames } from "#services/config/topics.ts";
import { writePrivateFile } from "#services/fold/private-file.ts";
import { readFold, readFoldQuality, readFoldSummary, readTopic } from "#services/report/intake.ts";
import { Ledger, type Selection } from "#services/report/ledger.ts";
import { readBase, readBuyers, reportLifetime, reportRfm, type Base } from "#services/report/lifetime.ts";
import { writePage } from "#services/report/page.ts";
import { describeHolds } from "#services/report/quality.ts";
import { REPORT_KINDS, type ReportKind, writeReport } from "#services/report/reports.ts";
import { showCell, showHead, type Sheet } from "#services/report/sheet.ts";
import { readHolds } from "#services/wire/hold-ledger.ts";
import type { CommonOptions } from "../program.ts";
import { UsageError } from "../failure.ts";
import { openWires } from "../wiring.ts";

/** Of the people of a fold, not of their transitions. */
const SCORES: Readonly<Record<string, (base: Base) => readonly Sheet[]>> = { rfm: reportRfm, clv: reportLifetime };

/** Rows of a table on the terminal. */
const SHOWN_MAX = 20;

interface ReportOptions extends CommonOptions, Selection {
  readonly from?: string;
  readonly html?: string;
  readonly fit?: boolean;
  readonly file?: string;
}

export function registerReport(program: Command): void {
  program
    .command("report")
    .description("what the transitions add up to: who moved, after how long, and what led there")
    .addArgument(new Argument("<kind>", "what of it").choices([...REPORT_KINDS, ...Object.keys(SCORES), "all"]))
    .option("--from <dir>", "the folder of a fold, in place of the topics")
    .option("--since <day>", "first day (UTC), such as 2026-03-01", parseDay)
    .option("--until <day>", "last day", parseDay)
    .addOption(new Option("--nature <nature>", "behaviour, or artefacts, alone").choices([...TRANSITION_NATURES]))
    .option("--fit", "clv: find the parameters in the fold of --from")
    .option("--html <file>", "also write a page with pictures")
    .option("--file <file>", "where what was read of the topic is kept; default: .weft/report.sqlite")
    .action(async (kind: string, _options: unknown, command: Command) =>
      printReport(kind, command.optsWithGlobals<ReportOptions>()),
    );
}

async function printReport(kind: string, options: ReportOptions): Promise<void> {
  const { from, since, until } = options;
  // Both are ISO days, so that text order is theirs.
  if (since !== undefined && until !== undefined && since > until)
    throw new UsageError(`--since ${since} is after --until ${until}`);
  const score = SCORES[kind];
  if (score !== undefined) {
    if (since !== undefined || until !== undefined || options.nature !== undefined)
      throw new UsageError(
        `report ${kind} is of people, not of passages: --since, --until and --nature say nothing there`,
      );
    if (from === undefined || (kind === "clv" && options.fit !== true))
      throw new UsageError(`report ${kind} reads a fold: give --from DIR${kind === "clv" ? " and --fit" : ""}`);
    writeSheets(score(readBase(readBuyers(from))), options, kind);
    return;
  }
  const { ledger, holds } = await openLedger(options);
  try {
    const kinds = kind === "all" ? REPORT_KINDS : [kind as ReportKind];
    const ofSources = from === undefined ? [holds] : [readFoldSummary(from), ...(await readFoldQuality(from))];
    const sheets = kinds.flatMap((name) => [
      ...writeReport(name, ledger, options),
      ...(name === "quality" ? ofSources : []),
    ]);
    writeSheets(sheets, options, kind);
  } finally {
    ledger.close();
  }
}

function writeSheets(sheets: readonly Sheet[], { html, json = false }: ReportOptions, kind: string): void {
  process.stdout.write(sheets.map(json ? writeLines : writeTable).join(json ? "" : "\n"));
  if (html !== undefined) writePrivateFile(html, writePage(`Weft: ${kind}`, sheets));
}

/** With all that there is by now; and, of the topics, who is held back. */
async function openLedger({ config, embedded = false, from, file }: ReportOptions) {
  if (from !== undefined) {
    const ledger = new Ledger();
    await readFold(ledger, from);
    return { ledger, holds: describeHolds([]) };
  }
  const loaded = loadConfiguration(config);
  const { kafka, embedded: settings } = loaded.deployment;
  const kept = embedded
    ? join(dirname(settings.file), "embedded-report.sqlite")
    : join(".weft", `${kafka.topicPrefix}report.sqlite`);
  const wires = await openWires(loaded, { embedded });
  try {
    const ledger = new Ledger(file ?? kept, () =>
      process.stderr.write(`${file ?? kept}: not read on for too long, begun anew\n`),
    );
    const names = topicNames(loaded);
    await readTopic(wires, ledger, names, { follow: false });
    return { ledger, holds: describeHolds((await readHolds(wires, names.sources)).latest) };
  } finally {
    await wires.close();
  }
}

function writeLines({ name, rows }: Sheet): string {
  return rows.map((row) => `${JSON.stringify({ sheet: name, ...row })}\n`).join("");
}

function writeTable({ title, rows }: Sheet): string {
  const keys = Object.keys(rows[0] ?? {});
  if (keys.length === 0) return `${title}: none\n`;
  const colAligns = keys.map((key) => (rows.some((row) => typeof row[key] === "number") ? "right" : "left"));
  const table = new Table({ head: keys.map(showHead), colAligns, style: { head: [], border: [] } });
  for (const row of rows.slice(0, SHOWN_MAX)) table.push(keys.map((key) => showCell(key, row[key] ?? null)));
  const more = rows.length - SHOWN_MAX;
  return `${title}\n${table.toString()}\n${more > 0 ? `… ${more} more rows: --json prints all\n` : ""}`;
}

function parseDay(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)))
    throw new InvalidArgumentError("expected a day such as 2026-03-01");
  return text;
}
