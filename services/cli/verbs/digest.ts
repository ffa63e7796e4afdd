// weft digest: all living profiles of the store as one SHA-256, the digest that `weft fold` prints.

import type { Command } from "commander";
import { loadConfiguration } from "#services/config/configuration.ts";
import { digestProfiles } from "#services/wire/profile-lines.ts";
import { readPeople } from "#services/wire/profile-reader.ts";
import { describeCounts } from "../counts.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime } from "../runtime.ts";

export function registerDigest(program: Command): void {
  program
    .command("digest")
    .description("the SHA-256 of all living profiles: equal digests, equal people")
    .action(async (_options: unknown, command: Command) => printDigest(command.optsWithGlobals<CommonOptions>()));
}

async function printDigest({ config, embedded = false, json = false }: CommonOptions): Promise<void> {
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const { profiles, unattributedOrders } = await readPeople(
      runtime.engine,
      runtime.store,
      loaded.deployment.engine.shards,
    );
    const segments: Record<string, number> = {};
    for (const { segment } of profiles) segments[segment ?? "none"] = (segments[segment ?? "none"] ?? 0) + 1;
    const digest = digestProfiles(profiles);
    const orders = profiles.reduce((sum, { view }) => sum + view.orders.length, 0);
    if (json)
      process.stdout.write(
        `${JSON.stringify({ profiles: profiles.length, segments, orders, unattributedOrders, digest })}\n`,
      );
    else
      process.stdout.write(
        `${profiles.length} profiles: ${describeCounts(segments)}\n${orders} orders on them, ${unattributedOrders} of nobody known\ndigest ${digest}\n`,
      );
  } finally {
    await runtime.close();
  }
}
