// weft privacy: requests of persons about what is kept of them.

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { Membership } from "#ports/log.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { type DataMapRow, describeData } from "#services/config/data-map.ts";
import { type Deadline, describeDeadlines, listDeadlines } from "#services/config/deadline.ts";
import { topicNames } from "#services/config/topics.ts";
import { makePrivateFolder, writePrivateFile } from "#services/fold/private-file.ts";
import { draftErasure, isErased, publishErasure } from "#services/wire/erasure.ts";
import { PrivacyLedger } from "#services/wire/privacy-ledger.ts";
import { RequestRefused } from "#services/wire/request-refused.ts";
import { operatorTopic } from "#services/wire/ruling.ts";
import { judgeStatement, publishStatement, restrict, type Statement } from "#services/wire/statement.ts";
import { publishExportSchema } from "#services/wire/export-schema.ts";
import { exportSubject, tabulateExport } from "#services/wire/subject-export.ts";
import { registerDue } from "./privacy-due.ts";
import { EXIT, UsageError } from "../failure.ts";
import { IDENTIFIER_HELP, parseIdentifier } from "../identifier.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime } from "../runtime.ts";

interface CorrectionOptions extends CommonOptions {
  readonly author: string;
  readonly reason: string;
  readonly purpose?: string;
  readonly channel?: string;
  readonly proof?: string;
  readonly refuse?: boolean;
  readonly trait?: readonly string[];
  readonly lift?: string;
}

interface RequestOptions extends CommonOptions {
  readonly author: string;
  readonly reason: string;
  readonly wait?: string;
}

const PAUSE_MS = 100;

export function registerPrivacy(program: Command): void {
  const privacy = program.command("privacy").description("requests of a person about what is kept of her");
  privacy
    .command("export")
    .description("all that is kept of a person, for herself, as JSON, and as tables with --csv")
    .argument("<identifier>", IDENTIFIER_HELP)
    .option("--csv <dir>", "also write tables, one file each, into this folder")
    .action(async (identifier: string, _options: unknown, command: Command) =>
      exportPerson(identifier, command.optsWithGlobals<CommonOptions & { csv?: string }>()),
    );
  privacy
    .command("map")
    .description("of each field of each source: what for, on which legal basis, where it is kept and for how long")
    .action((_options: unknown, command: Command) => {
      const { config, json } = command.optsWithGlobals<CommonOptions>();
      const rows = describeData(loadConfiguration(config));
      process.stdout.write(rows.map((row) => `${json ? JSON.stringify(row) : describeRow(row)}\n`).join(""));
    });
  privacy
    .command("schema")
    .description("the JSON Schema of what `privacy export` prints, and GET /privacy/exports answers")
    .action(() => {
      process.stdout.write(`${JSON.stringify(publishExportSchema(), null, 2)}\n`);
    });
  registerCorrections(privacy);
  registerDue(privacy);
  privacy
    .command("erase")
    .description("forget a person: everything under her identifiers, for ever, whatever is replayed or comes late")
    .argument("<identifier>", IDENTIFIER_HELP)
    .requiredOption("--author <name>", "who handles the request; goes into the log")
    .requiredOption("--reason <text>", "the request's own number or cause, nothing of the person: it is kept for ever")
    .option("--wait <seconds>", "wait until it has taken effect; fails if it has not by then")
    .action(async (identifier: string, _options: unknown, command: Command) =>
      erase(identifier, command.optsWithGlobals<RequestOptions>()),
    );
}

function describeRow({ source, field, purpose, legalBasis, kept, places, people }: DataMapRow): string {
  const facts = [purpose ?? "no purpose said", kept ? (legalBasis ?? "no legal basis said") : "left out"];
  const where = places.map(({ place, retention }) => `${place} (${retention})`);
  const due = people.map((one) => `${one.whom} ${one.retention}${one.purpose === null ? "" : ` (${one.purpose})`}`);
  return [`${source} ${field}: ${facts.join(", ")}`, where.join(", "), due.join(", ")].filter(Boolean).join("; ");
}

function registerCorrections(privacy: Command): void {
  const add = (verb: string, description: string): Command =>
    privacy
      .command(verb)
      .description(description)
      .argument("<identifier>", IDENTIFIER_HELP)
      .requiredOption("--author <name>", "who handles the request; goes into the log")
      .requiredOption("--reason <text>", "why; goes into the log");
  add("consent", "record a consent, or with --refuse its withdrawal, with its proof")
    .requiredOption("--purpose <name>", "what for")
    .option("--channel <name>", "on which channel; without it on any")
    .option("--refuse", "she withdraws it")
    .option("--proof <text>", "what shows it: a grant without a proof is none")
    .action((identifier: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CorrectionOptions>();
      const { purpose = "", channel = null, refuse = false, proof = null } = options;
      if (!refuse && proof === null) throw new UsageError("a grant needs its --proof");
      const consents = [{ purpose, channel, granted: !refuse, proof }];
      return correct(identifier, options, () => ({ type: "consent-changed", consents }));
    });
  add("object", "record an objection: as a consent withdrawn, of which no proof is asked")
    .requiredOption("--purpose <name>", "to what")
    .option("--channel <name>", "on which channel; without it on any")
    .action((identifier: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CorrectionOptions>();
      const { purpose = "", channel = null } = options;
      const consents = [{ purpose, channel, granted: false, proof: null }];
      return correct(identifier, options, () => ({ type: "consent-changed", consents }));
    });
  add("restrict", "freeze a person for automation: no transition and no signal of hers is told until it is lifted")
    .option("--lift <id>", "end the restriction of this id, as it was printed and as look-ups show it")
    .action((identifier: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CorrectionOptions>();
      const { lift } = options;
      return correct(identifier, options, (id) => restrict(lift ?? id, lift !== undefined));
    });
  add("rectify", "correct what is kept of a person: it outranks whatever a source says")
    .requiredOption("--trait <name=value...>", "a trait and its right value; an empty one takes it away")
    .action((identifier: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CorrectionOptions>();
      const traits = Object.fromEntries((options.trait ?? []).map(readTrait));
      return correct(identifier, options, () => ({ type: "traits-changed", traits }));
    });
}

function readTrait(text: string): readonly [string, string | null] {
  const cut = text.indexOf("=");
  if (cut < 1) throw new UsageError(`--trait ${text}: expected name=value`);
  return [text.slice(0, cut), text.slice(cut + 1) || null];
}

async function correct(
  identifier: string,
  { config, embedded = false, json = false, author, reason }: CorrectionOptions,
  say: (id: string) => Statement["said"],
): Promise<void> {
  const named = parseIdentifier(identifier);
  const id = randomUUID();
  const said = say(id);
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const { wires, lookups, country } = runtime;
    const judged = await judgeStatement(lookups, named, said, country);
    if (!judged.ok) throw new RequestRefused(judged.reason);
    const statement = { id, identifier: named, author, text: reason, at: Date.now(), said };
    await publishStatement(wires, operatorTopic(loaded), statement);
    process.stdout.write(json ? `${JSON.stringify({ written: true, eventId: id })}\n` : `written to the log: ${id}\n`);
  } finally {
    await runtime.close();
  }
}

async function exportPerson(
  identifier: string,
  { config, embedded = false, csv }: CommonOptions & { csv?: string },
): Promise<void> {
  const { namespace, value } = parseIdentifier(identifier);
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const { wires, lookups, country, keys } = runtime;
    const { log, codec } = wires;
    const services = { ...lookups, loaded, log, codec, keys, resolvedTopic: topicNames(loaded).resolved };
    const exported = await exportSubject(services, namespace, value, country);
    if (!exported.ok) throw new RequestRefused(exported.reason);
    process.stdout.write(`${JSON.stringify(exported.data, null, 2)}\n`);
    if (csv === undefined) return;
    makePrivateFolder(csv);
    for (const [name, text] of tabulateExport(exported.data)) writePrivateFile(join(csv, name), text);
  } finally {
    await runtime.close();
  }
}

async function erase(
  identifier: string,
  { config, embedded = false, json = false, author, reason, wait }: RequestOptions,
): Promise<void> {
  const { namespace, value } = parseIdentifier(identifier);
  const waitMs = wait === undefined ? null : 1000 * Number(wait);
  if (waitMs !== null && !(waitMs >= 0)) throw new UsageError(`--wait ${wait}: expected seconds`);
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  const memberships: Membership[] = [];
  try {
    const { index, wires, lookups, country } = runtime;
    const draft = await draftErasure(lookups, namespace, value, country);
    if (!draft.ok) throw new RequestRefused(draft.reason);
    const requestId = randomUUID();
    await publishErasure(wires, topicNames(loaded).privacy, { requestId, author, reason, ...draft.keys });
    // On one machine no other process can be at it meanwhile.
    if (embedded && waitMs !== null) memberships.push(await runtime.startResolver(), await runtime.startStitcher());
    const ledger = new PrivacyLedger(topicNames(loaded).privacy, wires.log, wires.codec);
    await ledger.catchUp();
    const look = () => isErased({ ...lookups, index: index.anew() }, ledger, requestId);
    const effective = waitMs !== null && (await waitFor(look, waitMs));
    if (waitMs !== null && !effective) process.exitCode = EXIT.failed;
    const { own, claimed, shared, orders } = draft.keys;
    const receipt = {
      requestId,
      profileId: draft.profileId,
      identifiers: own.length + claimed.length,
      shared: shared.length,
      orders: orders.length,
      state: effective ? "effective" : "written",
      deadlines: listDeadlines(loaded, Date.now()),
    };
    process.stdout.write(json ? `${JSON.stringify(receipt)}\n` : describeReceipt(receipt));
  } finally {
    await Promise.all(memberships.map((membership) => membership.close()));
    await runtime.close();
  }
}

async function waitFor(look: () => Promise<boolean>, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (!(await look())) {
    if (performance.now() > deadline) return false;
    await sleep(PAUSE_MS);
  }
  return true;
}

/** Without a personal value: it may be kept, and given to the person. */
function describeReceipt(receipt: {
  readonly requestId: string;
  readonly profileId: string;
  readonly identifiers: number;
  readonly shared: number;
  readonly orders: number;
  readonly state: string;
  readonly deadlines: readonly Deadline[];
}): string {
  const { requestId, profileId, identifiers, shared, orders, state, deadlines } = receipt;
  return [
    `request ${requestId}: ${state}`,
    `profile ${profileId}: ${identifiers} identifiers and ${orders} orders are forgotten`,
    `${shared} shared identifiers lose what was kept under them`,
    ...describeDeadlines(deadlines),
    "",
  ].join("\n");
}
