// How long a person may be kept: a function of her profile and of the configured rules. Nothing is forgotten by itself;
// whoever is due is erased by a request, a record of the log like any other (erasure.ts).

import { viewCases } from "./case.ts";
import { NOTHING_TOLD } from "./facet.ts";
import { findLatest, listRecencyKeys } from "./recency.ts";
import { isRestricted } from "./restriction.ts";
import { viewSubscriptions } from "./standing.ts";
import type { ProfileView } from "./view.ts";

/** Customers have a valid order; prospects are all others. */
export const RETAINED = ["prospects", "customers"] as const;
export type Retained = (typeof RETAINED)[number];

export interface RetentionRule {
  readonly purpose: string;
  readonly whom: Retained;
  readonly afterMs: number;
}

export interface Retention {
  /** Of several for the same people, the longest. */
  readonly rules: readonly RetentionRule[];
  /** Types of events that come from the person. */
  readonly contacts: readonly string[];
}

/** What keeps her beyond her term for as long as it lasts. */
export const KEEPERS = ["restriction", "open-case", "subscription"] as const;
export type Keeper = (typeof KEEPERS)[number];

/** Until when she may be kept. */
export interface Term {
  readonly whom: Retained;
  /** Null: none is about her. */
  readonly rule: RetentionRule | null;
  /** Her last contact or valid order; without any, when she was first heard of. Null: she never was. */
  readonly sinceMs: number | null;
  /** The first of them that holds. */
  readonly keptBy: Keeper | null;
  /** Null: no rule is about her, or something keeps her. */
  readonly dueAtMs: number | null;
}

export interface Expiry {
  readonly whom: Retained;
  readonly purpose: string;
  /** Her last contact or valid order; without any, when she was first heard of. */
  readonly sinceMs: number;
  readonly dueAtMs: number;
}

/** A subscription with another status, or none, still stands. */
const ENDED: ReadonlySet<string | null> = new Set(["cancelled", "canceled", "ended", "expired"]);

/** The one that holds of them; undefined: they are kept. */
export function findRule(rules: Retention["rules"], whom: Retained): RetentionRule | undefined {
  return rules.filter((one) => one.whom === whom).sort((a, b) => b.afterMs - a.afterMs)[0];
}

export function findTerm({ rules, contacts }: Retention, view: ProfileView): Term {
  const { facts, firstAt } = view;
  const whom = facts.orders.valid > 0 ? "customers" : "prospects";
  const rule = findRule(rules, whom) ?? null;
  const keptBy = findKeeper(view);
  if (firstAt === null) return { whom, rule, sinceMs: null, keptBy, dueAtMs: null };
  const contact = findLatest(view.recency, listRecencyKeys(contacts));
  const sinceMs = Math.max(firstAt, contact?.at ?? 0, facts.orders.latestAt);
  return { whom, rule, sinceMs, keptBy, dueAtMs: rule === null || keptBy !== null ? null : sinceMs + rule.afterMs };
}

/** Null: she is kept, for as long as that stays so. */
export function findExpiry(retention: Retention, view: ProfileView): Expiry | null {
  const { whom, rule, sinceMs, dueAtMs } = findTerm(retention, view);
  if (rule === null || sinceMs === null || dueAtMs === null) return null;
  return { whom, purpose: rule.purpose, sinceMs, dueAtMs };
}

function findKeeper({ dossier }: ProfileView): Keeper | null {
  if (isRestricted(dossier)) return "restriction";
  if (viewCases(dossier?.cases ?? NOTHING_TOLD).some(({ status }) => status !== "closed")) return "open-case";
  const subscriptions = viewSubscriptions(dossier?.subscriptions ?? NOTHING_TOLD);
  return subscriptions.some(({ status }) => !ENDED.has(status)) ? "subscription" : null;
}
