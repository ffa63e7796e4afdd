// A person whose every value can be told apart from anybody else's: what of her is left anywhere is found by a search.

import assert from "node:assert/strict";
import type { TrafficLine } from "./traffic.ts";

/** Stands in whatever she told of herself. */
export const CANARY = "canary";
export const EMAIL = { namespace: "email", value: "canary@example.fr" };
/** Of its digits these come in every spelling. */
const NUMBER = "639980098";
export const CALLER = { namespace: "phone", value: `+33${NUMBER}` };
export const NAME = { lastName: "Canary-Lys", postcode: "4canary4" };
export const KEEPER_NAME = { lastName: "Keeper", postcode: "44000" };

export const TABLET = { namespace: "cookie", value: "tablet-0" };
export const PHONE = { namespace: "cookie", value: "canary-phone" };
export const TYPED = { namespace: "email", value: "canary-typed@example.fr" };

/** Her own, what she shares with `c-0`, what only a claim ties to her, and two of her orders. */
export function tellCanary(name: string, recordedAt: number): TrafficLine[] {
  const told = { occurredAt: recordedAt, recordedAt };
  const customer = { namespace: "customer", value: "canary-customer" };
  const lines = [{ productId: "canary-product", quantity: 1, unitPriceMinor: 5000 }];
  const visit = (number: number, identifiers: readonly (typeof EMAIL)[]): TrafficLine => {
    const traits = { city: "canary-town" };
    return { ...told, source: "web", eventId: `${name}-${number}`, type: "page-viewed", identifiers, traits };
  };
  return [
    {
      ...told,
      source: "crm",
      eventId: `${name}-1`,
      type: "identified",
      identifiers: [customer, EMAIL, { namespace: "card", value: "canary-card" }, CALLER],
      traits: { firstName: "Canary", city: "canary-town", ...NAME },
      note: "canary-note",
      group: { kind: "household", groupId: "canary-house", role: "canary-mother" },
    },
    {
      ...told,
      source: "web",
      eventId: `${name}-2`,
      type: "page-viewed",
      identifiers: [TABLET, customer],
    },
    // Said under the tablet alone, and under an address that somebody typed on her phone.
    visit(4, [TABLET]),
    visit(5, [PHONE, customer]),
    visit(6, [PHONE, TYPED]),
    visit(7, [TYPED]),
    {
      ...told,
      source: "store",
      eventId: `${name}-3`,
      type: "order-placed",
      identifiers: [{ namespace: "card", value: "canary-card" }],
      order: { orderId: "canary-order", currency: "EUR", totalMinor: 5000, lines },
    },
  ];
}

/** Somebody else, who is searched by name as she is. */
export function tellKeeper(recordedAt: number): TrafficLine {
  const identifiers = [{ namespace: "customer", value: "keeper" }];
  const told = { source: "crm", eventId: "keeper-1", type: "identified", identifiers, traits: KEEPER_NAME };
  return { ...told, occurredAt: recordedAt, recordedAt };
}

export function scanForCanary(what: string, text: string): void {
  const place = text.search(new RegExp(`${CANARY}|${NUMBER}`, "i"));
  assert.ok(place < 0, `${what}: …${text.slice(Math.max(0, place - 40), place + 40)}…`);
}
