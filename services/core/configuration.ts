// What the engine must be told: sources, namespaces and rules. Plain data, the same for every process of a deployment;
// weft.yaml is parsed into it (services/config), and nothing in the engine reads anything else from outside.

import type { PurchaseModel, SpendModel } from "./lifetime-value.ts";
import type { RfmCuts } from "./rfm.ts";

/** Ordered: a later one is stronger. */
export const ASSURANCES = ["claimed", "authenticated", "verified", "operator"] as const;
export type Assurance = (typeof ASSURANCES)[number];

export function assuranceLevel(assurance: Assurance): number {
  return ASSURANCES.indexOf(assurance);
}

/** Whether what an event of the source says of an order counts (P4). */
export function tellsOrders(
  { trustedForOrders }: Pick<SourceConfiguration, "trustedForOrders">,
  type: string,
): boolean {
  return trustedForOrders && type.startsWith("order-");
}

export function isAuthenticated(assurance: Assurance): boolean {
  return assuranceLevel(assurance) >= 1;
}

export const NAMESPACE_KINDS = ["unique", "personal", "shareable", "device", "reference", "inert"] as const;
export type NamespaceKind = (typeof NAMESPACE_KINDS)[number];

export const NORMALISERS = ["text", "lower", "email", "email-sha256", "phone"] as const;
export type Normaliser = (typeof NORMALISERS)[number];

/** The order of the namespaces in the configuration is their anchor rank: the first is the best anchor. */
export interface NamespaceConfiguration {
  readonly name: string;
  readonly kind: NamespaceKind;
  readonly normaliser: Normaliser;
  /** Weighs evidence of equal assurance against each other; higher first. */
  readonly strength: number;
  /** True where a value is a way to reach the person (e-mail, phone). */
  readonly contact: boolean;
  /** Extra junk values, compared after normalisation, beside the built-in list. */
  readonly junk: readonly string[];
  /** How many values a profile may have; a person has one of a unique namespace. Absent: any number. */
  readonly valuesMax?: number;
  /** Known and tied by authenticated evidence to more values of unique namespaces: it links nothing (I4). */
  readonly tiedUniquesMax: number;
  /** Weak and tied to more others: it links nothing (I4). */
  readonly tiedOthersMax: number;
  /** The namespace of whose values these are the SHA-256, in hexadecimal: both are one identifier. */
  readonly digestOf?: string;
  /** The namespace of whose addresses these are the mailboxes, as their providers fold them; nobody asserts one. */
  readonly foldOf?: string;
}

export interface SourceConfiguration {
  readonly name: string;
  readonly channel: string;
  readonly topic: string;
  /** Assurance by namespace; `*` for the others. */
  readonly assurance: Readonly<Record<string, Assurance>>;
  /** Assurance by event type, then namespace, where it differs from `assurance`. */
  readonly assuranceByType: Readonly<Record<string, Readonly<Record<string, Assurance>>>>;
  readonly trustedForOrders: boolean;
  /** It may say that an identifier was replaced by another, or given up. */
  readonly trustedForIdentifiers: boolean;
  /** Survivorship: the smaller rank wins. */
  readonly rank: number;
  /** ISO 3166-1 alpha-2: how national phone numbers are read. */
  readonly country: string;
  readonly currency: string;
  readonly delivery: "live" | "files";
  /** Optional parts and traits that this source may send; absent: all. Others are a breach of its contract. */
  readonly allowedFields?: readonly string[];
  /** Why its data is processed, and on what legal basis: shown beside what it told. */
  readonly purpose?: string;
  readonly legalBasis?: string;
  /** Field to the legal basis on which it is processed; absent: all stand on that of the source. Others are left out. */
  readonly legalBasisByField?: Readonly<Record<string, string>>;
  /** Sources with the same scope number their orders together; absent: the source's own name. */
  readonly orderIdScope?: string;
  /** Sources with the same scope number their cases together; absent: the source's own name. */
  readonly caseIdScope?: string;
}

/** The source of operators' rulings (ruling.ts). */
export const OPERATOR = "operator";

export interface SegmentRule {
  readonly segment: string;
  /** CEL over `profile` and `orders`; the first rule that holds wins. */
  readonly when: string;
  /** Whoever is in it goes down only where this holds; absent: where `when` no longer does. */
  readonly leaveWhen?: string;
  /** Whoever is in it goes down only after it has been so for as long. */
  readonly holdForMs?: number;
  /** Whoever came into it stays for as long, whatever holds. */
  readonly stayForMs?: number;
  /** Segments that one may go to from here; absent: all. */
  readonly to?: readonly string[];
}

/** What a signal can wait for beside event types: the last cart or checkout activity, the latest valid order, her last open case being closed. */
export const MOMENTS = ["cart-activity", "valid-order", "cases-settled"] as const;
export type MomentName = (typeof MOMENTS)[number];

/** After the latest of `after`, unless one of `unless` follows it; or each year, on the day of a date. See SPEC.md section 5. */
export interface SignalRule {
  readonly signal: string;
  /** Moments and event types. */
  readonly after: readonly string[];
  readonly unless: readonly string[];
  /** The trait that is the date; null: it is no yearly signal, and `after` says when it opens. */
  readonly yearly: string | null;
  /** CEL over the same facts as the ladder, without time: open only while it holds. */
  readonly while: string | null;
  readonly dueAfterMs: number;
  /** Sent at the latest this long after it was due, even where a source is not complete. */
  readonly sourceLateAfterMs: number;
}

export interface ValueTier {
  readonly tier: string;
  /** What must have been spent in one currency, in its minor units. */
  readonly spentMinor: number;
}

export interface ReachRule {
  /** Whose consent counts. */
  readonly purpose: string;
  /** Channel to the kind of contact point that it needs. */
  readonly channels: Readonly<Record<string, string>>;
}

/** What a transition carries beside the move. */
export interface PassageRules {
  /** Of the credit of a touch, in the model of time-decay. */
  readonly halfLifeMs: number;
  /** The highest first. */
  readonly valueTiers: readonly ValueTier[];
  readonly reach: ReachRule;
}

/** What the name says where a file declares nothing else under it. */
export const ABANDONED_CART = {
  signal: "abandoned-cart",
  after: ["cart-activity"],
  unless: ["valid-order"],
} as const satisfies Partial<SignalRule>;

/** A membership beside the segment; one may be in any number. */
export interface AudienceRule {
  readonly audience: string;
  /** CEL over what the ladder reads. */
  readonly when: string;
}

/** A term of the lead score: points of whoever it holds for. */
export interface LeadTerm {
  readonly term: string;
  /** CEL over what the ladder reads, without scores. */
  readonly when: string;
  readonly points: number;
}

/** What a fit found over the base (lifetime-fit.ts). */
export interface LifetimeRules {
  /** The instant of the fit. */
  readonly asOfMs: number;
  /** How far ahead purchases are expected. */
  readonly days: number;
  readonly purchases: PurchaseModel;
  readonly spend: SpendModel;
}

/** Parameters of scores (score.ts). */
export interface ScoreRules {
  /** In which amounts are looked at. */
  readonly currency: string;
  readonly rfm?: RfmCuts;
  readonly lifetime?: LifetimeRules;
  readonly lead: readonly LeadTerm[];
}

export interface Rules {
  readonly version: string;
  readonly ladder: readonly SegmentRule[];
  readonly audiences?: readonly AudienceRule[];
  readonly signals: readonly SignalRule[];
  readonly passages: PassageRules;
  readonly scores?: ScoreRules;
}

export interface Configuration {
  /** What evidence between two known identifiers needs at both ends to make them one person: `authenticated` or better. */
  readonly joinAssurance: Assurance;
  readonly namespaces: readonly NamespaceConfiguration[];
  readonly sources: readonly SourceConfiguration[];
  readonly rules: Rules;
  /** Purposes whose consents need no proof; of all others a grant without proof is none. */
  readonly purposesWithoutProof: readonly string[];
  /** Traits and kinds of contact point that a complete profile has; at least one. */
  readonly declaredFields: readonly string[];
}
