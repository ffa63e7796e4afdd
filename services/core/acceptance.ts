// The door of the engine: one decoded event of one source becomes an accepted event, or is refused with a stable reason.
// Channel, assurance and rank come from the source, never from the payload. Everything here is a function of the event,
// its source and the configuration only, so the anchor is too.

import {
  ASSURANCES,
  assuranceLevel,
  isAuthenticated,
  tellsOrders,
  type Assurance,
  type SourceConfiguration,
} from "./configuration.ts";
import { compareText } from "./comparison.ts";
import {
  IDENTIFIERS_MAX,
  OCCURRED_AHEAD_MAX_MS,
  OCCURRED_AT_MAX_MS,
  OCCURRED_AT_MIN_MS,
  type ChannelEvent,
} from "./event.ts";
import { acceptGroup, findGroupFault } from "./group.ts";
import { holdBack, NO_HOLDS, type Holds } from "./hold.ts";
import { findIdentifierFault, identifierKey, normaliseIdentifier } from "./identifier.ts";
import { isPlainer, type Registry } from "./registry.ts";
import { findMoneyFault } from "./money.ts";
import { findBreach, keepLawful } from "./lawful.ts";
import { foldAddress, isMailbox, listMailboxes } from "./mailbox.ts";
import { isWithoutFacts, listClaims, readRuling, type AcceptedIdentifier, type AcceptedRuling } from "./declaration.ts";
import { takesBack } from "./ruling.ts";

/** Why an event goes to the dead letters. Closed; documented in SPEC.md. */
export const DEAD_LETTER_REASONS = [
  "undecodable",
  "unknown-schema",
  "unsupported-framing",
  "unknown-source",
  "contract-violation",
  "occurred-at-out-of-range",
  "missing-order",
  "no-identifier",
  "malformed-identifier",
  "too-many-identifiers",
  "too-large",
] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

/** What became of an input record; every record has exactly one (O1). */
export const OUTCOMES = ["folded", "duplicate", "suppressed", "skipped", "dead-lettered"] as const;
export type Outcome = (typeof OUTCOMES)[number];
/** Of an event that has come to its home. */
export type FoldOutcome = Extract<Outcome, "folded" | "duplicate" | "suppressed">;

/** What is to be said of a folded event: occurredAt was later than five minutes after recordedAt, and was clamped (P3). */
export const OUTCOME_REASONS = ["occurred-at-clamped"] as const;
export type OutcomeReason = (typeof OUTCOME_REASONS)[number];

/** Identifiers of an accepted event that identify nobody here: junk or no value of their namespace, and of no namespace known. */
export interface LeftOut {
  readonly junk: number;
  readonly unknownNamespace: number;
}

export interface AcceptedEvent {
  readonly source: string;
  readonly recordedAt: number;
  /** The event as it came, occurredAt clamped to five minutes after recordedAt (P3). */
  readonly event: ChannelEvent;
  readonly clamped: boolean;
  /** Fields that were left out of the event, as its source has no legal basis for them; and the event without them. */
  readonly dropped: readonly string[];
  readonly lawful: ChannelEvent;
  readonly leftOut: LeftOut;
  /** Unique, personal, shareable and device identifiers, best anchor first, then by key; then mailboxes. */
  readonly identifiers: readonly AcceptedIdentifier[];
  /** The order that it tells of, or that is all it names; else an order is a word of the event like others. */
  readonly order: AcceptedIdentifier | null;
  /** The household or account that it puts its anchor in, or takes it from (group.ts). */
  readonly group: AcceptedIdentifier | null;
  /** Key of the identifier (or order) under which the event's facts are kept. */
  readonly anchor: string;
  readonly ruling: AcceptedRuling | null;
  /** Its subject was erased (erasure.ts): it is evidence alone. */
  readonly suppressed?: boolean;
}

export type Acceptance =
  | { readonly ok: true; readonly accepted: AcceptedEvent }
  | { readonly ok: false; readonly reason: DeadLetterReason; readonly detail: string };

/** What the source may assert of this namespace with this type of event, lowered by the payload where it asks for that. */
export function grantAssurance(
  source: SourceConfiguration,
  type: string,
  namespace: string,
  asked: string | null | undefined,
): Assurance {
  const byType = Object.hasOwn(source.assuranceByType, type) ? source.assuranceByType[type] : undefined;
  const granted =
    (byType !== undefined && Object.hasOwn(byType, namespace) ? byType[namespace] : undefined) ??
    (Object.hasOwn(source.assurance, namespace) ? source.assurance[namespace] : undefined) ??
    source.assurance["*"] ??
    "claimed";
  const wanted = ASSURANCES.indexOf(asked as Assurance);
  return wanted >= 0 && wanted < assuranceLevel(granted) ? (ASSURANCES[wanted] as Assurance) : granted;
}

export function acceptEvent(
  registry: Registry,
  sourceName: string,
  recordedAt: number,
  told: ChannelEvent,
  holds: Holds = NO_HOLDS,
): Acceptance {
  const configured = registry.sources.get(sourceName);
  if (configured === undefined) return refuse("unknown-source", "no such source in the configuration");
  const source = holds.isHeld(sourceName, recordedAt) ? holdBack(configured) : configured;
  if (told.eventId === "" || told.type === "")
    return refuse("contract-violation", "eventId and type must not be empty");
  const breach = findBreach(source, told);
  if (breach !== null) return refuse("contract-violation", `the source may not send ${breach}`);
  const { event, dropped } = keepLawful(source, told);
  if (!(event.occurredAt >= OCCURRED_AT_MIN_MS && event.occurredAt < OCCURRED_AT_MAX_MS))
    return refuse("occurred-at-out-of-range", "occurredAt is not between 2000 and 2100");
  const hasOrder = event.order !== null && event.order !== undefined && event.order.orderId !== "";
  if (event.type.startsWith("order-") && !hasOrder)
    return refuse(
      "missing-order",
      `${event.type} needs an order part with an orderId${dropped.includes("order") ? ", for which the source has no legal basis" : ""}`,
    );
  const moneyFault = findMoneyFault(event);
  if (moneyFault !== null) return refuse("contract-violation", moneyFault);

  const groupFault = findGroupFault(event);
  if (groupFault !== null) return refuse("contract-violation", groupFault);

  const accepted = new Map<string, AcceptedIdentifier>();
  let order: AcceptedIdentifier | null = null;
  const leftOut = { junk: 0, unknownNamespace: 0 };
  const nameOrder = (orderId: string): AcceptedIdentifier => {
    const value = `${source.orderIdScope ?? source.name}/${orderId}`;
    return { namespace: "order", value, key: identifierKey(registry, "order", value), assurance: "claimed" };
  };
  for (const claim of listClaims(event)) {
    const fault = findIdentifierFault(claim);
    if (fault !== null) return refuse("malformed-identifier", fault);
    const namespace = registry.namespaces.get(claim.namespace);
    // Nobody asserts a mailbox; an operator takes back what one ties.
    const isMeant = namespace !== undefined && (namespace.foldOf === undefined || takesBack(event.type));
    if (!isMeant) leftOut.unknownNamespace += 1;
    if (!isMeant || namespace.kind === "inert" || claim.role === "other") continue;
    const said = normaliseIdentifier(namespace, claim.value, source.country);
    const value = said === null || namespace.foldOf === undefined ? said : foldAddress(said);
    if (value === null) {
      leftOut.junk += 1;
      continue;
    }
    if (namespace.kind === "reference") {
      order ??= nameOrder(value);
      continue;
    }
    const assurance = grantAssurance(source, event.type, namespace.name, claim.assurance);
    const key = identifierKey(registry, namespace.name, value);
    const known = accepted.get(key);
    accepted.set(key, combine(registry, known, { namespace: namespace.name, value, key, assurance }));
    if (accepted.size > IDENTIFIERS_MAX)
      return refuse("too-many-identifiers", `more than ${IDENTIFIERS_MAX} identifiers`);
  }
  if (event.order !== null && event.order !== undefined && hasOrder) order = nameOrder(event.order.orderId);
  const identifiers = [...accepted.values()].sort(
    (a, b) => rankOf(registry, a) - rankOf(registry, b) || compareText(a.key, b.key),
  );
  if (identifiers.length > 0 && !tellsOrders(source, event.type)) order = null;
  const anchor = chooseAnchor(registry, identifiers) ?? order;
  if (anchor === null) return refuse("no-identifier", "no usable identifier and no order part");
  const read = readRuling(registry, source, event, identifiers);
  if (typeof read === "string") return refuse("contract-violation", read);
  if (!isWithoutFacts({ ruling: read })) {
    if (identifiers.some((one) => isMailbox(registry, one)))
      return refuse("contract-violation", "nobody asserts a mailbox");
    identifiers.push(...listMailboxes(registry, identifiers));
  }
  const latest = recordedAt + OCCURRED_AHEAD_MAX_MS;
  const clamped = event.occurredAt > latest;
  return {
    ok: true,
    accepted: {
      source: sourceName,
      recordedAt,
      event: clamped ? { ...event, occurredAt: latest } : event,
      clamped,
      dropped,
      lawful: event,
      leftOut,
      identifiers,
      order,
      group: placeAnchor(registry, event, identifiers, anchor.key, read),
      anchor: anchor.key,
      ruling: read,
    },
  };
}

/** Claims put nobody in a group (I5). */
function placeAnchor(
  registry: Registry,
  event: ChannelEvent,
  identifiers: readonly AcceptedIdentifier[],
  anchor: string,
  ruling: AcceptedRuling | null,
): AcceptedIdentifier | null {
  const assurance = identifiers.find(({ key }) => key === anchor)?.assurance ?? "claimed";
  const group = isAuthenticated(assurance) && !isWithoutFacts({ ruling }) ? acceptGroup(registry, event) : null;
  return group === null ? null : { ...group, assurance };
}

/** Of two claims of one identifier: the plain value rather than its digest, with the higher assurance. */
function combine(
  registry: Registry,
  known: AcceptedIdentifier | undefined,
  claim: AcceptedIdentifier,
): AcceptedIdentifier {
  if (known === undefined) return claim;
  const said = isPlainer(registry, claim.namespace, known.namespace) ? claim : known;
  const { assurance } = assuranceLevel(known.assurance) < assuranceLevel(claim.assurance) ? claim : known;
  return { ...said, assurance };
}

function refuse(reason: DeadLetterReason, detail: string): Acceptance {
  return { ok: false, reason, detail };
}

function rankOf(registry: Registry, identifier: AcceptedIdentifier): number {
  return registry.namespaces.get(identifier.namespace)?.anchorRank ?? Number.MAX_SAFE_INTEGER;
}

/** Best authenticated identifier, else the device, else the best claimed one; identifiers come best rank first. */
function chooseAnchor(registry: Registry, identifiers: readonly AcceptedIdentifier[]): AcceptedIdentifier | null {
  const isDevice = (identifier: AcceptedIdentifier) => registry.namespaces.get(identifier.namespace)?.kind === "device";
  return (
    identifiers.find((i) => !isDevice(i) && isAuthenticated(i.assurance)) ??
    identifiers.find(isDevice) ??
    identifiers[0] ??
    null
  );
}
