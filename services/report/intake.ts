// Transitions into the ledger: from the topic, on from where it was, or from the files of a fold.

import { createReadStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { readOn, type ReadingOptions, type ReadRecord } from "./book.ts";
import type { ToldErasure } from "./forgetting.ts";
import type { Ledger, Row, ToldIdentityChange, ToldTransition } from "./ledger.ts";
import { describeSummary } from "./quality.ts";
import type { Sheet } from "./sheet.ts";

/** No such folder, or nothing of a fold in it. */
export class NoFold extends Error {
  readonly code = "no-fold";
}

type Written<T> = Omit<T, "at"> & { readonly at: string };

export async function readTopic(
  wires: { readonly log: Log; readonly codec: Codec },
  ledger: Ledger,
  topics: { readonly segmentTransition: string; readonly identityChanged: string; readonly profileErased: string },
  options: ReadingOptions & { readonly follow: false },
): Promise<void> {
  const take = ({ topic, value }: ReadRecord) => {
    if (topic === topics.segmentTransition) ledger.add(value as ToldTransition);
    else if (topic === topics.profileErased) ledger.addErasure(value as ToldErasure);
    else ledger.addAlias(readChange(value as ChangeLine));
  };
  const { segmentTransition, identityChanged, profileErased } = topics;
  await readOn(wires, ledger, [segmentTransition, identityChanged, profileErased], take, options);
  if (options.signal?.aborted !== true) await ledger.forget();
}

type ChangeLine = Omit<ToldIdentityChange, "change"> & { readonly kind: ToldIdentityChange["change"] };

/** Its topic and its file call the kind of a change `kind`. */
function readChange({ kind, ...told }: ChangeLine): ToldIdentityChange {
  return { ...told, change: kind };
}

export async function readFold(ledger: Ledger, folder: string): Promise<void> {
  const moves = (await readLines<Written<ToldTransition>>(folder, "transitions.jsonl")).map(readMove);
  const changes = await readLines<Written<ChangeLine>>(folder, "identity-changes.jsonl");
  ledger.transact(() => {
    for (const told of moves) ledger.add(told);
    for (const told of changes) ledger.addAlias(readChange({ ...told, at: Date.parse(told.at) }));
  });
}

async function readLines<T>(folder: string, name: string): Promise<T[]> {
  const file = join(folder, name);
  if (!existsSync(file)) throw new NoFold(`${file}: there is no such file; \`weft fold --out ${folder}\` makes it`);
  const lines: T[] = [];
  for await (const line of createInterface({ input: createReadStream(file, "utf8") }))
    if (line !== "") lines.push(JSON.parse(line) as T);
  return lines;
}

function readMove(told: Written<ToldTransition>): ToldTransition {
  return { ...told, retracts: told.retracts ?? null, at: Date.parse(told.at) };
}

/** Of a fold: how good what each source told is. */
export async function readFoldQuality(folder: string): Promise<Sheet[]> {
  const rows = await readLines<Row & { readonly sheet: string }>(folder, "quality.jsonl");
  const take = (name: string, title: string): Sheet => ({
    name,
    title,
    rows: rows.flatMap(({ sheet, ...row }) => (sheet === name ? [row as Row] : [])),
  });
  return [
    take("sources", "What each source told: valid, twice, of people told of before or by others, stitched, complete"),
    take("fields", "Which fields it fills, and whether anything reads them by name"),
  ];
}

export function readFoldSummary(folder: string): Sheet {
  const text = readFileSync(join(folder, "summary.json"), "utf8");
  return describeSummary(JSON.parse(text) as Parameters<typeof describeSummary>[0]);
}
