// The figures of a source as it tells now: its latest records pass the door, and are looked for in the store. What is below
// its floors is a reason to hold it back.

import { acceptEvent } from "#core/acceptance.ts";
import { membersOf } from "#core/membership.ts";
import { type Judged, type JudgedPerson, measureFields, measureSources } from "#core/quality.ts";
import type { LogRecord } from "#ports/log.ts";
import { createForeignReaders } from "#services/channel/foreign.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import type { Floors } from "#services/config/schema.ts";
import { readEvent } from "#services/resolver/record.ts";
import { locateKey } from "#services/wire/location.ts";
import type { Runtime } from "./runtime.ts";

const MILLIONTHS = 1_000_000;

/** In millionths, by name: `valid`, `stitched`, and the fields of which a share is asked. */
export type Figures = Readonly<Record<string, number>>;

/** Of its latest records from an instant on; null: there are fewer than are looked at. */
export async function measureLatest(
  loaded: LoadedConfiguration,
  runtime: Pick<Runtime, "wires" | "lookups">,
  source: { readonly name: string; readonly topic: string },
  floors: Floors,
  sinceMs: number,
): Promise<Figures | null> {
  const { wires, lookups } = runtime;
  const { registry } = lookups.engine;
  const reading = { codec: wires.codec, foreignOf: createForeignReaders(loaded, wires.codec) };
  const records = await readLatest(runtime, source.topic, floors.events, sinceMs);
  if (records.length < floors.events) return null;
  await wires.codec.prepare(records.map(({ value }) => value));
  // By anchor: a visitor's many records ask the store once.
  const people = new Map<string, JudgedPerson | null>();
  const judged: Judged[] = [];
  const met = new Set<string>();
  for (const record of records) {
    const read = readEvent(reading, record);
    const acceptance = read.ok ? acceptEvent(registry, source.name, record.timestampMs, read.event) : read;
    const refused = {
      source: source.name,
      event: null,
      outcome: "dead-lettered",
      anchor: null,
      profileId: null,
    } as const;
    if (!read.ok || !acceptance.ok || !("accepted" in acceptance)) {
      judged.push(refused);
      continue;
    }
    const { anchor } = acceptance.accepted;
    if (!people.has(anchor)) people.set(anchor, await findPerson(runtime, anchor));
    const person = people.get(anchor) ?? null;
    const outcome = met.has(read.event.eventId) ? "duplicate" : "folded";
    met.add(read.event.eventId);
    const profileId = person?.profileId ?? null;
    judged.push({ source: source.name, event: read.event, outcome, anchor, profileId });
  }
  const [quality] = measureSources(loaded.configuration, judged, listPeople(people.values()));
  if (quality === undefined) return null;
  const filled = new Map(measureFields(loaded.configuration, judged).map((one) => [one.field, one.filledShare]));
  return {
    valid: quality.validShare,
    stitched: quality.stitchedShare,
    ...Object.fromEntries(Object.keys(floors.filled).map((field) => [field, filled.get(field) ?? 0])),
  };
}

/** Names of the figures that are below what is asked. */
export function findLow(floors: Floors, figures: Figures): string[] {
  const asked = Object.entries({ valid: floors.valid, stitched: floors.stitched, ...floors.filled });
  return asked.flatMap(([name, floor]) =>
    floor !== undefined && (figures[name] ?? 0) < floor * MILLIONTHS
      ? [`${name} ${showShare(figures[name] ?? 0)} below ${showShare(floor * MILLIONTHS)}`]
      : [],
  );
}

export function showShare(millionths: number): string {
  return `${(millionths / 10_000).toFixed(1)} %`;
}

async function readLatest(
  { wires: { log } }: Pick<Runtime, "wires">,
  topic: string,
  count: number,
  sinceMs: number,
): Promise<LogRecord[]> {
  const from = new Map<string, number>();
  for (const [partition, end] of await log.endOffsets([topic])) from.set(partition, Math.max(0, end - count));
  const records: LogRecord[] = [];
  for await (const record of log.read([topic], { from, follow: false }))
    if (record.timestampMs >= sinceMs) records.push(record);
  return records.sort((a, b) => a.timestampMs - b.timestampMs).slice(-count);
}

async function findPerson({ lookups }: Pick<Runtime, "lookups">, anchor: string): Promise<JudgedPerson | null> {
  const located = await locateKey(lookups, anchor);
  const naming = located?.entry.profile ?? null;
  const record = naming === null ? undefined : located?.component.profiles.get(naming);
  if (located === null || naming === null || record === undefined) return null;
  const identifiers = [...membersOf(located.component, naming)].flatMap(
    (key) => located.component.identifiers.get(key) ?? [],
  );
  return { profileId: record.id, identifiers, completeness: 0 };
}

/** Each once, under whichever anchors it was found. */
function listPeople(found: Iterable<JudgedPerson | null>): JudgedPerson[] {
  const byId = new Map<string, JudgedPerson>();
  for (const person of found) if (person !== null) byId.set(person.profileId, person);
  return [...byId.values()];
}
