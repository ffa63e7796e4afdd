// weft lookup: the profile that an identifier belongs to now.

import type { Command } from "commander";
import type { Scalar } from "#core/event.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { lookUp } from "#services/wire/lookup.ts";
import { mask } from "#services/wire/mask.ts";
import { describeCounts } from "../counts.ts";
import { EXIT } from "../failure.ts";
import { IDENTIFIER_HELP, parseIdentifier } from "../identifier.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime } from "../runtime.ts";

export function registerLookup(program: Command): void {
  program
    .command("lookup")
    .description("the profile that an identifier belongs to now")
    .argument("<identifier>", IDENTIFIER_HELP)
    .option("--pii", "show values of identifiers and traits; without it they are masked")
    .action(async (identifier: string, _options: unknown, command: Command) =>
      printProfile(identifier, command.optsWithGlobals<CommonOptions & { pii?: boolean }>()),
    );
}

async function printProfile(
  identifier: string,
  { config, embedded = false, json = false, pii = false }: CommonOptions & { pii?: boolean },
): Promise<void> {
  const { namespace, value } = parseIdentifier(identifier);
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const shards = loaded.deployment.engine.shards;
    const country = loaded.configuration.sources[0]?.country ?? "FR";
    const result = await lookUp(
      { engine: runtime.engine, index: runtime.index, store: runtime.store, shards },
      namespace,
      value,
      country,
    );
    if (!result.found) {
      process.stdout.write(json ? `${JSON.stringify(result)}\n` : `no profile: ${result.reason}\n`);
      process.exitCode = EXIT.failed;
      return;
    }
    const show = (value: string) => (pii ? value : mask(value));
    const hide = (value: Scalar) => (typeof value === "string" ? show(value) : value);
    const identifiers = result.profile.identifiers.map((one) => ({ ...one, value: show(one.value) }));
    const traits = Object.entries(result.profile.view.traits).map(
      ([name, trait]) => [name, { ...trait, value: hide(trait.value) }] as const,
    );
    const { view } = result.profile;
    const contacts = view.contacts.map((one) => ({ ...one, value: show(one.value) }));
    const others = view.others.map((one) => ({ ...one, value: hide(one.value) }));
    const searches = view.searches.map((one) => ({ ...one, query: show(one.query) }));
    const preferences = view.preferences.map((one) => ({ ...one, value: hide(one.value) }));
    if (json) {
      const { found, version, claimedOnly } = result;
      const shown = { ...view, traits: Object.fromEntries(traits), contacts, others, searches, preferences };
      const profile = { ...result.profile, identifiers, view: shown };
      process.stdout.write(`${JSON.stringify({ found, profile, version, claimedOnly })}\n`);
      return;
    }
    const lines = [
      result.claimedOnly
        ? "only ever claimed: what is kept under this identifier alone, and nothing of whose it may be"
        : `profile ${result.profile.profileId}, version ${result.version}: ${result.profile.segment ?? "not settled yet"}`,
      ...identifiers.map(
        ({ namespace, value, state }) => `  ${namespace}: ${value}${state === "owned" ? "" : ` (${state})`}`,
      ),
      ...traits.map(([name, { value, source, at }]) => `  ${name} = ${String(value)} (${source}, ${at})`),
      ...result.profile.view.orders.map(
        ({ orderId, status, source, totalMinor, currency }) =>
          `  order ${orderId} (${source}): ${status}, ${(totalMinor / 100).toFixed(2)} ${currency}`,
      ),
      `  events: ${describeCounts(result.profile.view.counters)}`,
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
  } finally {
    await runtime.close();
  }
}
