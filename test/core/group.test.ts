// Households and accounts link persons and never merge them: who is in one is shown on each member's view by id, leaves with
// the evidence, and of accounts the chain of parents, of which a cycle is refused (S52, S53, S91, I2, I5, G1).

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { acceptEvent } from "#core/acceptance.ts";
import type { ChannelEvent } from "#core/event.ts";
import { foldMember, GROUP_MEMBERS_MAX, listParents, PARENTS_MAX, type Group, type GroupState } from "#core/group.ts";
import type { LimitKind } from "#core/limit.ts";
import { createRegistry } from "#core/registry.ts";
import type { Fold, FoldEvent } from "#services/fold/fold.ts";
import { lookUp } from "#services/wire/lookup.ts";
import type { ProfileLine } from "#services/wire/profile-reader.ts";
import { foldEach, tell } from "#support/fold-events.ts";
import { configuration, hash, history } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";

type Part = NonNullable<ChannelEvent["group"]>;
const household = (more: Partial<Part> = {}) => ({ group: { kind: "household", groupId: "H-1", ...more } });
const account = (groupId: string, parent: string | null = null) => ({ group: { kind: "account", groupId, parent } });

async function read(fold: Fold): Promise<(who: string) => ProfileLine> {
  const { profiles } = await fold.readPeople();
  return (who) => {
    const line = profiles.find(({ identifiers }) => identifiers.some(({ value }) => value === who));
    if (line === undefined) throw new Error(`nobody is ${who}`);
    return line;
  };
}

const mother = tell("crm", 1, "identified", { customer: "c-1" }, household({ role: "mother" }));
const father = tell("crm", 2, "identified", { customer: "c-2" }, household({ role: "father" }));

describe("a household", () => {
  it("is shown on each member with the others' ids and nothing else of them, and merges nobody (S91)", async () => {
    const of = await read(await foldEach([mother, father]));
    const [one, other] = [of("c-1"), of("c-2")];
    ok(one.profileId !== other.profileId);
    deepEqual(one.view.groups, [
      {
        kind: "household",
        groupId: "H-1",
        role: "mother",
        source: "crm",
        at: "2026-03-02T00:01:00.000Z",
        members: [other.profileId],
        parents: [],
        cycleRefused: false,
      },
    ]);
    deepEqual(other.view.groups[0]?.members, [one.profileId]);
    ok(!JSON.stringify(one.view).includes("father"));
  });

  it("is told on profile-changed and profile-state, without members", async () => {
    const { outputs } = await foldEach([
      mother,
      tell("crm", 3, "identified", { customer: "c-1" }, household({ left: true })),
    ]);
    const changes = outputs.flatMap((one) =>
      one.kind === "profile-changed" ? one.changes.filter(({ path }) => path.startsWith("groups.")) : [],
    );
    deepEqual(changes, [
      { path: "groups.household.H-1", before: null, after: '"mother"' },
      { path: "groups.household.H-1", before: '"mother"', after: null },
    ]);
    const states = outputs.flatMap((one) => (one.kind === "profile-state" ? [one.state?.groups ?? []] : []));
    deepEqual(
      states.map((groups) => groups.map(({ groupId, role }) => `${groupId} ${role}`)),
      [["H-1 mother"], []],
    );
  });

  it("is left by who says so last, whatever the order of telling (P1)", async () => {
    const leaves = tell("crm", 3, "identified", { customer: "c-2" }, household({ left: true }));
    for (const events of [
      [mother, father, leaves],
      [leaves, mother, father],
    ]) {
      const of = await read(
        await foldEach(events.map((one, n) => ({ ...one, recordedAt: mother.recordedAt + 1e6 + n }))),
      );
      deepEqual(of("c-1").view.groups[0]?.members, []);
      deepEqual(of("c-2").view.groups, []);
    }
  });

  it("goes with the identifier that it was told of, into a merge and out of it again (I2)", async () => {
    const linked = tell("operator", 4, "identifiers-linked", { customer: "c-2", email: "b@example.fr" });
    const alone = tell("crm", 3, "identified", { email: "b@example.fr" }, household({ role: "son" }));
    const lifted = tell("operator", 5, "ruling-lifted", { customer: "c-2", email: "b@example.fr" });
    const stranger = { ...tell("crm", 2, "identified", { customer: "c-2" }) };
    const together = await read(await foldEach([mother, stranger, alone, linked]));
    deepEqual(together("c-1").view.groups[0]?.members, [together("c-2").profileId]);
    const apart = await read(await foldEach([mother, stranger, alone, linked, lifted]));
    deepEqual(apart("c-1").view.groups[0]?.members, [apart("b@example.fr").profileId]);
    deepEqual(apart("c-2").view.groups, []);
  });

  it("forgets whoever is erased, and a number that was given up (G1)", async () => {
    const fold = await foldEach([mother, father]);
    const draft = await fold.draftErasure("customer", "c-2");
    if (!draft.ok) throw new Error(draft.reason);
    await fold.erase({ ...draft.keys, requestId: "r", at: father.recordedAt + 60_000 });
    deepEqual((await read(fold))("c-1").view.groups[0]?.members, []);
    const released = { replaced: { namespace: "email", old: "b@example.fr", new: "" } };
    const of = await read(
      await foldEach([
        mother,
        tell("crm", 2, "identified", { email: "b@example.fr" }, household()),
        tell("crm", 3, "identifier-released", {}, released),
      ]),
    );
    deepEqual(of("c-1").view.groups[0]?.members, []);
  });

  it("takes nobody in by a claim (I5)", async () => {
    const typed = tell("web", 3, "identified", { email: "x@example.fr" }, household());
    const of = await read(await foldEach([mother, typed]));
    deepEqual(of("c-1").view.groups[0]?.members, []);
    deepEqual(of("x@example.fr").view.groups, []);
  });

  it("is the same in a look-up as in all profiles, in any history", async () => {
    let linked = 0;
    await fc.assert(
      fc.asyncProperty(history(6, 20), async ({ events }) => {
        const fold = await foldEach(events);
        const services = { engine: fold.engine, index: fold.index, store: fold.store, shards: 1 };
        for (const { profileId, view, identifiers } of (await fold.readPeople()).profiles)
          for (const { namespace, value, state } of view.groups.length === 0 ? [] : identifiers) {
            if (state !== "owned") continue;
            const found = await lookUp(services, namespace, value, "FR");
            if (!found.found || found.claimedOnly) continue;
            equal(found.profile.profileId, profileId);
            deepEqual(found.profile.view.groups, view.groups);
            linked += view.groups.filter(({ members, parents }) => members.length + parents.length > 0).length;
          }
      }),
      runs(400),
    );
    checkMet(linked > 0);
  });

  it("knows so many anchors, those that sort first, in any order, and counts the others (O4, P1)", () => {
    const keys = Array.from({ length: GROUP_MEMBERS_MAX + 3 }, (_, n) => `k${String(n).padStart(3, "0")}`);
    const told = { occurredAt: 1, left: false, parent: null };
    const fold = (order: readonly string[]) => {
      const limits: LimitKind[] = [];
      const { members } = order.reduce((state, key) => foldMember(state, key, told, 1, limits), {
        members: {},
      } as GroupState);
      return { members: Object.keys(members), limits };
    };
    for (const order of [keys, keys.toReversed()]) {
      const { members, limits } = fold(order);
      deepEqual(members, keys.slice(0, GROUP_MEMBERS_MAX));
      deepEqual(limits, ["group-members", "group-members", "group-members"]);
    }
  });
});

describe("an account", () => {
  const events: readonly FoldEvent[] = [
    tell("crm", 1, "identified", { customer: "c-1" }, account("SHOP", "GROUP")),
    tell("crm", 2, "identified", { customer: "c-2" }, account("GROUP", "HOLDING")),
    tell("crm", 3, "identified", { customer: "c-3" }, account("HOLDING")),
  ];
  const chainOf = async (all: readonly FoldEvent[], who: string) => {
    const [group] = (await read(await foldEach(all)))(who).view.groups;
    return [group?.parents, group?.cycleRefused];
  };

  it("has a chain of parents, up to the ultimate one (S53)", async () => {
    deepEqual(await chainOf(events, "c-1"), [["GROUP", "HOLDING"], false]);
    deepEqual(await chainOf(events.slice(0, 1), "c-1"), [["GROUP"], false]);
    const sold = tell("crm", 4, "identified", { customer: "c-1" }, account("SHOP", ""));
    deepEqual(await chainOf([...events, sold], "c-1"), [[], false]);
  });

  it("is refused the link that closes a cycle, the one that was told last, in any order of recording (P1)", async () => {
    const closing = tell("crm", 4, "identified", { customer: "c-3" }, account("HOLDING", "SHOP"));
    const all = [...events, closing];
    for (const order of [all, all.toReversed()]) {
      const told = order.map((one, n) => ({ ...one, recordedAt: closing.recordedAt + n }));
      deepEqual(await chainOf(told, "c-1"), [["GROUP", "HOLDING"], true]);
      deepEqual(await chainOf(told, "c-3"), [[], true]);
    }
    const own = tell("crm", 5, "identified", { customer: "c-1" }, account("SHOP", "SHOP"));
    deepEqual(await chainOf([...events, own], "c-1"), [[], true]);
  });

  it("is read so many levels up", () => {
    const group = (n: number): Group => ({ groupId: `a${n}`, members: [], parent: { groupId: `a${n + 1}`, at: n } });
    const { parents } = listParents(group(0), (groupId) => group(Number(groupId.slice(1))));
    equal(parents.length, PARENTS_MAX);
  });
});

describe("the part group at the door", () => {
  const registry = createRegistry(configuration, hash);
  const accept = (group: Part) => {
    const { event, source, recordedAt } = tell("crm", 1, "identified", { customer: "c" }, { group });
    return acceptEvent(registry, source, recordedAt, event);
  };
  const refused: readonly [what: string, group: Part, detail: RegExp][] = [
    ["a kind that there is not", { kind: "club", groupId: "1" }, /group\.kind is none of household, account/],
    ["an id that is too long", { kind: "household", groupId: "x".repeat(401) }, /more than 400 characters/],
    ["a parent that is too long", { kind: "account", groupId: "1", parent: "x".repeat(401) }, /more than 400/],
    ["a household's parent", { kind: "household", groupId: "1", parent: "2" }, /a household has no parent/],
  ];
  for (const [what, group, detail] of refused)
    it(`refuses ${what}`, () => {
      const acceptance = accept(group);
      ok(!acceptance.ok);
      equal(acceptance.reason, "contract-violation");
      match(acceptance.detail, detail);
    });

  it("is as if it were not there without an id", () => {
    const acceptance = accept({ kind: "household", groupId: "  " });
    ok(acceptance.ok);
    equal(acceptance.accepted.group, null);
  });
});
