// A file or standard input to readings: which format it is, and whose mapping reads it.

import { existsSync } from "node:fs";
import type { SourceConfiguration } from "#core/configuration.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import type { CsvMapping } from "#services/config/mapping.ts";
import type { PayloadMapping } from "#services/config/payload-mapping.ts";
import { formatSuggestion } from "#services/config/suggestion.ts";
import { isPacked, readBytes } from "./bytes.ts";
import { readCsv, readHeader } from "./csv.ts";
import { readJsonLines } from "./json-lines.ts";
import { readPayloadLines } from "./payload-lines.ts";
import { ChannelFileError, compareReadings, type LeftOutKey, type ReadEvent, type Reading } from "./reading.ts";

export interface ReadOptions {
  /** For lines that name no source, and for files that several mappings could read. */
  readonly source?: string;
  /** Told how many bytes of the file (packed ones where it is packed) have been read so far. */
  readonly onBytes?: (file: string, bytes: number) => void;
  /** Told of what JSON lines say under keys that an event does not have. */
  readonly onLeftOut?: (file: string, line: number, key: LeftOutKey) => void;
}

const SOURCE_NAME = /^[a-z][a-z0-9-]*$/;
const CSV_NAME = /\.(csv|tsv)(\.gz)?$/i;

/**
 * `.csv` and `.tsv` (also `.gz`) go through a mapping: that of `source`, else the only one whose columns the header has.
 * Everything else, and `-` for standard input, is JSON lines: of events, or of payloads where the source is a foreign
 * one. `name=path` says the source of one file. Throws ChannelFileError where the file as a whole is unfit.
 */
export async function* readChannelFile(
  file: string,
  loaded: LoadedConfiguration,
  given: ReadOptions = {},
): AsyncGenerator<Reading> {
  const way = await chooseWay(file, loaded, given);
  const bytes = readBytes(way.path, given.onBytes);
  if (way.format === "payloads") yield* readPayloadLines(bytes, way.from, way.mapping);
  else if (way.format === "rows") yield* readCsv(bytes, way.from, way.mapping);
  else
    yield* readJsonLines(bytes, {
      sources: new Set(loaded.configuration.sources.map(({ name }) => name)),
      onLeftOut: (line, key) => given.onLeftOut?.(file, line, key),
      ...(way.source === undefined ? {} : { source: way.source }),
    });
}

/** Throws the ChannelFileError of a file that is not there, or that nobody would know how to read. */
export async function requireReadable(
  files: readonly string[],
  loaded: LoadedConfiguration,
  given: ReadOptions = {},
): Promise<void> {
  for (const file of files) {
    const { path } = await chooseWay(file, loaded, given);
    if (path !== "-") await isPacked(path);
  }
}

/** How a file is read. */
type Way = { readonly path: string } & (
  | { readonly format: "events"; readonly source: string | undefined }
  | { readonly format: "payloads"; readonly from: SourceConfiguration; readonly mapping: PayloadMapping }
  | { readonly format: "rows"; readonly from: SourceConfiguration; readonly mapping: CsvMapping }
);

async function chooseWay(file: string, loaded: LoadedConfiguration, given: ReadOptions): Promise<Way> {
  const { configuration, deployment } = loaded;
  const { path, source } = splitName(file, loaded, given.source);
  const find = (name: string) => configuration.sources.find((candidate) => candidate.name === name);
  const from = source === undefined ? undefined : find(source);
  const foreign = from === undefined ? undefined : deployment.payloadMappings.get(from.name);
  if (from !== undefined && foreign !== undefined) return { path, format: "payloads", from, mapping: foreign };
  if (!CSV_NAME.test(path)) return { path, format: "events", source };
  const name = source ?? (await findMappedSource(path, loaded));
  const teller = find(name);
  const mapping = deployment.mappings.get(name);
  if (!teller || !mapping)
    throw new ChannelFileError("file-mapping-unclear", `source ${name} has no mapping to read ${path} with`);
  return { path, format: "rows", from: teller, mapping };
}

/** A declared source before the first `=`, if there is one. */
function splitName(file: string, { configuration }: LoadedConfiguration, source: string | undefined) {
  const [, name = "", path = ""] = /^([^=]+)=(.*)$/.exec(file) ?? [];
  const names = configuration.sources.map((one) => one.name);
  if (names.includes(name)) return { path, source: name };
  if (SOURCE_NAME.test(name) && !existsSync(file))
    throw new ChannelFileError(
      "file-source-unknown",
      `${file}: there is no such file, and no source ${name}${formatSuggestion(name, names)}; there are ${names.join(", ")}`,
    );
  return { path: file, source };
}

export type FileReading = Reading & { readonly file: string };

/**
 * Several files merged into the order of recording, as far as each is in it by itself (a mapped one always is); refusals
 * come as soon as they are met. One reading per file is held, and of mapped files all their events.
 */
export async function* readChannelFiles(
  paths: readonly string[],
  loaded: LoadedConfiguration,
  options: ReadOptions = {},
): AsyncGenerator<FileReading> {
  const files = paths.map((file) => ({ file, readings: readChannelFile(file, loaded, options) }));
  const heads = new Map<(typeof files)[number], ReadEvent>();
  let moving = files;
  while (moving.length > 0) {
    for (const from of moving) {
      heads.delete(from);
      for (let next = await from.readings.next(); !next.done; next = await from.readings.next()) {
        if (next.value.ok) {
          heads.set(from, next.value);
          break;
        }
        yield { ...next.value, file: from.file };
      }
    }
    let first: [(typeof files)[number], ReadEvent] | undefined;
    for (const head of heads) if (first === undefined || compareReadings(head[1], first[1]) < 0) first = head;
    moving = first === undefined ? [] : [first[0]];
    if (first) yield { ...first[1], file: first[0].file };
  }
}

async function findMappedSource(path: string, { deployment }: LoadedConfiguration): Promise<string> {
  const fitting: string[] = [];
  for (const [name, mapping] of deployment.mappings) {
    const header = new Set(await readHeader(readBytes(path), mapping));
    if (mapping.columns.every((column) => header.has(column))) fitting.push(name);
  }
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const found =
    fitting.length === 0
      ? "no mapping has columns that its header names"
      : `the mappings of ${fitting.join(" and ")} fit; say which with --source`;
  throw new ChannelFileError("file-mapping-unclear", `${path}: ${found}`);
}
