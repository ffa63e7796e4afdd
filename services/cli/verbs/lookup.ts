// weft lookup: the profile that an identifier belongs to now.

import type { Command } from "commander";
import { answerPurchases, type PurchaseAnswer } from "#core/purchase.ts";
import { parseIsoTime } from "#services/channel/instant.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { describeInstant } from "#services/wire/instant.ts";
import { lookUp } from "#services/wire/lookup.ts";
import { HIDDEN, mask } from "#services/wire/mask.ts";
import { describeRefusal } from "#services/wire/request-refused.ts";
import { describeCounts } from "../counts.ts";
import { EXIT, UsageError } from "../failure.ts";
import { IDENTIFIER_HELP, parseIdentifier } from "../identifier.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime } from "../runtime.ts";

interface LookupOptions extends CommonOptions {
  readonly pii?: boolean;
  readonly boughtSince?: string;
  readonly boughtUntil?: string;
}

export function registerLookup(program: Command): void {
  program
    .command("lookup")
    .description("the profile that an identifier belongs to now")
    .argument("<identifier>", IDENTIFIER_HELP)
    .option("--pii", "show values of identifiers and traits; without it they are masked")
    .option(
      "--bought-since <time>",
      "say whether she has bought, of each source trusted for orders, from here on (ISO 8601)",
    )
    .option("--bought-until <time>", "and up to here; default: the time that has passed")
    .action(async (identifier: string, _options: unknown, command: Command) =>
      printProfile(identifier, command.optsWithGlobals<LookupOptions>()),
    );
}

async function printProfile(
  identifier: string,
  { config, embedded = false, json = false, pii = false, boughtSince, boughtUntil }: LookupOptions,
): Promise<void> {
  const from = readTime("--bought-since", boughtSince) ?? 0;
  const until = readTime("--bought-until", boughtUntil);
  const { namespace, value } = parseIdentifier(identifier);
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const result = await lookUp(runtime.lookups, namespace, value, runtime.country);
    if (!result.found) {
      process.stdout.write(json ? `${JSON.stringify(result)}\n` : `no profile: ${describeRefusal(result.reason)}\n`);
      process.exitCode = EXIT.failed;
      return;
    }
    // The live sources are complete up to the time that has passed.
    const span = { from, to: until ?? Math.max(0, ...result.watermarks.map(({ upToMs }) => upToMs ?? 0)) };
    const purchases = answerPurchases(loaded.configuration, result.watermarks, result.orders, span);
    const show = (value: string) => (pii ? value : mask(value));
    const hide = <T>(value: T) => (pii || value === null ? value : HIDDEN);
    const identifiers = result.profile.identifiers.map((one) => ({ ...one, value: show(one.value) }));
    const traits = Object.entries(result.profile.view.traits).map(
      ([name, trait]) => [name, { ...trait, value: hide(trait.value) }] as const,
    );
    const { view } = result.profile;
    const contacts = view.contacts.map((one) => ({ ...one, value: show(one.value), original: hide(one.original) }));
    const demographics = view.demographics.map((one) => {
      return { ...one, value: hide(one.value), original: hide(one.original) };
    });
    const cases = view.cases.map((one) => ({ ...one, motive: hide(one.motive) }));
    const consents = view.consents.map((one) => ({ ...one, proof: hide(one.proof) }));
    const calls = view.calls.map((one) => ({ ...one, motive: hide(one.motive) }));
    const notes = view.notes.map((one) => ({ ...one, text: hide(one.text) }));
    const groups = view.groups.map((one) => ({ ...one, groupId: show(one.groupId), parents: one.parents.map(show) }));
    const others = view.others.map((one) => ({ ...one, value: hide(one.value) }));
    const searches = view.searches.map((one) => ({ ...one, query: hide(one.query) }));
    const preferences = view.preferences.map((one) => ({ ...one, value: hide(one.value) }));
    if (json) {
      const { found, version, claimedOnly } = result;
      const bought = purchases.map(({ latestAt, completeUpTo, ...answer }) => ({
        ...answer,
        latestAt: describeInstant(latestAt),
        completeUpTo: describeInstant(completeUpTo),
      }));
      const shown = {
        ...view,
        traits: Object.fromEntries(traits),
        contacts,
        demographics,
        cases,
        consents,
        calls,
        notes,
        others,
        groups,
        searches,
        preferences,
      };
      const profile = { ...result.profile, identifiers, view: shown };
      process.stdout.write(`${JSON.stringify({ found, profile, version, claimedOnly, bought })}\n`);
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
      ...purchases.map(describePurchase),
      `  events: ${describeCounts(result.profile.view.counters)}`,
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
  } finally {
    await runtime.close();
  }
}

function describePurchase({ source, bought, latestAt, completeUpTo }: PurchaseAnswer): string {
  const told = completeUpTo === null ? "it has told nothing yet" : `told up to ${describeInstant(completeUpTo)}`;
  if (bought === "yes") return `  bought at ${source}: yes, last at ${describeInstant(latestAt)}`;
  return `  bought at ${source}: ${bought === "no" ? "no" : "not known yet"} (${told})`;
}

function readTime(option: string, text: string | undefined): number | undefined {
  const at = text === undefined ? undefined : parseIsoTime(text);
  if (text !== undefined && at === undefined) throw new UsageError(`${option} ${text}: expected an ISO 8601 time`);
  return at;
}
