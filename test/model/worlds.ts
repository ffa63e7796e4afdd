// Worlds small enough to be explored to the end: a few events about a few identifiers, and what may go wrong.
// An identifier's number says on which shard the component is that it gives birth to; by name the earlier one leads.

import type { Hash } from "#core/identifier.ts";
import { shardOf } from "#core/item.ts";
import { OPERATOR_VERDICTS, rulingType } from "#core/ruling.ts";
import { hash as digests } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";

/** Three workers, each with one. */
export const SHARDS = 3;

export interface World {
  /** Told one after the other, each with all its consequences, before the exploration begins. */
  readonly before: readonly string[];
  /** By resolver: each takes its own in this order. Recorded in the order in which they stand here, those before first. */
  readonly resolvers: readonly (readonly string[])[];
  /** It joins on stronger evidence only than the homes do. */
  readonly cautiousResolver?: boolean;
  /** Reading the index, writing it and appending are three moves of a resolver, not one. */
  readonly slowResolvers?: boolean;
}

export interface Bounds {
  /** How often a worker dies; see moves.ts. */
  readonly crashes: number;
  /** How many messages, whichever and each once, come a second time, then or at any later time. */
  readonly copies: number;
}

/** An event is taken in while fewer messages than this are under way; what they cause is never held back. */
export const UNDER_WAY_MAX = 4;

const JOINS = [["crm: social=a0 social=b1"], ["crm: social=b1 social=c2"]];
const ALONE = ["crm: social=a0", "crm: social=b1", "crm: social=c2"];

/** Each by what it is about. `social` is authenticated where crm or store say it, `customer` and `card` also by web. */
export const WORLDS = {
  /** Three people that are one: the way of design section 4. */
  "a chain of strong evidence": { before: ALONE, resolvers: JOINS },
  /** c absorbs b, then a absorbs c: who comes after b goes through two forwarders. */
  "a chain whose middle was born last": {
    before: ["crm: social=a0", "crm: social=c2", "crm: social=b1"],
    resolvers: JOINS,
  },
  /** Few enough messages that every one of them may come twice. */
  "three people of one event": { before: ALONE, resolvers: [["crm: social=a0 social=b1 social=c2"]] },
  "visits of two people": {
    before: ["web: cookie=k1 customer=b1", "web: cookie=l2 customer=c2"],
    resolvers: [["web: cookie=k1 cookie=l2"]],
  },
  "a chain from nothing, in any order": { before: [], resolvers: [...ALONE.map((text) => [text]), ...JOINS] },
  "resolvers that are slow": {
    slowResolvers: true,
    before: [],
    resolvers: [["crm: social=a0 social=b1"], ["crm: social=b1 social=c2"], ["crm: social=c2"]],
  },
  /** Only the homes' requests bring them together. */
  "a resolver that joins less than the homes": {
    cautiousResolver: true,
    before: ["store: social=a0", "store: social=b1", "store: social=c2"],
    resolvers: [["store: social=a0 social=b1"], ["store: social=b1 social=c2"]],
  },
  "visits without a log-in, and then one": {
    before: ["web: cookie=a0", "web: cookie=b1", "web: cookie=c2"],
    resolvers: [["web: cookie=a0 cookie=b1"], ["web: cookie=b1 cookie=c2"], ["web: cookie=c2 customer=d1"]],
  },
  /** The device lives where an address was typed; its two claimants turn out to be one. */
  "a device that others log in on": {
    before: ["crm: social=c2", "web: cookie=k2 social=c2"],
    resolvers: [["web: cookie=k2 customer=a0"], ["web: cookie=k2 card=b1"], ["crm: customer=a0 card=b1"]],
  },
  /** Its home knows of two far claimants, who become one while the claim of its own home is taken away. */
  "a contested device": {
    before: ["web: cookie=k2 customer=c2", "web: cookie=k2 customer=a0", "web: cookie=k2 card=b1"],
    resolvers: [["crm: customer=a0 card=b1"], ["operator: cut cookie=k2 customer=c2"]],
  },
  /** Two devices that live with people whose claims are taken away, and are tied to each other. */
  "two ends that nobody claims": {
    before: ["web: cookie=k1 customer=b1", "web: cookie=l2 customer=c2"],
    resolvers: [
      ["operator: cut cookie=k1 customer=b1"],
      ["operator: cut cookie=l2 customer=c2"],
      ["web: cookie=k1 cookie=l2"],
    ],
  },
} as const satisfies Readonly<Record<string, World>>;

export type WorldName = keyof typeof WORLDS;

const START_MS = Date.UTC(2026, 0, 5);
const MINUTE_MS = 60_000;
const KEY_LENGTH = 22;
const FILLERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Keys that can be read, and whose shard can be chosen. */
function findKey(text: string): string {
  if (!text.startsWith("identifier\n")) return text.replaceAll("\n", "-").replaceAll(/[.A-Z]/g, "");
  const name = text.slice(text.lastIndexOf("\n") + 1);
  const shard = Number(/\d/.exec(name)?.[0] ?? 0);
  for (const one of FILLERS)
    for (const other of FILLERS) {
      const key = name.padEnd(KEY_LENGTH - 2, ".") + one + other;
      if (shardOf(key, SHARDS) === shard) return key;
    }
  throw new Error(`no key of ${name} is on shard ${shard}`);
}

export const hash: Hash = Object.assign(findKey, { digest: digests.digest });

/** `source: [verdict] namespace=value …`; each event is of a type of its own, so that the counters of a profile tell which it has. */
function readEvent(text: string, place: number): RecordedEvent {
  const [source = "", told = ""] = text.split(": ");
  const identifiers = [...told.matchAll(/(\S+)=(\S+)/g)].map(([, namespace = "", value = ""]) => ({
    namespace,
    value,
  }));
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
