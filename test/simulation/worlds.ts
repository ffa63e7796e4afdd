// Worlds small enough to be explored to the end: a few events about a few identifiers, and what may go wrong.
// An identifier's number says on which shard the component is that it gives birth to; by name the earlier one leads.

import type { Hash } from "#core/identifier.ts";
import { shardOf } from "#core/item.ts";
import { OPERATOR_VERDICTS, rulingType } from "#core/ruling.ts";
import { hash as digests } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";

export const SHARDS = 3;

export interface Bounds {
  /** Times that a worker dies where that leaves something behind; see moves.ts. */
  readonly crashes: number;
  /** Messages, each at most once, that are delivered again at any later time. */
  readonly copies: number;
  /** An event is taken in only while fewer messages are under way. */
  readonly underWayMax: number;
}

export interface World extends Bounds {
  readonly name: string;
  /** Told one after the other, each with all its consequences, before the exploration begins. */
  readonly before: readonly string[];
  /** By resolver: each takes its own in this order. Recorded in the order of the whole list of this world's events. */
  readonly resolvers: readonly (readonly string[])[];
  /** The resolver joins on stronger evidence only than the homes do. */
  readonly cautiousResolver?: boolean;
  /** Reading the index, writing it and appending are three moves of a resolver, not one. */
  readonly slowResolvers?: boolean;
}

const START_MS = Date.UTC(2026, 0, 5);
const MINUTE_MS = 60_000;
const KEY_LENGTH = 22;
const FILLERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

const keys = new Map<string, string>();

function findKey(text: string): string {
  const value = text.slice(text.lastIndexOf("\n") + 1);
  const name = value.replace(/@.*/, "");
  if (!text.startsWith("identifier\n")) return text.replaceAll("\n", "-").replaceAll(/[.A-Z]/g, "");
  const shard = Number(/\d/.exec(name)?.[0] ?? 0);
  for (const one of FILLERS)
    for (const other of FILLERS) {
      const key = name.padEnd(KEY_LENGTH - 2, ".") + one + other;
      if (shardOf(key, SHARDS) === shard) return key;
    }
  throw new Error(`no key of ${name} is on shard ${shard}`);
}

/** Keys that can be read, and whose shard can be chosen. */
export const hash: Hash = Object.assign(
  (text: string) => {
    const key = keys.get(text) ?? findKey(text);
    keys.set(text, key);
    return key;
  },
  { digest: digests.digest },
);

/** `source: [verdict] namespace=value …`; each event is of a type of its own, so that the counters of a profile tell which it has. */
function readEvent(text: string, place: number): RecordedEvent {
  const [source = "", told = ""] = text.split(": ");
  const identifiers = [...told.matchAll(/(\S+)=(\S+)/g)].map(([, namespace = "", value = ""]) => ({ namespace, value }));
  const verdict = OPERATOR_VERDICTS.find((one) => told.startsWith(`${one} `));
  const recordedAt = START_MS + place * MINUTE_MS;
  const type = verdict === undefined ? `told-${place}` : rulingType(verdict);
  return { source, recordedAt, event: { eventId: `e${place}`, type, occurredAt: recordedAt, identifiers } };
}

export function readEvents({ before, resolvers }: World): { before: RecordedEvent[]; resolvers: RecordedEvent[][] } {
  let place = 0;
  const read = (texts: readonly string[]) => texts.map((text) => readEvent(text, place++));
  return { before: read(before), resolvers: resolvers.map(read) };
}

/** The same event, recorded again by another partition of its topic. */
export function copyEvent(recorded: RecordedEvent): RecordedEvent {
  return { ...recorded, recordedAt: recorded.recordedAt + MINUTE_MS / 2 };
}
