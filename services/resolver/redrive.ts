// Dead letters read back, and sent again: the original bytes into the original partition, recorded when they were, marked
// with the letter that they come from. What was sent again stands in the topic itself, so nothing else has to remember it:
// a letter is sent once, also after a crash between two records. Two who redrive at the same moment may both send it; the
// engine drops the second copy.

import { type Log, type LogRecord, type NewRecord, partitionKey } from "#ports/log.ts";

export const REDRIVEN_HEADER = "weft.redriven-from";
const OURS = /^(__connect\.errors\.|weft\.(reason|recorded-at|redriven-from)$)/;
const BATCH_RECORDS = 500;

export interface Letter {
  /** `channel-web.dlq/0@12`. */
  readonly id: string;
  readonly reason: string;
  readonly detail: string;
  /** Of the record that was refused. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly recordedAt: number;
  readonly record: LogRecord;
}

export interface LetterSelection {
  readonly topic?: string;
  readonly reason?: string;
  readonly id?: string;
}

/** Undefined: somebody else's record. */
export function readLetter(record: LogRecord): Letter | undefined {
  const { headers, timestampMs } = record;
  const topic = headers["__connect.errors.topic"];
  const [partition, offset] = [headers["__connect.errors.partition"], headers["__connect.errors.offset"]].map(Number);
  if (topic === undefined || !Number.isSafeInteger(partition) || !Number.isSafeInteger(offset)) return undefined;
  const recordedAt = Date.parse(headers["weft.recorded-at"] ?? "");
  return {
    id: `${partitionKey(record)}@${record.offset}`,
    reason: headers["weft.reason"] ?? "unknown",
    detail: headers["__connect.errors.exception.message"] ?? "",
    topic,
    partition: partition as number,
    offset: offset as number,
    recordedAt: Number.isNaN(recordedAt) ? timestampMs : recordedAt,
    record,
  };
}

/** Those of the dead-letter topics that a selection means, in the order of the log. */
export async function* readLetters(
  log: Pick<Log, "read">,
  topics: readonly string[],
  { topic, reason, id }: LetterSelection,
): AsyncGenerator<Letter> {
  if (topics.length === 0) return;
  for await (const record of log.read(topics, { from: "start", follow: false })) {
    const letter = readLetter(record);
    if (letter === undefined) continue;
    if (topic !== undefined && topic !== letter.topic && topic !== record.topic) continue;
    if (reason !== undefined && reason !== letter.reason) continue;
    if (id === undefined || id === letter.id) yield letter;
  }
}

export function createRedrive({ id, topic, partition, recordedAt, record }: Letter): NewRecord {
  const headers = Object.fromEntries(Object.entries(record.headers).filter(([name]) => !OURS.test(name)));
  return {
    topic,
    partition,
    key: record.key,
    value: record.value,
    timestampMs: recordedAt,
    ...(record.raw === undefined ? {} : { raw: record.raw }),
    headers: { ...headers, [REDRIVEN_HEADER]: id },
  };
}

/** Ids of letters that were sent again: behind the records that they are about, in the same partitions. */
async function findRedriven(
  log: Pick<Log, "read" | "endOffsets">,
  letters: AsyncIterable<Letter>,
): Promise<ReadonlySet<string>> {
  const redriven = new Set<string>();
  const topics = new Set<string>();
  const from = new Map<string, number>();
  for await (const letter of letters) {
    const key = partitionKey(letter);
    topics.add(letter.topic);
    from.set(key, Math.min(from.get(key) ?? letter.offset + 1, letter.offset + 1));
  }
  if (topics.size === 0) return redriven;
  for (const [key, end] of await log.endOffsets([...topics])) if (!from.has(key)) from.set(key, end);
  for await (const { headers } of log.read([...topics], { from, follow: false })) {
    const id = headers[REDRIVEN_HEADER];
    if (id !== undefined) redriven.add(id);
  }
  return redriven;
}

export interface RedriveCounts {
  readonly redriven: number;
  /** Sent again before. */
  readonly skipped: number;
}

/** select: reads the selection anew each time, so that never more than a batch of it is held. */
export async function redriveLetters(
  log: Log,
  select: () => AsyncIterable<Letter>,
  again: boolean,
): Promise<RedriveCounts> {
  const before = again ? new Set<string>() : await findRedriven(log, select());
  const counts = { redriven: 0, skipped: 0 };
  let due: Letter[] = [];
  const send = async (): Promise<void> => {
    if (due.length > 0) await log.append(due.map(createRedrive));
    counts.redriven += due.length;
    due = [];
  };
  for await (const letter of select()) {
    if (before.has(letter.id)) counts.skipped += 1;
    else due.push(letter);
    if (due.length === BATCH_RECORDS) await send();
  }
  await send();
  return counts;
}
