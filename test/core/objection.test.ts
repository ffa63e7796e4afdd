// An objection outlives the erasure of whoever objected (Art. 21, G1), by example. In any history: erasure.property.test.ts.

import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import type { ErasureRequest } from "#core/erasure.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach, START_MS, tell } from "#support/fold-events.ts";

const PHONE = "+33639980017";
const ANA = { customer: "c-1", email: "ana.b@gmail.com", phone: PHONE };
const proof = "form-1";
const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 500 }];
const consents = (granted: boolean, channel: string | null = null) => ({
  consents: [{ purpose: "marketing", channel, granted, ...(granted ? { proof } : {}) }],
});
const consent = (source: string, minute: number, names: Readonly<Record<string, string>>, granted: boolean) =>
  tell(source, minute, "consent-changed", names, consents(granted));

/** Ana refuses, and is erased at minute 10. */
async function forgetAna(...before: readonly FoldEvent[]) {
  const fold = await foldEach([tell("crm", 1, "identified", ANA), consent("operator", 2, ANA, false), ...before]);
  const draft = await fold.draftErasure("customer", ANA.customer);
  ok(draft.ok);
  const request: ErasureRequest = { requestId: "r", at: START_MS + 10 * 60_000, ...draft.keys };
  await fold.erase(request);
  return { fold, request };
}

/** Where the one profile there is may be reached, by its next transition, and what it refuses. */
async function meet(...events: readonly FoldEvent[]) {
  const { fold } = await forgetAna();
  for (const event of events) await fold.fold(event);
  const order = { order: { orderId: "o", currency: "EUR", totalMinor: 500, lines } };
  const [first] = events;
  ok(first);
  await fold.fold({
    ...first,
    recordedAt: first.recordedAt + 1,
    event: { ...first.event, eventId: "o", type: "order-placed", ...order },
  });
  const move = fold.outputs.filter((output) => output.kind === "transition").at(-1);
  const [profile] = (await fold.readPeople()).profiles;
  const refused = profile?.view.consents.flatMap((one) => (one.granted ? [] : [`${one.purpose} by ${one.source}`]));
  return { reachable: move?.kind === "transition" ? move.reachable : null, refused };
}

const REFUSED = ["marketing by privacy"];

test("whoever is told anew under a contact of hers, in any form, has refused what she refused (G1)", async () => {
  for (const contact of [
    { email: "ana.b@gmail.com" },
    { email: " ANA.B@Gmail.com" },
    { email: "anab+shop@googlemail.com" },
    { phone: PHONE },
    { phone: "06 39 98 00 17" },
  ])
    deepEqual(await meet(tell("crm", 20, "identified", { customer: "c-9", ...contact })), {
      reachable: [],
      refused: REFUSED,
    });
});

test("what she consents to later holds, and what was granted to others before does not reach her (G1)", async () => {
  const back = { customer: "c-9", email: ANA.email };
  deepEqual(await meet(tell("crm", 20, "identified", back), consent("crm", 30, back, true)), {
    reachable: ["email"],
    refused: [],
  });
  // Of before the erasure, recorded late.
  const late = tell("crm", 20, "consent-changed", { customer: "c-9" }, { ...consents(true), occurredAt: START_MS });
  deepEqual(await meet(tell("crm", 19, "identified", back), late), { reachable: [], refused: REFUSED });
});

test("nobody else is touched: other addresses, claims of hers, and who refused nothing (G1, I5)", async () => {
  deepEqual((await meet(tell("crm", 20, "identified", { customer: "c-9", email: "ana.c@gmail.com" }))).refused, []);
  const ben = { customer: "c-2", email: "ben@example.fr" };
  const claim = tell("web", 30, "page-viewed", { customer: ben.customer, email: ANA.email });
  deepEqual(await meet(tell("crm", 20, "identified", ben), consent("crm", 25, ben, true), claim), {
    reachable: ["email"],
    refused: [],
  });
  const { request } = await forgetAna(tell("operator", 3, "consent-changed", ANA, consents(true)));
  deepEqual([request.objections, request.contacts], [[], []]);
});

test("a ruling that holds a contact of hers apart tells nobody under it, whatever comes first (G1, P1)", async () => {
  const claim = tell("web", 20, "page-viewed", { email: "anab+home@gmail.com" });
  const parted = tell("operator", 21, "identifiers-parted", { "crm-contact": "m-0", email: "anab+home@gmail.com" });
  for (const events of [
    [claim, parted],
    [parted, claim],
  ]) {
    const { fold } = await forgetAna();
    for (const event of events) await fold.fold(event);
    const { profiles } = await fold.readPeople();
    deepEqual(
      profiles.map(({ view }) => view.consents),
      [[]],
    );
  }
});

test("the record keeps keyed hashes of contacts and the names of purposes, and goes on when she is erased again (G1, G2)", async () => {
  const { fold, request } = await forgetAna();
  deepEqual(request.objections, [{ purpose: "marketing", channel: null }]);
  equal(request.contacts.length, 3, "address, mailbox, number");
  const text = JSON.stringify(request);
  for (const value of ["ana", "gmail", "3398", ANA.customer]) ok(!text.toLowerCase().includes(value));
  await fold.fold(tell("crm", 20, "identified", { customer: "c-9", phone: PHONE }));
  const again = await fold.draftErasure("phone", PHONE);
  ok(again.ok);
  deepEqual([again.keys.objections, again.keys.contacts.length], [request.objections, 1]);
});
