// Every link and every refusal to link is explained by its evidence (I7).

import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { identifierKey } from "#core/identifier.ts";
import type { Component } from "#core/component.ts";
import { explainProfile, explainSeparation, findChain, OBSTACLES, type Standing } from "#core/explanation.ts";
import { membersOf } from "#core/membership.ts";
import type { Fold, FoldEvent } from "#services/fold/fold.ts";
import { readShardComponents } from "#services/wire/part.ts";
import { explain } from "#services/wire/explanation.ts";
import { foldEach } from "#support/fold-events.ts";
import { history } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";

const START_MS = Date.UTC(2026, 0, 5);
type Name = readonly [namespace: string, value: string];

function record(source: string, minute: number, ...names: readonly Name[]): FoldEvent {
  const recordedAt = START_MS + minute * 60_000;
  const identifiers = names.map(([namespace, value]) => ({ namespace, value }));
  return {
    source,
    recordedAt,
    event: { eventId: `${source}-${minute}`, type: "identified", occurredAt: recordedAt, identifiers },
  };
}

async function readAll(events: readonly FoldEvent[]): Promise<{ fold: Fold; components: Component[] }> {
  const fold = await foldEach(events);
  return { fold, components: await readShardComponents(fold.store, 0) };
}

async function ask(events: readonly FoldEvent[], ...names: readonly Name[]) {
  const { fold, components } = await readAll(events);
  const { registry } = fold.engine;
  const standings = names.map(([namespace, value]): Standing => {
    const key = identifierKey(registry, namespace, value);
    const component = components.find(({ identifiers }) => identifiers.has(key));
    const entry = component?.identifiers.get(key);
    if (component === undefined || entry === undefined) throw new Error(`nobody knows ${namespace}:${value}`);
    return { component, entry };
  });
  return { registry, standings };
}

async function separate(events: readonly FoldEvent[], a: Name, b: Name) {
  const { registry, standings } = await ask(events, a, b);
  const [one, other] = standings as [Standing, Standing];
  return explainSeparation(registry, one, other);
}

async function propose(events: readonly FoldEvent[], a: Name, b: Name): Promise<string> {
  const { registry, standings } = await ask(events, a, b);
  const [one, other] = standings as [Standing, Standing];
  const explanation = explain(registry, one, other, (value) => value);
  return explanation.one ? "" : explanation.change;
}

function rule(type: string, minute: number, ...names: readonly Name[]): FoldEvent {
  const told = record("operator", minute, ...names);
  return { ...told, event: { ...told.event, type } };
}

describe("why identifiers are one person", () => {
  it("is told by a tree of evidence from the naming identifier to every other, whatever the history", async () => {
    let links = 0;
    await fc.assert(
      fc.asyncProperty(history(2, 16), async ({ events }) => {
        const { fold, components } = await readAll(events);
        for (const component of components) {
          for (const [naming, { alive }] of component.profiles) {
            if (!alive) continue;
            const members = membersOf(component, naming);
            const chain = explainProfile(fold.engine.registry, component, naming);
            // A way may lead over an identifier that is on no profile of hers, and then it leads on.
            const ends = new Set(chain.flatMap(({ evidence }) => [evidence.a, evidence.b]));
            const shown = [...members].filter((key) => component.identifiers.get(key)?.namespace !== "mailbox");
            if (shown.length > 1) equal(chain.length, ends.size - 1);
            for (const key of ends) {
              const degree = chain.filter(({ evidence }) => evidence.a === key || evidence.b === key).length;
              ok(members.has(key) || (degree > 1 && component.identifiers.get(key)?.firstAuthenticated === null));
            }
            for (const key of shown) ok(key === naming || findChain(chain, naming, key).length > 0);
            links += chain.length;
          }
        }
      }),
      runs(1_000),
    );
    checkMet(links > 0);
  });

  it("names the rule of each link, and the way from one identifier to another", async () => {
    const { registry, standings } = await ask(
      [
        record("web", 1, ["cookie", "k"], ["customer", "c-1"]),
        record("crm", 2, ["customer", "c-1"], ["email", "ana@example.fr"]),
        record("store", 3, ["email", "ana@example.fr"], ["phone", "0612345678"]),
      ],
      ["cookie", "k"],
      ["phone", "+33612345678"],
    );
    const [cookie, phone] = standings as [Standing, Standing];
    const links = explainProfile(registry, cookie.component, cookie.entry.profile as string);
    deepEqual(
      findChain(links, cookie.entry.key, phone.entry.key).map(({ rule, evidence }) => [rule, evidence.source]),
      [
        ["sole-claimant", "web"],
        ["strong-evidence", "crm"],
        ["sole-strong-claimant", "store"],
      ],
    );
  });
});

describe("why two identifiers are not one person", () => {
  const [one, two]: readonly [Name, Name] = [
    ["customer", "c-1"],
    ["card", "2099-1"],
  ];

  it("is that no event has named both", async () => {
    const { obstacle, evidence } = await separate([record("crm", 1, one), record("crm", 2, two)], one, two);
    deepEqual([obstacle, evidence.length], ["no-evidence", 0]);
  });

  it("is that they were only claimed together (I5)", async () => {
    const email: Name = ["email", "ana@example.fr"];
    const events = [record("crm", 1, email), record("web", 2, one, email)];
    const { obstacle, evidence, namespaces } = await separate(events, one, email);
    deepEqual([obstacle, evidence.length, namespaces], ["claims-only", 1, []]);
  });

  it("is that each has a value of its own where a person has one (I3)", async () => {
    const [mine, theirs]: readonly [Name, Name] = [
      ["customer", "c-1"],
      ["customer", "c-2"],
    ];
    const events = [record("crm", 1, mine, two), record("crm", 2, theirs, two)];
    const { obstacle, namespaces } = await separate(events, theirs, two);
    deepEqual([obstacle, namespaces], ["unique-namespace", ["customer"]]);
  });

  it("is that one of them is claimed by several, or tied to too many", async () => {
    const phone: Name = ["phone", "+33612345678"];
    const shared = [record("crm", 1, one, phone), record("crm", 2, ["customer", "c-2"], phone)];
    equal((await separate(shared, one, phone)).obstacle, "contested");
    const everybody = Array.from({ length: 6 }, (_, i) =>
      record("crm", i, ["customer", `c-${i}`], ["email", "shop@example.fr"]),
    );
    equal((await separate(everybody, ["customer", "c-1"], ["email", "shop@example.fr"])).obstacle, "quarantined");
  });

  it("is undone by holding apart from a number whoever else has it, where no cut of one piece of evidence does", async () => {
    const phone: Name = ["phone", "+33612345678"];
    const events = [
      record("crm", 1, one, phone),
      record("crm", 2, ["customer", "c-2"], ["email", "b@example.fr"], phone),
    ];
    match(await propose(events, one, phone), /^others held apart from them: `weft split customer:c-2 phone:\S+`$/);
    const parted = [...events, rule("identifiers-parted", 3, ["customer", "c-2"], phone)];
    const { standings } = await ask(parted, one, phone);
    equal(standings[0]?.entry.profile, standings[1]?.entry.profile);
  });

  it("is that an operator took back what was said, or that one was given up since", async () => {
    const email: Name = ["email", "ana@example.fr"];
    const told = record("crm", 1, one, email);
    const cut = rule("evidence-cut", 2, one, email);
    const taken = await separate([told, cut], one, email);
    deepEqual([taken.obstacle, taken.evidence.length], ["cut", 1]);
    equal((await separate([told, rule("identifiers-parted", 2, one, email)], one, email)).obstacle, "held-apart");
    match(await propose([told, cut], one, email), /^what was ruled of the two lifted: `weft split customer:c-1 email:/);
    const release = (minute: number, [namespace, old]: Name): FoldEvent => {
      const told = record("crm", minute);
      Object.assign(told.event, { type: "identifier-released", replaced: { namespace, old, new: "" } });
      return told;
    };
    const released = release(2, email);
    const given = await separate([told, released], one, email);
    deepEqual([given.obstacle, given.evidence.length], ["released", 1]);
    // The same source saying it again makes no new evidence.
    match(await propose([told, released], one, email), /^one event of `store` or `call-centre` that names/);
    // Where both were, what names them together later makes them nobody's all the same.
    const other: Name = ["email", "old@example.fr"];
    const both = [told, record("crm", 3, other), released, release(4, other)];
    doesNotMatch(await propose(both, email, other), /names email:\S+ and email:/);
    const together = [...both, record("crm", 5, email, other)];
    equal((await separate(together, email, other)).obstacle, "released");
  });

  it("is that the profile has as many addresses as it may have", async () => {
    const [address, last] = [(n: number): Name => ["email", `a${n}@example.fr`], 50];
    const events = Array.from({ length: last + 1 }, (_, n) => record("web", n, one, address(n)));
    const { obstacle, namespaces } = await separate(events, one, address(last));
    deepEqual([obstacle, namespaces], ["limit", []]);
  });

  it("is of two devices the same as of those whose they are: no event of both joins them", async () => {
    const [cookie, device]: readonly [Name, Name] = [
      ["cookie", "k"],
      ["device", "d"],
    ];
    const events = [record("web", 1, one, cookie), record("web", 2, two, device)];
    equal((await separate(events, cookie, device)).obstacle, "no-evidence");
    match(await propose(events, cookie, device), /^one event of .*`crm`.* that names .*(customer:c-1|card:2099-1)/);
    const both = [...events, record("web", 3, cookie, device)];
    equal((await separate(both, cookie, device)).obstacle, "claims-only");
    match(
      await propose([record("web", 1, cookie), record("web", 2, device)], cookie, device),
      /names cookie:k and device:d$/,
    );
  });

  it("always has a reason of the closed list, for any two profiles of a component", async () => {
    await fc.assert(
      fc.asyncProperty(history(2, 14), async ({ events }) => {
        const { fold, components } = await readAll(events);
        const standings = components.flatMap((component) =>
          [...component.identifiers.values()].map((entry): Standing => ({ component, entry })),
        );
        for (const a of standings)
          for (const b of standings)
            if (a.entry.profile !== b.entry.profile)
              ok(OBSTACLES.includes(explainSeparation(fold.engine.registry, a, b).obstacle));
      }),
      runs(300),
    );
  });
});
