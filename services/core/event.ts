// One event record for every channel: the meaning of schemas/ChannelEvent.avsc. Times are epoch milliseconds,
// money is integer minor units. What the log adds (source, recordedAt) is beside it, never inside.

export type Scalar = string | number | boolean | null;

export interface IdentifierClaim {
  readonly namespace: string;
  readonly value: string;
  /** `other` (a gift's recipient, a referrer) is never evidence. Absent: self. */
  readonly role?: "self" | "other" | null;
  /** May lower the assurance that the source gives, never raise it. */
  readonly assurance?: string | null;
}

export interface OrderLine {
  readonly productId: string;
  readonly quantity: number;
  readonly unitPriceMinor: number;
}

export interface OrderPart {
  readonly orderId: string;
  readonly status?: string | null;
  readonly currency?: string | null;
  readonly totalMinor?: number | null;
  readonly lines?: readonly OrderLine[] | null;
}

export interface CartPart {
  readonly cartId?: string | null;
  readonly currency?: string | null;
  readonly totalMinor?: number | null;
  readonly lines?: readonly OrderLine[] | null;
}

export interface ChannelEvent {
  /** Unique per source: the de-duplication key. */
  readonly eventId: string;
  /** Past tense, kebab-case; a type outside the vocabulary is kept as an interaction. */
  readonly type: string;
  readonly occurredAt: number;
  readonly sentAt?: number | null;
  readonly identifiers: readonly IdentifierClaim[];
  readonly traits?: Readonly<Record<string, Scalar>> | null;
  readonly order?: OrderPart | null;
  readonly cart?: CartPart | null;
  readonly case?: {
    readonly caseId: string;
    readonly motive?: string | null;
    readonly channel?: string | null;
    readonly status?: string | null;
  } | null;
  readonly consents?:
    | readonly {
        readonly purpose: string;
        readonly channel?: string | null;
        readonly granted: boolean;
        readonly proof?: string | null;
      }[]
    | null;
  readonly restriction?: { readonly restrictionId: string; readonly lifted: boolean } | null;
  readonly subscription?: {
    readonly subscriptionId: string;
    readonly status?: string | null;
    readonly productId?: string | null;
  } | null;
  readonly search?: { readonly query: string; readonly results?: number | null } | null;
  readonly product?: {
    readonly productId: string;
    readonly category?: string | null;
    readonly priceMinor?: number | null;
    readonly currency?: string | null;
  } | null;
  readonly message?: {
    readonly messageId: string;
    readonly campaignId?: string | null;
    readonly channel?: string | null;
  } | null;
  readonly touch?: {
    readonly channel: string;
    readonly campaignId?: string | null;
    readonly medium?: string | null;
  } | null;
  readonly preferences?: Readonly<Record<string, Scalar>> | null;
  readonly loyalty?: {
    readonly programId?: string | null;
    readonly tier?: string | null;
    readonly points?: number | null;
  } | null;
  /** A household or an account that she is in, or has left; of an account what is above it (empty: nothing). */
  readonly group?: {
    readonly kind: string;
    readonly groupId: string;
    readonly role?: string | null;
    readonly parent?: string | null;
    readonly left?: boolean | null;
  } | null;
  readonly replaced?: { readonly namespace: string; readonly old: string; readonly new: string } | null;
  readonly note?: string | null;
}

/** The closed vocabulary of types that the product gives a meaning to. */
export const EVENT_TYPES = [
  "page-viewed",
  "product-viewed",
  "searched",
  "product-added",
  "product-removed",
  "cart-viewed",
  "checkout-started",
  "order-placed",
  "order-paid",
  "order-updated",
  "order-cancelled",
  "order-returned",
  "order-refunded",
  "subscription-changed",
  "identified",
  "identifier-replaced",
  "identifier-released",
  "traits-changed",
  "preference-stated",
  "consent-changed",
  "restriction-changed",
  "case-opened",
  "case-updated",
  "case-closed",
  "called",
  "message-sent",
  "message-delivered",
  "message-opened",
  "message-clicked",
  "message-bounced",
  "campaign-touched",
  "store-visited",
  "loyalty-changed",
  "recommended",
  "reviewed",
  "note-added",
] as const;

export const OCCURRED_AT_MIN_MS = Date.UTC(2000, 0, 1);
export const OCCURRED_AT_MAX_MS = Date.UTC(2100, 0, 1);
/** occurredAt later than recordedAt by more than this is clamped to it and flagged (P3). */
export const OCCURRED_AHEAD_MAX_MS = 5 * 60_000;
/** A compressed record may be larger unpacked than any topic takes; the inner log has to hold it with what is said of it. */
export const EVENT_BYTES_MAX = 1024 * 1024;
export const IDENTIFIERS_MAX = 16;
