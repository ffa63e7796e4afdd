// weft link, weft split: what an operator rules about two identifiers (I2), as records of the log with author and reason.

import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { OPERATOR } from "#core/configuration.ts";
import type { ChannelEvent } from "#core/event.ts";
import { explainSeparation, type Standing } from "#core/explanation.ts";
import { rulingType, type OperatorVerdict } from "#core/ruling.ts";
import { loadConfiguration, type LoadedConfiguration } from "#services/config/configuration.ts";
import { findIdentifier } from "#services/wire/lookup.ts";
import { UsageError } from "../failure.ts";
import { IDENTIFIER_HELP, parseIdentifier } from "../identifier.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime, type Runtime } from "../runtime.ts";

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

/** Refused before anything is written where the two are not known, or may not be one person. */
export class RulingRefused extends Error {
  readonly code = "ruling-refused";
}

async function rule(verb: "link" | "split", one: string, other: string, options: RulingOptions): Promise<void> {
  const { config, embedded = false, json = false, undo = false, evidence = false } = options;
  const verdict: OperatorVerdict = undo ? "lifted" : verb === "link" ? "linked" : evidence ? "cut" : "apart";
  if (one === other) throw new UsageError("a ruling is about two identifiers");
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const names = [one, other].map(parseIdentifier);
    const [a, b] = (await Promise.all(names.map((name) => locate(runtime, loaded, name)))) as [Standing, Standing];
    if (a.entry.key === b.entry.key) throw new RulingRefused("both name the same identifier");
    const isOne = a.component.id === b.component.id && a.entry.profile === b.entry.profile && a.entry.profile !== null;
    if (verdict === "linked" && !isOne) {
      const { namespaces } = explainSeparation(runtime.engine.registry, a, b);
      if (namespaces.length > 0)
        throw new RulingRefused(
          `each has a ${namespaces.join(" and a ")} of its own, and a person has one: split that first`,
        );
    }
    await publishRuling(runtime, loaded, verdict, names, options);
    const said = `${verdict}: written to the log; \`weft explain\` shows what came of it`;
    process.stdout.write(json ? `${JSON.stringify({ verdict })}\n` : `${said}\n`);
  } finally {
    await runtime.close();
  }
}

async function locate(
  { engine, index, store }: Runtime,
  { configuration, deployment }: LoadedConfiguration,
  { namespace, value }: { readonly namespace: string; readonly value: string },
): Promise<Standing> {
  const services = { engine, index, store, shards: deployment.engine.shards };
  const country = configuration.sources[0]?.country ?? "FR";
  const found = await findIdentifier(services, namespace, value, country);
  if (!found.found) throw new RulingRefused(`${namespace}: ${found.reason}`);
  return found;
}

async function publishRuling(
  { wires }: Runtime,
  { configuration }: LoadedConfiguration,
  verdict: OperatorVerdict,
  identifiers: readonly { readonly namespace: string; readonly value: string }[],
  { author, reason }: RulingOptions,
): Promise<void> {
  const topic = configuration.sources.find(({ name }) => name === OPERATOR)?.topic as string;
  const event: ChannelEvent = {
    eventId: randomUUID(),
    type: rulingType(verdict),
    occurredAt: Date.now(),
    identifiers,
    note: `${author}: ${reason}`,
  };
  const encode = await wires.codec.encoder(topic, "ChannelEvent");
  await wires.log.append([{ topic, key: event.eventId, value: encode(event) }]);
}
