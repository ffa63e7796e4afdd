// Rule sets as records of the log (T1): the topic weft.rules, one partition, kept for ever. The first record has the rules
// from before any other, each later one those that come into force; whoever reads the topic knows of the same. Resolvers
// bring each to the log of every shard.

import { createHash } from "node:crypto";
import type { Rules } from "#core/configuration.ts";
import type { RulesItem } from "#core/item.ts";
import { CHANGE_PART, RULES_PART, writeRules } from "#core/rules-in-force.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log, LogRecord } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import { findFaultOfRules } from "../config/rules-text.ts";
import { decodePart } from "./part.ts";

export const RULES_RECORD_KINDS = ["initial", "applied"] as const;

export interface RulesRecord {
  readonly kind: (typeof RULES_RECORD_KINDS)[number];
  readonly version: string;
  readonly digest: string;
  readonly rules: string;
  readonly fingerprints: Readonly<Record<string, string>>;
  readonly engine: string;
  readonly author: string;
  readonly reason: string;
}

/** A record that counts. */
export interface RulesEntry extends RulesRecord {
  readonly sequence: number;
  readonly recordedAt: number;
}

export interface RulesWires {
  readonly codec: Codec;
  readonly log: Pick<Log, "append" | "read">;
}

export function digestRules(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function describeRules(rules: Rules): Pick<RulesRecord, "version" | "digest" | "rules"> {
  const text = writeRules(rules);
  return { version: rules.version, digest: digestRules(text), rules: text };
}

/** The entry of a record whose schema the codec has met, or why it is none; null: it says nothing. */
export function readEntry(
  codec: Pick<Codec, "decode">,
  { offset, timestampMs, value }: LogRecord,
): RulesEntry | string | null {
  const decoded = codec.decode(value);
  if (!decoded.ok) return decoded.detail;
  const record = decoded.value as RulesRecord;
  if (!RULES_RECORD_KINDS.includes(record.kind)) return "of no kind that this version knows";
  // Two first processes have both found the topic empty: the first in the log holds.
  if (record.kind === "initial" && offset > 0) return null;
  if (digestRules(record.rules) !== record.digest) return "its digest is that of other rules";
  const fault = findFaultOfRules(record.rules);
  return fault ?? { ...record, sequence: offset + 1, recordedAt: timestampMs };
}

/** All that count, in their order: the first was in force before any other, the last is. */
export async function readRulesLog({ codec, log }: RulesWires, topic: string): Promise<RulesEntry[]> {
  const entries: RulesEntry[] = [];
  for await (const record of log.read([topic], { from: "start", follow: false })) {
    await codec.prepare([record.value]);
    const entry = readEntry(codec, record);
    if (entry !== null && typeof entry !== "string") entries.push(entry);
  }
  return entries;
}

export async function publishRules({ codec, log }: RulesWires, topic: string, record: RulesRecord): Promise<void> {
  const encode = await codec.encoder(topic, "RulesRecord");
  await log.append([{ topic, partition: 0, key: record.digest, value: encode(record) }]);
}

export function toItem({ sequence, recordedAt, version, digest, rules }: RulesEntry): RulesItem {
  return { kind: "rules", sequence, recordedAt, version, digest, rules };
}

/** What a process folds with: its files, as they were read at start. */
export interface FoldedWith {
  readonly rules: Rules;
  readonly fingerprints: Readonly<Record<string, string>>;
  /** Version of the product. */
  readonly engine: string;
}

export class RulesDiffer extends Error {
  readonly code = "rules-differ";
}

export class ConfigurationDiffers extends Error {
  readonly code = "configuration-differs";
}

export class RulesRefused extends Error {
  readonly code = "rules-refused";
}

/** The rules from before any other, of a log that may have none yet: then they are those of the process. */
async function openRulesLog(
  wires: RulesWires,
  topic: string,
  mine: FoldedWith,
): Promise<[RulesEntry, ...RulesEntry[]]> {
  for (;;) {
    const [first, ...others] = await readRulesLog(wires, topic);
    if (first !== undefined) return [first, ...others];
    const { fingerprints, engine } = mine;
    const record = { ...describeRules(mine.rules), fingerprints, engine, author: "", reason: "" };
    await publishRules(wires, topic, { kind: "initial", ...record });
  }
}

/** Before a process folds. Throws RulesDiffer or ConfigurationDiffers where the log holds other ones than its files (T1). */
export async function requireRulesOfLog(
  wires: RulesWires,
  topic: string,
  mine: FoldedWith,
): Promise<{ readonly first: RulesEntry; readonly inForce: RulesEntry }> {
  const entries = await openRulesLog(wires, topic, mine);
  const [first] = entries;
  const inForce = entries.at(-1) ?? first;
  const fault = findDisagreement(inForce, mine);
  if (fault !== null) throw fault;
  return { first, inForce };
}

/** Why a process that folds with these must not, on a log under those; null: it may. */
export function findDisagreement(inForce: RulesEntry, mine: FoldedWith): RulesDiffer | ConfigurationDiffers | null {
  const { version, digest } = describeRules(mine.rules);
  const name = (one: { version: string; digest: string }) => `${one.version} (${one.digest.slice(0, 12)})`;
  if (digest !== inForce.digest)
    return new RulesDiffer(
      `the rules in force are ${name(inForce)}, and those of the configuration ${name({ version, digest })}`,
    );
  const other = listDifferences(inForce, mine);
  return other.length > 0 ? new ConfigurationDiffers(`the log was folded with other ${other.join(" and ")}`) : null;
}

function listDifferences({ fingerprints }: RulesRecord, mine: FoldedWith): string[] {
  return Object.entries(fingerprints).flatMap(([section, value]) =>
    (mine.fingerprints[section] ?? value) === value ? [] : [section],
  );
}

/**
 * Puts rules in force, with the configuration that they are applied under; the same as are in force are not written again.
 * Throws RulesRefused; ConfigurationDiffers where something has changed that a log cannot change.
 */
export async function applyRuleSet(
  wires: RulesWires,
  topic: string,
  mine: FoldedWith,
  { rules, author, reason }: { readonly rules: Rules; readonly author: string; readonly reason: string },
  fixed: readonly string[],
): Promise<{ readonly entry: RulesEntry; readonly former: RulesEntry; readonly isNew: boolean }> {
  const described = describeRules(rules);
  const fault = findFaultOfRules(described.rules);
  if (fault !== undefined) throw new RulesRefused(fault);
  const entries = await openRulesLog(wires, topic, mine);
  const former = entries.at(-1) ?? entries[0];
  const other = listDifferences(former, mine);
  const never = other.filter((section) => fixed.includes(section));
  if (never.length > 0) throw new ConfigurationDiffers(`the log has another ${never.join(" and ")} for good`);
  if (entries.some(({ version, digest }) => version === described.version && digest !== described.digest))
    throw new RulesRefused(`version ${described.version} names other rules in the log: give these one of their own`);
  if (described.digest === former.digest && other.length === 0) return { entry: former, former, isNew: false };
  const { fingerprints, engine } = mine;
  await publishRules(wires, topic, { kind: "applied", ...described, fingerprints, engine, author, reason });
  const written = (await readRulesLog(wires, topic)).findLast(({ digest }) => digest === described.digest);
  return { entry: written ?? former, former, isNew: true };
}

export interface ShardsUnderRules {
  readonly all: number;
  /** Where they, or later ones, are in force and everybody was looked at. */
  readonly there: number;
  /** Where people are being looked at. */
  readonly underWay: number;
}

export async function countShards(store: Store, shards: number, sequence: number): Promise<ShardsUnderRules> {
  let [there, underWay] = [0, 0];
  for (let shard = 0; shard < shards; shard += 1) {
    const parts = await store.load(shard, [RULES_PART, CHANGE_PART]);
    const [inForce, change] = parts.map((value, i) => {
      return decodePart({ key: i === 0 ? RULES_PART : CHANGE_PART, value }).value as { sequence: number } | null;
    });
    if (change !== null) underWay += 1;
    else if ((inForce?.sequence ?? 0) >= sequence) there += 1;
  }
  return { all: shards, there, underWay };
}
