// What an operator may not rule is refused with the reason, before anything is written (bad input); and what would
// go round in circles does not.

import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { OperatorVerdict } from "#core/ruling.ts";
import { OPERATOR_VERDICTS, rulingType } from "#core/ruling.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { judgeRuling, type NamedIdentifier, RulingRefused } from "#services/wire/ruling.ts";
import { foldEach, tell } from "#support/fold-events.ts";
import { configuration } from "#support/histories.ts";

const name = (namespace: string, value: string): NamedIdentifier => ({ namespace, value });
const [ANA, BOB] = [name("customer", "c-ana"), name("customer", "c-bob")];
const [CARD, EMAIL, MAILBOX] = [name("card", "2099"), name("email", "bob@gmail.com"), name("mailbox", "bob@gmail.com")];
const LOG = [
  tell("crm", 0, "identified", { customer: "c-ana" }),
  tell("store", 1, "identified", { card: "2099" }),
  tell("crm", 2, "identified", { customer: "c-bob", email: "bob@gmail.com" }),
];

async function judge(
  verdict: OperatorVerdict,
  one: NamedIdentifier,
  other: NamedIdentifier,
  log: readonly FoldEvent[] = LOG,
): Promise<string[]> {
  const fold = await foldEach(log);
  const services = { engine: fold.engine, index: fold.index, store: fold.store, shards: 1 };
  const before = JSON.stringify([await fold.readPeople(), fold.outputs]);
  const judged = judgeRuling(services, verdict, [one, other], "FR");
  await judged.catch(() => {});
  equal(JSON.stringify([await fold.readPeople(), fold.outputs]), before, "nothing changed");
  return (await judged).map(({ entry }) => `${entry.namespace} ${entry.value}`);
}

function refuses(
  verdict: OperatorVerdict,
  one: NamedIdentifier,
  other: NamedIdentifier,
  message: RegExp,
  log: readonly FoldEvent[] = LOG,
) {
  return rejects(
    judge(verdict, one, other, log),
    (error) => error instanceof RulingRefused && message.test(error.message),
  );
}

function rule(minute: number, verdict: OperatorVerdict, ...identifiers: NamedIdentifier[]): FoldEvent {
  return tell("operator", minute, rulingType(verdict), {}, { identifiers });
}

async function peopleOf(events: readonly FoldEvent[], told = configuration): Promise<string[]> {
  const { profiles } = await (await foldEach(events, told)).readPeople();
  return profiles
    .map(({ identifiers }) => identifiers.map(({ namespace, value }) => `${namespace}=${value}`).join(" "))
    .toSorted();
}

describe("an operator's ruling", () => {
  it("about somebody whom nobody has met is refused, whichever of the two it is", async () => {
    await refuses("linked", ANA, name("customer", "c-nobody"), /^customer: unknown-identifier$/);
    await refuses("apart", name("email", "nobody@example.fr"), ANA, /^email: unknown-identifier$/);
    await refuses("cut", name("fax", "1"), ANA, /^fax: unknown-namespace$/);
    await refuses("linked", name("email", "test@test.com"), ANA, /^email: /);
  });

  it("that lifts where nothing is ruled is refused, also where that was lifted", async () => {
    await refuses("lifted", ANA, CARD, /nothing is ruled/);
    const linked = [...LOG, rule(5, "linked", ANA, CARD)];
    deepEqual(await judge("lifted", ANA, CARD, linked), ["customer c-ana", "card 2099"]);
    await refuses("lifted", ANA, CARD, /nothing is ruled/, [...linked, rule(6, "lifted", ANA, CARD)]);
  });

  it("about an identifier and itself is refused, however that is written", async () => {
    await refuses("linked", ANA, ANA, /same identifier/);
    await refuses("apart", EMAIL, name("email", ' "BOB@gmail.com" '), /same identifier/);
  });

  it("that would put two values of a unique namespace on one profile is refused, and does not if it is written (I3)", async () => {
    await refuses("linked", ANA, BOB, /each has a customer of its own/);
    await refuses("linked", ANA, EMAIL, /each has a customer of its own/);
    deepEqual(await judge("linked", ANA, CARD), ["customer c-ana", "card 2099"]);
    deepEqual(await peopleOf([...LOG, rule(5, "linked", ANA, BOB)]), await peopleOf(LOG));
    // An operator's word outranks the customer file's, and parts whom that had united rather than that two share a profile.
    deepEqual(await peopleOf([...LOG, rule(5, "linked", ANA, EMAIL)]), [
      "card=2099",
      "customer=c-ana email=bob@gmail.com",
      "customer=c-bob",
    ]);
  });

  it("that links two who are held apart by others of theirs, or who link nothing, is refused, and changes nothing", async () => {
    const [cookie, device] = [name("cookie", "k"), name("device", "d")];
    const told = [
      ...LOG,
      tell("web", 3, "page-viewed", { customer: "c-ana", cookie: "k" }),
      tell("store", 4, "identified", { card: "2099", email: "ana@example.fr" }),
      rule(5, "apart", ANA, CARD),
    ];
    await refuses(
      "linked",
      ANA,
      name("email", "ana@example.fr"),
      /it would part others .*an operator holds them apart/,
      told,
    );
    // What was ruled of the very two, a later ruling takes the place of.
    deepEqual(await judge("linked", ANA, CARD, told), ["customer c-ana", "card 2099"]);
    const everybody = Array.from({ length: 6 }, (_, n) =>
      tell("crm", n, "identified", { customer: `c-${n}`, email: "shop@example.fr" }),
    );
    await refuses(
      "linked",
      name("customer", "c-1"),
      name("email", "shop@example.fr"),
      /it links nothing any more/,
      everybody,
    );
    const many = Array.from({ length: 51 }, (_, n) =>
      tell("crm", n, "identified", { customer: "c-ana", email: `a${n}@example.fr` }),
    );
    await refuses("linked", ANA, name("email", "a50@example.fr"), /`valuesMax` allows/, many);
    const lent = [...told, tell("web", 6, "page-viewed", { card: "2099", cookie: "k" })];
    await refuses("linked", ANA, cookie, /claimed by several people/, lent);
    const apart = [
      tell("web", 1, "page-viewed", { customer: "c-ana", cookie: "k" }),
      tell("app", 2, "page-viewed", { customer: "c-bob", device: "d" }),
    ];
    await refuses("linked", cookie, device, /each has a customer of its own/, apart);
  });

  it("that links two who were both given up is refused, for nobody's profile comes of it (I6, I7)", async () => {
    const released = (minute: number, { namespace, value }: NamedIdentifier) =>
      tell("crm", minute, "identifier-released", {}, { replaced: { namespace, old: value, new: "" } });
    const other = name("email", "old@example.fr");
    const told = [...LOG, tell("store", 3, "identified", { email: "old@example.fr" }), released(4, EMAIL)];
    deepEqual(await judge("linked", EMAIL, other, told), ["email bob@gmail.com", "email old@example.fr"]);
    told.push(released(5, other));
    await refuses("linked", EMAIL, other, /was given up, and nothing else names them/, told);
    const linked = [...told, rule(6, "linked", EMAIL, other)];
    deepEqual(await peopleOf(linked), ["card=2099", "customer=c-ana", "customer=c-bob"]);
  });

  it("that links a mailbox is refused, and no record if it is written", async () => {
    await refuses("linked", ANA, MAILBOX, /a mailbox is nobody's/);
    deepEqual(await judge("cut", EMAIL, MAILBOX), ["email bob@gmail.com", "mailbox bob@gmail.com"]);
    const { outcomes } = await foldEach([...LOG, rule(5, "linked", ANA, MAILBOX)]);
    deepEqual(outcomes.at(-1)?.reason, "contract-violation");
  });

  it("is the operator's to say: of any other source, whatever it may assert, it is refused, and ties nobody", async () => {
    const [crm] = configuration.sources.filter((source) => source.name === "crm");
    const office = { ...crm, name: "office", topic: "office", assurance: { "*": "operator" } } as const;
    const told = { ...configuration, sources: [...configuration.sources, office as NonNullable<typeof crm>] };
    for (const [i, source] of ["office", "crm", "web"].entries())
      for (const [j, verdict] of OPERATOR_VERDICTS.entries()) {
        const said = tell(source, 10 * i + j, rulingType(verdict), { customer: "c-ana", card: "2099" });
        const fold = await foldEach([...LOG, said], told);
        equal(fold.outcomes.at(-1)?.reason, "contract-violation", `${source} ${verdict}`);
        deepEqual(await peopleOf([...LOG, said], told), await peopleOf(LOG));
      }
  });

  it("and others that go round in a circle make the people that they make without the last", async () => {
    const [one, two, three] = [name("card", "2099"), name("crm-contact", "m-1"), name("customer", "c-ana")];
    const chain = [...LOG, rule(5, "linked", one, two), rule(6, "linked", two, three)];
    deepEqual(await peopleOf([...chain, rule(7, "linked", three, one)]), await peopleOf(chain));
    const replaced = (minute: number, old: string, by: string) =>
      tell("crm", minute, "identifier-replaced", {}, { replaced: { namespace: "customer", old, new: by } });
    const once = [...LOG, replaced(5, "c-ana", "c-bob")];
    const round = [...once, replaced(6, "c-bob", "c-cleo"), replaced(7, "c-cleo", "c-ana")];
    deepEqual(await peopleOf(once), ["card=2099", "customer=c-ana customer=c-bob email=bob@gmail.com"]);
    deepEqual(await peopleOf(round), [
      "card=2099",
      "customer=c-ana customer=c-bob customer=c-cleo email=bob@gmail.com",
    ]);
  });
});
