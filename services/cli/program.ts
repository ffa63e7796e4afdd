// The command line as a whole: what is common to every verb, and the list of verbs.

import { Command, Option } from "commander";
import { checkDuration } from "./argument.ts";
import { describeUnknown } from "#services/config/environment.ts";
import packageFile from "../../package.json" with { type: "json" };
import { explainUsage } from "./usage.ts";
import { registerAccess } from "./verbs/access.ts";
import { registerApi } from "./verbs/api.ts";
import { registerConfig } from "./verbs/config.ts";
import { registerDemoAutomation } from "./verbs/demo-automation.ts";
import { registerDemo } from "./verbs/demo.ts";
import { registerDeadLetters } from "./verbs/dlq.ts";
import { registerDigest } from "./verbs/digest.ts";
import { registerDoctor } from "./verbs/doctor.ts";
import { registerExplain } from "./verbs/explain.ts";
import { registerFold } from "./verbs/fold.ts";
import { registerImport } from "./verbs/import.ts";
import { registerLookup } from "./verbs/lookup.ts";
import { registerPrivacy } from "./verbs/privacy.ts";
import { registerProduce } from "./verbs/produce.ts";
import { registerReport } from "./verbs/report.ts";
import { registerRulings } from "./verbs/ruling.ts";
import { registerRules } from "./verbs/rules.ts";
import { registerRun } from "./verbs/run.ts";
import { registerSources } from "./verbs/sources.ts";
import { registerTail } from "./verbs/tail.ts";
import { registerTopics } from "./verbs/topics.ts";

const VERBS: readonly ((program: Command) => void)[] = [
  registerDemo,
  registerDemoAutomation,
  registerProduce,
  registerImport,
  registerFold,
  registerRun,
  registerLookup,
  registerExplain,
  registerRulings,
  registerRules,
  registerSources,
  registerPrivacy,
  registerApi,
  registerDigest,
  registerTail,
  registerReport,
  registerDeadLetters,
  registerTopics,
  registerAccess,
  registerDoctor,
  registerConfig,
];

/** Options that every verb has, before or after its name. */
export interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly embedded?: boolean;
  readonly dev?: boolean;
  /** As it was given. */
  readonly timeout?: string;
}

export function createProgram(): Command {
  let isWarned = false;
  const program = new Command("weft")
    .description(
      "One live profile per person from the events of every channel, and a message at each change of segment.",
    )
    .version(packageFile.version)
    .option("-c, --config <file>", "configuration; without it, the shipped default")
    .option("--json", "machine-readable output, one JSON object a line")
    .option("-q, --quiet", "no progress")
    .option("--dev", "meet other machines in the clear and without passwords, and only warn of settings that lose data")
    .addOption(new Option("--embedded", "one machine without servers: log and store in the file `embedded.file`"))
    .option(
      "--timeout <duration>",
      "give up waiting for Kafka or Redis after so long; 0s: never (default: 60s)",
      checkDuration,
    )
    .configureHelp({ showGlobalOptions: true, sortSubcommands: true })
    // Said where every other failure is.
    .configureOutput({ outputError() {} })
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 some input refused. WEFT_DEBUG=1 shows where a failure came from.",
    )
    .hook("preAction", (_program, verb) => {
      if (!isWarned) for (const line of describeUnknown(process.env)) process.stderr.write(`warning: ${line}\n`);
      isWarned = true;
      // Where the configuration looks for them.
      const { dev, timeout } = verb.optsWithGlobals<CommonOptions>();
      if (dev === true) process.env["WEFT_DEV"] = "true";
      if (timeout !== undefined) process.env["WEFT_TIMEOUT"] = timeout;
    });
  for (const register of VERBS) register(program);
  explainUsage(program);
  return program;
}
