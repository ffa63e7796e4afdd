// Transitions into the ledger: from the topic, on from where it was, or from the files of a fold.

import { createReadStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { readOn, type ReadingOptions } from "./book.ts";
import type { Ledger, ToldTransition } from "./ledger.ts";
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
  topic: string,
  options: ReadingOptions,
): Promise<void> {
  await readOn(wires, ledger, [topic], ({ value }) => ledger.add(value as ToldTransition), options);
}

export async function readFold(ledger: Ledger, folder: string): Promise<void> {
  const file = join(folder, "transitions.jsonl");
  if (!existsSync(file)) throw new NoFold(`${file}: there is no such file; \`weft fold --out ${folder}\` makes it`);
  const lines: ToldTransition[] = [];
  for await (const line of createInterface({ input: createReadStream(file, "utf8") }))
    if (line !== "") lines.push(readLine(line));
  ledger.transact(() => {
    for (const told of lines) ledger.add(told);
  });
}

function readLine(line: string): ToldTransition {
  const told = JSON.parse(line) as Written<ToldTransition>;
  return { ...told, retracts: told.retracts ?? null, at: Date.parse(told.at) };
}

export function readFoldSummary(folder: string): Sheet {
  const text = readFileSync(join(folder, "summary.json"), "utf8");
  return describeSummary(JSON.parse(text) as Parameters<typeof describeSummary>[0]);
}
