// Keys of the rules file under `scores`: what scores are made of, and the parameters that a fit found.

import * as z from "zod";
import type { ScoreRules } from "#core/configuration.ts";
import { isCurrency } from "#core/currency.ts";
import { FIXED_CUTS } from "#core/rfm.ts";
import { LEAD_TERMS_MAX } from "#core/score.ts";
import { parseIsoTime } from "#services/channel/instant.ts";

const POINTS_MAX = 1_000;

function cuts(fallback: readonly number[], description: string) {
  return z
    .array(z.number().min(0).max(1_000_000_000_000))
    .length(4)
    .refine((list) => list.every((cut, place) => cut >= (list[place - 1] ?? 0)), "expected four rising numbers")
    .default([...fallback])
    .meta({ description });
}

function parameter(max: number, description: string) {
  return z.number().positive().max(max).meta({ description });
}

const instant = z
  .string()
  .refine((text) => parseIsoTime(text) !== undefined, "expected a date or an instant of ISO 8601, such as 2026-03-01");

export const scoreSchema = z.strictObject({
  currency: z
    .string()
    .refine(isCurrency, "expected an ISO 4217 currency such as EUR")
    .meta({ description: "In which amounts are looked at." }),
  rfm: z
    .strictObject({
      recencyDays: cuts(FIXED_CUTS.recencyDays, "Four rising borders of the days since the latest valid order."),
      orders: cuts(FIXED_CUTS.orders, "Four rising borders of the number of valid orders."),
      spentMinor: cuts(FIXED_CUTS.spentMinor, "Four rising borders of what was spent, in minor units."),
    })
    .optional()
    .meta({ description: "Recency, frequency, monetary: 1 to 5 each, by fixed cuts or those of `weft report rfm`." }),
  lifetime: z
    .strictObject({
      asOf: instant.meta({ title: "ISO 8601", description: "When the parameters were fitted." }),
      days: z.int().min(1).max(3_650).default(90).meta({ description: "How far ahead purchases are expected." }),
      r: parameter(1_000, "BG/NBD, as `weft report clv --fit` prints it, like those below; in days."),
      alpha: parameter(1e9, "BG/NBD."),
      a: parameter(1_000, "BG/NBD."),
      b: parameter(1_000, "BG/NBD."),
      p: parameter(1_000, "Gamma-Gamma."),
      q: z.number().gt(1).max(1_000).meta({ description: "Gamma-Gamma; above 1." }),
      v: parameter(1e12, "Gamma-Gamma; in minor units."),
    })
    .optional()
    .meta({ description: "Expected purchases and value." }),
  lead: z
    .array(
      z.strictObject({
        term: z.string().min(1).max(64).meta({ description: "What it says, as outputs list it." }),
        when: z.string().min(1).meta({ title: "CEL", description: "Whom it holds for, over `profile` and `orders`." }),
        points: z.int().min(-POINTS_MAX).max(POINTS_MAX).meta({ description: "What it adds." }),
      }),
    )
    .max(LEAD_TERMS_MAX)
    .default([])
    .meta({ description: "Lead score: the sum of the points of the terms that hold." }),
});

export function buildScores(file: z.output<typeof scoreSchema> | undefined): { readonly scores?: ScoreRules } {
  if (file === undefined) return {};
  const { currency, rfm, lifetime, lead } = file;
  const scores: ScoreRules = { currency, ...(rfm === undefined ? {} : { rfm }), lead };
  if (lifetime === undefined) return { scores };
  const { asOf, days, r, alpha, a, b, p, q, v } = lifetime;
  const fitted = { purchases: { r, alpha, a, b }, spend: { p, q, v } };
  return { scores: { ...scores, lifetime: { asOfMs: parseIsoTime(asOf) ?? 0, days, ...fitted } } };
}
