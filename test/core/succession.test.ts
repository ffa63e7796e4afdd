// Cards that are issued anew and numbers that are given up: two values that count as one, and ties that end (design 4).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { acceptEvent } from "#core/acceptance.ts";
import { createRegistry } from "#core/registry.ts";
import { compareText } from "#core/comparison.ts";
import type { ChannelEvent, IdentifierClaim } from "#core/event.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { lookUp, lookUpId } from "#services/wire/lookup.ts";
import { foldEach, lookInto } from "#support/fold-events.ts";
import { configuration, hash } from "#support/histories.ts";

const START_MS = Date.UTC(2026, 2, 2);

let count = 0;
function tell(
  source: string,
  type: string,
  identifiers: IdentifierClaim[],
  more: Partial<ChannelEvent> = {},
): FoldEvent {
  count += 1;
  const recordedAt = START_MS + count * 60_000;
  return { source, recordedAt, event: { eventId: `e${count}`, type, occurredAt: recordedAt, identifiers, ...more } };
}

const id = (namespace: string, value: string): IdentifierClaim => ({ namespace, value });
const replace = (namespace: string, old: string, now: string, source = "crm") =>
  tell(source, "identifier-replaced", [], { replaced: { namespace, old, new: now } });
const release = (namespace: string, value: string, source = "crm") =>
  tell(source, "identifier-released", [], { replaced: { namespace, old: value, new: "" } });

async function findPeople(events: readonly FoldEvent[]): Promise<string[][]> {
  const { profiles } = await (await foldEach(events)).readPeople();
  return profiles
    .map(({ identifiers }) => identifiers.map(({ value }) => value).sort(compareText))
    .sort((a, b) => compareText(a.join(), b.join()));
}

describe("an identifier that was replaced", () => {
  const bought = tell("store", "order-placed", [id("card", "OLD-7"), id("phone", "0612345671")], {
    order: { orderId: "1", totalMinor: 100 },
  });
  const moved = replace("card", "OLD-7", "NEW-7");
  const again = tell("store", "identified", [id("card", "NEW-7"), id("customer", "C-7")]);

  it("is one with what replaced it, in whatever order that is told (I1, I3)", async () => {
    for (const events of [
      [bought, moved, again],
      [again, bought, moved],
      [moved, again, bought],
    ])
      deepEqual(await findPeople(events), [["+33612345671", "C-7", "NEW-7", "OLD-7"]]);
  });

  it("without that stays another person's: a card is one person's, and a person has one (I3)", async () => {
    const both = tell("store", "identified", [id("card", "OLD-7"), id("card", "NEW-7")]);
    deepEqual(await findPeople([bought, both, again]), [
      ["+33612345671", "OLD-7"],
      ["C-7", "NEW-7"],
    ]);
  });

  it("is itself again when an operator cuts it, and replaced again when that is lifted (I2)", async () => {
    const pair = [id("card", "OLD-7"), id("card", "NEW-7")];
    const told = [bought, moved, again, tell("operator", "evidence-cut", pair)];
    deepEqual(await findPeople(told), [
      ["+33612345671", "OLD-7"],
      ["C-7", "NEW-7"],
    ]);
    told.push(tell("operator", "ruling-lifted", pair));
    deepEqual(await findPeople(told), [["+33612345671", "C-7", "NEW-7", "OLD-7"]]);
  });
});

describe("an identifier that was released", () => {
  const hers = tell("crm", "identified", [id("customer", "C-1"), id("phone", "0612345671")]);
  const givenUp = release("phone", "0612345671");
  const his = tell("crm", "identified", [id("customer", "C-2"), id("phone", "0612345671")]);

  it("belongs to whoever names it afterwards, and is contested by nobody (I1)", async () => {
    deepEqual(
      await findPeople([hers, his]),
      [
        ["+33612345671", "C-1"],
        ["+33612345671", "C-2"],
      ],
      "shown on both",
    );
    for (const events of [
      [hers, givenUp, his],
      [his, hers, givenUp],
      [givenUp, his, hers],
    ])
      deepEqual(await findPeople(events), [["+33612345671", "C-2"], ["C-1"]]);
  });

  it("is nobody's until then", async () => {
    deepEqual(await findPeople([hers, givenUp]), [["C-1"]]);
  });

  it("takes the visits along that hung on it alone", async () => {
    const typed = tell("web", "page-viewed", [id("cookie", "ck-1"), id("email", "a@example.fr")]);
    const known = tell("crm", "identified", [id("customer", "C-3"), id("email", "a@example.fr")]);
    deepEqual(await findPeople([typed, known]), [["C-3", "a@example.fr", "ck-1"]]);
    deepEqual(await findPeople([typed, known, release("email", "a@example.fr")]), [["C-3"], ["ck-1"]]);
  });

  it("brings nothing that was kept under it to whoever has it next, in whatever order that is told (I1)", async () => {
    const number = [id("phone", "0612345671")];
    const order = { orderId: "1", totalMinor: 100, lines: [{ productId: "p", quantity: 1, unitPriceMinor: 100 }] };
    const bought = tell("store", "order-placed", number, { order });
    const said = tell("store", "traits-changed", number, { traits: { city: "Lyon" } });
    const upped = release("phone", "0612345671");
    const next = tell("crm", "identified", [id("customer", "C-2"), ...number]);
    const log = [bought, said, upped, next];
    for (const events of [log, log.toReversed(), [next, upped, said, bought], [said, next, bought, upped]]) {
      const { profiles, unattributedOrders } = await (await foldEach(events)).readPeople();
      equal(unattributedOrders, 1);
      deepEqual(
        profiles.map(({ identifiers, view }) => [identifiers.map(({ value }) => value), view.orders, view.traits]),
        [[["C-2", "+33612345671"], [], {}]],
      );
    }
  });

  it("makes a profile known again that it comes back to from none, in whatever order that is told (P1)", async () => {
    const number = id("phone", "0612345671");
    const log = [
      tell("web", "page-viewed", [id("card", "K-1"), id("email", "a@example.fr"), number]),
      release("card", "K-1", "store"),
      tell("call-centre", "called", [number, id("crm-contact", "M-1")]),
      tell("crm", "identified", [number, id("customer", "C-1")]),
    ].map((told) => ({ ...told, recordedAt: START_MS }));
    for (const events of [log, log.toReversed()]) {
      const { profiles } = await (await foldEach(events)).readPeople();
      deepEqual(
        profiles.map(({ segment }) => segment),
        ["prospect", "prospect", "prospect"],
      );
    }
  });

  it("passes nobody's id on: the former one ends, and leads to nobody (I6)", async () => {
    const address = id("email", "a@example.fr");
    const known = tell("crm", "identified", [address]);
    const hers = tell("crm", "identified", [id("customer", "C-1"), address]);
    const upped = release("email", "a@example.fr");
    const his = tell("crm", "identified", [id("customer", "C-2"), address]);
    const before = (await (await foldEach([known, hers])).readPeople()).profiles[0]?.profileId ?? "";
    for (const events of [
      [known, hers, upped, his],
      [his, known, upped, hers],
      [hers, his, known, upped],
    ]) {
      const fold = await foldEach(events);
      const { profiles } = await fold.readPeople();
      deepEqual(
        profiles
          .map(({ identifiers }) => identifiers.map(({ value }) => value))
          .toSorted((a, b) => compareText(a.join(), b.join())),
        [["C-1"], ["C-2", "a@example.fr"]],
      );
      ok(profiles.every(({ profileId }) => profileId !== before));
      const aliases = fold.outputs.filter((output) => output.kind === "alias" && output.oldProfileId === before);
      equal(aliases.findLast((output) => output.kind === "alias")?.profileId ?? null, null);
      const services = await lookInto(fold);
      equal((await lookUpId(services, before)).found, false);
      const found = await lookUp(services, "email", "a@example.fr", "FR");
      deepEqual(found.found && found.profile.identifiers.map(({ value }) => value), ["C-2", "a@example.fr"]);
    }
  });
});

describe("what is said of identifiers themselves", () => {
  const registry = createRegistry(configuration, hash);
  const outcome = ({ source, recordedAt, event }: FoldEvent) => {
    const accepted = acceptEvent(registry, source, recordedAt, event);
    return accepted.ok ? (accepted.accepted.ruling?.verdict ?? "nothing") : accepted.reason;
  };

  it("is taken from sources that may say so alone, and is about identifiers that people have", () => {
    equal(outcome(replace("card", "OLD", "NEW")), "replaced");
    equal(outcome(release("phone", "0612345671")), "released");
    for (const refused of [
      replace("card", "OLD", "NEW", "web"),
      release("phone", "0612345671", "app"),
      replace("cookie", "OLD", "NEW"),
      replace("card", "OLD", "null"),
      replace("card", "OLD", " OLD "),
      replace("no-such-namespace", "OLD", "NEW"),
      release("email", "null"),
      tell("crm", "identifier-replaced", [id("card", "OLD")]),
      tell("crm", "identifier-released", [id("card", "OLD"), id("phone", "0612345671")]),
    ])
      equal(["contract-violation", "no-identifier"].includes(outcome(refused)), true, JSON.stringify(refused));
  });
});
