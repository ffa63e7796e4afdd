// weft import: files of what has happened, recorded when they say, to their channel topics.

import type { Command } from "commander";
import { rehearseFiles } from "../dry-run.ts";
import { type FeedingOptions, feedFiles } from "../feeding.ts";

export function registerImport(program: Command): void {
  program
    .command("import")
    .description("load files (JSON lines, or CSV through a mapping) into their channel topics, recorded when they say")
    .argument("<files...>", "files, packed with gzip or not; merged into the order of recording")
    .option("-s, --source <name>", "source of lines that name none, or whose mapping reads the files")
    .option("--history", "mark the records as a backfill: no signal is sent and no voucher paid for them")
    .option("--dry-run", "write nothing: tell what would be refused, what conflicts and whom it would make one person")
    .action(async (files: string[], { history, dryRun }: { history?: true; dryRun?: true }, command: Command) => {
      const options = command.optsWithGlobals<FeedingOptions>();
      if (dryRun === true) return rehearseFiles(files, options);
      return feedFiles("import", files, options, { timestamps: "history", backfill: history === true });
    });
}
