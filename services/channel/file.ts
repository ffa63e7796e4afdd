// A file or standard input to readings: which format it is, and whose mapping reads it.

import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { readBytes } from "./bytes.ts";
import { readCsv, readHeader } from "./csv.ts";
import { readJsonLines } from "./json-lines.ts";
import { ChannelFileError, type Reading } from "./reading.ts";

export interface ReadOptions {
  /** For lines that name no source, and for files that several mappings could read. */
  readonly source?: string;
}

const CSV_NAME = /\.(csv|tsv)(\.gz)?$/i;

/**
 * `.csv` and `.tsv` (also `.gz`) go through a mapping: that of `source`, else the only one whose columns the header has.
 * Everything else, and `-` for standard input, is JSON lines. Throws ChannelFileError where the file as a whole is unfit.
 */
export async function* readChannelFile(
  path: string,
  loaded: LoadedConfiguration,
  options: ReadOptions = {},
): AsyncGenerator<Reading> {
  const { configuration, deployment } = loaded;
  if (!CSV_NAME.test(path)) {
    const sources = new Set(configuration.sources.map((source) => source.name));
    yield* readJsonLines(readBytes(path), { sources, ...options });
    return;
  }
  const name = options.source ?? (await findMappedSource(path, loaded));
  const source = configuration.sources.find((candidate) => candidate.name === name);
  const mapping = deployment.mappings.get(name);
  if (!source || !mapping)
    throw new ChannelFileError("file-mapping-unclear", `source ${name} has no mapping to read ${path} with`);
  yield* readCsv(readBytes(path), source, mapping);
}

/** Several files, one after the other; each reading says which file it came from. */
export async function* readChannelFiles(
  paths: readonly string[],
  loaded: LoadedConfiguration,
  options: ReadOptions = {},
): AsyncGenerator<Reading & { readonly file: string }> {
  for (const file of paths)
    for await (const reading of readChannelFile(file, loaded, options)) yield { ...reading, file };
}

async function findMappedSource(path: string, { deployment }: LoadedConfiguration): Promise<string> {
  const fitting: string[] = [];
  for (const [name, mapping] of deployment.mappings) {
    const header = new Set(await readHeader(readBytes(path), mapping.delimiter));
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
