// A link that is taken back was never said (I2): what it asserts is kept apart from what everybody else does.

import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { recordEntry } from "#core/assertion.ts";
import type { Stamp } from "#core/comparison.ts";
import { createComponent } from "#core/component.ts";
import { identifierKey } from "#core/identifier.ts";
import { createRegistry } from "#core/registry.ts";
import { rulingType } from "#core/ruling.ts";
import { locateKey, locateLife } from "#services/wire/location.ts";
import { foldEach, tell } from "#support/fold-events.ts";
import { configuration, hash } from "#support/histories.ts";

const PAIR = { customer: "c-ana", email: "ana@example.fr" };
const link = tell("operator", 5, rulingType("linked"), PAIR);
const lifted = tell("operator", 6, rulingType("lifted"), PAIR);

async function fold(...events: readonly ReturnType<typeof tell>[]) {
  const folded = await foldEach(events);
  const services = { engine: folded.engine, index: folded.index, store: folded.store, shards: 1 };
  const key = identifierKey(folded.engine.registry, "email", PAIR.email);
  return { folded, services, key };
}

test("what others say of whom a link names is stored beside it, also where they said more and before (I2, S2)", async () => {
  const { services, key } = await fold(tell("crm", 1, "identified", PAIR), link);
  const entry = (await locateLife(services, key))?.entry;
  deepEqual(entry?.unlinked, { first: entry?.first, firstAuthenticated: entry?.firstAuthenticated, isUnsaid: false });
});

test("that a link named whom others knew before is news of him, which is stored (S2)", () => {
  const registry = createRegistry(configuration, hash);
  const component = createComponent("0-0000000000000-x");
  const [at, later] = [1, 2].map((t) => ({ t, source: "crm", eventId: `e${t}` })) as [Stamp, Stamp];
  const email = {
    namespace: "email",
    value: PAIR.email,
    key: "k",
    assurance: "verified",
    birth: "b",
    local: true,
  } as const;
  const record = (stamp: Stamp, isLink: boolean) => recordEntry(registry, component, email, stamp, isLink);
  deepEqual(
    [record(at, false), record(later, false), record(later, true), record(later, true)],
    [true, false, true, false],
  );
});

test("whom a link alone had named is unknown once it is lifted, and there again once anybody says so (I2)", async () => {
  const known = tell("crm", 1, "identified", { customer: "c-ana" });
  const { folded, services, key } = await fold(known, link);
  ok((await locateKey(services, key)) !== null);
  await folded.add([lifted]);
  equal(await locateKey(services, key), null);
  equal((await folded.readPeople()).profiles.length, 1);
  await folded.add([tell("web", 7, "identified", { cookie: "k", email: PAIR.email })]);
  equal((await locateKey(services, key))?.entry.firstAuthenticated, null);
  equal((await folded.readPeople()).profiles.length, 2);
});
