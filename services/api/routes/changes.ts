// Live changes as server-sent events. An event's id is its position (shard.offset.step) and, behind `~`, how far each
// partition of the topics was read, since outputs of several shards are mixed in them: whoever comes back with it as
// Last-Event-ID misses nothing, at whichever process.

import type { Change } from "#core/effect.ts";
import { partitionKey, type LogRecord } from "#ports/log.ts";
import { topicNames } from "#services/config/topics.ts";
import { formatPosition } from "../position.ts";
import { maskChange } from "../change-mask.ts";
import { ApiProblem } from "../problem.ts";
import { describeInstant } from "../profile-answer.ts";
import type { ApiServices } from "../services.ts";

const CURSOR = /^\d+\.\d+\.\d+~([0-9a-z]+(?:\.[0-9a-z]+)*)$/;
const CURSOR_LENGTH_MAX = 8192;

export interface ChangesRequest {
  readonly profileId: string | undefined;
  readonly lastEventId: string | undefined;
  /** Whether values are shown. */
  readonly isOpen: boolean;
  readonly signal: AbortSignal;
}

/** What the topics' records have in common, and what their kinds add. */
interface Output {
  readonly profileId: string;
  readonly at: number;
  readonly shard: number;
  readonly offset: number;
  readonly step: number;
  readonly changes?: readonly Change[];
  readonly [name: string]: unknown;
}

/** Opened before anything is answered: what is wrong is then an ordinary problem. Yields texts of the stream. */
export async function openChanges(services: ApiServices, request: ChangesRequest): Promise<AsyncGenerator<string>> {
  const names = topicNames(services.loaded);
  const kinds = new Map([
    [names.profileChanged, "profile-changed"],
    [names.segmentTransition, "segment-transition"],
    [names.identityChanged, "identity-changed"],
  ]);
  const ends = await services.logGate.pass(() => services.log.endOffsets([...kinds.keys()]));
  const partitions = [...ends.keys()].toSorted();
  const from = readCursor(request.lastEventId, partitions, ends);
  return follow(services, request, kinds, partitions, from);
}

function readCursor(
  id: string | undefined,
  partitions: readonly string[],
  ends: ReadonlyMap<string, number>,
): Map<string, number> {
  if (id === undefined || id === "") return new Map(ends);
  const [, text] = CURSOR.exec(id.length > CURSOR_LENGTH_MAX ? "" : id) ?? [];
  const offsets = text?.split(".").map((part) => Number.parseInt(part, 36)) ?? [];
  const isOurs = offsets.length === partitions.length;
  const isPast = partitions.every((partition, i) => (offsets[i] ?? Number.NaN) <= (ends.get(partition) ?? 0));
  if (!isOurs || !isPast)
    throw new ApiProblem("malformed-request", {
      errors: [{ path: "headers.last-event-id", message: "not an id of this stream" }],
    });
  return new Map(partitions.map((partition, i) => [partition, offsets[i] ?? 0]));
}

async function* follow(
  { log, codec }: ApiServices,
  { profileId, isOpen, signal }: ChangesRequest,
  kinds: ReadonlyMap<string, string>,
  partitions: readonly string[],
  from: Map<string, number>,
): AsyncGenerator<string> {
  const next = new Map(from);
  for await (const record of log.read([...kinds.keys()], { from, follow: true, signal })) {
    next.set(partitionKey(record), record.offset + 1);
    if (profileId !== undefined && record.key !== profileId) continue;
    await codec.prepare([record.value]);
    const decoded = codec.decode(record.value);
    if (!decoded.ok) throw new Error(`${describePlace(record)} cannot be read: ${decoded.reason}`);
    const output = decoded.value as Output;
    const cursor = partitions.map((partition) => (next.get(partition) ?? 0).toString(36)).join(".");
    const id = `${output.shard}.${output.offset}.${output.step}~${cursor}`;
    const data = JSON.stringify(describeOutput(output, isOpen));
    yield `event: ${kinds.get(record.topic) ?? "message"}\nid: ${id}\ndata: ${data}\n\n`;
  }
}

function describeOutput({ shard, offset, step, at, changes, ...rest }: Output, isOpen: boolean): object {
  return {
    ...rest,
    at: describeInstant(at),
    // What it came from is wholly in the store once the shard is beyond it.
    position: formatPosition({ shard, offset: offset + 1 }),
    step,
    ...(changes === undefined ? {} : { changes: isOpen ? changes : changes.map(maskChange) }),
  };
}

function describePlace({ topic, partition, offset }: LogRecord): string {
  return `${topic}/${partition}@${offset}`;
}
