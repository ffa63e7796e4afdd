// Live changes as server-sent events. An event's id is its position (shard.offset.step) and, behind `~`, how far each
// partition of the topics was read, since outputs of several shards are mixed in them: whoever comes back with it as
// Last-Event-ID misses nothing, at whichever process.

import type { Change, TransitionCause } from "#core/effect.ts";
import { partitionKey, type LogRecord } from "#ports/log.ts";
import { topicNames } from "#services/config/topics.ts";
import { isForgotten } from "#services/wire/erasure.ts";
import { describeInstant } from "#services/wire/instant.ts";
import { lookUpId } from "#services/wire/lookup.ts";
import { formatPosition } from "#services/wire/location.ts";
import { maskChange } from "../change-mask.ts";
import { askLog } from "../command.ts";
import { ApiProblem, refuse } from "../problem.ts";
import { type ApiServices, read } from "../services.ts";

const CURSOR = /^\d+\.\d+\.\d+~([0-9a-z]+(?:\.[0-9a-z]+)*)$/;
const CURSOR_LENGTH_MAX = 8192;

export interface ChangesRequest {
  readonly profileId: string | undefined;
  readonly lastEventId: string | undefined;
  /** Whether values are shown. */
  readonly isOpen: boolean;
  readonly signal: AbortSignal;
  /** Told whom the stream is about before anything of them is told; nobody in particular: of everybody. */
  readonly record: (profileIds: readonly string[]) => Promise<void>;
}

/** What the topics' records have in common, and what their kinds add. */
interface Output {
  readonly profileId: string;
  readonly at: number;
  readonly shard: number;
  readonly offset: number;
  readonly step: number;
  readonly changes?: readonly Change[];
  readonly otherProfileId?: string | null;
  readonly cause?: string;
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
  const { profileId } = request;
  const followed = profileId === undefined ? null : await findFollowed(services, profileId);
  const ends = await askLog(services.logGate, () => services.log.endOffsets([...kinds.keys()]));
  const partitions = [...ends.keys()].toSorted();
  const from = readCursor(request.lastEventId, partitions, ends);
  await request.record([...(followed ?? [])]);
  return follow(services, request, { kinds, partitions, from, followed });
}

/** The id that is asked about, and that of the living profile. Throws ApiProblem. */
async function findFollowed(services: ApiServices, id: string): Promise<Set<string>> {
  const living = await findLiving(services, id, undefined);
  if (living === null) throw new ApiProblem("not-found");
  return new Set([id, living]);
}

/** null: it leads to nobody. */
async function findLiving(services: ApiServices, id: string, position: string | undefined): Promise<string | null> {
  const found = await read(services, position, () => lookUpId(services, id));
  return found.found ? found.profile.profileId : null;
}

/** By whom the id that is asked about leads to by now: who went into whom may be told of, and who lives on its own again not. */
async function followOn(
  services: ApiServices,
  asked: string,
  followed: Set<string>,
  { output, record }: { readonly output: Output; readonly record: ChangesRequest["record"] },
): Promise<void> {
  const position = writePosition(output);
  const living = await findLiving(services, asked, position);
  // Of whoever is nobody any more only the end is told.
  if (living === null) return;
  for (const id of followed)
    if (id !== asked && (await findLiving(services, id, position)) !== living) followed.delete(id);
  if (followed.has(living)) return;
  await record([living]);
  followed.add(living);
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
  if (!isOurs || !isPast) throw refuse("headers.last-event-id", "not an id of this stream");
  return new Map(partitions.map((partition, i) => [partition, offsets[i] ?? 0]));
}

interface Course {
  readonly kinds: ReadonlyMap<string, string>;
  readonly partitions: readonly string[];
  readonly from: ReadonlyMap<string, number>;
  /** null: everybody. */
  readonly followed: Set<string> | null;
}

async function* follow(
  services: ApiServices,
  { profileId, isOpen, signal, record: note }: ChangesRequest,
  { kinds, partitions, from, followed }: Course,
): AsyncGenerator<string> {
  const next = new Map(from);
  const isMeant = ({ key }: LogRecord) => followed === null || followed.has(key ?? "");
  for await (const record of services.log.read([...kinds.keys()], { from, follow: true, signal })) {
    next.set(partitionKey(record), record.offset + 1);
    const kind = kinds.get(record.topic) ?? "message";
    if (!isMeant(record) && kind !== "identity-changed") continue;
    const output = await decode(services, record);
    const isOfOther = isMeant(record) && output.profileId !== profileId;
    if (profileId !== undefined && followed !== null && (isOfOther || followed.has(output.otherProfileId ?? "")))
      await followOn(services, profileId, followed, { output, record: note });
    if (!isMeant(record) || (await isOver(services, output))) continue;
    const cursor = partitions.map((partition) => (next.get(partition) ?? 0).toString(36)).join(".");
    const id = `${output.shard}.${output.offset}.${output.step}~${cursor}`;
    const data = JSON.stringify(describeOutput(output, isOpen));
    yield `event: ${kind}\nid: ${id}\ndata: ${data}\n\n`;
  }
}

async function decode({ codec }: ApiServices, record: LogRecord): Promise<Output> {
  await codec.prepare([record.value]);
  const decoded = codec.decode(record.value);
  if (!decoded.ok) throw new Error(`${describePlace(record)} cannot be read: ${decoded.reason}`);
  return decoded.value as Output;
}

/** Of who was erased nothing is told any more but that her profile ended. */
async function isOver(services: ApiServices, output: Output): Promise<boolean> {
  const { profileId, at, cause } = output;
  if (cause === ("erasure" satisfies TransitionCause)) return false;
  const look = () => isForgotten(services, profileId, at);
  // What has only just been published may not be in the store yet.
  return (await read(services, undefined, look)) ?? (await read(services, writePosition(output), look)) ?? true;
}

/** What it came from is wholly in the store once the shard is beyond it. */
function writePosition({ shard, offset }: Output): string {
  return formatPosition({ shard, offset: offset + 1 });
}

function describeOutput(output: Output, isOpen: boolean): object {
  const { shard: _shard, offset: _offset, step, at, changes, ...rest } = output;
  return {
    ...rest,
    at: describeInstant(at),
    position: writePosition(output),
    step,
    ...(changes === undefined ? {} : { changes: isOpen ? changes : changes.map(maskChange) }),
  };
}

function describePlace({ topic, partition, offset }: LogRecord): string {
  return `${topic}/${partition}@${offset}`;
}
