// Every key of the rules file, with its type, default and meaning, as schema.ts has those of weft.yaml.

import * as z from "zod";
import { MOMENTS } from "#core/configuration.ts";
import { durationKey, durationKeyWithDefault } from "./duration.ts";
import { name } from "./schema.ts";
import { scoreSchema } from "./score-schema.ts";

export const AUDIENCES_MAX = 64;
/** Of a signal that says none: with no wait at all it would be sent before a file could refute it. */
export const SOURCE_LATE_AFTER_MS = 36 * 3_600_000;
const MOMENT_TITLE = "moment | event type, or a list of them";
const moment = z.string().regex(/^[a-z][a-z0-9-]{0,127}$/, `expected one of ${MOMENTS.join(", ")}, or an event type`);
const momentList = z.union([moment.transform((one) => [one]), z.array(moment).min(1).max(32)]);

const passages = z.strictObject({
  halfLife: durationKeyWithDefault("Half-life of a touch's credit in the model of time-decay.", "7d").refine(
    (ms) => ms > 0,
    "expected a duration above nought",
  ),
  valueTiers: z
    .array(
      z.strictObject({
        tier: name.meta({ description: "Name of the tier." }),
        spentMinor: z
          .int()
          .min(0)
          .meta({ description: "What must have been spent in one currency, in its minor units." }),
      }),
    )
    .default([])
    .meta({ description: "Value tiers, the highest first; the first that is reached is told." }),
  reach: z
    .strictObject({
      purpose: z.string().min(1).default("marketing").meta({ description: "Purpose whose consent counts." }),
      channels: z
        .record(name, z.string().min(1))
        .default({ email: "email", sms: "phone", post: "postal" })
        .meta({ description: "Channels that are told of, each with the kind of contact point that it needs." }),
    })
    .prefault({})
    .meta({ description: "Where a person may be reached by consent." }),
});

export const rulesSchema = z.strictObject({
  version: z.string().min(1).meta({ description: "Version of the rules, carried by every transition." }),
  ladder: z
    .array(
      z.strictObject({
        segment: name.meta({ description: "Name of the segment; never re-use one for another meaning." }),
        when: z
          .preprocess((value) => (value === true ? "true" : value), z.string().min(1))
          .meta({ title: "CEL", description: "Condition; the first that holds wins. The last one is `true`." }),
        leaveWhen: z.string().min(1).optional().meta({
          title: "CEL",
          description: "Whoever is in it goes down only where this holds. Default: where `when` no longer does.",
        }),
        holdFor: durationKey("Whoever is in it goes down only after as long. Default: at once.").optional(),
        stayFor: durationKey("Whoever came into it stays for as long, up or down. Default: not.").optional(),
        to: z.array(name).min(1).optional().meta({
          description: "Segments that one may go to from here: the first of them that holds, else none. Default: all.",
        }),
        meaning: z.string().optional().meta({ description: "What the segment means, for whoever reads the rules." }),
      }),
    )
    .min(1)
    .meta({ description: "Segments from the highest to the one that takes everybody else." }),
  audiences: z
    .array(
      z.strictObject({
        audience: name.meta({ description: "Name of the audience." }),
        when: z.string().min(1).meta({ title: "CEL", description: "Who is in it, over the same facts as the ladder." }),
        meaning: z.string().optional().meta({ description: "What it is for, for whoever reads the rules." }),
      }),
    )
    .max(AUDIENCES_MAX)
    .default([])
    .meta({ description: "Memberships beside the segment; one may be in any number of them." }),
  signals: z
    .array(
      z.strictObject({
        signal: name.meta({ description: "Name of the signal, as outputs carry it." }),
        enabled: z.boolean().default(true).meta({ description: "False: declared, and not in use." }),
        after: momentList.optional().meta({
          title: MOMENT_TITLE,
          description: "What opens it: the latest of these. Default: abandoned-cart is the shipped one.",
        }),
        unless: momentList.optional().meta({
          title: MOMENT_TITLE,
          description:
            "What refutes it: any of these, on any channel, at or after the activity. One that is also in `after` opens it anew.",
        }),
        yearly: z.string().min(1).optional().meta({
          description:
            "In place of `after`: a trait that is a date. It is due each year from the first instant of the day.",
        }),
        while: z.string().min(1).optional().meta({
          title: "CEL",
          description: "It is open only while this holds; not about time. Default: always.",
        }),
        dueAfter: durationKey("How long after the last activity, or the start of the day, it is due."),
        sourceLateAfter: durationKey(
          "How long after that it is sent even though a source that could refute it is not complete. Default: 36h, longer than files are late.",
        ).optional(),
      }),
    )
    .default([])
    .meta({ description: "Patterns in time: something happened and something else did not follow." }),
  scores: scoreSchema.optional().meta({
    description: "Scores of each profile, which rules may read as `scores.<name>`. Default: none.",
  }),
  passages: passages.prefault({}).meta({ description: "What a transition carries beside the move." }),
});

export type RulesFile = z.output<typeof rulesSchema>;
