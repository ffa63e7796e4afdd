// weft fold: the whole engine as a pure program over files, without any server.

import type { Command } from "commander";
import type { Configuration, Rules } from "#core/configuration.ts";
import { Holds } from "#core/hold.ts";
import type { IdentityChanged, ProfileSignal, SegmentTransition } from "#core/effect.ts";
import { readChannelFiles } from "#services/channel/file.ts";
import { parseIsoTime } from "#services/channel/instant.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { loadRules } from "#services/config/rules-file.ts";
import { type Judged, measureFields, measureSources } from "#core/quality.ts";
import type { People } from "#services/wire/profile-reader.ts";
import { writeFold, type DeadLetterLine, type FoldSummary } from "#services/fold/files.ts";
import { compareFoldEvents, Fold, type FoldEvent } from "#services/fold/fold.ts";
import { createHash } from "#services/wire/hash.ts";
import { requireSource } from "../argument.ts";
import { describeCounts } from "../counts.ts";
import { EXIT, UsageError } from "../failure.ts";
import type { CommonOptions } from "../program.ts";
import { LeftOut } from "../left-out.ts";
import { openProgress } from "../progress.ts";

interface FoldVerbOptions extends CommonOptions {
  readonly out: string;
  readonly until?: string;
  readonly source?: string;
  readonly history?: boolean;
  readonly rulesAt?: readonly string[];
  readonly hold?: readonly string[];
}

export function registerFold(program: Command): void {
  program
    .command("fold")
    .description("fold files of events into profiles, transitions and signals; the same bytes each time")
    .argument("<files...>", "JSON lines, or files of a source that has a mapping; `-` is standard input")
    .requiredOption("-o, --out <dir>", "folder for profiles.jsonl, events.jsonl, transitions.jsonl and the rest")
    .option("-u, --until <time>", "let time pass up to here (ISO 8601); default: the last recordedAt")
    .option("-s, --source <name>", "source of lines that name none")
    .option(
      "--rules-at <time=file>",
      "a rules file that comes into force at a time (ISO 8601), as `rules apply` would; as often as one likes",
      collect,
    )
    .option(
      "--hold <source=from/to>",
      "hold a source back from one time to another (ISO 8601; without an end, for good), as `weft sources` does; as often as one likes",
      collect,
    )
    .option("--history", "fold as a backfill: transitions say so, and no signal is sent")
    .action(async (files: string[], _options: unknown, command: Command) =>
      foldFiles(files, command.optsWithGlobals<FoldVerbOptions>()),
    );
}

function collect(one: string, others: readonly string[] = []): readonly string[] {
  return [...others, one];
}

type Arrived = FoldEvent & { readonly line: number };

async function foldFiles(
  files: readonly string[],
  {
    config,
    out,
    until,
    source,
    history = false,
    json = false,
    quiet = false,
    rulesAt = [],
    hold = [],
  }: FoldVerbOptions,
): Promise<void> {
  const loaded = loadConfiguration(config);
  requireSource(loaded, source);
  const untilMs = until === undefined ? undefined : parseIsoTime(until);
  if (until !== undefined && untilMs === undefined) throw new UsageError(`--until ${until}: expected an ISO 8601 time`);
  const changes = rulesAt.map(readChange).sort((a, b) => a.atMs - b.atMs);
  const holds = readHolds(loaded.configuration, hold);
  const arrived: Arrived[] = [];
  const unread: DeadLetterLine[] = [];
  const leftOut = new LeftOut();
  const options = { onLeftOut: leftOut.note, ...(source === undefined ? {} : { source }) };
  for await (const reading of readChannelFiles(files, loaded, options)) {
    if (reading.ok)
      arrived.push({
        source: reading.source,
        recordedAt: reading.recordedAt,
        event: reading.event,
        backfill: history,
        line: reading.line,
      });
    else
      unread.push({
        source: reading.source ?? null,
        eventId: reading.eventId ?? null,
        line: reading.line,
        reason: reading.reason,
        detail: reading.detail,
      });
  }
  leftOut.tell(json);
  arrived.sort(compareFoldEvents);
  const fold = new Fold({
    configuration: loaded.configuration,
    hash: createHash(loaded.deployment.identityKey.bytes),
    holds,
  });
  const deadLetters: DeadLetterLine[] = [];
  const judged: Judged[] = unread.flatMap(({ source: teller }) =>
    teller === null ? [] : [{ source: teller, event: null, outcome: "dead-lettered", anchor: null, profileId: null }],
  );
  const progress = openProgress({ label: "fold", total: arrived.length, quiet });
  // Ahead of events that were recorded at that instant.
  const putRulesUntil = async (timeMs: number) => {
    for (let next = changes[0]; next !== undefined && next.atMs <= timeMs; next = changes[0]) {
      changes.shift();
      await fold.putRules(next.rules, next.atMs);
    }
  };
  for (const [i, { line, ...event }] of arrived.entries()) {
    await putRulesUntil(event.recordedAt);
    const [outcome] = await fold.fold(event);
    const { source: teller, event: told } = event;
    if (outcome !== undefined)
      judged.push({ source: teller, event: told, outcome: outcome.outcome, anchor: outcome.anchor, profileId: null });
    if (outcome?.outcome === "dead-lettered")
      deadLetters.push({
        source: outcome.source,
        eventId: outcome.eventId,
        line,
        reason: outcome.reason ?? "",
        detail: outcome.detail ?? "",
      });
    if (i % 1000 === 0) progress.update(i, i);
  }
  const endMs = untilMs ?? arrived.at(-1)?.recordedAt ?? 0;
  await putRulesUntil(endMs);
  await fold.advance(endMs);
  progress.stop();
  const refused = [...deadLetters, ...unread];
  const outputs = <T>(...kinds: string[]) => fold.outputs.filter(({ kind }) => kinds.includes(kind)) as T[];
  const people = await fold.readPeople();
  const summary = writeFold(out, {
    people,
    quality: judgeSources(loaded.configuration, people, judged),
    outcomes: [
      ...fold.outcomes,
      ...unread.map(({ source: from, eventId, reason }) => ({
        kind: "outcome" as const,
        source: from,
        eventId,
        outcome: "dead-lettered" as const,
        reason,
        anchor: null,
      })),
    ],
    transitions: outputs<SegmentTransition>("transition", "retraction"),
    signals: outputs<ProfileSignal>("signal"),
    identityChanges: outputs<IdentityChanged>("identity-changed"),
    deadLetters: refused,
    dropped: fold.dropped,
    heldBack: fold.heldBack,
  });
  process.stdout.write(json ? `${JSON.stringify(summary)}\n` : describeSummary(summary, out));
  if (refused.length > 0) process.exitCode = EXIT.inputRefused;
}

function judgeSources(configuration: Configuration, { profiles, holders }: People, told: readonly Judged[]) {
  const judged = told.map((one) => ({
    ...one,
    profileId: one.anchor === null ? null : (holders.get(one.anchor) ?? null),
  }));
  const people = profiles.map(({ profileId, identifiers, view: { completeness } }) => {
    return { profileId, identifiers, completeness };
  });
  return {
    sources: measureSources(configuration, judged, people),
    fields: measureFields(configuration, judged),
  };
}

function readChange(given: string): { readonly atMs: number; readonly rules: Rules } {
  const cut = given.indexOf("=");
  const atMs = cut < 0 ? undefined : parseIsoTime(given.slice(0, cut));
  if (atMs === undefined) throw new UsageError(`--rules-at ${given}: expected 2026-05-01T00:00:00Z=rules.yaml`);
  return { atMs, rules: loadRules(given.slice(cut + 1)) };
}

function readHolds({ sources }: Configuration, given: readonly string[]): Holds {
  const holds = new Holds();
  for (const one of given) {
    const [, source = "", start = "", end] = /^([^=]+)=([^/]+)(?:\/(.+))?$/.exec(one) ?? [];
    const from = parseIsoTime(start);
    const to = end === undefined ? null : parseIsoTime(end);
    if (from === undefined || to === undefined)
      throw new UsageError(`--hold ${one}: expected store=2026-05-01T00:00:00Z/2026-05-02T00:00:00Z`);
    if (!sources.some(({ name }) => name === source)) throw new UsageError(`--hold ${one}: no source ${source}`);
    holds.add(source, { from, to });
  }
  return holds;
}

function describeSummary(
  { events, outcomes, fieldsDropped, heldBack, profiles, unattributedOrders, segments, digest }: FoldSummary,
  out: string,
): string {
  return [
    `${events} events: ${describeCounts(outcomes)}`,
    ...(fieldsDropped === undefined ? [] : [`left out, without a legal basis: ${describeCounts(fieldsDropped)}`]),
    ...(heldBack === undefined ? [] : [`claims, as their source was held back: ${describeCounts(heldBack)}`]),
    `${profiles} profiles: ${describeCounts(segments)}`,
    `${unattributedOrders} orders belong to nobody known`,
    `digest ${digest}`,
    `written to ${out}`,
    "",
  ].join("\n");
}
