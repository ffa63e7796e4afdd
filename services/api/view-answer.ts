// What each team is answered of a person, as schemas: the agent who has her on the line, marketing, service, product. A
// view holds what its team needs and nothing else (S3, S12).

import * as z from "zod";
import { instant, profileAnswer, profileIdentity } from "./answer.ts";

const told = { source: z.string(), at: instant };

const caseAnswer = z.strictObject({
  caseId: z.string(),
  source: z.string(),
  status: z.string(),
  motive: z.string().nullable().meta({ description: "null: none was said, or it may not be seen." }),
  channel: z.string(),
  openedAt: instant,
  closedAt: instant.nullable(),
  closedOn: z.string().nullable().meta({ description: "Channel on which it was closed." }),
});

const contactAnswer = z.strictObject({
  kind: z.string(),
  value: z.string(),
  primary: z.boolean(),
  verification: z.string(),
  source: z.string(),
  at: instant.nullable(),
});

const consentAnswer = z.strictObject({
  purpose: z.string(),
  channel: z.string().nullable().meta({ description: "null: whatever the channel." }),
  granted: z.boolean(),
  ...told,
});

const subscriptionAnswer = z.strictObject({
  subscriptionId: z.string(),
  status: z.string().nullable(),
  productId: z.string().nullable(),
  startedAt: instant,
  ...told,
});

const loyaltyAnswer = z.strictObject({
  programId: z.string(),
  tier: z.string().nullable(),
  points: z.int().nullable(),
  ...told,
});

const noteAnswer = z.strictObject({ type: z.string(), text: z.string(), eventId: z.string(), ...told });

export const timelineLine = z.strictObject({ type: z.string(), channel: z.string(), eventId: z.string(), ...told });

const pastContact = timelineLine.extend({
  caseId: z.string().nullable().meta({ description: "That it was about; null: none, or it is not known which." }),
  motive: z.string().nullable().meta({
    description:
      "Of a call what was said on it, of a case's opening or closing the case's; null: none was said, it is not among the latest 16 calls, or it may not be seen.",
  }),
});

const groups = z
  .array(
    z.strictObject({
      kind: z.string(),
      groupId: z.string(),
      role: z.string(),
      ...told,
      members: z.array(z.string()).meta({ description: "Profile ids of the others in it." }),
      parents: z.array(z.string()).meta({ description: "Of an account, from its parent to the ultimate one." }),
      cycleRefused: z.boolean().meta({ description: "The link above the last of these would close a cycle." }),
    }),
  )
  .meta({ description: "Households and accounts that she is in." });

const scores = z
  .array(
    z.strictObject({
      name: z.string(),
      value: z.int(),
      terms: z.array(z.strictObject({ term: z.string(), value: z.int() })),
    }),
  )
  .meta({ description: "By name, each with what it is made of." });

const shareAnswer = z.strictObject({ name: z.string(), count: z.int() });
const cases = z.array(caseAnswer).meta({ description: "Open ones first, then the latest." });
const customerSince = instant.nullable().meta({ description: "Her earliest valid order; null: she has none." });
const optOuts = z.array(consentAnswer).meta({ description: "What she has refused: promises not to make." });

const header = {
  ...profileIdentity,
  masked: z.boolean(),
  claimedOnly: profileAnswer.shape.claimedOnly,
  watermarks: profileAnswer.shape.watermarks,
  segment: profileAnswer.shape.segment,
  restrictions: profileAnswer.shape.restrictions,
  customerSince,
};

export const agentAnswer = z
  .strictObject({
    profiles: z
      .array(
        profileAnswer.extend({
          customerSince,
          cases,
          pastContacts: z
            .array(pastContact)
            .meta({ description: "Calls, cases, messages, visits to a store, notes and reviews; the latest first." }),
          notes: z.array(noteAnswer).meta({ description: "Of agents and systems that know her; the latest first." }),
          optOuts,
          contacts: z.array(contactAnswer),
          subscriptions: z.array(subscriptionAnswer),
          loyalty: z.array(loyaltyAnswer),
          groups,
          scores,
        }),
      )
      .meta({ description: "Who may be calling: one, or each of those who share the number." }),
  })
  .meta({ id: "AgentView" });

export const marketingAnswer = z
  .strictObject({
    ...header,
    consents: z.array(consentAnswer),
    contacts: z.array(contactAnswer),
    messages: z.array(
      z.strictObject({
        channel: z.string(),
        sent: z.int(),
        delivered: z.int(),
        opened: z.int(),
        clicked: z.int(),
        bounced: z.int(),
      }),
    ),
    pressure: z
      .array(z.strictObject({ channel: z.string(), day: z.string(), sent: z.int() }))
      .meta({ description: "Messages sent, by channel and day (UTC)." }),
    preferences: z.array(
      z.strictObject({
        name: z.string(),
        value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
        basis: z.enum(["stated", "inferred"]),
        evidence: z.int(),
      }),
    ),
    channels: z.array(shareAnswer),
    categories: z.array(shareAnswer),
    bestHour: z.int().nullable().meta({ description: "Hour of the day, UTC." }),
    cadence: z.strictObject({ orders: z.int(), medianDays: z.int() }).nullable(),
    completeness: z.int().meta({ description: "Per mille of the declared fields." }),
    confidence: z.int().meta({ description: "Of those that are filled, per mille that are vouched for." }),
    loyalty: z.array(loyaltyAnswer),
    groups,
    scores,
  })
  .meta({ id: "MarketingView" });

export const serviceAnswer = z
  .strictObject({
    ...header,
    cases,
    optOuts,
    orders: profileAnswer.shape.orders,
    subscriptions: z.array(subscriptionAnswer),
    groups,
    timeline: z.array(timelineLine),
  })
  .meta({ id: "ServiceView" });

export const productAnswer = z
  .strictObject({
    ...header,
    categories: z.array(shareAnswer),
    channels: z.array(shareAnswer),
    products: z
      .array(z.strictObject({ productId: z.string(), quantity: z.number() }))
      .meta({ description: "Of orders on any channel that were neither cancelled nor wholly returned; by quantity." }),
    searches: z.array(z.strictObject({ query: z.string(), results: z.int().nullable(), ...told })),
    counters: profileAnswer.shape.counters,
  })
  .meta({ id: "ProductView" });

export const timelineAnswer = z
  .strictObject({
    ...profileIdentity,
    watermarks: profileAnswer.shape.watermarks,
    lines: z.array(timelineLine).meta({ description: "The latest first." }),
    next: z
      .string()
      .nullable()
      .meta({ description: "Give it back as `?before=` for what came before; null: nothing." }),
  })
  .meta({ id: "Timeline" });
