// What the person has: subscriptions and places in loyalty programmes, of each the latest that was said of each field.

import { compareText } from "./comparison.ts";
import type { ChannelEvent } from "./event.ts";
import { classedKey, cutText, laterOf, listRegisters, NOTHING_TOLD } from "./facet.ts";
import type { RegisterRules, Registers, Telling, Told } from "./facet.ts";

export const SUBSCRIPTIONS_MAX = 64;
export const PROGRAMMES_MAX = 16;

interface Said<T> extends Told {
  readonly value: T;
}

export interface Subscription {
  /** The source: subscriptions are numbered by it. */
  readonly source: string;
  readonly subscriptionId: string;
  readonly authenticated: boolean;
  readonly startedAt: number;
  readonly at: number;
  readonly status: Said<string> | null;
  readonly productId: Said<string> | null;
}

export interface Loyalty {
  readonly programId: string;
  readonly authenticated: boolean;
  /** The event that was told last. */
  readonly told: Told;
  readonly tier: Said<string> | null;
  readonly points: Said<number> | null;
}

export const SUBSCRIPTION_RULES: RegisterRules<Subscription> = {
  join: (a, b) => ({
    ...a,
    startedAt: Math.min(a.startedAt, b.startedAt),
    at: Math.max(a.at, b.at),
    status: laterOf(a.status, b.status),
    productId: laterOf(a.productId, b.productId),
  }),
  max: SUBSCRIPTIONS_MAX,
  keep: "last",
  classed: true,
  limit: "subscriptions",
};

export const LOYALTY_RULES: RegisterRules<Loyalty> = {
  join: (a, b) => ({
    ...a,
    told: laterOf(a.told, b.told),
    tier: laterOf(a.tier, b.tier),
    points: laterOf(a.points, b.points),
  }),
  max: PROGRAMMES_MAX,
  keep: "first",
  classed: true,
  limit: "programmes",
};

export function subscriptionKey({ authenticated, source, subscriptionId }: Subscription): string {
  return classedKey(authenticated, source, subscriptionId);
}

export function loyaltyKey({ authenticated, programId }: Loyalty): string {
  return classedKey(authenticated, programId);
}

function say(text: string | null | undefined, { told, limits }: Telling): Said<string> | null {
  return text === null || text === undefined || text === "" ? null : { ...told, value: cutText(text, limits) };
}

export function readSubscriptions(telling: Telling, event: ChannelEvent): Registers<Subscription> {
  const part = event.subscription;
  if (part === null || part === undefined || part.subscriptionId === "") return NOTHING_TOLD;
  const { at, source } = telling.told;
  const subscription: Subscription = {
    source,
    subscriptionId: cutText(part.subscriptionId, telling.limits),
    authenticated: telling.authenticated,
    startedAt: at,
    at,
    status: say(part.status, telling),
    productId: say(part.productId, telling),
  };
  return new Map([[subscriptionKey(subscription), subscription]]);
}

/** A programme without a name is the source's own. */
export function readLoyalty(telling: Telling, event: ChannelEvent): Registers<Loyalty> {
  const part = event.loyalty;
  if (part === null || part === undefined) return NOTHING_TOLD;
  const { told, authenticated, limits } = telling;
  const { points = null } = part;
  const loyalty: Loyalty = {
    programId: cutText(part.programId ?? told.source, limits),
    authenticated,
    told,
    tier: say(part.tier, telling),
    points: points !== null && Number.isSafeInteger(points) ? { ...told, value: points } : null,
  };
  return new Map([[loyaltyKey(loyalty), loyalty]]);
}

export interface SubscriptionView {
  readonly subscriptionId: string;
  readonly source: string;
  readonly status: string | null;
  readonly productId: string | null;
  /** When it was first and last heard of. */
  readonly startedAt: number;
  readonly at: number;
}

/** By source, then by id. */
export function viewSubscriptions(subscriptions: Registers<Subscription>): SubscriptionView[] {
  return listRegisters(subscriptions)
    .map(({ subscriptionId, source, status, productId, startedAt, at }) => ({
      subscriptionId,
      source,
      status: status?.value ?? null,
      productId: productId?.value ?? null,
      startedAt,
      at,
    }))
    .sort((a, b) => compareText(a.source, b.source) || compareText(a.subscriptionId, b.subscriptionId));
}

export interface LoyaltyView {
  readonly programId: string;
  readonly tier: string | null;
  readonly points: number | null;
  readonly source: string;
  readonly at: number;
}

/** By programme. */
export function viewLoyalty(loyalty: Registers<Loyalty>): LoyaltyView[] {
  return listRegisters(loyalty)
    .map(({ programId, tier, points, told }) => ({
      programId,
      tier: tier?.value ?? null,
      points: points?.value ?? null,
      source: told.source,
      at: told.at,
    }))
    .sort((a, b) => compareText(a.programId, b.programId));
}
