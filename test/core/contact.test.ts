// Contact points and messages to them, by example: verification, the primary one, pressure in a window of days.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { CONTACTS_LISTED_MAX, viewContacts } from "#core/contact.ts";
import type { TraitValue } from "#core/fragment.ts";
import type { LimitKind } from "#core/limit.ts";
import { countPressure } from "#core/message.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach } from "#support/fold-events.ts";
import { type Fact, foldFacts, registry } from "#support/fold-facts.ts";

const AT = Date.UTC(2026, 0, 5);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function record(source: string, hour: number, type: string, more: Partial<FoldEvent["event"]>): FoldEvent {
  const at = AT + hour * HOUR_MS;
  return {
    source,
    recordedAt: at,
    event: { eventId: `${type}-${hour}`, type, occurredAt: at, identifiers: [], ...more },
  };
}

function mail(hour: number, step: string, value = "ana@example.fr"): FoldEvent {
  return record("email", hour, `message-${step}`, { identifiers: [{ namespace: "email", value }] });
}

const joined = (...values: string[]) =>
  record("crm", 0, "identified", {
    identifiers: [{ namespace: "customer", value: "c" }, ...values.map((value) => ({ namespace: "email", value }))],
  });

async function contacts(...events: FoldEvent[]) {
  const { profiles } = await (await foldEach(events)).readPeople();
  equal(profiles.length, 1);
  return profiles[0]?.view.contacts.map(({ kind, value, primary, verification }) =>
    [kind, value, verification, ...(primary ? ["primary"] : [])].join(" "),
  );
}

describe("a contact point", () => {
  it("is verified by a click, given up after a bounce, and taken up again by what arrives later", async () => {
    const ana = joined("ana@example.fr");
    deepEqual(await contacts(ana, mail(1, "sent")), ["email ana@example.fr unverified primary"]);
    deepEqual(await contacts(ana, mail(1, "opened")), ["email ana@example.fr delivered primary"]);
    deepEqual(await contacts(ana, mail(2, "clicked"), mail(1, "bounced")), ["email ana@example.fr verified primary"]);
    deepEqual(await contacts(ana, mail(2, "clicked"), mail(3, "bounced")), ["email ana@example.fr bounced primary"]);
    deepEqual(await contacts(ana, mail(2, "clicked"), mail(2, "bounced")), ["email ana@example.fr bounced primary"]);
    deepEqual(await contacts(ana, mail(3, "bounced"), mail(4, "delivered")), [
      "email ana@example.fr delivered primary",
    ]);
  });

  it("is not verified by a click that somebody only claims (I5)", async () => {
    const identifiers = [{ namespace: "email", value: "ana@example.fr", assurance: "claimed" }];
    deepEqual(await contacts(joined("ana@example.fr"), record("crm", 1, "message-clicked", { identifiers })), [
      "email ana@example.fr delivered primary",
    ]);
  });

  it("is one of several, the best of them primary", async () => {
    const both = joined("ana@example.fr", "ben@example.fr");
    deepEqual(await contacts(both, mail(1, "bounced"), mail(2, "delivered", "ben@example.fr")), [
      "email ben@example.fr delivered primary",
      "email ana@example.fr bounced",
    ]);
  });

  it("may be told as a trait, in any spelling, and is the identifier's where both say it", async () => {
    const identifiers = [{ namespace: "customer", value: "c" }];
    const traits = { email: " ANA@example.fr", phone: "06 39 98 00 17", address: "1 rue du Port, Nantes" };
    deepEqual(await contacts(joined("ana@example.fr"), record("crm", 1, "traits-changed", { identifiers, traits })), [
      "email ana@example.fr unverified primary",
      "phone +33639980017 unverified primary",
      "postal 1 rue du Port, Nantes unverified primary",
    ]);
  });

  it("is made of street, postcode, city and country where those are told apart", async () => {
    const identifiers = [{ namespace: "customer", value: "c" }];
    const traits = { street: "1 rue du Port", postcode: 44000, city: "Nantes" };
    deepEqual(await contacts(record("crm", 1, "traits-changed", { identifiers, traits })), [
      "postal 1 RUE DU PORT, 44000 NANTES unverified primary",
    ]);
  });

  it("goes unlisted beyond the limit, and that is told (O4)", () => {
    const told = Array.from({ length: CONTACTS_LISTED_MAX + 2 }, (_, n): [string, TraitValue] => [
      `s${n}`,
      { value: `${n} rue du Port`, source: "crm", at: AT + n, eventId: "e", authenticated: true },
    ]);
    const limits: LimitKind[] = [];
    const from = { entries: [], told: new Map([["address", new Map(told)]]), traits: new Map(), reaches: new Map() };
    const listed = viewContacts(registry, from, limits);
    equal(listed.length, CONTACTS_LISTED_MAX);
    ok(!listed.some(({ value }) => value === "0 rue du Port" || value === "1 rue du Port"), "the oldest go");
    deepEqual(limits, ["contacts-listed", "contacts-listed"]);
  });
});

describe("contact pressure", () => {
  it("of a window of days is a function of the set and of the instant", () => {
    const send = (id: string, day: number, channel: string | null): Fact => {
      const message = { messageId: id, channel };
      return { event: { eventId: id, type: "message-sent", occurredAt: AT + day * DAY_MS, identifiers: [], message } };
    };
    const facts = [
      send("1", 0, "sms"),
      send("2", 6, "sms"),
      send("3", 6, null),
      send("4", 7, "sms"),
      send("5", 6, "sms"),
    ];
    for (const order of [facts, facts.toReversed()]) {
      const pressure = foldFacts(order).fragment.dossier?.pressure ?? new Map();
      const count = (day: number, days: number) => countPressure(pressure, "sms", AT + day * DAY_MS + HOUR_MS, days);
      deepEqual([count(6, 7), count(7, 7), count(6, 1), count(5, 7), count(30, 7)], [3, 3, 2, 1, 0]);
    }
  });
});
