// A rule set as the log holds it: canonical JSON of what the engine takes. The door checks it as a rules file is checked,
// because whoever writes to the topic need not have come by `weft rules apply`.

import * as z from "zod";
import type { Rules } from "#core/configuration.ts";
import { readRules, writeRules } from "#core/rules-in-force.ts";
import { LEAD_TERMS_MAX } from "#core/score.ts";
import { checkRule, findScores, findTime } from "./expression.ts";
import { AUDIENCES_MAX } from "./rules-schema.ts";

/** Of one rule set, so that it fits into a bundle of the inner log. */
export const RULES_LENGTH_MAX = 256 * 1024;

const text = z.string().min(1);
const ms = z.number().int().min(0);
const cuts = z.array(z.number().min(0)).length(4);
const positive = z.number().positive();
const shape = z.strictObject({
  version: text,
  ladder: z
    .array(
      z.strictObject({
        segment: text,
        when: text,
        leaveWhen: text.optional(),
        holdForMs: ms.optional(),
        stayForMs: ms.optional(),
        to: z.array(text).optional(),
      }),
    )
    .min(1),
  audiences: z
    .array(z.strictObject({ audience: text, when: text }))
    .max(AUDIENCES_MAX)
    .optional(),
  signals: z.array(
    z.strictObject({
      signal: text,
      after: z.array(text),
      unless: z.array(text),
      yearly: text.nullable(),
      while: text.nullable(),
      dueAfterMs: ms,
      sourceLateAfterMs: ms,
    }),
  ),
  scores: z
    .strictObject({
      currency: text,
      rfm: z.strictObject({ recencyDays: cuts, orders: cuts, spentMinor: cuts }).optional(),
      lifetime: z
        .strictObject({
          asOfMs: ms,
          days: ms,
          purchases: z.strictObject({ r: positive, alpha: positive, a: positive, b: positive }),
          spend: z.strictObject({ p: positive, q: positive.gt(1), v: positive }),
        })
        .optional(),
      lead: z.array(z.strictObject({ term: text, when: text, points: z.int() })).max(LEAD_TERMS_MAX),
    })
    .optional(),
  passages: z.strictObject({
    halfLifeMs: ms.min(1),
    valueTiers: z.array(z.strictObject({ tier: text, spentMinor: ms })),
    reach: z.strictObject({ purpose: text, channels: z.record(z.string(), text) }),
  }),
});

/** Why it is none that can be put in force; undefined: it can. */
export function findFaultOfRules(given: string): string | undefined {
  if (given.length > RULES_LENGTH_MAX) return `more than ${RULES_LENGTH_MAX} characters`;
  try {
    const rules = readRules(given);
    if (!shape.safeParse(rules).success) return "not of the shape of a rule set";
    if (writeRules(rules) !== given) return "not canonical";
    if (rules.ladder.at(-1)?.when !== "true") return "the last segment does not take everybody else";
    if (!isOncePerName(rules)) return "a name is there twice";
    return findFaultOfConditions(rules);
  } catch {
    return "not JSON";
  }
}

function findFaultOfConditions({ ladder, audiences = [], signals, scores }: Rules): string | undefined {
  const conditions = [
    ...ladder.flatMap(({ when, leaveWhen }) => [when, leaveWhen ?? "true"]),
    ...audiences.map(({ when }) => when),
  ];
  for (const condition of conditions) {
    const found = checkRule(condition);
    if (found !== undefined) return found.message;
  }
  for (const { when } of scores?.lead ?? []) {
    const found = checkRule(when) ?? findScores(when);
    if (found !== undefined) return found.message;
  }
  for (const { while: condition } of signals) {
    const found = condition === null ? undefined : (checkRule(condition) ?? findTime(condition));
    if (found !== undefined) return found.message;
  }
  return undefined;
}

function isOncePerName({ ladder, audiences = [], signals, scores }: Rules): boolean {
  const lists = [
    ladder.map(({ segment }) => segment),
    audiences.map(({ audience }) => audience),
    signals.map(({ signal }) => signal),
    (scores?.lead ?? []).map(({ term }) => term),
  ];
  return lists.every((names) => new Set(names).size === names.length);
}
