// weft up | resolve | stitch: the processes. `up` is every process of one machine.

import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import pino from "pino";
import type { DeadLetterReason } from "#core/acceptance.ts";
import type { IdentityChangeKind } from "#core/effect.ts";
import type { LimitKind } from "#core/limit.ts";
import type { Membership } from "#ports/log.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { addCounts } from "../counts.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime, type Runtime } from "../runtime.ts";

const REPORT_INTERVAL_MS = 10_000;
const CLOSE_WAIT_MS = 8_000;

export function registerRun(program: Command): void {
  const verbs = [
    { name: "up", resolve: true, stitch: true, description: "run every process of one machine until SIGTERM" },
    {
      name: "resolve",
      resolve: true,
      stitch: false,
      description: "run a resolver: channel topics in, resolved bundles out",
    },
    {
      name: "stitch",
      resolve: false,
      stitch: true,
      description: "run a stitcher: resolved bundles in, profiles and transitions out",
    },
  ];
  for (const { name, resolve, stitch, description } of verbs) {
    program
      .command(name)
      .description(description)
      .action(async (_options: unknown, command: Command) =>
        run(name, { resolve, stitch }, command.optsWithGlobals<CommonOptions>()),
      );
  }
}

const STOPPED =
  "a shard has stopped, the others go on; nothing of it is skipped. Give back the inner record that cannot be read (from a replica or a copy of the topic), or start a version that can fold it, then restart";
const LARGE_COMPONENT = "a component has more identifiers than people have: see SPEC.md, section 7";

async function run(
  name: string,
  parts: { resolve: boolean; stitch: boolean },
  { config, embedded = false }: CommonOptions,
): Promise<void> {
  const loaded = loadConfiguration(config);
  const logger = pino({ name: `weft-${name}` });
  const counts = {
    records: 0,
    accepted: 0,
    duplicates: 0,
    suppressed: 0,
    clamped: 0,
    identifiersLeftOut: { junk: 0, unknownNamespace: 0 },
    fieldsDropped: {} as Record<string, number>,
    deadLetters: {} as Partial<Record<DeadLetterReason, number>>,
    folded: 0,
    limits: {} as Partial<Record<LimitKind, number>>,
    identityChanges: {} as Partial<Record<IdentityChangeKind, number>>,
    outputs: 0,
    shardsStopped: 0,
  };
  const asked = new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
  const opening = openRuntime(loaded, {
    embedded,
    onWait: (line) => logger.warn(line),
    onBatch(batch) {
      counts.records += batch.records;
      counts.accepted += batch.accepted;
      counts.duplicates += batch.duplicates;
      counts.suppressed += batch.suppressed;
      counts.clamped += batch.clamped;
      counts.identifiersLeftOut.junk += batch.leftOut.junk;
      counts.identifiersLeftOut.unknownNamespace += batch.leftOut.unknownNamespace;
      addCounts(counts.fieldsDropped, batch.dropped);
      for (const [reason, count] of batch.deadLetters)
        counts.deadLetters[reason] = (counts.deadLetters[reason] ?? 0) + count;
    },
    onOutcome({ outcome }) {
      if (outcome === "folded") counts.folded += 1;
      else if (outcome === "suppressed") counts.suppressed += 1;
      else counts.duplicates += 1;
    },
    onLimit(limit) {
      counts.limits[limit] = (counts.limits[limit] ?? 0) + 1;
      if (limit === "component-identifiers") logger.warn({ limit }, LARGE_COMPONENT);
    },
    onStopped(shard, reason) {
      counts.shardsStopped += 1;
      logger.error({ shard, reason }, STOPPED);
    },
    onOutputs: (outputs) => {
      counts.outputs += outputs.length;
      for (const output of outputs) {
        if (output.kind !== "identity-changed") continue;
        counts.identityChanges[output.change] = (counts.identityChanges[output.change] ?? 0) + 1;
      }
    },
  });
  const memberships: Membership[] = [];
  const work = async (): Promise<void> => {
    const runtime = await opening;
    await runtime.createTopics();
    if (parts.resolve) memberships.push(await runtime.startResolver());
    if (parts.stitch) memberships.push(await runtime.startStitcher());
    logger.info("running");
    await Promise.all(memberships.map(({ closed }) => closed));
  };
  let reported = "";
  const report = setInterval(() => {
    const line = JSON.stringify(counts);
    if (line !== reported) logger.info(counts, "so far");
    reported = line;
  }, REPORT_INTERVAL_MS);
  try {
    const working = work();
    const signal = await Promise.race([asked, working]);
    if (typeof signal === "string") logger.info({ signal }, "draining");
    working.catch(() => {});
    await Promise.all(memberships.map((membership) => membership.close()));
    logger.info(counts, "stopped");
  } finally {
    clearInterval(report);
    await closeInTime(opening);
  }
}

/** Whatever still hangs (a service that is away) must not keep a stopped or failed process from ending. */
async function closeInTime(opening: Promise<Runtime>): Promise<void> {
  setTimeout(() => process.exit(), CLOSE_WAIT_MS).unref();
  const runtime = await Promise.race([opening, delay(0, null)]);
  await runtime?.close();
}
