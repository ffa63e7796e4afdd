// Of one identifier alone it is told why it is with nobody, by what ties it all the same (I7).

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { EVIDENCE_SHOWN_MAX } from "#core/refusal.ts";
import { explain } from "#services/wire/explanation.ts";
import { findIdentifier } from "#services/wire/location.ts";
import { findNeighbours } from "#services/wire/neighbourhood.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach, tell } from "#support/fold-events.ts";

const PHONE = "+33639980017";
const SHOP = "shop@example.fr";

async function refusalOf(events: readonly FoldEvent[], namespace: string, value: string) {
  const fold = await foldEach(events);
  const services = { engine: fold.engine, index: fold.index, store: fold.store, shards: 1 };
  const found = await findIdentifier(services, namespace, value, "FR");
  if (!found.found) throw new Error(found.reason);
  const beside = await findNeighbours(services, [found]);
  const explanation = explain(fold.engine.registry, found, null, (text) => text, beside);
  if (!explanation.one || explanation.refusal === null) return null;
  const { obstacle, evidence, evidenceCount } = explanation.refusal;
  equal(evidence.length, Math.min(evidenceCount, EVIDENCE_SHOWN_MAX));
  return [obstacle, ...evidence.map(({ a, b }) => [a, b].find((end) => end !== `${namespace}:${value}`))];
}

describe("an identifier that is with nobody", () => {
  const known = tell("crm", 0, "identified", { customer: "c-1", phone: PHONE });

  it("and one that was given up are told apart", async () => {
    deepEqual(
      await refusalOf([known, tell("crm", 1, "identified", { customer: "c-2", phone: PHONE })], "phone", PHONE),
      ["contested", "customer:c-1", "customer:c-2"],
    );
    deepEqual(await refusalOf([known, tell("crm", 1, "identifier-released", { phone: PHONE })], "phone", PHONE), [
      "released",
      "customer:c-1",
    ]);
    equal(await refusalOf([known], "phone", PHONE), null);
  });

  it("is told who claims it, at whatever home", async () => {
    const events = [
      tell("web", 0, "page-viewed", { customer: "c-1", cookie: "k" }),
      tell("web", 1, "page-viewed", { customer: "c-2", cookie: "k" }),
    ];
    deepEqual(await refusalOf(events, "cookie", "k"), ["contested", "customer:c-1", "customer:c-2"]);
  });

  it("was kept away from its only claimant by what that has already", async () => {
    const claimed = [known, tell("social", 1, "identified", { phone: PHONE, customer: "c-3", social: "@ana" })];
    deepEqual(await refusalOf(claimed, "customer", "c-3"), ["unique-namespace", `phone:${PHONE}`, "social:@ana"]);
  });

  it("that is quarantined is tied to many, of whom the earliest are named", async () => {
    const tied = (n: number) =>
      Array.from({ length: n }, (_, i) => tell("store", i, "identified", { card: `2099-${i}`, email: SHOP }));
    deepEqual((await refusalOf(tied(6), "email", SHOP))?.slice(0, 2), ["quarantined", "card:2099-0"]);
    equal((await refusalOf(tied(EVIDENCE_SHOWN_MAX + 5), "email", SHOP))?.length, EVIDENCE_SHOWN_MAX + 1);
  });
});
