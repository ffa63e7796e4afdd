// A number that two people claimed is nobody's; handed back to one of them, it brings what it had brought (I2, P4, O2).

import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import type { ChannelEvent } from "#core/event.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach } from "#support/fold-events.ts";

const START_MS = Date.UTC(2026, 2, 2);
const PHONE = { phone: "+33639980017" };

function tell(
  source: string,
  minute: number,
  type: string,
  names: Readonly<Record<string, string>>,
  more: Partial<ChannelEvent> = {},
): FoldEvent {
  const recordedAt = START_MS + minute * 60_000;
  const identifiers = Object.entries(names).map(([namespace, value]) => ({ namespace, value }));
  return { source, recordedAt, event: { eventId: `e${minute}`, type, occurredAt: recordedAt, identifiers, ...more } };
}

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
