// What a dry run tells is what then happens: merges, parted people and conflicts, in any history; and it writes nothing (S14).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { Erasures } from "#core/erasure.ts";
import { CONFLICT_KINDS } from "#core/rehearsal.ts";
import type { Fold, FoldEvent } from "#services/fold/fold.ts";
import { type RehearsalReport, rehearseEvents } from "#services/wire/rehearsal.ts";
import { foldEach, tell } from "#support/fold-events.ts";
import { history } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function rehearseOn({ engine, index, store }: Fold, events: readonly FoldEvent[], erasures = new Erasures()) {
  return rehearseEvents({ engine, index, store, shards: 1 }, erasures, events);
}

/** Former profiles that are one and the same now, by what was told of aliases. */
async function listMerged(fold: Fold, former: readonly string[]): Promise<string[]> {
  const living = new Set((await fold.readPeople()).profiles.map(({ profileId }) => profileId));
  const aliases = new Map<string, string | null>();
  for (const one of fold.outputs) if (one.kind === "alias") aliases.set(one.oldProfileId, one.profileId);
  const groups = new Map<string, string[]>();
  for (const id of former) {
    const now = aliases.get(id) ?? id;
    if (living.has(now)) groups.set(now, [...(groups.get(now) ?? []), id]);
  }
  return [...groups.values()].flatMap((all) => (all.length > 1 ? [all.toSorted(compare).join(" ")] : [])).toSorted();
}

async function dump({ store }: Fold): Promise<string[]> {
  const parts: string[] = [];
  for await (const { key, value } of store.scan(0, "")) parts.push(`${key} ${Buffer.from(value).toString("base64")}`);
  return parts.toSorted();
}

describe("a dry run", () => {
  it("names the merges that then come, in any history, and changes nothing", async () => {
    let met = 0;
    await fc.assert(
      fc.asyncProperty(history(4, 20), fc.double({ min: 0.2, max: 0.9, noNaN: true }), async ({ events }, share) => {
        const inOrder = events.toSorted((a, b) => a.recordedAt - b.recordedAt);
        const cut = Math.ceil(inOrder.length * share);
        const fold = await foldEach(inOrder.slice(0, cut));
        const { profiles: former } = await fold.readPeople();
        const stored = await dump(fold);
        const report = await rehearseOn(fold, inOrder.slice(cut));
        deepEqual(await dump(fold), stored);
        for (const event of inOrder.slice(cut)) await fold.add([event]);
        const merged = await listMerged(
          fold,
          former.map(({ profileId }) => profileId),
        );
        deepEqual(report.merges.map(({ profiles }) => profiles.join(" ")).toSorted(), merged);
        met += merged.length;
      }),
      runs(600),
    );
    checkMet(met > 0);
  });

  const known = [
    tell("crm", 1, "identified", { customer: "c-1", email: "a@example.fr" }),
    tell("crm", 2, "identified", { customer: "c-2" }),
    tell("web", 3, "page-viewed", { cookie: "k" }),
  ];
  const on = async (...events: FoldEvent[]): Promise<RehearsalReport> => rehearseOn(await foldEach(known), events);

  it("knows of whoever lives elsewhere what the home that heard last knows, whichever is looked at last", async () => {
    const order = { order: { orderId: "o1", currency: "EUR", totalMinor: 0, status: null, lines: null } };
    const fold = await foldEach([
      tell("web", 1, "order-placed", { email: "a@example.fr" }, order),
      tell("web", 2, "order-placed", { cookie: "k", customer: "c-1" }, order),
      tell("web", 3, "page-viewed", { cookie: "k", card: "2099-0", order: "o1" }),
    ]);
    const later = [
      tell("crm", 4, "identified", { customer: "c-1" }),
      tell("web", 5, "page-viewed", { email: "a@example.fr" }),
    ];
    for (const events of [later, later.toReversed()]) deepEqual((await rehearseOn(fold, events)).merges, []);
  });

  it("tells two people who would be one from a visitor who would be somebody", async () => {
    const card = (minute: number, names: Record<string, string>) => tell("store", minute, "identified", names);
    const { merges } = await on(
      card(10, { card: "7", email: "a@example.fr" }),
      tell("web", 11, "identified", { cookie: "k", customer: "c-1" }),
    );
    deepEqual(
      merges.map((one) => [one.profiles.length, one.known]),
      [[2, 1]],
    );
    const fold = await foldEach([...known, card(5, { card: "7" })]);
    const joined = await rehearseOn(fold, [card(10, { card: "7", email: "a@example.fr" })]);
    deepEqual(
      joined.merges.map((one) => [one.profiles.length, one.known]),
      [[2, 2]],
    );
  });

  it("tells each conflict once, by the first event that meets it", async () => {
    const claim = (minute: number, customer: string) => tell("web", minute, "identified", { customer, cookie: "k2" });
    const { conflicts, merges } = await on(
      tell("crm", 10, "identified", { customer: "c-2", email: "a@example.fr" }),
      tell("crm", 11, "identified", { customer: "c-2", email: "a@example.fr" }),
      claim(12, "c-1"),
      claim(13, "c-2"),
    );
    deepEqual(merges, []);
    deepEqual(conflicts, [
      { kind: "kept-apart", namespaces: ["customer", "email"], event: 0 },
      { kind: "contested", namespaces: ["cookie"], event: 2 },
    ]);
    for (const { kind } of conflicts) ok(CONFLICT_KINDS.includes(kind));
  });

  it("tells who would be parted, and of what a quarantine", async () => {
    const cards = Array.from({ length: 6 }, (_, n) =>
      tell("crm", 10 + n, "identified", { customer: `d-${n}`, email: "a@example.fr" }),
    );
    const { parted, conflicts } = await on(...cards);
    equal(parted.length, 1);
    ok(conflicts.some(({ kind, namespaces }) => kind === "quarantined" && namespaces.includes("email")));
  });

  it("tells what is refused, there twice, known already, and of somebody who was erased", async () => {
    const again = known[0] as FoldEvent;
    const fresh = tell("crm", 20, "identified", { customer: "c-9" });
    const early = { ...tell("crm", 21, "identified", { customer: "c-1" }), recordedAt: 1 };
    const erasures = new Erasures();
    const fold = await foldEach(known);
    const draft = await fold.draftErasure("customer", "c-2");
    if (!draft.ok) throw new Error(draft.reason);
    erasures.add({ ...draft.keys, requestId: "r", at: fresh.recordedAt + 1 });
    const gone = tell("crm", 19, "identified", { customer: "c-2" });
    const nobody = tell("web", 22, "page-viewed", { cookie: "null" });
    const { fates } = await rehearseOn(fold, [again, fresh, fresh, early, gone, nobody], erasures);
    deepEqual(
      fates.map((one) => (one.fate === "refused" ? one.reason : one.fate)),
      ["known", "accepted", "repeated", "accepted", "suppressed", "no-identifier"],
    );
  });
});
