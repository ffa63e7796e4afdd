// Consents, by example: the latest holds, the refusal on a tie, and claims count for nothing (I5).

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { viewConsents } from "#core/consent.ts";
import { type Fact, foldFacts, registry } from "#support/fold-facts.ts";

const AT = Date.UTC(2026, 0, 5);

function say(id: string, hour: number, granted: boolean, more: { proof?: string; channel?: string } = {}): Fact {
  const consents = [{ purpose: "news", granted, ...more }];
  return {
    event: { eventId: id, type: "consent-changed", occurredAt: AT + hour * 3_600_000, identifiers: [], consents },
  };
}

function holds(facts: readonly Fact[], told = registry): (boolean | string | null)[][] {
  return viewConsents(told, foldFacts(facts).fragment.dossier?.consents ?? new Map()).map(({ channel, granted }) => [
    channel,
    granted,
  ]);
}

describe("a consent", () => {
  const form = { proof: "form-1" };

  it("is what was said of it last, whatever came last", () => {
    const given = say("1", 2, true, form);
    const refused = say("2", 1, false);
    deepEqual(holds([given, refused]), [[null, true]]);
    deepEqual(holds([refused, given]), [[null, true]]);
  });

  it("is refused where both were said at one instant", () => {
    const [given, refused] = [say("2", 1, true, form), say("1", 1, false)];
    deepEqual(holds([given, refused]), [[null, false]]);
    deepEqual(holds([refused, given]), [[null, false]]);
  });

  it("is not given by whoever only claims to be the person, nor taken back (I5)", () => {
    deepEqual(holds([{ ...say("1", 1, true, form), assurance: "claimed" }]), []);
    deepEqual(holds([say("1", 1, true, form), { ...say("2", 2, false), assurance: "claimed" }]), [[null, true]]);
  });

  it("needs a proof, save where its purpose needs none", () => {
    const unproven = say("1", 1, true);
    deepEqual(holds([unproven]), [[null, false]]);
    const lenient = { ...registry, configuration: { ...registry.configuration, purposesWithoutProof: ["news"] } };
    deepEqual(holds([unproven], lenient), [[null, true]]);
  });

  it("of one channel says nothing of another", () => {
    const facts = [say("1", 1, true, { ...form, channel: "sms" }), say("2", 2, false, { channel: "email" })];
    deepEqual(holds(facts), [
      ["email", false],
      ["sms", true],
    ]);
  });
});
