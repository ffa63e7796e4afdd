// weft produce: events as they happen, from standard input or files, to their channel topics.

import type { Command } from "commander";
import { type FeedingOptions, feedFiles } from "../feeding.ts";

export function registerProduce(program: Command): void {
  program
    .command("produce")
    .description("send events, JSON lines, to their channel topics; recorded now unless a line says when")
    .argument("[files...]", "files; `-` or none for standard input")
    .option("-s, --source <name>", "source of lines that name none")
    .action(async (files: string[], _options: unknown, command: Command) =>
      feedFiles("produce", files.length === 0 ? ["-"] : files, command.optsWithGlobals<FeedingOptions>(), {
        timestamps: "live",
        backfill: false,
      }),
    );
}
