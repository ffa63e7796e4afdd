// The order's states, exhaustively: the table in every cell, every sequence of up to four events of one order, and one
// order told by two sources (orders).

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { OrderLine, OrderPart } from "#core/event.ts";
import { createOrder, type OrderFact, viewOrder } from "#core/order.ts";
import { follow, ORDER_STATUSES, ORDER_TRANSITIONS, type OrderStep } from "#core/order-status.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach } from "#support/fold-events.ts";
import { registry } from "#support/fold-facts.ts";
import { configuration } from "#support/histories.ts";

const STATES = ["none", ...ORDER_STATUSES] as const;
const STEPS: readonly OrderStep[] = ["updated", ...ORDER_STATUSES];
const AT = Date.UTC(2026, 0, 5);
const HOUR_MS = 3_600_000;

describe("the table of order states", () => {
  it("gives the same state for two steps in either order, and for a step once or twice (P1)", () => {
    for (const state of STATES)
      for (const one of STEPS)
        for (const other of STEPS) {
          const both = ORDER_TRANSITIONS[ORDER_TRANSITIONS[state][one]][other];
          equal(both, ORDER_TRANSITIONS[ORDER_TRANSITIONS[state][other]][one], `${state}, ${one}, ${other}`);
          equal(ORDER_TRANSITIONS[both][one], both);
        }
  });

  it("never leads back", () => {
    const ranks = ["none", "placed", "paid", "partly-returned", "returned", "refunded", "cancelled"];
    for (const state of STATES)
      for (const step of STEPS) equal(ranks.indexOf(ORDER_TRANSITIONS[state][step]) >= ranks.indexOf(state), true);
    equal(follow([]), "none");
  });
});

const LINES: readonly OrderLine[] = [
  { productId: "p", quantity: 2, unitPriceMinor: 500 },
  { productId: "q", quantity: 1, unitPriceMinor: 300 },
];

/** What may happen to an order of 1,300, a letter each. */
const KINDS: Readonly<Record<string, Pick<OrderFact, "type" | "lines" | "status">>> = {
  L: { type: "order-placed", lines: LINES, status: null },
  P: { type: "order-paid", lines: null, status: null },
  U: { type: "order-updated", lines: LINES, status: null },
  S: { type: "order-updated", lines: null, status: "paid" },
  W: { type: "order-shipped", lines: null, status: "shipped" },
  C: { type: "order-cancelled", lines: null, status: null },
  r: { type: "order-returned", lines: [{ productId: "p", quantity: -2, unitPriceMinor: 500 }], status: null },
  q: { type: "order-returned", lines: [{ productId: "q", quantity: 1, unitPriceMinor: 300 }], status: null },
  R: { type: "order-returned", lines: null, status: null },
  M: { type: "order-refunded", lines: null, status: null },
};

function live(letters: string) {
  const order = createOrder("k", "", "web/o");
  order.facts = Array.from(letters, (letter, place) => {
    const kind = KINDS[letter];
    if (kind === undefined) throw new Error(`no event of that letter: ${letter}`);
    return {
      ...kind,
      source: "web",
      eventId: `e${place}`,
      recordedAt: AT + place,
      occurredAt: AT,
      currency: "EUR",
      totalMinor: null,
      anchor: null,
      anchorBirth: null,
      anchorAuthenticated: false,
      backfill: false,
    };
  });
  return viewOrder(registry, order);
}

/** By the words of SPEC section 3, letter by letter. */
function expectState(letters: string) {
  const has = (...any: string[]) => any.some((letter) => letters.includes(letter));
  const placed = has("L", "P", "S");
  const sold = has("L", "U");
  const back = (has("r") ? 1000 * letters.split("r").length - 1000 : 0) + 300 * (letters.split("q").length - 1);
  const isWhole = has("R") || (sold ? (has("r") && has("q")) || back >= 1300 : has("r", "q"));
  const returned = has("r", "q", "R");
  const status = has("C")
    ? "cancelled"
    : has("M")
      ? "refunded"
      : returned
        ? isWhole || !placed
          ? "returned"
          : "partly-returned"
        : has("P", "S")
          ? "paid"
          : "placed";
  const valid = placed && sold && !has("C") && !(returned && isWhole);
  return { status, valid, spentMinor: valid ? 1300 - back : 0 };
}

describe("an order", () => {
  it("is in the state of the set of its events: every sequence of up to four of them (P1)", () => {
    let sequences = [""];
    let checked = 0;
    for (let length = 1; length <= 4; length += 1) {
      sequences = sequences.flatMap((before) => Object.keys(KINDS).map((letter) => before + letter));
      for (const letters of sequences) {
        const { status, valid, spentMinor } = live(letters);
        deepEqual({ status, valid, spentMinor }, expectState(letters), letters);
        checked += 1;
      }
    }
    equal(checked, 10 + 100 + 1_000 + 10_000);
  });

  it("keeps its lines and its money whatever state it is in (P4)", () => {
    for (const letters of ["L", "LC", "LR", "LM", "CL"]) {
      const { lines, totalMinor } = live(letters);
      deepEqual([lines, totalMinor], [LINES, 1300], letters);
    }
  });
});

function tell(source: string, hour: number, type: string, order: Partial<OrderPart>, card: string | null): FoldEvent {
  const at = AT + hour * HOUR_MS;
  const identifiers = card === null ? [] : [{ namespace: "card", value: card }];
  const event = { eventId: `${type}-${hour}`, type, occurredAt: at, identifiers, order: { orderId: "1001", ...order } };
  return { source, recordedAt: at, event };
}

describe("an order told by the web shop and by the till file", () => {
  const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 2_000 }];
  const events = [
    tell("web", 1, "order-placed", { lines, totalMinor: 2_000 }, "2099000000017"),
    tell("store", 2, "order-paid", {}, "2099000000017"),
    tell("store", 3, "order-updated", { totalMinor: 1_800 }, null),
    tell("web", 4, "order-returned", { lines: [{ ...lines[0], quantity: 1 } as OrderLine] }, null),
  ];
  const read = async (told: readonly FoldEvent[], scope: string | null) => {
    const sources = configuration.sources.map((source) =>
      scope !== null && (source.name === "web" || source.name === "store")
        ? { ...source, orderIdScope: scope }
        : source,
    );
    const people = await (await foldEach(told, { ...configuration, sources })).readPeople();
    const orders = people.profiles.flatMap(({ view }) =>
      view.orders.map(({ orderId, status, totalMinor }) => `${orderId} ${status} ${totalMinor}`),
    );
    return { orders, unattributed: people.unattributedOrders };
  };

  it("is one order where both declare the same orderIdScope, in any order of the events", async () => {
    deepEqual(await read(events.slice(0, 2), "shop"), { orders: ["1001 paid 2000"], unattributed: 0 });
    for (const first of events) {
      const order = [first, ...events.filter((event) => event !== first).toReversed()];
      deepEqual(await read(order, "shop"), { orders: ["1001 returned 1800"], unattributed: 0 });
    }
  });

  it("is two where they do not", async () => {
    deepEqual(await read(events, null), { orders: ["1001 paid 1800", "1001 returned 2000"], unattributed: 0 });
  });
});
