// `weft <verb>`: parses the command line, runs one verb, and turns whatever goes wrong into one clear line and an exit code.

import { CommanderError } from "commander";
import { EXIT, reportFailure } from "./failure.ts";
import { createProgram } from "./program.ts";

const END_MS = 1_000;

// `weft tail | head` closes the pipe; that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.done);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  const asksForHelp = error instanceof CommanderError && (error.exitCode === 0 || error.code === "commander.help");
  if (!asksForHelp) {
    process.exitCode = reportFailure(error, process.argv.includes("--json"));
    // A client that still tries to reach a service must not keep the command from ending.
    setTimeout(() => process.exit(), END_MS).unref();
  } else if (error.exitCode !== 0) process.exitCode = EXIT.wrongUsage;
}
