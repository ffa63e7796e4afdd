// What a route may be sent: each part of a body, a query or a path, with its limits.

import * as z from "zod";
import { IDENTIFIER_VALUE_LENGTH_MAX } from "#core/identifier.ts";
import { POSITION } from "./position.ts";

export const identifier = z.strictObject({
  namespace: z
    .string()
    .min(1)
    .max(63)
    .meta({ examples: ["email"] }),
  value: z
    .string()
    .min(1)
    .max(IDENTIFIER_VALUE_LENGTH_MAX)
    .meta({ examples: ["ana@example.com"] }),
});

export const atLeast = z.strictObject({
  "at-least": z
    .string()
    .max(128)
    .regex(POSITION, "a position of an earlier answer")
    .optional()
    .meta({ description: "A position of an earlier answer: waits for it, and answers 503 where that takes too long." }),
});

/** What is wrong with another cursor than that. */
export const NEXT = "`next` of the page before";

/** Instant of the last line, and how many lines of it were shown. */
export const TIMELINE_CURSOR = /^(\d{1,15})\.(\d{1,3})$/;

export const TRANSITION_ID = /^[A-Za-z0-9_-]{22}\.\d{1,15}$/;
export const PASSAGES_PAGE_MAX = 100;

export const profileId = z.string().regex(/^[A-Za-z0-9_-]{22}$/, "a profile id: 22 letters, digits, - and _");

export const commandId = z
  .uuid()
  .optional()
  .meta({ description: "Send a command again under its id, and it counts once." });
export const reason = z.string().min(1).max(1000);
/** Case, accents and signs do not count. */
const personName = z
  .string()
  .max(100)
  .regex(/[\p{L}\p{N}]/u, "a letter or a digit at least");
const named = z.string().min(1).max(63);

export const correction = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("consent"),
    purpose: named,
    channel: named.optional().meta({ description: "Default: any." }),
    proof: z.string().min(1).max(1000),
  }),
  z.strictObject({
    kind: z.literal("objection").meta({ description: "Also a consent that is withdrawn." }),
    purpose: named,
    channel: named.optional().meta({ description: "Default: any." }),
    proof: z.string().min(1).max(1000).optional(),
  }),
  z.strictObject({
    kind: z
      .literal("restriction")
      .meta({ description: "Automation is told nothing of her until it is lifted; the id names it." }),
  }),
  z.strictObject({
    kind: z.literal("lifting"),
    restrictionId: z.string().min(1).max(512).meta({ description: "One of `restrictions` of her profile." }),
  }),
  z.strictObject({
    kind: z.literal("traits").meta({ description: "Outranks whatever a source says." }),
    traits: z
      .array(
        z.strictObject({
          name: named,
          value: z.string().max(1000).nullable().meta({ description: "null: taken away." }),
        }),
      )
      .min(1)
      .max(50),
  }),
]);

/** Of which shard, and behind which profile of it. */
export const DUE_CURSOR = /^(\d{1,4})(?:\.([A-Za-z0-9_-]{22}))?$/;

export const DUE_PAGE_MAX = 500;

/** By what a person is searched. */
export const searched = z.discriminatedUnion("by", [
  z.strictObject({ by: z.literal("order"), number: identifier.shape.value }),
  z.strictObject({ by: z.literal("card"), number: identifier.shape.value }),
  z.strictObject({
    by: z.literal("name"),
    lastName: personName,
    firstName: personName.optional(),
    postcode: z
      .string()
      .max(20)
      .regex(/[\p{L}\p{N}]/u, "a letter or a digit at least"),
  }),
]);
