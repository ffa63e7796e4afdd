// A number that two people claimed is nobody's; handed back to one of them, it brings what it had brought (I2, P4, O2).

import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { foldEach, tell } from "#support/fold-events.ts";

const PHONE = { phone: "+33639980017" };

const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 1_000 }];
const ordered = tell("store", 1, "order-placed", PHONE, { order: { orderId: "o1", lines, currency: "EUR" } });
const shared = [
  ordered,
  tell("crm", 2, "identified", { customer: "c-ana", ...PHONE }),
  tell("crm", 3, "identified", { customer: "c-ben", ...PHONE }),
];

test("a number that is handed back brings its orders, and their owner's segment at once (I2, P4, O2)", async () => {
  const taken = await foldEach(shared);
  deepEqual(
    (await taken.readPeople()).profiles.map(({ segment, view }) => [segment, view.orders.length]),
    [
      ["prospect", 0],
      ["prospect", 0],
    ],
  );
  const cut = tell("operator", 4, "evidence-cut", { customer: "c-ben", ...PHONE });
  const back = await foldEach([...shared, cut]);
  const { profiles } = await back.readPeople();
  const ana = profiles.find(({ identifiers }) => identifiers.some(({ value }) => value === "c-ana"));
  equal(ana?.segment, "one-buyer");
  equal(ana?.view.orders.length, 1);
  const last = back.outputs.findLast(({ kind }) => kind === "transition");
  equal(last?.kind === "transition" && `${last.from} ${last.to} ${last.cause}`, "prospect one-buyer merge");
});
