// What an export of a person is (Art. 20), in one place: `weft privacy schema` prints it as JSON Schema, and the API answers by
// it and documents it. What an event may hold is read off the schema of its topic.

import { readFileSync } from "node:fs";
import * as z from "zod";
import { TRANSITION_CAUSES, TRANSITION_NATURES } from "#core/effect.ts";
import { KEEPERS, RETAINED } from "#core/retention.ts";

/** Of Avro. */
const PRIMITIVES: Readonly<Record<string, z.ZodType>> = {
  string: z.string(),
  boolean: z.boolean(),
  int: z.int(),
  long: z.int(),
  double: z.number(),
  null: z.null(),
};

const instant = z.iso.datetime();
const count = z.int();
const name = z.string();
const minor = z.int().meta({ description: "Minor units of the currency beside it." });
const perMille = z.int().min(0).max(1000);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const orNull = z.string().nullable();
const told = { source: name.meta({ description: "Who told it." }), at: instant };
const share = z.strictObject({ name, count });
const line = z.strictObject({ productId: name, quantity: z.number(), unitPriceMinor: minor });
const period = { startedAt: instant, at: instant };

const attributes = z.strictObject({
  traits: z.record(name, z.strictObject({ value: scalar, ...told })).meta({ description: "By name, what counts." }),
  others: z
    .array(z.strictObject({ trait: name, value: scalar, ...told }))
    .meta({ description: "What else was told of a trait." }),
  orders: z.array(
    z.strictObject({
      orderId: name,
      status: name,
      source: name,
      currency: name,
      totalMinor: minor,
      lines: z.array(line),
      valid: z.boolean(),
      at: instant,
    }),
  ),
  consents: z.array(
    z.strictObject({
      purpose: name,
      channel: orNull.meta({ description: "null: whatever the channel." }),
      granted: z.boolean(),
      proof: orNull,
      ...told,
    }),
  ),
  restrictions: z.array(z.strictObject({ restrictionId: name, at: instant })),
  cases: z.array(
    z.strictObject({
      caseId: name,
      source: name,
      status: name,
      motive: orNull,
      channel: name,
      openedAt: instant,
      closedAt: instant.nullable(),
      closedOn: orNull,
    }),
  ),
  subscriptions: z.array(
    z.strictObject({ subscriptionId: name, source: name, status: orNull, productId: orNull, ...period }),
  ),
  loyalty: z.array(z.strictObject({ programId: name, tier: orNull, points: count.nullable(), ...told })),
  groups: z.array(
    z.strictObject({
      kind: name,
      groupId: name,
      role: name,
      ...told,
      parents: z.array(name),
      cycleRefused: z.boolean(),
    }),
  ),
  preferences: z.array(
    z.strictObject({ name, value: scalar, basis: z.enum(["stated", "inferred"]), evidence: count, at: instant }),
  ),
  demographics: z.array(
    z.strictObject({
      field: name,
      value: z.string(),
      original: orNull,
      flag: orNull,
      ...told,
      purpose: orNull,
      legalBasis: orNull,
    }),
  ),
  contacts: z.array(
    z.strictObject({
      kind: name,
      value: z.string(),
      original: orNull,
      primary: z.boolean(),
      verification: name,
      source: name,
      at: instant.nullable(),
    }),
  ),
  messages: z.array(
    z.strictObject({ channel: name, sent: count, delivered: count, opened: count, clicked: count, bounced: count }),
  ),
  latestMessages: z.array(
    z.strictObject({
      messageId: name,
      channel: name,
      campaignId: orNull,
      sentAt: instant.nullable(),
      deliveredAt: instant.nullable(),
      openedAt: instant.nullable(),
      clickedAt: instant.nullable(),
      bouncedAt: instant.nullable(),
      answered: z.boolean(),
      at: instant,
    }),
  ),
  pressure: z.array(z.strictObject({ channel: name, day: z.iso.date(), sent: count })),
  calls: z.array(z.strictObject({ channel: name, caseId: orNull, motive: orNull, eventId: name, ...told })),
  notes: z.array(z.strictObject({ type: name, text: z.string(), eventId: name, ...told })),
  searches: z.array(z.strictObject({ query: z.string(), results: count.nullable(), ...told })),
  touches: z.array(z.strictObject({ channel: name, campaignId: orNull, medium: orNull, ...told })),
  timeline: z.array(z.strictObject({ type: name, channel: name, eventId: name, ...told })),
  carts: z.array(
    z.strictObject({
      cartId: name,
      source: name,
      status: z.enum(["open", "emptied"]),
      currency: orNull,
      totalMinor: minor.nullable(),
      lines: z.array(line),
      checkoutAt: instant.nullable(),
      ...period,
    }),
  ),
  counters: z.record(name, count).meta({ description: "Events by type." }),
  channels: z.array(share),
  categories: z.array(share),
  hours: z.array(count).meta({ description: "Answers by hour of the day, UTC." }),
  bestHour: count.nullable(),
  cadence: z.strictObject({ orders: count, medianDays: count }).nullable(),
  completeness: perMille,
  confidence: perMille,
});

const rule = orNull.meta({ description: "The rule in force, in CEL; null: there is none by that name." });

export const subjectExportSchema = z
  .strictObject({
    profileId: name,
    version: count,
    position: name.meta({ description: "`?at-least=` it a reader has at least this." }),
    watermarks: z
      .array(z.strictObject({ source: name, upTo: instant.nullable() }))
      .meta({ description: "Up to when each source has told all that happened; null: nothing is known of it." }),
    segment: z.strictObject({ name: orNull, since: instant.nullable(), rule }),
    audiences: z.array(z.strictObject({ name, rule })).meta({ description: "That she is in." }),
    scores: z.array(
      z.strictObject({ name, value: z.number(), terms: z.array(z.strictObject({ term: name, value: z.number() })) }),
    ),
    identifiers: z.array(
      z.strictObject({ namespace: name, value: z.string(), state: z.enum(["owned", "contested", "quarantined"]) }),
    ),
    attributes,
    retention: z.strictObject({
      whom: z.enum(RETAINED).meta({ description: "customers: with a valid order." }),
      purpose: orNull.meta({ description: "Of the rule that is about them; null: there is none, and they are kept." }),
      afterMs: count.nullable().meta({ description: "How long after `since` they are due." }),
      since: instant.nullable().meta({ description: "When she was last heard from, or ordered." }),
      keptBy: z.enum(KEEPERS).nullable().meta({ description: "What keeps her beyond that, while it lasts." }),
      dueAt: instant.nullable().meta({ description: "When she is due to be forgotten; null: as things are, never." }),
    }),
    sources: z.array(
      z.strictObject({ source: name, channel: name, owner: orNull, purpose: orNull, legalBasis: orNull }),
    ),
    recipients: z
      .array(z.strictObject({ topic: name, retentionMs: count.nullable().meta({ description: "null: no limit." }) }))
      .meta({ description: "Topics that tell of her." }),
    transitions: z
      .array(
        z.strictObject({
          transitionId: name,
          profileId: name.meta({ description: "The id that she had then." }),
          at: instant,
          from: orNull.meta({ description: "null: the profile was new." }),
          to: orNull.meta({ description: "null: it went into another one of hers." }),
          cause: z.enum(TRANSITION_CAUSES),
          nature: z.enum(TRANSITION_NATURES),
          source: orNull,
          eventId: orNull.meta({ description: "The event of hers that caused it; null: none did." }),
          rule: orNull.meta({ description: "The rung that held." }),
          ruleVersion: z.string(),
          timeInFormerMs: count.nullable(),
          valueTier: orNull,
          decisive: z.array(name).meta({ description: "The facts that decided." }),
          reachable: z.array(name).meta({ description: "Channels on which she could be told of it." }),
          retractedBy: z
            .enum(TRANSITION_CAUSES)
            .nullable()
            .meta({ description: "What took it back; null: it stands." }),
        }),
      )
      .meta({ description: "From segment to segment, the earliest first." }),
    events: z
      .array(z.strictObject({ source: name, eventId: name, recordedAt: instant, event: describeEvent() }))
      .meta({ description: "Those that she is the subject of, in the order of their recording." }),
  })
  .meta({ id: "SubjectExport", title: "All that is kept of a person" });

/** JSON Schema, draft 2020-12. */
export function publishExportSchema() {
  return z.toJSONSchema(subjectExportSchema, { target: "draft-2020-12" });
}

/** Its identifiers are hers alone; a later schema of the topic may add fields. */
function describeEvent() {
  const file = new URL("../../schemas/ChannelEvent.avsc", import.meta.url);
  const record = JSON.parse(readFileSync(file, "utf8")) as AvroType;
  const described = describeType(record, new Map()) as z.ZodObject;
  return described.extend({ identifiers: z.array(z.strictObject({ namespace: name, value: z.string() })) });
}

type AvroType =
  | string
  | readonly AvroType[]
  | {
      readonly type: AvroType;
      readonly name?: string;
      readonly doc?: string;
      readonly fields?: readonly { readonly name: string; readonly type: AvroType; readonly doc?: string }[];
      readonly items?: AvroType;
      readonly values?: AvroType;
      readonly symbols?: readonly string[];
    };

/** named: records by their names, which stand for them further on. */
function describeType(type: AvroType, named: Map<string, z.ZodType>): z.ZodType {
  if (typeof type === "string") return PRIMITIVES[type] ?? named.get(type) ?? z.never();
  if (Array.isArray(type)) {
    const some = (type as readonly AvroType[]).filter((one) => one !== "null").map((one) => describeType(one, named));
    const [only] = some;
    return (some.length === 1 && only !== undefined ? only : z.union(some)).nullish();
  }
  const {
    type: kind,
    fields = [],
    items = "null",
    values = "null",
    symbols = [],
    name: called = "",
  } = type as Exclude<AvroType, string | readonly AvroType[]>;
  if (kind === "array") return z.array(describeType(items, named));
  if (kind === "map") return z.record(z.string(), describeType(values, named));
  if (kind === "enum") return z.enum(symbols as [string, ...string[]]);
  if (kind !== "record") return describeType(kind, named);
  const shape = fields.map(({ name: field, type: one, doc }) => {
    const described = describeType(one, named);
    return [field, doc === undefined ? described : described.meta({ description: doc })] as const;
  });
  const record = z.looseObject(Object.fromEntries(shape));
  named.set(called, record);
  return record;
}
