// What `produce` and `import` have in common: read files, publish their events, show progress, name what was refused.

import { statSync } from "node:fs";
import { type FileReading, readChannelFiles, requireReadable } from "#services/channel/file.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { countOf, EXIT } from "./failure.ts";
import type { CommonOptions } from "./program.ts";
import { requireSource } from "./argument.ts";
import { LeftOut } from "./left-out.ts";
import { openProgress } from "./progress.ts";
import { type PublicationOptions, publishReadings } from "./publication.ts";
import { openWires } from "./wiring.ts";

export interface FeedingOptions extends CommonOptions {
  readonly source?: string;
}

export async function feedFiles(
  verb: string,
  files: readonly string[],
  { config, json = false, quiet = false, embedded = false, source }: FeedingOptions,
  { timestamps, backfill }: Pick<PublicationOptions, "timestamps" | "backfill">,
): Promise<void> {
  const loaded = loadConfiguration(config);
  requireSource(loaded, source);
  // What is wrong with a file is told before anything is waited for.
  await requireReadable(files, loaded, source === undefined ? {} : { source });
  const read = new Map<string, number>();
  let published = 0;
  const total = files.some((file) => /(^|=)-$/.test(file))
    ? undefined
    : files.reduce((bytes, file) => bytes + sizeOf(file), 0);
  const wires = await openWires(loaded, { embedded });
  const progress = openProgress({ label: verb, quiet, ...(total === undefined ? {} : { total }) });
  const update = () =>
    progress.update(
      [...read.values()].reduce((sum, bytes) => sum + bytes, 0),
      published,
    );
  const leftOut = new LeftOut();
  const readings = readChannelFiles(files, loaded, {
    onLeftOut: leftOut.note,
    ...(source === undefined ? {} : { source }),
    onBytes(file, bytes) {
      read.set(file, bytes);
      update();
    },
  });
  try {
    const counts = await publishReadings(readings, wires, loaded, {
      timestamps,
      backfill,
      onRefused: (reading) => tellRefused(reading, json),
      onPublished(count) {
        published = count;
        update();
      },
    });
    progress.stop();
    leftOut.tell(json);
    if (json) process.stdout.write(`${JSON.stringify(counts)}\n`);
    else
      process.stdout.write(
        `${countOf(counts.published, "event")} published, ${countOf(counts.refused, "line")} refused\n`,
      );
    if (counts.refused > 0) process.exitCode = EXIT.inputRefused;
  } finally {
    progress.stop();
    await wires.close();
  }
}

/** A line of a file that was refused, by its place; what it says is not repeated. */
export function tellRefused({ ok: _ok, ...refused }: FileReading & { readonly ok: false }, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ refused })}\n`);
  else process.stderr.write(`${refused.file}:${refused.line} ${refused.reason}: ${refused.detail}\n`);
}

/** Without the name of its source, where it has one. */
function sizeOf(file: string): number {
  return statSync(file.replace(/^[a-z][a-z0-9-]*=/, ""), { throwIfNoEntry: false })?.size ?? 0;
}
