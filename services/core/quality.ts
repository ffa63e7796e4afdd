// How good what each source tells is, in shares of millionths: what of it is valid, which fields it fills and whether anything
// reads them, what it tells twice, what another source tells too, and how much of it is on somebody with a name (S47, S98).
// A pure function of the events, what became of them and the people that they make.

import type { Outcome } from "./acceptance.ts";
import { compareText } from "./comparison.ts";
import type { Configuration } from "./configuration.ts";
import { DEMOGRAPHIC_FIELDS } from "./demographics.ts";
import type { ChannelEvent } from "./event.ts";
import { PARTS } from "./lawful.ts";

export interface Judged {
  readonly source: string;
  /** Null: it could not be read. */
  readonly event: ChannelEvent | null;
  readonly outcome: Outcome;
  /** Under what its facts are kept, and the profile that has that; null: none. */
  readonly anchor: string | null;
  readonly profileId: string | null;
}

export interface JudgedPerson {
  readonly profileId: string;
  readonly identifiers: readonly { readonly namespace: string }[];
  /** Per mille. */
  readonly completeness: number;
}

export interface SourceQuality {
  readonly source: string;
  readonly events: number;
  /** Of the events: not dead-lettered. */
  readonly validShare: number;
  /** Of the valid ones: there before. */
  readonly repeatedShare: number;
  /** Of the anchors that it told of: one person with another of them. */
  readonly insideShare: number;
  /** Of the people that it told of: another source told of them too. */
  readonly betweenShare: number;
  /** Of the valid ones: on a profile with an identifier of a person. */
  readonly stitchedShare: number;
  /** Of the people that it told of, on average: declared fields that are filled, whoever told them. */
  readonly completenessShare: number;
}

export interface FieldQuality {
  readonly source: string;
  readonly field: string;
  /** Of its valid events. */
  readonly filledShare: number;
  /** Whether a view, a rule or a signal looks at it by name. */
  readonly read: "yes" | "no";
}

/** Fields that are listed of a source; those that sort last are left out. */
export const FIELDS_LISTED_MAX = 256;

const MILLIONTHS = 1_000_000;

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((MILLIONTHS * part) / whole);
}

export function measureSources(
  { namespaces }: Configuration,
  judged: readonly Judged[],
  people: readonly JudgedPerson[],
): SourceQuality[] {
  const personal = new Set(
    namespaces.flatMap(({ name, kind }) => (kind === "unique" || kind === "personal" ? [name] : [])),
  );
  const persons = new Map(people.map((person) => [person.profileId, person]));
  const named = new Set(
    people.flatMap(({ profileId, identifiers }) =>
      identifiers.some(({ namespace }) => personal.has(namespace)) ? [profileId] : [],
    ),
  );
  const tellers = new Map<string, Set<string>>();
  for (const { source, profileId } of judged)
    if (profileId !== null) tellers.set(profileId, (tellers.get(profileId) ?? new Set()).add(source));
  return [...groupBySource(judged)].map(([source, events]) => {
    const valid = events.filter(({ outcome }) => outcome !== "dead-lettered");
    const anchors = new Map(
      valid.flatMap(({ anchor, profileId }) => (anchor === null || profileId === null ? [] : [[anchor, profileId]])),
    );
    const told = new Set(anchors.values());
    const others = [...told].filter((id) => (tellers.get(id)?.size ?? 0) > 1).length;
    const filled = [...told].reduce((sum, id) => sum + (persons.get(id)?.completeness ?? 0), 0);
    return {
      source,
      events: events.length,
      validShare: share(valid.length, events.length),
      repeatedShare: share(valid.filter(({ outcome }) => outcome === "duplicate").length, valid.length),
      insideShare: share(anchors.size - told.size, anchors.size),
      betweenShare: share(others, told.size),
      stitchedShare: share(
        valid.filter(({ profileId }) => profileId !== null && named.has(profileId)).length,
        valid.length,
      ),
      completenessShare: share(filled, 1_000 * told.size),
    };
  });
}

/** By source, then by name: parts, entries of traits and preferences, and identifiers by namespace. */
export function measureFields(configuration: Configuration, judged: readonly Judged[]): FieldQuality[] {
  const read = listRead(configuration);
  return [...groupBySource(judged)].flatMap(([source, events]) => {
    const valid = events.filter(({ outcome, event }) => outcome !== "dead-lettered" && event !== null);
    const filled = new Map<string, number>();
    for (const { event } of valid)
      for (const field of new Set(event === null ? [] : listFields(event)))
        filled.set(field, (filled.get(field) ?? 0) + 1);
    return [...filled]
      .sort(([a], [b]) => compareText(a, b))
      .slice(0, FIELDS_LISTED_MAX)
      .map(([field, count]): FieldQuality => {
        const isRead = !field.startsWith("traits.") || read.has(field.slice("traits.".length));
        return { source, field, filledShare: share(count, valid.length), read: isRead ? "yes" : "no" };
      });
  });
}

function groupBySource(judged: readonly Judged[]): Map<string, Judged[]> {
  const groups = new Map<string, Judged[]>();
  for (const one of judged) {
    const group = groups.get(one.source);
    if (group === undefined) groups.set(one.source, [one]);
    else group.push(one);
  }
  return new Map([...groups].sort(([a], [b]) => compareText(a, b)));
}

function listFields(event: ChannelEvent): string[] {
  const isFilled = (value: unknown) => value !== null && value !== undefined && value !== "";
  return [
    ...event.identifiers.flatMap(({ namespace, value }) => (isFilled(value) ? [`identifiers.${namespace}`] : [])),
    ...PARTS.flatMap((part) => {
      const told = event[part];
      if (!isFilled(told)) return [];
      if (part !== "traits" && part !== "preferences") return [part];
      return Object.entries(told as object).flatMap(([name, value]) => (isFilled(value) ? [`${part}.${name}`] : []));
    }),
  ];
}

/** Traits that something looks at by name; any other is kept and shown, and moves nothing. */
function listRead({ declaredFields, namespaces, rules }: Configuration): ReadonlySet<string> {
  return new Set([
    ...declaredFields,
    ...Object.values(DEMOGRAPHIC_FIELDS).flatMap(({ names }) => names),
    ...namespaces.flatMap(({ name, contact }) => (contact ? [name] : [])),
    ...rules.signals.flatMap(({ yearly }) => (yearly === null ? [] : [yearly])),
    "address",
    "street",
    "postcode",
    "city",
  ]);
}
