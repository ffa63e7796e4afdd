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

/** Null: she is kept, for as long as that stays so: no rule is about her, she is restricted, or the relationship goes on. */
export function findExpiry({ rules, contacts }: Retention, view: ProfileView): Expiry | null {
  const { facts, dossier, firstAt } = view;
  const whom = facts.orders.valid > 0 ? "customers" : "prospects";
  const rule = findRule(rules, whom);
  if (rule === undefined || firstAt === null || isRestricted(dossier) || goesOn(view)) return null;
  const contact = findLatest(view.recency, listRecencyKeys(contacts));
  const sinceMs = Math.max(firstAt, contact?.at ?? 0, facts.orders.latestAt);
  return { whom, purpose: rule.purpose, sinceMs, dueAtMs: sinceMs + rule.afterMs };
}

function goesOn({ dossier }: ProfileView): boolean {
  const isOpen = viewCases(dossier?.cases ?? NOTHING_TOLD).some(({ status }) => status !== "closed");
  return isOpen || viewSubscriptions(dossier?.subscriptions ?? NOTHING_TOLD).some(({ status }) => !ENDED.has(status));
}
