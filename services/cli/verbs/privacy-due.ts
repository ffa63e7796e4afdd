// weft privacy due: whom the shop may not keep any longer.

import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { loadConfiguration } from "#services/config/configuration.ts";
import { topicNames } from "#services/config/topics.ts";
import { publishErasure } from "#services/wire/erasure.ts";
import { type DueProfile, listDue } from "#services/wire/retention.ts";
import { EXIT, UsageError } from "../failure.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime } from "../runtime.ts";

interface DueOptions extends CommonOptions {
  readonly erase?: boolean;
  readonly dryRun?: boolean;
  readonly author?: string;
}

export function registerDue(privacy: Command): void {
  privacy
    .command("due")
    .description("who is due to be forgotten by the rules of `retention`, as of the log's time; --erase forgets them")
    .option("--erase", "write a request to erase each, as `privacy erase` does")
    .option("--dry-run", "with --erase: what it would write, and what not; nothing is written")
    .option("--author <name>", "with --erase: who answers for it; goes into the log")
    .action((_options: unknown, command: Command) => listAndErase(command.optsWithGlobals<DueOptions>()));
}

async function listAndErase({
  config,
  embedded = false,
  json = false,
  erase = false,
  dryRun = false,
  author,
}: DueOptions): Promise<void> {
  if (erase && !dryRun && author === undefined) throw new UsageError("--erase needs its --author");
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const { wires, lookups } = runtime;
    let isAnybodyDue = false;
    for await (const due of listDue(lookups, loaded.deployment.retention)) {
      const draft = erase ? await due.draft() : null;
      const line = { ...describeDue(due), requestId: null as string | null, refused: null as string | null };
      if (draft?.ok === false) {
        line.refused = draft.reason;
        process.exitCode = EXIT.inputRefused;
      } else if (draft !== null && !dryRun) {
        line.requestId = randomUUID();
        const reason = `retention: ${due.whom}, ${due.purpose}`;
        const request = { requestId: line.requestId, author: author ?? "", reason, ...draft.keys };
        await publishErasure(wires, topicNames(loaded).privacy, request);
      }
      isAnybodyDue = true;
      process.stdout.write(`${json ? JSON.stringify(line) : writeLine(line)}\n`);
    }
    if (!isAnybodyDue && !json) process.stdout.write("nobody is due\n");
  } finally {
    await runtime.close();
  }
}

function describeDue({ profileId, whom, purpose, sinceMs, dueAtMs }: DueProfile) {
  const [since, dueAt] = [sinceMs, dueAtMs].map((at) => new Date(at).toISOString());
  return { profileId, whom, purpose, since, dueAt };
}

function writeLine(
  line: ReturnType<typeof describeDue> & { requestId: string | null; refused: string | null },
): string {
  const { profileId, whom, purpose, since, dueAt, requestId, refused } = line;
  const done = refused !== null ? `; not erased: ${refused}` : requestId !== null ? `; request ${requestId}` : "";
  return `profile ${profileId}: ${whom} (${purpose}), last heard from ${since}, due ${dueAt}${done}`;
}
