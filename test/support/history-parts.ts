// What events of a history say beside identifiers, orders and traits: few names and few values, so that sayings of one
// thing by several sources at equal instants are common.

import * as fc from "fast-check";
import type { ChannelEvent } from "#core/event.ts";

export interface Parts {
  /** null: whatever the type would be without them. */
  readonly type: string | null;
  readonly parts: Partial<ChannelEvent>;
}

function among<T>(values: readonly T[]): fc.Arbitrary<T> {
  return fc.constantFrom(...values);
}

function told(types: readonly (string | null)[], parts: fc.Arbitrary<Partial<ChannelEvent>>): fc.Arbitrary<Parts> {
  return fc.record({ type: among(types), parts });
}

const consent = fc.record({
  purpose: among(["news", "news", "surveys"]),
  channel: among(["email", "email", "sms", null]),
  granted: among([true, true, false]),
  proof: among(["form-1", "form-2", null]),
});
const consents = fc.array(consent, { minLength: 1, maxLength: 3 }).map((list) => ({ consents: list }));

const cases = fc
  .record({
    caseId: among(["k-1", "k-1", "k-2"]),
    motive: among(["late", "broken", null, ""]),
    channel: among(["email", "store", null]),
    status: among([null, null, "open", "closed", "waiting"]),
  })
  .map((part) => ({ case: part }));

const message = fc
  .record({
    messageId: among(["m", "m", "n", ""]),
    channel: among(["email", "sms", null]),
    campaignId: among(["spring", "summer", null]),
  })
  .map((part) => ({ message: part }));

const cart = fc
  .record({
    cartId: among(["k", "k", "l", null]),
    currency: among(["EUR", "chf", null]),
    totalMinor: among([null, null, 7_00]),
    lines: among([
      null,
      [],
      [{ productId: "p1", quantity: 1, unitPriceMinor: 5_00 }],
      [{ productId: "p1", quantity: 0, unitPriceMinor: 5_00 }],
    ]),
  })
  .map((part) => ({ cart: part }));

/** Contact points told as traits, some of them those of identifiers. */
const addresses = fc
  .record({
    email: among(["person0@example.fr", " Person1@Example.FR", "other@example.fr", "nobody"]),
    phone: among(["06 12 34 56 70", "+33612345671", 7]),
    address: among(["1 r. du Port 44000 Nantes", "1, Rue du Port, 44 000 NANTES", " 1 rue du Port ", ""]),
    which: among(["email", "email", "phone", "address"] as const),
  })
  .map((told) => ({ traits: { [told.which]: told[told.which] } }));

/** Who she is, under one name or another, in one spelling or another. */
const demographics = fc
  .record({
    name: among(["birthDate", "birthday", "firstName", "first_name", "gender", "civility", "language", "country"]),
    other: among(["lastName", "locale", "dateOfBirth", "fullName"]),
    value: among(["1985-03-12", "12/03/1985", "12/03/85", "DE GAULLE", "Mme", "f", "fr-FR", "France", "", null, 2]),
  })
  .map(({ name, other, value }) => ({ traits: { [name]: value, [other]: value } }));

const subscription = fc
  .record({
    subscriptionId: among(["s-1", "s-1", "s-2"]),
    status: among(["active", "cancelled", null]),
    productId: among(["p1", null]),
  })
  .map((part) => ({ subscription: part }));

const loyalty = fc
  .record({
    programId: among(["club", "club", null]),
    tier: among(["gold", "", null]),
    points: among([10, 20, 0, null]),
  })
  .map((part) => ({ loyalty: part }));

/** Few of each, so that people share them, leave them, and accounts go round. */
const groups = fc
  .record({
    kind: among(["household", "account", "account"]),
    groupId: among(["1", "1", "2", " 3", ""]),
    role: among(["head", "child", null]),
    parent: among([null, null, "1", "2", "3", ""]),
    left: among([null, false, false, true]),
  })
  .map(({ parent, ...part }) => ({ group: { ...part, parent: part.kind === "account" ? parent : null } }));

const preferences = fc
  .record({ name: among(["size", "size", "colour"]), value: among(["M", "M", "L", 38, null, true]) })
  .map(({ name, value }) => ({ preferences: { [name]: value } }));

const notes = among(["call her back", "prefers letters", ""]).map((note) => ({ note }));

const looking = fc.record({
  search: among([{ query: "boots", results: 3 }, { query: "hats" }, null]),
  product: among([
    { productId: "p1", category: "shoes" },
    { productId: "p2", category: "" },
    { productId: "p3" },
    null,
  ]),
  touch: among([{ channel: "social", campaignId: "spring", medium: "paid" }, { channel: "search" }, null]),
});

export const someParts: fc.Arbitrary<Parts> = fc.oneof(
  { arbitrary: fc.constant<Parts>({ type: null, parts: {} }), weight: 6 },
  { arbitrary: told(["consent-changed", "consent-changed", "identified", null], consents), weight: 3 },
  { arbitrary: told(["case-opened", "case-updated", "case-closed", "case-closed", "called"], cases), weight: 3 },
  {
    arbitrary: told(
      ["message-sent", "message-sent", "message-delivered", "message-opened", "message-clicked", "message-bounced"],
      message,
    ),
    weight: 4,
  },
  { arbitrary: told(["product-added", "product-removed", "cart-viewed", "checkout-started", null], cart), weight: 2 },
  { arbitrary: told(["traits-changed", null], addresses), weight: 1 },
  { arbitrary: told(["traits-changed", "identified", null], demographics), weight: 1 },
  { arbitrary: told(["subscription-changed", null], subscription), weight: 1 },
  { arbitrary: told(["note-added", "called", "page-viewed", null], notes), weight: 1 },
  { arbitrary: told(["loyalty-changed", null], loyalty), weight: 1 },
  { arbitrary: told(["identified", "traits-changed", null], groups), weight: 2 },
  { arbitrary: told(["preference-stated", "recommended", "product-viewed", null], preferences), weight: 2 },
  { arbitrary: told(["searched", "campaign-touched", "page-viewed", "product-viewed", null], looking), weight: 3 },
);
