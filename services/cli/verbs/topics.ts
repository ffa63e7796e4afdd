// weft topics: what Weft reads and writes, and making what is missing.

import Table from "cli-table3";
import type { Command } from "commander";
import { LogError, type TopicSpec } from "#ports/log.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import {
  allTopics,
  channelTopics,
  deadLetterTopics,
  innerTopics,
  outputTopics,
  privacyTopics,
  rulesTopics,
  sourcesTopics,
} from "#services/config/topics.ts";
import { countOf } from "../failure.ts";
import type { CommonOptions } from "../program.ts";
import { openWires } from "../wiring.ts";

export function registerTopics(program: Command): void {
  const topics = program.command("topics").description("the topics that Weft reads and writes");
  topics
    .command("list", { isDefault: true })
    .description("print every topic with what Kafka is told about it")
    .action((_options: unknown, command: Command) => {
      const { config, json } = command.optsWithGlobals<CommonOptions>();
      const specs = allTopics(loadConfiguration(config));
      process.stdout.write(json ? specs.map((spec) => `${JSON.stringify(spec)}\n`).join("") : formatTopics(specs));
    });
  topics
    .command("create")
    .description("make the topics that are missing; one that is there is left as it is")
    .action(async (_options: unknown, command: Command) => createTopics(command.optsWithGlobals<CommonOptions>()));
}

async function createTopics({ config, json, embedded = false }: CommonOptions): Promise<void> {
  const loaded = loadConfiguration(config);
  const wires = await openWires(loaded, { embedded });
  try {
    const ours = [
      ...privacyTopics(loaded),
      ...rulesTopics(loaded),
      ...sourcesTopics(loaded),
      ...innerTopics(loaded),
      ...outputTopics(loaded),
      ...deadLetterTopics(loaded),
    ];
    await wires.log.createTopics(ours);
    const kept: string[] = [];
    for (const spec of channelTopics(loaded)) {
      try {
        await wires.log.createTopics([spec]);
      } catch (error) {
        // Whoever sends the events may have made the topic with another number of partitions; any number will do.
        if (!(error instanceof LogError)) throw error;
        kept.push(spec.name);
      }
    }
    const names = [...ours, ...channelTopics(loaded)].map(({ name }) => name).filter((name) => !kept.includes(name));
    if (json) process.stdout.write(`${JSON.stringify({ topics: names, kept })}\n`);
    else {
      process.stdout.write(`${countOf(names.length, "topic")} in place\n`);
      for (const name of kept) process.stdout.write(`${name}: left as its owner made it\n`);
    }
  } finally {
    await wires.close();
  }
}

function formatTopics(specs: readonly TopicSpec[]): string {
  const table = new Table({ head: ["topic", "partitions", "cleanup", "kept"], style: { head: [], border: [] } });
  for (const { name, partitions, config } of specs)
    table.push([name, partitions, config["cleanup.policy"] ?? "", describeRetention(config)]);
  return `${table.toString()}\n`;
}

function describeRetention(config: TopicSpec["config"]): string {
  const retention = config["retention.ms"];
  if (config["cleanup.policy"] === "compact") return "latest per key";
  return retention === "-1" ? "for ever" : `${Number(retention) / 86_400_000} days`;
}
