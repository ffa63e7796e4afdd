// weft explain: why identifiers are one person, and why two are not (I7).

import type { Command } from "commander";
import type { LinkRule } from "#core/explanation.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import {
  explain,
  type Explanation,
  OBSTACLE_TEXTS,
  RULE_TEXTS,
  type ShownEvidence,
  type ShownRefusal,
} from "#services/wire/explanation.ts";
import { findIdentifier, type Located } from "#services/wire/location.ts";
import { mask } from "#services/wire/mask.ts";
import { findNeighbours } from "#services/wire/neighbourhood.ts";
import { describeRefusal as describeReason } from "#services/wire/request-refused.ts";
import { EXIT } from "../failure.ts";
import { IDENTIFIER_HELP, parseIdentifier } from "../identifier.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime } from "../runtime.ts";

interface ExplainOptions extends CommonOptions {
  readonly pii?: boolean;
}

export function registerExplain(program: Command): void {
  program
    .command("explain")
    .description("why an identifier's person is one person; with two: the chain between them, or why they are apart")
    .argument("<identifier>", IDENTIFIER_HELP)
    .argument("[other]", "a second identifier")
    .option("--pii", "show values of identifiers; without it they are masked")
    .action(async (identifier: string, other: string | undefined, _options: unknown, command: Command) =>
      printExplanation(identifier, other ?? null, command.optsWithGlobals<ExplainOptions>()),
    );
}

async function printExplanation(
  first: string,
  second: string | null,
  { config, embedded = false, json = false, pii = false }: ExplainOptions,
): Promise<void> {
  const named = [first, ...(second === null ? [] : [second])].map(parseIdentifier);
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const { engine, lookups, country } = runtime;
    const located: Located[] = [];
    for (const { namespace, value } of named) {
      const found = await findIdentifier(lookups, namespace, value, country);
      if (found.found) located.push(found);
      else {
        process.stdout.write(json ? `${JSON.stringify(found)}\n` : `${namespace}: ${describeReason(found.reason)}\n`);
        process.exitCode = EXIT.failed;
        return;
      }
    }
    const [one, other = null] = located as [Located, Located?];
    const beside = await findNeighbours(lookups, located);
    const explanation = explain(engine.registry, one, other, pii ? (value) => value : mask, beside);
    process.stdout.write(
      json ? `${JSON.stringify(explanation)}\n` : `${describeExplanation(explanation).join("\n")}\n`,
    );
  } finally {
    await runtime.close();
  }
}

function describeExplanation(explanation: Explanation): string[] {
  if (!explanation.one) {
    const { obstacle, evidence, change } = explanation;
    return [`two people: ${OBSTACLE_TEXTS[obstacle]}`, ...evidence.map(describeEvidence), `to join them: ${change}`];
  }
  const { profileId, links, refusal } = explanation;
  const pieces = `${links.length} piece${links.length === 1 ? "" : "s"} of evidence`;
  const heading =
    profileId === null
      ? "on no profile"
      : links.length === 0
        ? `profile ${profileId}: one identifier, nothing to link`
        : `profile ${profileId}: one person by ${pieces}`;
  return [heading, ...links.map(describeEvidence), ...(refusal === null ? [] : describeRefusal(refusal))];
}

function describeRefusal({ obstacle, evidence, evidenceCount }: ShownRefusal): string[] {
  const rest = evidenceCount - evidence.length;
  return [
    `with nobody else of these: ${OBSTACLE_TEXTS[obstacle]}`,
    ...evidence.map(describeEvidence),
    ...(rest > 0 ? [`  and ${rest} more`] : []),
  ];
}

function describeEvidence(evidence: ShownEvidence & { readonly rule?: LinkRule }): string {
  const { a, b, source, assurance, at, eventId, rule } = evidence;
  const how = rule === undefined ? "named together" : RULE_TEXTS[rule];
  return `  ${a} with ${b}: ${how} (${assurance}, ${source}, ${at}, event ${eventId})`;
}
