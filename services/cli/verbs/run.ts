// weft up | resolve | stitch: the processes. `up` is every process of one machine.

import type { Command } from "commander";
import pino from "pino";
import type { Membership } from "#ports/log.ts";
import { type Condition, openAdmin } from "#services/admin/surface.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { HELD } from "#services/wire/hold-ledger.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime } from "../runtime.ts";
import { Tally } from "../tally.ts";
import { runUntilStopped } from "../until-stopped.ts";

const REPORT_INTERVAL_MS = 10_000;

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
const HELD_BACK = "a source is held back: what it says counts as claims and joins nobody, until `weft sources release`";
const RELEASED_AGAIN = "a source is released: what it says from then on counts as it did";

async function run(
  name: string,
  parts: { resolve: boolean; stitch: boolean },
  { config, embedded = false }: CommonOptions,
): Promise<void> {
  const loaded = loadConfiguration(config);
  const logger = pino({ name: `weft-${name}` });
  const stages = [...(parts.resolve ? (["resolve"] as const) : []), ...(parts.stitch ? (["stitch"] as const) : [])];
  const tally = new Tally(loaded, stages);
  const { counts } = tally;
  let condition: Condition = "starting";
  const admin = await openAdmin(loaded.deployment, tally.metrics, () => condition);
  if (admin !== null) logger.info({ admin: admin.url }, "admin surface");
  const opening = openRuntime(loaded, {
    embedded,
    isProcess: true,
    onWait: (line) => logger.warn(line),
    ...tally.hooks,
    onLimit(limit) {
      tally.hooks.onLimit(limit);
      if (limit === "component-identifiers") logger.warn({ limit }, LARGE_COMPONENT);
    },
    onStopped(shard, reason) {
      tally.hooks.onStopped(shard, reason);
      logger.error({ shard, reason }, STOPPED);
    },
    onSource: ({ kind, from, ...entry }) =>
      logger.warn({ ...entry, from: new Date(from).toISOString() }, kind === HELD ? HELD_BACK : RELEASED_AGAIN),
  });
  const memberships: Membership[] = [];
  let reported = "";
  const report = setInterval(() => {
    const line = JSON.stringify(counts);
    if (line !== reported) logger.info(counts, "so far");
    reported = line;
  }, REPORT_INTERVAL_MS);
  await runUntilStopped({
    logger,
    opening,
    async work(runtime) {
      await runtime.createTopics();
      if (parts.resolve) memberships.push(await runtime.startResolver());
      if (parts.stitch) memberships.push(await runtime.startStitcher());
      tally.watchLag(loaded, runtime);
      condition = "ok";
      logger.info("running");
      await Promise.all(memberships.map(({ closed }) => closed));
    },
    async stop() {
      condition = "draining";
      clearInterval(report);
      await Promise.all(memberships.map((membership) => membership.close()));
      logger.info(counts, "stopped");
      await admin?.close();
    },
  });
}
