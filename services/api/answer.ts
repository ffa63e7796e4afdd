// What the API answers, as schemas: the same ones that the server writes by, the OpenAPI document shows and the client
// is typed with. Lists instead of maps wherever a name comes from outside.

import * as z from "zod";
import { LINK_RULES, OBSTACLES } from "#core/explanation.ts";
import { RETAINED } from "#core/retention.ts";
import { TRANSITION_NATURES } from "#core/effect.ts";
import { OPERATOR_VERDICTS } from "#core/ruling.ts";
import { REPORT_KINDS } from "#services/report/reports.ts";
import { subjectExportSchema } from "#services/wire/export-schema.ts";
import { EXPORT_FAILURES, EXPORT_STATES } from "./exports.ts";

export const instant = z.string().meta({ description: "ISO 8601, UTC." });
const positionToken = z
  .string()
  .meta({ description: "Give it back as `?at-least=` to read no older state than this.", examples: ["12.3456"] });
const version = z.int().meta({ description: "Grows with each change of the profile; 0: it has never been one." });

export const profileIdentity = { profileId: z.string(), version, position: positionToken };

export const profileAnswer = z
  .strictObject({
    ...profileIdentity,
    requestedId: z
      .string()
      .nullable()
      .meta({ description: "The id that was asked for, where it is an alias of this profile." }),
    masked: z.boolean().meta({ description: "True: values are masked, as the credential has not `profile:pii`." }),
    claimedOnly: z
      .boolean()
      .meta({ description: "True: what is kept under a claimed identifier alone, and nothing of whose it may be." }),
    watermarks: z
      .array(z.strictObject({ source: z.string(), upTo: instant.nullable() }))
      .meta({ description: "Up to when each source has told all that happened; null: it has told nothing." }),
    segment: z.strictObject({ name: z.string(), since: instant.nullable() }).nullable(),
    restrictions: z.array(z.strictObject({ restrictionId: z.string(), at: instant })).meta({
      description: "Of processing, that stand: where there are any, automation is told nothing of her.",
    }),
    firstSeen: instant.nullable(),
    lastSeen: instant.nullable(),
    identifiers: z.array(
      z.strictObject({
        namespace: z.string(),
        value: z.string(),
        state: z.enum(["owned", "contested", "quarantined"]),
      }),
    ),
    traits: z.array(
      z.strictObject({
        name: z.string(),
        value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
        source: z.string(),
        at: instant,
      }),
    ),
    orders: z.array(
      z.strictObject({
        orderId: z.string(),
        status: z.string(),
        source: z.string(),
        currency: z.string(),
        totalMinor: z.int(),
        lines: z.array(z.strictObject({ productId: z.string(), quantity: z.number(), unitPriceMinor: z.int() })),
      }),
    ),
    counters: z.array(z.strictObject({ name: z.string(), count: z.int() })),
  })
  .meta({ id: "Profile" });
export type ProfileAnswer = z.output<typeof profileAnswer>;

export const searchAnswer = z.strictObject({
  profiles: z.array(profileAnswer),
  more: z.boolean().meta({ description: "True: more people may be meant than are told. Say more of her." }),
});

const credit = z.strictObject({
  channel: z.string(),
  touches: z.int(),
  first: z.int(),
  last: z.int(),
  linear: z.int(),
  position: z.int(),
  timeDecay: z.int(),
});

export const transitionsAnswer = z
  .strictObject({
    ...profileIdentity,
    watermarks: profileAnswer.shape.watermarks,
    transitions: z
      .array(
        z.strictObject({
          transitionId: z.string(),
          from: z.string().nullable().meta({ description: "null: she came." }),
          to: z.string().nullable().meta({ description: "null: the profile ended, as where it went into another." }),
          at: instant,
          cause: z.string(),
          source: z.string().nullable().meta({ description: "Of the event that caused it; null: none did." }),
          eventId: z.string().nullable(),
          rule: z.string().nullable().meta({ description: "The rung that held." }),
          ruleVersion: z.string(),
          nature: z.enum(TRANSITION_NATURES),
          timeInFormerMs: z.int().nullable(),
          decisive: z.array(z.string()).meta({ description: "The facts that decided." }),
          touches: z.array(
            z.strictObject({
              channel: z.string(),
              campaignId: z.string().nullable(),
              medium: z.string().nullable(),
            }),
          ),
          credit: z.array(credit).meta({ description: "By channel and model, in millionths of this transition." }),
          valueTier: z.string().nullable(),
          reachable: z.array(z.string()).meta({ description: "Channels on which she could be told of it." }),
          retractedBy: z.string().nullable().meta({ description: "What took it back; null: it stands." }),
        }),
      )
      .meta({ description: "The latest first, under this id and under those that the profile bore before." }),
    next: z
      .string()
      .nullable()
      .meta({ description: "Give it back as `?before=` for what came before; null: nothing." }),
  })
  .meta({ id: "Transitions" });

export const reportAnswer = z
  .strictObject({
    kind: z.enum(REPORT_KINDS),
    asOf: instant.meta({ description: "All that had been told by then is in it." }),
    sheets: z.array(
      z.strictObject({
        name: z.string(),
        title: z.string(),
        columns: z.array(z.string()).meta({
          description: "…Ms is a duration, …Parts millionths of one transition, …share millionths of all.",
        }),
        rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
      }),
    ),
  })
  .meta({ id: "Report" });

export const exportBegun = z.strictObject({
  id: z.string().meta({ description: "Where it is fetched: /privacy/exports/<id>, at the process that answered." }),
  state: z.enum(EXPORT_STATES),
});

export const exportAnswer = z.strictObject({
  ...exportBegun.shape,
  read: z.int().meta({ description: "Records of the log of record, and of transitions, that were read so far." }),
  total: z.int().meta({ description: "All of them; 0: it has not begun." }),
  until: instant.nullable().meta({ description: "How long it is kept; null: it is not done." }),
  failure: z.enum(EXPORT_FAILURES).nullable().meta({ description: "Why it failed; null: it did not." }),
  profileId: z.string().nullable(),
  data: subjectExportSchema.nullable().meta({ description: "As `weft privacy export` prints it." }),
  tables: z
    .array(z.strictObject({ name: z.string(), text: z.string() }))
    .nullable()
    .meta({ description: "With `?as=csv`: files, the first line of each names its columns." }),
});

export type ExportAnswer = z.output<typeof exportAnswer>;

const evidence = z.strictObject({
  a: z.string(),
  b: z.string(),
  source: z.string(),
  assurance: z.string(),
  at: instant,
  eventId: z.string(),
});

const asked = z
  .array(
    z.strictObject({
      ...profileIdentity,
      profileId: z.string().nullable(),
      watermarks: profileAnswer.shape.watermarks,
    }),
  )
  .meta({ description: "Of each identifier asked about, in order: its profile (null: on none)." });

export const explanationAnswer = z
  .discriminatedUnion("one", [
    z.strictObject({
      one: z.literal(true),
      profiles: asked,
      masked: z.boolean(),
      profileId: z.string().nullable(),
      state: z.enum(["owned", "contested", "quarantined"]),
      links: z.array(evidence.extend({ rule: z.enum(LINK_RULES), meaning: z.string() })),
      refusal: z
        .strictObject({
          obstacle: z.enum(OBSTACLES),
          meaning: z.string(),
          evidence: z.array(evidence),
          evidenceCount: z.int(),
        })
        .nullable()
        .meta({ description: "Of one that is with nobody, or was kept out: why, and the earliest of what ties it." }),
    }),
    z.strictObject({
      one: z.literal(false),
      profiles: asked,
      masked: z.boolean(),
      obstacle: z.enum(OBSTACLES),
      meaning: z.string(),
      namespaces: z.array(z.string()),
      evidence: z.array(evidence),
      change: z.string().meta({ description: "What it would take to join them." }),
    }),
  ])
  .meta({ id: "Explanation" });

export const rulingAnswer = z
  .strictObject({
    id: z.string(),
    verdict: z.enum(OPERATOR_VERDICTS),
    position: z.string().meta({ description: "`?at-least=` this waits until the ruling is in effect." }),
    profiles: asked,
  })
  .meta({ id: "Ruling" });

export const statementAnswer = z
  .strictObject({
    id: z.string(),
    position: z.string().meta({ description: "`?at-least=` this waits until it is in what a reader reads." }),
    profiles: asked,
  })
  .meta({ id: "Statement" });

export const erasureAnswer = z
  .strictObject({
    id: z.string(),
    position: z.string().meta({ description: "`?at-least=` this waits until she is forgotten." }),
    profileId: z.string().nullable().meta({ description: "null: asked for again, when whose it was is forgotten." }),
    identifiers: z.int().meta({ description: "Forgotten." }),
    shared: z.int().meta({ description: "Shared with others: what was kept under them is." }),
    orders: z.int(),
    state: z
      .enum(["written", "effective"])
      .meta({ description: "written: it is in the log, and has not reached every home in the time of a request." }),
    deadlines: z
      .array(z.strictObject({ place: z.string(), by: instant.nullable() }))
      .meta({ description: "By when each place has forgotten, at the latest; null: not before its owner sees to it." }),
  })
  .meta({ id: "Erasure", description: "A receipt, without a personal value." });

export const dueAnswer = z
  .strictObject({
    shard: z.int(),
    shards: z.int(),
    asOf: instant.meta({ description: "The shard's time: what every source has passed." }),
    due: z.array(
      z.strictObject({
        profileId: z.string(),
        whom: z.enum(RETAINED),
        purpose: z.string().meta({ description: "Of the rule by which she was kept longest." }),
        since: instant.meta({ description: "She was heard of last, or bought last." }),
        dueAt: instant,
      }),
    ),
    next: z.string().nullable().meta({ description: "Give it back as `?from=`; null: that was all." }),
  })
  .meta({
    id: "Due",
    description: "At most 500 of one shard, which may be none: whoever asks goes on until `next` is null.",
  });

const ruleSet = {
  sequence: z.int().meta({ description: "Grows with each that was put in force." }),
  version: z.string(),
  digest: z.string().meta({ description: "SHA-256 of the rules as canonical JSON." }),
};

export const rulesAnswer = z
  .strictObject({
    ...ruleSet,
    author: z.string().meta({ description: "Empty: the first process that started." }),
    reason: z.string(),
    at: instant,
    rules: z.string().meta({ description: "Canonical JSON." }),
    shards: z.strictObject({
      all: z.int(),
      there: z.int().meta({ description: "Where they are in force and everybody was looked at." }),
      underWay: z.int(),
    }),
  })
  .meta({ id: "Rules" });

export const appliedRulesAnswer = z
  .strictObject({
    ...ruleSet,
    position: z.string().meta({ description: "`?at-least=` this waits until everybody was looked at by them." }),
    isNew: z.boolean().meta({ description: "False: they were in force already, and nothing was written." }),
    former: z.strictObject(ruleSet),
  })
  .meta({ id: "AppliedRules" });

export const healthAnswer = z.strictObject({ status: z.literal("ok") }).meta({ id: "Health" });

export const readinessAnswer = z
  .strictObject({ ready: z.boolean(), shards: z.int(), behind: z.int().meta({ description: "Shards not served." }) })
  .meta({ id: "Readiness" });

export const shardsAnswer = z
  .strictObject({
    shards: z.array(
      z.strictObject({
        shard: z.int(),
        position: positionToken.nullable(),
        standing: z.boolean().meta({ description: "False: it is being folded anew, or nobody vouches for it." }),
      }),
    ),
  })
  .meta({ id: "Shards" });
