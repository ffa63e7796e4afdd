// How long people are kept (retention per purpose), by clocks that jump: by example, and in any history (T1, P1).

import { deepEqual, ok } from "node:assert/strict";
import { describe, it, test } from "node:test";
import * as fc from "fast-check";
import type { Retention } from "#core/retention.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import type { Fold, FoldEvent } from "#services/fold/fold.ts";
import { listDue } from "#services/wire/retention.ts";
import { foldEach, START_MS, tell } from "#support/fold-events.ts";
import { usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";

const { retention } = loadConfiguration(undefined, {}).deployment;
const DAY_MS = 86_400_000;
const YEARS = 1095;
const ANA = { customer: "c-1", email: "ana@example.fr" };
const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 500 }];
const order = { order: { orderId: "o1", currency: "EUR", totalMinor: 500, lines } };

async function list(fold: Fold, rules: Retention = retention) {
  const services = { engine: fold.engine, index: fold.index, store: fold.store, shards: 1 };
  const due = [];
  for await (const one of listDue(services, rules)) due.push(one);
  return due;
}

const minutesOf = (days: number) => days * 24 * 60;
const told = (source: string, day: number, type: string, more: Parameters<typeof tell>[4] = {}) =>
  tell(source, minutesOf(day), type, ANA, more);

/** On which days of these she is due. */
async function daysDue(events: readonly FoldEvent[], days: readonly number[]): Promise<number[]> {
  const fold = await foldEach(events);
  const due: number[] = [];
  for (const day of days) {
    await fold.advance(START_MS + day * DAY_MS);
    if ((await list(fold)).length > 0) due.push(day);
  }
  return due;
}

test("a prospect is due three years after the last contact that came from her: a click, not an opened message", async () => {
  const seen = [told("crm", 1, "identified"), told("web", 2, "page-viewed")];
  deepEqual(await daysDue(seen, [YEARS + 1, YEARS + 2, 9_000]), [YEARS + 2, 9_000]);
  for (const type of ["message-sent", "message-delivered", "message-opened", "traits-changed", "note-added"])
    deepEqual(await daysDue([...seen, told("email", 50, type)], [YEARS + 1, YEARS + 2]), [YEARS + 2], type);
  const clicked = [...seen, told("email", 50, "message-clicked")];
  deepEqual(await daysDue(clicked, [YEARS + 49, YEARS + 50]), [YEARS + 50]);
  deepEqual(await daysDue([told("crm", 1, "identified")], [YEARS, YEARS + 1]), [YEARS + 1], "from collection");
});

test("a customer is due three years after the relationship ended, and not while it goes on", async () => {
  const bought = [told("crm", 1, "identified"), told("web", 10, "order-placed", order)];
  deepEqual(await daysDue(bought, [YEARS + 9, YEARS + 10]), [YEARS + 10]);
  const fold = await foldEach(bought);
  await fold.advance(START_MS + (YEARS + 9) * DAY_MS);
  deepEqual(await list(fold, { ...retention, contacts: ["message-clicked"] }), [], "orders count by themselves");
  const subscribed = told("crm", 20, "subscription-changed", {
    subscription: { subscriptionId: "s", status: "active" },
  });
  deepEqual(await daysDue([...bought, subscribed], [9_000]), []);
  const ended = told("crm", 30, "subscription-changed", { subscription: { subscriptionId: "s", status: "ended" } });
  deepEqual(await daysDue([...bought, subscribed, ended], [9_000]), [9_000]);
  deepEqual(await daysDue([...bought, told("call-centre", 20, "case-opened", { case: { caseId: "k" } })], [9_000]), []);
});

test("whoever is restricted is kept, and so is whom no rule is about; of several rules the longest holds", async () => {
  const restricted = told("operator", 5, "restriction-changed", { restriction: { restrictionId: "r", lifted: false } });
  const fold = await foldEach([told("crm", 1, "identified"), restricted]);
  await fold.advance(START_MS + 9_000 * DAY_MS);
  deepEqual(await list(fold), []);
  const free = await foldEach([told("crm", 1, "identified")]);
  await free.advance(START_MS + 100 * DAY_MS);
  const rule = (purpose: string, whom: "prospects" | "customers", days: number) => {
    return { purpose, whom, afterMs: days * DAY_MS };
  };
  const names = async (...rules: Retention["rules"]) =>
    (await list(free, { ...retention, rules })).map(({ purpose }) => purpose);
  deepEqual(await names(), []);
  deepEqual(await names(rule("sales", "customers", 1)), []);
  deepEqual(await names(rule("news", "prospects", 1), rule("studies", "prospects", 90)), ["studies"]);
  deepEqual(await names(rule("news", "prospects", 1), rule("studies", "prospects", 100)), []);
});

test("whoever is due is erased as at her own request: told so, nobody afterwards, a new person when she comes back (G1)", async () => {
  const fold = await foldEach([told("crm", 1, "identified"), told("web", 10, "order-placed", order)]);
  await fold.advance(START_MS + 9_000 * DAY_MS);
  const [due] = await list(fold);
  ok(due);
  const draft = await due.draft();
  ok(draft.ok);
  const before = fold.outputs.length;
  await fold.erase({ requestId: "r", at: START_MS + 9_001 * DAY_MS, ...draft.keys });
  const kinds = fold.outputs
    .slice(before)
    .map((one) => (one.kind === "transition" ? `to ${one.to} by ${one.cause}` : one.kind));
  deepEqual(kinds, ["to null by erasure", "profile-erased", "profile-state"]);
  deepEqual([(await fold.readPeople()).profiles, await list(fold)], [[], []]);
  await fold.fold(told("crm", 9_002, "identified"));
  const [back] = (await fold.readPeople()).profiles;
  ok(back !== undefined && back.profileId !== due.profileId);
  await fold.advance(START_MS + 9_003 * DAY_MS);
  deepEqual(await list(fold), [], "her years begin anew");
});

describe("in any history", () => {
  it("who is due is a function of the set of events and the time, and once due stays so (T1, P1)", async (t) => {
    const met = { due: 0, waiting: 0 };
    await fc.assert(
      fc.asyncProperty(usual, fc.nat({ max: 4 }), async ({ events }, years) => {
        const at = Math.max(...events.map(({ recordedAt }) => recordedAt)) + years * 365 * DAY_MS;
        const dueOf = async (history: readonly FoldEvent[], time: number) => {
          const fold = await foldEach(history);
          await fold.advance(time);
          return (await list(fold)).map(({ profileId, dueAtMs }) => `${profileId} ${dueAtMs}`).toSorted();
        };
        const due = await dueOf(events, at);
        deepEqual(await dueOf(events.toReversed(), at), due);
        const later = await dueOf(events, at + DAY_MS);
        deepEqual(
          due.filter((one) => !later.includes(one)),
          [],
        );
        met[due.length > 0 ? "due" : "waiting"] += 1;
      }),
      runs(60),
    );
    t.diagnostic(JSON.stringify(met));
    checkMet(met.due > 0 && met.waiting > 0);
  });
});
