// Limits that a fold may meet; each hit is an effect, so nothing is left out in silence (O4). Numbers: SPEC.md section 7.

export const LIMIT_KINDS = [
  "traits",
  "trait-length",
  "event-types",
  "order-events",
  "profile-values",
  "ties",
  "identifiers-listed",
  "consents",
  "cases",
  "messages",
  "pressure-days",
  "reaches",
  "contacts-listed",
  "subscriptions",
  "programmes",
  "stated-preferences",
  "inferred-preferences",
  "channels",
  "categories",
  "searches",
  "touches",
  "timeline",
  "facet-length",
] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];
