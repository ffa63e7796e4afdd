// What is kept of a person, for herself (articles 15 and 20): her profile, until when it may be kept, where it comes from, who
// is told of it and for how long, what it went through, and the events that she is the subject of. Of whoever shares something with her there is nothing.

import { compareText } from "#core/comparison.ts";
import type { Rules } from "#core/configuration.ts";
import { REPLACED } from "#core/declaration.ts";
import type { ChannelEvent } from "#core/event.ts";
import { type ComponentId, shardOf } from "#core/item.ts";
import { isMailbox } from "#core/mailbox.ts";
import { membersOf } from "#core/membership.ts";
import { readRules, RULES_PART, type RulesInForce } from "#core/rules-in-force.ts";
import { findTerm, type Keeper, type Retained } from "#core/retention.ts";
import { isGivenUp } from "#core/ruling.ts";
import { type ProfileView, viewProfile } from "#core/view.ts";
import { isKnown } from "#core/weighed.ts";
import type { LoadedConfiguration } from "../config/configuration.ts";
import { innerTopics, outputTopics, topicNames } from "../config/topics.ts";
import { listOpened, readBundle, type BundleValue } from "./bundle.ts";
import { type HeldTransition, listOwnIds, readHeldTransitions, type TransitionServices } from "./held-transitions.ts";
import type { PayloadKeys } from "./payload-keys.ts";
import { describeInstant } from "./instant.ts";
import { describeWatermarks, isVouchedFor, readOrdersOf, readProfile } from "./lookup.ts";
import { findIdentifier, formatPosition, type Located, type LookupServices } from "./location.ts";
import { decodePart } from "./part.ts";
import type { ProfileLine } from "./profile-reader.ts";

export interface HeldEvent {
  readonly source: string;
  readonly eventId: string;
  readonly recordedAt: string;
  readonly event: ChannelEvent;
}

type GroupView = ProfileLine["view"]["groups"][number];

/** Who else is in a household or account is theirs to be told. */
type Attributes = Omit<ProfileLine["view"], "groups"> & { readonly groups: readonly Omit<GroupView, "members">[] };

export interface SubjectExport {
  readonly profileId: string;
  readonly version: number;
  /** As `?at-least=` takes it. */
  readonly position: string;
  /** Up to when each source has told all that happened. */
  readonly watermarks: readonly { readonly source: string; readonly upTo: string | null }[];
  readonly segment: { readonly name: string | null; readonly since: string | null; readonly rule: string | null };
  /** Those that she is in. */
  readonly audiences: readonly { readonly name: string; readonly rule: string | null }[];
  readonly scores: ProfileLine["scores"];
  readonly identifiers: ProfileLine["identifiers"];
  readonly attributes: Attributes;
  /** Which rule of `retention` is about her, and when she is due by it. */
  readonly retention: {
    readonly whom: Retained;
    readonly purpose: string | null;
    readonly afterMs: number | null;
    readonly since: string | null;
    readonly keptBy: Keeper | null;
    readonly dueAt: string | null;
  };
  readonly sources: readonly {
    readonly source: string;
    readonly channel: string;
    readonly owner: string | null;
    readonly purpose: string | null;
    readonly legalBasis: string | null;
  }[];
  readonly recipients: readonly { readonly topic: string; readonly retentionMs: number | null }[];
  readonly transitions: readonly HeldTransition[];
  readonly events: readonly HeldEvent[];
}

export type ExportRefusal =
  | "unknown-namespace"
  | "not-an-identifier"
  | "unknown-identifier"
  | "held-apart"
  | "claimed-only";

export interface ExportServices extends LookupServices, TransitionServices {
  readonly loaded: LoadedConfiguration;
  readonly resolvedTopic: string;
  readonly keys: Pick<PayloadKeys, "toOpen">;
}

interface Subject {
  readonly located: Located;
  /** Which of them names her profile. */
  readonly naming: string;
  /** The identifiers of her profile. */
  readonly members: ReadonlySet<string>;
}

/** Whose data the identifier leads to, if it is to be given out at all. */
export async function findSubject(
  services: LookupServices,
  namespace: string,
  raw: string,
  country: string,
): Promise<({ readonly ok: true } & Subject) | { readonly ok: false; readonly reason: ExportRefusal }> {
  const { registry } = services.engine;
  const found = await findIdentifier(services, namespace, raw, country);
  if (!found.found) return { ok: false, reason: found.reason };
  const { component, entry } = found;
  const naming = entry.profile;
  if (naming === null) return { ok: false, reason: "held-apart" };
  const members = membersOf(component, naming);
  const isPersonKnown = [...members].some((key) => {
    const member = component.identifiers.get(key);
    return member !== undefined && isKnown(registry, member);
  });
  if (isPersonKnown && !isVouchedFor(registry, component, entry)) return { ok: false, reason: "claimed-only" };
  if (!component.profiles.has(naming)) return { ok: false, reason: "unknown-identifier" };
  return { ok: true, located: found, naming, members };
}

export async function exportSubject(
  services: ExportServices,
  namespace: string,
  raw: string,
  country: string,
): Promise<
  { readonly ok: true; readonly data: SubjectExport } | { readonly ok: false; readonly reason: ExportRefusal }
> {
  const subject = await findSubject(services, namespace, raw, country);
  if (!subject.ok) return subject;
  const { located, naming, members } = subject;
  const { component } = located;
  const { profile, segmentSince, version, position, watermarks } = await readProfile(services, located, naming);
  const told = [...members].filter((key) => !isGivenUp(component, key));
  const orders = await readOrdersOf(services, component, members);
  const anchors = new Set([...told, ...orders.map(({ key }) => key)]);
  // Her mailboxes are on no profile by themselves, and nobody said them.
  const named = [...members].filter((key) => {
    const entry = component.identifiers.get(key);
    return entry !== undefined && !isMailbox(services.engine.registry, entry);
  });
  const events = await readHeldEvents(services, anchors, new Set(named));
  const own = new Set(events.map(nameOf));
  const transitions = await readHeldTransitions(
    services,
    topicNames(services.loaded).segmentTransition,
    listOwnIds(component, told),
    (source, eventId) => own.has(nameOf({ source, eventId })),
  );
  const { ladder, audiences = [] } = await readRulesInForce(services, component.id);
  const rule = ladder.find(({ segment }) => segment === profile.segment)?.when ?? null;
  const since = describeInstant(segmentSince);
  return {
    ok: true,
    data: {
      profileId: profile.profileId,
      version,
      position: formatPosition(position),
      watermarks: describeWatermarks(watermarks),
      segment: { name: profile.segment, since, rule },
      audiences: profile.audiences.map((name) => {
        return { name, rule: audiences.find(({ audience }) => audience === name)?.when ?? null };
      }),
      scores: profile.scores,
      identifiers: profile.identifiers,
      attributes: { ...profile.view, groups: profile.view.groups.map(withoutMembers) },
      retention: describeTerm(services.loaded, viewProfile(services.engine.registry, component, naming)),
      sources: describeSources(services.loaded, new Set(events.map(({ source }) => source))),
      recipients: [...innerTopics(services.loaded), ...outputTopics(services.loaded)].map(({ name, config }) => {
        const retention = Number(config["retention.ms"] ?? -1);
        return { topic: name, retentionMs: retention < 0 ? null : retention };
      }),
      transitions,
      events,
    },
  };
}

function describeTerm({ deployment }: LoadedConfiguration, view: ProfileView): SubjectExport["retention"] {
  const { whom, rule, sinceMs, keptBy, dueAtMs } = findTerm(deployment.retention, view);
  const { purpose = null, afterMs = null } = rule ?? {};
  const [since, dueAt] = [describeInstant(sinceMs), describeInstant(dueAtMs)];
  return { whom, purpose, afterMs, since, keptBy, dueAt };
}

function withoutMembers({
  kind,
  groupId,
  role,
  source,
  at,
  parents,
  cycleRefused,
}: GroupView): Omit<GroupView, "members"> {
  return { kind, groupId, role, source, at, parents, cycleRefused };
}

/** Those of the home's shard. */
async function readRulesInForce({ engine, store, shards }: ExportServices, home: ComponentId): Promise<Rules> {
  const [value = null] = await store.load(shardOf(home, shards), [RULES_PART]);
  const inForce = decodePart({ key: RULES_PART, value }).value as RulesInForce | null;
  return inForce === null ? engine.registry.configuration.rules : readRules(inForce.rules);
}

/** By the log of record: what is anchored at her orders and identifiers, save one that somebody gave up. It is read whole. */
async function readHeldEvents(
  { log, codec, keys, resolvedTopic }: ExportServices,
  anchors: ReadonlySet<string>,
  named: ReadonlySet<string>,
): Promise<HeldEvent[]> {
  const held = new Map<string, HeldEvent>();
  for await (const record of log.read([resolvedTopic], { from: "start", follow: false })) {
    await codec.prepare([record.value]);
    const decoded = codec.decode(record.value);
    if (!decoded.ok) throw new Error(`inner record ${record.partition}@${record.offset} cannot be read`);
    const bundle = decoded.value as BundleValue;
    for (const { item, event: bytes } of readBundle(bundle, await keys.toOpen(listOpened(bundle)))) {
      if (item.kind !== "event" || item.role !== "anchor" || bytes === null || !anchors.has(item.anchor)) continue;
      await codec.prepare([bytes]);
      const told = codec.decode(bytes);
      if (!told.ok) continue;
      const value = told.value as ChannelEvent;
      // By key, as the door knew them: a value alone does not say under which country or in which life it was told.
      const identifiers = item.identifiers.flatMap(({ key, namespace, value: normal }) =>
        named.has(key) ? [{ namespace, value: normal }] : [],
      );
      const { type, replaced } = value;
      // What took the place of hers, or hers of, may be somebody else's.
      const isTold = item.identifiers.every(
        ({ key, namespace }) => replaced?.namespace !== namespace || named.has(key),
      );
      const recordedAt = new Date(item.recordedAt).toISOString();
      const { source, eventId } = item;
      const event = { ...value, identifiers, ...(type === REPLACED && isTold ? {} : { replaced: null }) };
      held.set(nameOf(item), { source, eventId, recordedAt, event });
    }
  }
  return [...held.values()].sort(
    (a, b) =>
      compareText(a.recordedAt, b.recordedAt) || compareText(a.source, b.source) || compareText(a.eventId, b.eventId),
  );
}

function nameOf({ source, eventId }: Pick<HeldEvent, "source" | "eventId">): string {
  return `${source}\n${eventId}`;
}

function describeSources({ configuration, deployment }: LoadedConfiguration, told: ReadonlySet<string>) {
  return configuration.sources
    .filter(({ name }) => told.has(name))
    .map(({ name, channel }) => {
      const { owner = null, purpose = null, legalBasis = null } = deployment.stewardship.get(name) ?? {};
      return { source: name, channel, owner, purpose, legalBasis };
    });
}

type Row = Readonly<Record<string, unknown>>;

/** The same as tables, one a file; the first line names the columns. */
export function tabulateExport({
  profileId,
  version,
  position,
  watermarks,
  segment,
  audiences,
  scores,
  identifiers,
  attributes,
  retention,
  transitions,
  events,
  sources,
  recipients,
}: SubjectExport): Map<string, string> {
  const { traits, orders, consents, ...others } = attributes;
  const tables: Readonly<Record<string, readonly Row[]>> = {
    profile: [{ profileId, version, position, segment: segment.name, since: segment.since, rule: segment.rule }],
    audiences,
    scores: scores.map((one) => ({ ...one })),
    identifiers: identifiers.map((one) => ({ ...one })),
    traits: Object.entries(traits).map(([name, one]) => ({ name, ...one })),
    orders: orders.map((one) => ({ ...one })),
    consents: consents.map((one) => ({ ...one })),
    attributes: Object.entries(others).map(([name, value]) => ({ name, value })),
    retention: [retention],
    transitions: transitions.map((one) => ({ ...one })),
    events: events.map(({ event, ...one }) => ({
      ...one,
      type: event.type,
      occurredAt: new Date(event.occurredAt).toISOString(),
      event,
    })),
    sources,
    watermarks,
    recipients,
  };
  return new Map(Object.entries(tables).map(([name, rows]) => [`${name}.csv`, writeCsv(rows)]));
}

export function writeCsv(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  return lines.map((line) => `${line.map(writeCell).join(",")}\r\n`).join("");
}

function writeCell(value: unknown): string {
  const text = value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
  // A spreadsheet would run it as a formula; the JSON beside it has every value as it was told.
  const isFormula = typeof value === "string" && /^[=+\-@\t\r]/.test(text) && !/^[+-]?[\d. ]+$/.test(text);
  const safe = isFormula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
