// A file or standard input to readings: which format it is, and whose mapping reads it.

import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { readBytes } from "./bytes.ts";
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
  const { configuration, deployment } = loaded;
  const { path, options } = splitName(file, loaded, given);
  const foreign = options.source === undefined ? undefined : deployment.payloadMappings.get(options.source);
  if (foreign !== undefined) {
    const from = configuration.sources.find(({ name }) => name === options.source);
    if (from !== undefined) yield* readPayloadLines(readBytes(path, options.onBytes), from, foreign);
    return;
  }
  if (!CSV_NAME.test(path)) {
    const sources = new Set(configuration.sources.map((source) => source.name));
    yield* readJsonLines(readBytes(path, options.onBytes), {
      sources,
      onLeftOut: (line, key) => options.onLeftOut?.(file, line, key),
      ...(options.source === undefined ? {} : { source: options.source }),
    });
    return;
  }
  const name = options.source ?? (await findMappedSource(path, loaded));
  const source = configuration.sources.find((candidate) => candidate.name === name);
  const mapping = deployment.mappings.get(name);
  if (!source || !mapping)
    throw new ChannelFileError("file-mapping-unclear", `source ${name} has no mapping to read ${path} with`);
  yield* readCsv(readBytes(path, options.onBytes), source, mapping);
}

/** A declared source before the first `=`, if there is one. */
function splitName(file: string, { configuration }: LoadedConfiguration, options: ReadOptions) {
  const cut = file.indexOf("=");
  const source = file.slice(0, cut);
  if (cut < 1 || !configuration.sources.some(({ name }) => name === source)) return { path: file, options };
  return { path: file.slice(cut + 1), options: { ...options, source } };
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
