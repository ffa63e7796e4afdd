// What a source may tell of people, field by field: its contract. Part of the door: a function of the event and its source.
// A field is a part (`order`), an entry of one (`traits.firstName`, `preferences.size`) or the identifiers of a namespace
// (`identifiers.email`); the name of a part stands for all of its entries.

import { bareRecord } from "./comparison.ts";
import type { SourceConfiguration } from "./configuration.ts";
import type { ChannelEvent, Scalar } from "./event.ts";

export const PARTS = [
  "traits",
  "order",
  "cart",
  "case",
  "consents",
  "restriction",
  "subscription",
  "search",
  "product",
  "message",
  "touch",
  "preferences",
  "loyalty",
  "group",
  "replaced",
  "note",
] as const;

/** The parts of which a contract may name entries. */
export const PARTS_WITH_ENTRIES = ["traits", "preferences"] as const;

export interface Lawful {
  /** The event itself where nothing is left out. */
  readonly event: ChannelEvent;
  /** Each field that was left out, once. */
  readonly dropped: readonly string[];
}

/** Names the first part or trait that the source's contract does not allow, or null. */
export function findBreach(source: SourceConfiguration, event: ChannelEvent): string | null {
  if (source.allowedFields === undefined) return null;
  const allowed = new Set(source.allowedFields);
  for (const part of PARTS) {
    if (event[part] === undefined || event[part] === null || allowed.has(part)) continue;
    if (part !== "traits" && part !== "preferences") return part;
    const entry = Object.keys(event[part]).find((name) => !allowed.has(`${part}.${name}`));
    if (entry !== undefined) return nameField(part, entry);
  }
  return null;
}

/** The event without the fields for which its source has no legal basis. */
export function keepLawful(source: SourceConfiguration, event: ChannelEvent): Lawful {
  const bases = source.legalBasisByField;
  if (bases === undefined) return { event, dropped: [] };
  const has = (path: string) => Object.hasOwn(bases, path);
  const dropped = new Set<string>();
  const kept: Record<string, unknown> = { ...event };
  if (!has("identifiers"))
    kept["identifiers"] = event.identifiers.filter(({ namespace }) => {
      if (has(`identifiers.${namespace}`)) return true;
      dropped.add(nameField("identifiers", namespace));
      return false;
    });
  for (const part of PARTS) {
    const told = event[part];
    if (told === undefined || told === null || has(part)) continue;
    if (part !== "traits" && part !== "preferences") {
      dropped.add(part);
      delete kept[part];
      continue;
    }
    const entries = bareRecord<Scalar>();
    for (const [name, value] of Object.entries(told as Readonly<Record<string, Scalar>>)) {
      if (has(`${part}.${name}`)) entries[name] = value;
      else dropped.add(nameField(part, name));
    }
    if (Object.keys(entries).length > 0) kept[part] = entries;
    else delete kept[part];
  }
  return dropped.size === 0
    ? { event, dropped: [] }
    : { event: kept as unknown as ChannelEvent, dropped: [...dropped] };
}

/** Whoever sends names entries as he likes, also after a person: only what looks like a name is repeated (G2). */
function nameField(part: string, entry: string): string {
  return /^[A-Za-z][A-Za-z_-]{0,63}$/.test(entry) ? `${part}.${entry}` : `${part}.*`;
}
