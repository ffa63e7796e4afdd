// weft link, weft split: what an operator rules about two identifiers (I2), as records of the log with author and reason.

import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { OperatorVerdict } from "#core/ruling.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { judgeRuling, operatorTopic, publishRuling } from "#services/wire/ruling.ts";
import { UsageError } from "../failure.ts";
import { IDENTIFIER_HELP, parseIdentifier } from "../identifier.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime } from "../runtime.ts";

interface RulingOptions extends CommonOptions {
  readonly author: string;
  readonly reason: string;
  readonly evidence?: boolean;
  readonly undo?: boolean;
}

export function registerRulings(program: Command): void {
  for (const [verb, description] of [
    ["link", "rule that two identifiers are one person: evidence that weighs more than any other"],
    [
      "split",
      "rule that two identifiers are not one person: what says so does not count, and nothing brings them together",
    ],
  ] as const) {
    const command = program
      .command(verb)
      .description(description)
      .argument("<identifier>", IDENTIFIER_HELP)
      .argument("<other>", "the second identifier")
      .requiredOption("--author <name>", "who rules so; goes into the log")
      .requiredOption("--reason <text>", "why; goes into the log")
      .option("--undo", "lift what was ruled of the two before")
      .action(async (one: string, other: string, _options: unknown, self: Command) =>
        rule(verb, one, other, self.optsWithGlobals<RulingOptions>()),
      );
    if (verb === "split")
      command.option(
        "--evidence",
        "only cut the evidence between the two: other evidence may still bring them together",
      );
  }
}

async function rule(verb: "link" | "split", one: string, other: string, options: RulingOptions): Promise<void> {
  const { config, embedded = false, json = false, undo = false, evidence = false } = options;
  const verdict: OperatorVerdict = undo ? "lifted" : verb === "link" ? "linked" : evidence ? "cut" : "apart";
  if (one === other) throw new UsageError("a ruling is about two identifiers");
  const names = [parseIdentifier(one), parseIdentifier(other)] as const;
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const { wires, lookups, country } = runtime;
    await judgeRuling(lookups, verdict, names, country);
    const { author, reason } = options;
    const ruling = { id: randomUUID(), verdict, identifiers: names, author, reason, at: Date.now() };
    await publishRuling(wires, operatorTopic(loaded), ruling);
    const folded = embedded ? " once `weft up` has folded it" : "";
    const said = `${verdict}: written to the log; \`weft explain\` shows what came of it${folded}`;
    process.stdout.write(json ? `${JSON.stringify({ verdict })}\n` : `${said}\n`);
  } finally {
    await runtime.close();
  }
}
