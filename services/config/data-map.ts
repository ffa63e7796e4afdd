// The data map (Art. 30): of each field that a source may send, what for and on which legal basis, where it is kept and for
// how long. Made of the configuration, of the topics as they are created, and of what each field of an output tells of.

import type { SourceConfiguration } from "#core/configuration.ts";
import { PARTS } from "#core/lawful.ts";
import { findRule, type Retained, RETAINED, type RetentionRule } from "#core/retention.ts";
import type { TopicSpec } from "#ports/log.ts";
import type { LoadedConfiguration } from "./configuration.ts";
import { channelTopics, deadLetterTopic, deadLetterTopics, innerTopics, outputTopics, topicNames } from "./topics.ts";

type Part = (typeof PARTS)[number] | "identifiers";

export interface DataMapRow {
  readonly source: string;
  /** A part of an event, or an entry of one: as contracts name them. */
  readonly field: string;
  readonly purpose: string | null;
  readonly legalBasis: string | null;
  /** False: the source's contract leaves it out before anything reads it; its topic and dead letters have it as it came. */
  readonly kept: boolean;
  readonly places: readonly { readonly place: string; readonly retention: string }[];
  /** Where it is kept until she is erased: how long after she was last heard of she is due to be, and for which purpose. */
  readonly people: readonly { readonly whom: Retained; readonly purpose: string | null; readonly retention: string }[];
}

type Output = "profileChanged" | "segmentTransition" | "identityChanged" | "profileSignal" | "profileState";

const ANY: readonly Part[] = ["identifiers", ...PARTS];
const RULED: readonly Part[] = ["identifiers", "traits", "order", "cart", "case"];
const BOUGHT: readonly Part[] = ["order"];

/** By field, the parts of events that it tells of. Ids, versions and positions of Weft's own are in `NUMBERED`. */
export const TOLD: Readonly<Record<Output, Readonly<Record<string, readonly Part[]>>>> = {
  profileChanged: { segment: RULED, changes: ANY },
  segmentTransition: {
    from: RULED,
    to: RULED,
    facts: RULED,
    decisive: RULED,
    touches: ["touch", "message"],
    credit: ["touch", "message"],
    valueTier: BOUGHT,
    reachable: ["consents", "identifiers", "traits", "message"],
  },
  identityChanged: { identifiers: ["identifiers", "replaced"], identifiersCount: ["identifiers"] },
  profileSignal: { signal: RULED, facts: RULED, activityAt: RULED, dueAt: RULED },
  profileState: {
    segment: RULED,
    segmentSince: RULED,
    audiences: RULED,
    scores: BOUGHT,
    identifiers: ["identifiers", "replaced"],
    identifiersCount: ["identifiers"],
    traits: ["traits"],
    orders: BOUGHT,
    counters: ["order", "cart", "message", "touch"],
    consents: ["consents"],
    restrictions: ["restriction"],
    cases: ["case"],
    contacts: ["identifiers", "traits", "message"],
    completeness: ["identifiers", "traits"],
    messages: ["message"],
    pressure: ["message"],
    subscriptions: ["subscription"],
    loyalty: ["loyalty"],
    groups: ["group"],
    preferences: ["preferences"],
    channels: ["touch", "message", "order"],
    categories: ["product"],
    hours: ["message", "order"],
    bestHour: ["message", "order"],
  },
};

/** Fields of outputs that say nothing of a person. */
export const NUMBERED: ReadonlySet<string> = new Set(
  "changeId profileId otherProfileId version at shard offset step causeEventId causeSource eventId source kind transitionId retracts cause occurredAt rule ruleVersion previousSince nature timeInFormerMs signalId certainty".split(
    " ",
  ),
);

export function describeData(loaded: LoadedConfiguration): DataMapRow[] {
  const names = topicNames(loaded);
  const topics = new Map(
    [...channelTopics(loaded), ...deadLetterTopics(loaded), ...innerTopics(loaded), ...outputTopics(loaded)].map(
      (topic) => [topic.name, topic],
    ),
  );
  const keepIn = (name: string) => ({
    place: name,
    // The bytes stay, and what they say is readable as long as the keys are (SPEC.md, section 9).
    retention: name === names.resolved ? UNTIL_ERASED : describeRetention(topics.get(name)),
  });
  const listOutputs = (part: string) =>
    (Object.entries(TOLD) as [Output, (typeof TOLD)[Output]][])
      .filter(([, fields]) => Object.values(fields).some((parts) => parts.some((one) => one === part)))
      .map(([output]) => keepIn(names[output]));
  const { rules } = loaded.deployment.retention;
  const people = RETAINED.map((whom) => describePeople(whom, findRule(rules, whom)));
  return loaded.configuration.sources.flatMap((source) => {
    const raw = [keepIn(source.topic), keepIn(deadLetterTopic(source.topic))];
    const { purpose = null, legalBasis = null } = loaded.deployment.stewardship.get(source.name) ?? {};
    return listFields(source).map(({ field, basis, kept }) => ({
      source: source.name,
      field,
      purpose,
      legalBasis: basis === undefined ? legalBasis : basis,
      kept,
      places: kept ? [...raw, keepIn(names.resolved), ...listOwn(partOf(field)), ...listOutputs(partOf(field))] : raw,
      people: kept ? people : [],
    }));
  });
}

/** What processes keep for themselves: the store, the API of names and postcodes keyed hashes, API and reports the passages. */
function listOwn(part: string): DataMapRow["places"] {
  const isOfPassages = Object.values(TOLD.segmentTransition).some((parts) => parts.some((one) => one === part));
  const places = [
    "store",
    ...(part === "traits" ? ["api-directory"] : []),
    ...(isOfPassages ? ["api-passages", "report-file"] : []),
  ];
  return places.map((place) => ({ place, retention: UNTIL_ERASED }));
}

interface Field {
  readonly field: string;
  /** Absent: that of the source. */
  readonly basis?: string | null;
  readonly kept: boolean;
}

function listFields({ allowedFields, legalBasisByField }: SourceConfiguration): Field[] {
  const bases = Object.entries(legalBasisByField ?? {});
  return ANY.flatMap((part): Field[] => {
    const isOf = (name: string) => partOf(name) === part;
    // Identifiers are no part of `allowedFields`: no source can do without.
    const allowed = part === "identifiers" ? undefined : allowedFields?.filter(isOf);
    if (allowed?.length === 0) return [];
    if (legalBasisByField === undefined) return (allowed ?? [part]).map((field) => ({ field, kept: true }));
    const named = bases.filter(([field]) => isOf(field)).map(([field, basis]) => ({ field, basis, kept: true }));
    return named.some(({ field }) => field === part) ? named : [...named, { field: part, basis: null, kept: false }];
  });
}

function partOf(field: string): string {
  return field.split(".")[0] ?? field;
}

function describePeople(whom: Retained, rule: RetentionRule | undefined): DataMapRow["people"][number] {
  if (rule === undefined) return { whom, purpose: null, retention: "for ever" };
  return { whom, purpose: rule.purpose, retention: `${rule.afterMs / DAY_MS} days` };
}

const DAY_MS = 86_400_000;
const UNTIL_ERASED = "until she is erased";

function describeRetention(topic: TopicSpec | undefined): string {
  if (topic?.config["cleanup.policy"] === "compact") return UNTIL_ERASED;
  const days = Number(topic?.config["retention.ms"] ?? -1) / DAY_MS;
  return days < 0 ? "for ever" : `${days} days`;
}
