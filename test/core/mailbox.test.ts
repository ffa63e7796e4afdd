// Mailboxes bring who typed an address to whom another address of the same mailbox is known of, and never join two known
// people: a weak extra key.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { acceptEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import type { Configuration } from "#core/configuration.ts";
import { isWithoutFacts } from "#core/declaration.ts";
import { foldAddress } from "#core/mailbox.ts";
import { createRegistry } from "#core/registry.ts";
import { rulingType } from "#core/ruling.ts";
import type { Fold, FoldEvent } from "#services/fold/fold.ts";
import { explain } from "#services/wire/explanation.ts";
import { lookUp } from "#services/wire/lookup.ts";
import { findIdentifier, type Located } from "#services/wire/location.ts";
import { foldEach, tell } from "#support/fold-events.ts";
import { configuration, hash, usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";

const without: Configuration = {
  ...configuration,
  namespaces: configuration.namespaces.filter(({ foldOf }) => foldOf === undefined),
};
const ANA = tell("crm", 0, "identified", { customer: "c-ana", email: "ana.b@gmail.com" });
const TYPED = tell("web", 1, "page-viewed", { cookie: "k", email: "Ana.B+shop@googlemail.com" });
const BOB = tell("crm", 2, "identified", { customer: "c-bob", email: "anab+bob@gmail.com" });

function rule(minute: number, verdict: "cut" | "apart" | "linked", ...names: readonly (readonly [string, string])[]) {
  const identifiers = names.map(([namespace, value]) => ({ namespace, value }));
  return tell("operator", minute, rulingType(verdict), {}, { identifiers });
}

async function peopleOf(events: readonly FoldEvent[]): Promise<string[]> {
  const { profiles } = await (await foldEach(events)).readPeople();
  return profiles
    .map(({ identifiers }) => identifiers.map(({ namespace, value }) => `${namespace}=${value}`).join(" "))
    .toSorted(compareText);
}

const HERS = "customer=c-ana email=ana.b@gmail.com";
const TYPED_BY_NOBODY = "cookie=k email=ana.b+shop@googlemail.com";
const TYPED_BY_ANA = "cookie=k customer=c-ana email=ana.b+shop@googlemail.com email=ana.b@gmail.com";
const BOBS = "customer=c-bob email=anab+bob@gmail.com";

describe("the mailbox of an address", () => {
  it("is without dots and without what follows a plus where the provider says so, and nothing elsewhere", () => {
    deepEqual(["ana.b+x@gmail.com", "anab@googlemail.com", "a.b+c@outlook.com", "a+b@icloud.com"].map(foldAddress), [
      "anab@gmail.com",
      "anab@gmail.com",
      "a.b@outlook.com",
      "a@icloud.com",
    ]);
    deepEqual(["a.b+c@example.fr", "jean-paul@yahoo.fr", "a.b@yandex.com", "+x@gmail.com"].map(foldAddress), [
      null,
      null,
      null,
      null,
    ]);
  });

  it("brings a visit that typed another address of it to the person who is known by one, in any order", async () => {
    deepEqual(await peopleOf([ANA, TYPED]), [TYPED_BY_ANA]);
    deepEqual(await peopleOf([TYPED, ANA]), [TYPED_BY_ANA]);
    const again = tell("web", 3, "page-viewed", { cookie: "l", email: "anab+two@gmail.com" });
    deepEqual(await peopleOf([TYPED, again]), [
      "cookie=k cookie=l email=ana.b+shop@googlemail.com email=anab+two@gmail.com",
    ]);
  });

  it("joins no two known people: of two who have it, it is neither's (I5)", async () => {
    deepEqual(await peopleOf([ANA, BOB, TYPED]), [HERS, BOBS, TYPED_BY_NOBODY].toSorted(compareText));
  });

  it("is named by no event, counted by no limit and shown nowhere; no profile is its own", async () => {
    const registry = createRegistry(configuration, hash);
    const emails = Array.from({ length: 16 }, (_, i) => ({ namespace: "email", value: `a${i}@gmail.com` }));
    const many = tell("web", 0, "page-viewed", {}, { identifiers: emails });
    const acceptance = acceptEvent(registry, many.source, many.recordedAt, many.event);
    equal(acceptance.ok && acceptance.accepted.identifiers.length, 32);
    const named = tell("crm", 0, "identified", { mailbox: "anab@gmail.com", cookie: "k" });
    const left = acceptEvent(registry, named.source, named.recordedAt, named.event);
    deepEqual(left.ok && [left.accepted.identifiers.length, left.accepted.leftOut], [
      1,
      { junk: 0, unknownNamespace: 1 },
    ]);
    const fold = await foldEach([ANA, BOB, TYPED]);
    equal(JSON.stringify(fold.outputs).includes("mailbox"), false);
    equal(JSON.stringify((await fold.readPeople()).profiles).includes("mailbox"), false);
    deepEqual(
      fold.outputs.flatMap((one) => (one.kind === "profile-state" ? [one.state?.identifiersCount] : [])),
      [2, 2, 2],
    );
    const alone = await foldEach([TYPED]);
    const services = { engine: alone.engine, index: alone.index, store: alone.store, shards: 1 };
    const found = await lookUp(services, "email", "ana.b+shop@googlemail.com", "FR");
    deepEqual(found.found && found.profile.identifiers.length, 1, "a claimed identifier shows what is its own");
  });

  it("that more than fifty addresses have links nothing, and does so again when they are fewer (I4)", async () => {
    const typed = Array.from({ length: 50 }, (_, i) =>
      tell("web", 10 + i, "page-viewed", { cookie: `k${i}`, email: `anab+${i}@gmail.com` }),
    );
    equal((await peopleOf([ANA, ...typed.slice(1)])).length, 1);
    equal((await peopleOf([ANA, ...typed])).length, 51);
    const released = tell(
      "crm",
      90,
      "identifier-released",
      {},
      {
        replaced: { namespace: "email", old: "anab+7@gmail.com", new: "" },
      },
    );
    // What was given up is on no profile, and the visit that typed it is by itself.
    equal((await peopleOf([ANA, ...typed, released])).length, 2);
  });

  it("is taken back: cut from an address, or the two addresses held apart (I2)", async () => {
    const [other, own] = [
      ["email", "ana.b+shop@googlemail.com"],
      ["email", "ana.b@gmail.com"],
    ] as const;
    const parted = [HERS, TYPED_BY_NOBODY].toSorted(compareText);
    deepEqual(await peopleOf([ANA, TYPED, rule(5, "apart", other, own)]), parted);
    deepEqual(await peopleOf([ANA, TYPED, rule(5, "cut", other, ["mailbox", "ana.b@gmail.com"])]), parted);
    deepEqual(await peopleOf([ANA, TYPED, rule(5, "cut", own, ["mailbox", "anab@gmail.com"])]), parted);
    const linked = await foldEach([ANA, TYPED, rule(5, "linked", other, ["mailbox", "anab@gmail.com"])]);
    deepEqual(
      linked.outcomes.map(({ reason }) => reason),
      [null, null, "contract-violation"],
    );
  });

  it("is what is told of why the visit is hers (I7)", async () => {
    const fold = await foldEach([ANA, TYPED]);
    const services = { engine: fold.engine, index: fold.index, store: fold.store, shards: 1 };
    const [one, other] = (await Promise.all([
      findIdentifier(services, "cookie", "k", "FR"),
      findIdentifier(services, "email", "ana.b@gmail.com", "FR"),
    ])) as unknown as [Located, Located];
    const explanation = explain(fold.engine.registry, one, other, (value) => value);
    deepEqual(explanation.one && explanation.links.map(({ rule: how }) => how), [
      "cluster",
      "same-mailbox",
      "same-mailbox",
    ]);
  });

  it("moves no known identifier, whatever the history (I5)", async (t) => {
    const met = { histories: 0, moved: 0 };
    const knownOf = (people: Awaited<ReturnType<Fold["readPeople"]>>, keys: ReadonlySet<string>) =>
      [...people.holders].filter(([key]) => keys.has(key)).toSorted(([a], [b]) => compareText(a, b));
    await fc.assert(
      fc.asyncProperty(usual, async ({ events }) => {
        const registry = createRegistry(configuration, hash);
        const known = new Set<string>();
        for (const { source, recordedAt, event } of events) {
          const acceptance = acceptEvent(registry, source, recordedAt, event);
          // That one was given up, or two are held apart, does not make them known.
          if (!acceptance.ok || (isWithoutFacts(acceptance.accepted) && event.type !== rulingType("linked"))) continue;
          for (const { key, assurance, namespace } of acceptance.accepted.identifiers)
            if (assurance !== "claimed" && registry.namespaces.get(namespace)?.kind !== "device") known.add(key);
        }
        const [folded, unfolded] = [await foldEach(events), await foldEach(events, without)];
        const people = await folded.readPeople();
        const others = await unfolded.readPeople();
        deepEqual(knownOf(people, known), knownOf(others, known));
        met.histories += 1;
        met.moved += people.profiles.length === others.profiles.length ? 0 : 1;
      }),
      { ...runs(1_000), examples: [[{ scenario: "typed", events: [ANA, TYPED] }]] },
    );
    t.diagnostic(
      `${met.histories} histories, of which ${met.moved} have other visits with a person than without mailboxes`,
    );
    checkMet(met.moved > Math.floor(met.histories / 100));
  });
});
