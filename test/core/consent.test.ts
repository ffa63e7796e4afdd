// Consents, by example: the latest holds, the refusal on a tie, and claims count for nothing (I5).

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { viewConsents } from "#core/consent.ts";
import { type Fact, foldFacts, registry } from "#support/fold-facts.ts";
import { foldEach, START_MS, tell } from "#support/fold-events.ts";
import { must } from "#support/oracle-identity.ts";

const AT = Date.UTC(2026, 0, 5);

function say(id: string, hour: number, granted: boolean, more: { proof?: string; channel?: string } = {}): Fact {
  const consents = [{ purpose: "news", granted, ...more }];
  return {
    event: { eventId: id, type: "consent-changed", occurredAt: AT + hour * 3_600_000, identifiers: [], consents },
  };
}

function holds(facts: readonly Fact[], told = registry): (boolean | string | null)[][] {
  return viewConsents(told, must(foldFacts(facts).fragment.dossier)).map(({ channel, granted }) => [channel, granted]);
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

describe("a consent of an event of the future", () => {
  const [customer, HOUR] = [{ customer: "c-1" }, 60];
  const say = (minute: number, granted: boolean, aheadMinutes: number) =>
    tell("crm", minute, "consent-changed", customer, {
      occurredAt: START_MS + (minute + aheadMinutes) * 60_000,
      consents: [{ purpose: "news", granted, proof: "form-1" }],
    });
  const holdsOf = async (...events: Parameters<typeof foldEach>[0][number][]) => {
    const { profiles } = await (await foldEach(events)).readPeople();
    return profiles.flatMap(({ view }) => view.consents.map(({ granted }) => granted));
  };

  it("never grants, and refuses as any other", async () => {
    deepEqual(await holdsOf(say(1, true, HOUR)), []);
    deepEqual(await holdsOf(say(1, true, 4)), [true], "clocks differ by minutes");
    deepEqual(await holdsOf(say(1, true, 0), say(2, false, HOUR)), [false]);
    deepEqual(await holdsOf(say(1, true, HOUR), say(3, false, 0)), [false], "nor does it outlast what is said later");
    deepEqual(await holdsOf(say(1, true, HOUR), say(3, true, 0)), [true]);
  });
});

describe("of people who turn out to be one", () => {
  const consents = (granted: boolean, channel: string | null = null) => ({
    consents: [{ purpose: "marketing", channel, granted, proof: granted ? "form-1" : null }],
  });
  const word = (minute: number, names: Readonly<Record<string, string>>, granted: boolean, channel?: string) =>
    tell("crm", minute, "consent-changed", names, consents(granted, channel));
  const together = (minute: number, names: Readonly<Record<string, string>>) =>
    tell("crm", minute, "identified", names);

  /** `channel: granted` of the one profile, in both orders of arrival alike (I1). */
  async function holdsOf(...events: Parameters<typeof foldEach>[0][number][]): Promise<string[]> {
    const [one, other] = await Promise.all(
      [events, events.toReversed()].map(async (all) => {
        const { profiles } = await (await foldEach(all)).readPeople();
        deepEqual(profiles.length, 1);
        return must(profiles[0]).view.consents.map(({ channel, granted }) => `${channel ?? "*"}: ${granted}`);
      }),
    );
    deepEqual(one, other);
    return must(one);
  }

  const [card, customer] = [{ card: "2099000017" }, { customer: "c-1" }];
  const email = { email: "ana@example.com" };

  it("who refused has refused, though the other consented later, until she does as one (the strict side)", async () => {
    const apart = [word(1, card, false), word(2, customer, true)];
    deepEqual(await holdsOf(...apart, together(3, { ...card, ...customer })), ["*: false"]);
    deepEqual(await holdsOf(...apart, together(3, { ...card, ...customer }), word(4, customer, true)), ["*: true"]);
    deepEqual(await holdsOf(...apart, word(3, { ...card, ...customer }, true)), ["*: true"], "names both");
  });

  it("what she says last holds where she was known as one before, also by an address of both", async () => {
    const [one, other] = [together(1, { ...card, ...email }), together(2, { ...customer, ...email })];
    const before = [word(3, card, false), word(5, customer, true)];
    deepEqual(await holdsOf(one, other, ...before), ["*: true"]);
    // Told before she consented, and nobody knew of the address then.
    deepEqual(await holdsOf(one, tell("crm", 6, "identified", { ...customer, ...email }), ...before), ["*: false"]);
  });

  it("whom a shared number alone had in common were two, and what is said to the number ends with a consent of whose it is", async () => {
    const phone = { phone: "+33639980017" };
    const links = [together(1, { ...card, ...phone }), together(2, { ...customer, ...phone })];
    const words = [word(3, card, false), word(4, customer, true)];
    deepEqual(await holdsOf(...links, ...words, together(5, { ...card, ...customer })), ["*: false"]);
    deepEqual(await holdsOf(together(1, { ...customer, ...phone }), word(2, phone, false), word(3, customer, true)), [
      "*: true",
    ]);
  });

  it("a general refusal of one ends the other's consent to a channel", async () => {
    const apart = [word(1, card, false), word(2, customer, true, "sms")];
    const both = together(3, { ...card, ...customer });
    deepEqual(await holdsOf(...apart, both), ["sms: false", "*: false"]);
    deepEqual(await holdsOf(...apart, both, word(4, customer, true, "sms")), ["sms: true", "*: false"]);
    deepEqual(await holdsOf(...apart, both, word(4, customer, true)), ["sms: true", "*: true"]);
  });
});
