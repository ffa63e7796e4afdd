// A CSV file read through the mapping of its source: rows to groups, groups to events. Rows of one event need not stand
// together, so events come when the whole file is read, in the order of recording. Held until then: each group's first
// row and order lines, about 150 bytes a row, at most `rowsMax` rows.

import { Readable } from "node:stream";
import { parse } from "csv-parse";
import { bareRecord } from "#core/comparison.ts";
import type { SourceConfiguration } from "#core/configuration.ts";
import type { ChannelEvent, OrderPart, Scalar } from "#core/event.ts";
import type { CsvMapping } from "#services/config/mapping.ts";
import { minorDigits, parseDecimal, roundToMinor } from "./decimal.ts";
import { createFieldCompiler, type FieldCompiler, FieldFault, type Row } from "./field.ts";
import { ChannelFileError, compareReadings, type Reading, type RefusedLine } from "./reading.ts";
import { createGroupFolder, type RowGroup } from "./row-group.ts";

const ROW_BYTES_MAX = 1024 * 1024;

export async function* readCsv(
  chunks: AsyncIterable<Buffer>,
  source: SourceConfiguration,
  mapping: CsvMapping,
): AsyncGenerator<Reading> {
  const refused: RefusedLine[] = [];
  const groups = new Map<string, RowGroup>();
  let header: string[] | undefined;
  let compiler: FieldCompiler | undefined;
  let folder: ReturnType<typeof createGroupFolder> | undefined;
  let keyColumns: number[] = [];
  let rows = 0;

  for await (const { line, row } of parseRows(transcode(chunks, mapping.encoding), mapping.delimiter, (at, detail) =>
    refused.push(refuse(at, "undecodable", detail, source)),
  )) {
    if (header === undefined) {
      header = row.map((name) => name.trim());
      checkHeader(header, mapping);
      compiler = createFieldCompiler(mapping.columns, header);
      folder = createGroupFolder(mapping, compiler, source.currency);
      keyColumns = mapping.groupBy.map((column) => header?.indexOf(column) ?? -1);
      continue;
    }
    rows += 1;
    if (rows > mapping.rowsMax)
      throw new ChannelFileError(
        "file-too-long",
        `more than ${mapping.rowsMax} rows; split the file by whole groups, or raise rowsMax`,
      );
    const key = JSON.stringify(keyColumns.map((index) => (row[index] ?? "").trim()));
    let group = groups.get(key);
    if (group === undefined && folder) {
      group = folder.start(line, row);
      groups.set(key, group);
    }
    if (group === undefined || !folder) continue;
    if (row.length !== header.length)
      group.fault ??= `line ${line} has ${row.length} values, the header ${header.length}`;
    folder.add(group, row);
  }
  yield* refused;
  if (!compiler) return;
  const build = createEventBuilder(source, mapping, compiler);
  const readings = Array.from(groups.values(), build);
  groups.clear();
  yield* readings.filter((reading) => !reading.ok);
  yield* readings.filter((reading) => reading.ok).toSorted(compareReadings);
}

/** Checks every byte, so that no name comes in half-decoded; the parser itself reads UTF-8. */
async function* transcode(
  chunks: AsyncIterable<Buffer>,
  encoding: CsvMapping["encoding"],
  fatal = true,
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, { fatal });
  try {
    for await (const chunk of chunks) {
      const text = decoder.decode(chunk, { stream: true });
      yield encoding === "utf-8" ? chunk : Buffer.from(text);
    }
    decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ChannelFileError(
      "file-unreadable",
      `the file is not ${encoding}; say what it is in \`encoding\` of the mapping`,
      { cause: error },
    );
  }
}

/** The names of the columns, from the first line, as far as this mapping's encoding and delimiter can read them. */
export async function readHeader(
  chunks: AsyncIterable<Buffer>,
  { delimiter, encoding }: CsvMapping,
): Promise<string[]> {
  const rows = parseRows(transcode(chunks, encoding, false), delimiter, () => undefined);
  for await (const { row } of rows) return row.map((name) => name.trim());
  return [];
}

interface ParsedRow {
  readonly line: number;
  readonly row: string[];
}

async function* parseRows(
  chunks: AsyncIterable<Buffer>,
  delimiter: string,
  skip: (line: number, detail: string) => unknown,
): AsyncGenerator<ParsedRow> {
  let batch: ParsedRow[] = [];
  // The line of a record is where it begins; the parser says where it ended.
  let begins = 1;
  const parser = parse({
    bom: true,
    delimiter,
    max_record_size: ROW_BYTES_MAX,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_record: (row: string[], { lines }) => {
      batch.push({ line: begins, row });
      begins = lines + 1;
      return null;
    },
    on_skip: (error) => {
      skip(
        typeof error?.["lines"] === "number" ? error["lines"] : begins,
        `no CSV row: ${error?.code ?? "unreadable"}`,
      );
      return undefined;
    },
  });
  // Rows are taken in on_record and handed on a chunk at a time: ten times as fast as one promise a row.
  const source = Readable.from(chunks, { objectMode: false });
  for await (const chunk of source) {
    await new Promise<void>((resolve, reject) => {
      parser.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
    yield* batch;
    batch = [];
  }
  await new Promise<void>((resolve, reject) => {
    parser.once("error", reject);
    parser.once("end", resolve);
    parser.resume();
    parser.end();
  });
  yield* batch;
}

function checkHeader(header: readonly string[], mapping: CsvMapping): void {
  const missing = mapping.columns.filter((column) => !header.includes(column));
  if (missing.length > 0)
    throw new ChannelFileError("file-header-mismatch", `the header has no column ${missing.join(", ")}`);
}

function createEventBuilder(
  source: SourceConfiguration,
  mapping: CsvMapping,
  compiler: FieldCompiler,
): (group: RowGroup) => Reading {
  const eventId = compiler.compile(mapping.eventId, "eventId");
  const type = compiler.compile(mapping.type, "type");
  const identifiers = mapping.identifiers.map(({ namespace, value }) => ({
    namespace,
    read: compiler.compile(value, `identifiers.${namespace}`),
  }));
  const traits = Object.entries(mapping.traits).map(
    ([name, field]) => [name, compiler.compile(field, `traits.${name}`)] as const,
  );
  const readOrder = mapping.order && createOrderBuilder(mapping.order, compiler, source.currency, mapping.decimalMark);
  return (group) => {
    let id: string | undefined;
    try {
      id = needText(eventId(group.row), "eventId");
      if (group.fault !== undefined) throw new FieldFault(group.fault);
      const event: ChannelEvent = {
        eventId: id,
        type: needText(type(group.row), "type"),
        occurredAt: group.occurredAt,
        identifiers: identifiers.flatMap(({ namespace, read }) => {
          const value = read(group.row);
          return value === "" ? [] : [{ namespace, value }];
        }),
        ...(traits.length === 0 ? {} : { traits: readTraits(traits, group.row) }),
        ...(readOrder ? { order: readOrder(group) } : {}),
      };
      const recordedAt = mapping.recordedAt ? group.recordedAt : group.occurredAt;
      return {
        ok: true,
        line: group.line,
        source: source.name,
        recordedAt,
        recordedAtGiven: mapping.recordedAt !== undefined,
        event,
      };
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      return refuse(group.line, "contract-violation", error.message, source, id);
    }
  };
}

function createOrderBuilder(
  order: NonNullable<CsvMapping["order"]>,
  compiler: FieldCompiler,
  defaultCurrency: string,
  decimalMark: string,
): (group: RowGroup) => OrderPart {
  const orderId = compiler.compile(order.orderId, "order.orderId");
  const status = order.status && compiler.compile(order.status, "order.status");
  const currency = order.currency && compiler.compile(order.currency, "order.currency");
  const total = order.total === "sum-of-lines" ? undefined : compiler.compile(order.total, "order.total");
  return (group) => {
    const code = currency ? needText(currency(group.row), "order.currency") : defaultCurrency;
    const exact = total ? parseDecimal(total(group.row), decimalMark) : group.total;
    const totalMinor = exact && roundToMinor(exact, minorDigits(code));
    if (totalMinor === undefined) throw new FieldFault("order.total: expected a decimal number");
    return {
      orderId: needText(orderId(group.row), "order.orderId"),
      ...(status ? { status: status(group.row) } : {}),
      currency: code,
      ...(total || order.lines ? { totalMinor } : {}),
      ...(order.lines ? { lines: group.lines } : {}),
    };
  };
}

function readTraits(traits: readonly (readonly [string, (row: Row) => string])[], row: Row): Record<string, Scalar> {
  const result = bareRecord<Scalar>();
  for (const [name, read] of traits) {
    const value = read(row);
    if (value !== "") result[name] = value;
  }
  return result;
}

function needText(text: string, name: string): string {
  if (text === "") throw new FieldFault(`${name}: expected a text that is not empty`);
  return text;
}

function refuse(
  line: number,
  reason: RefusedLine["reason"],
  detail: string,
  source: SourceConfiguration,
  eventId?: string,
): RefusedLine {
  return { ok: false, line, reason, detail, source: source.name, ...(eventId === undefined ? {} : { eventId }) };
}
