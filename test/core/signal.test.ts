// The abandoned cart, told by what comes out (T2, O5; the story of a cart that was bought in store).

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProfileSignal } from "#core/effect.ts";
import type { ChannelEvent } from "#core/event.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { compareFoldEvents, Fold, type FoldEvent } from "#services/fold/fold.ts";
import { createHash } from "#services/wire/hash.ts";

const { configuration } = loadConfiguration(undefined, {});
const HOUR_MS = 3_600_000;
const DAY = Date.UTC(2026, 2, 2);
const hour = (hours: number) => DAY + hours * HOUR_MS;

let nextEvent = 0;
function tell(
  source: string,
  type: string,
  at: number,
  identifiers: Record<string, string>,
  parts: Partial<ChannelEvent> = {},
  recordedAt = at,
): FoldEvent {
  nextEvent += 1;
  const named = Object.entries(identifiers).map(([namespace, value]) => ({ namespace, value }));
  return {
    source,
    recordedAt,
    event: { eventId: `e${nextEvent}`, type, occurredAt: at, identifiers: named, ...parts },
  };
}

const lines = [{ productId: "coat", quantity: 1, unitPriceMinor: 12_000 }];
const order = (orderId: string) => ({ order: { orderId, currency: "EUR", totalMinor: 12_000, lines } });
const cartAt = (at: number) =>
  tell("web", "product-added", at, { cookie: "c-marie" }, { cart: { currency: "EUR", totalMinor: 12_000, lines } });
const loginAt = (at: number) => tell("web", "identified", at, { cookie: "c-marie", customer: "C-marie" });
const cardAt = (at: number) => tell("crm", "traits-changed", at, { customer: "C-marie", card: "2099-marie" });
/** Somebody else's purchase: what the till has told up to then. */
const tillAt = (at: number, recordedAt = at) =>
  tell("store", "order-placed", at, { card: "2099-other" }, order(`till-${at}`), recordedAt);

async function listSignals(
  events: readonly FoldEvent[],
  until: number,
): Promise<Pick<ProfileSignal, "signal" | "at" | "dueAt" | "certainty">[]> {
  const fold = new Fold({ configuration, hash: createHash("a key for tests") });
  for (const event of [...events].sort(compareFoldEvents)) await fold.add([event]);
  await fold.advance(until);
  return fold.outputs.flatMap((output) =>
    output.kind === "signal"
      ? [{ signal: output.signal, at: output.at, dueAt: output.dueAt, certainty: output.certainty }]
      : [],
  );
}

describe("an abandoned cart", () => {
  it("is due a day after the last activity, and sent once every source is complete up to then (T2)", async () => {
    const signals = await listSignals([cartAt(hour(10)), tillAt(hour(35))], hour(100));
    deepEqual(signals, [{ signal: "abandoned-cart", at: hour(35), dueAt: hour(34), certainty: "complete" }]);
  });

  it("is sent at its due instant where the store has already told all up to then", async () => {
    const signals = await listSignals([cartAt(hour(10)), tillAt(hour(34)), loginAt(hour(50))], hour(100));
    deepEqual(signals, [{ signal: "abandoned-cart", at: hour(34), dueAt: hour(34), certainty: "complete" }]);
  });

  it("is sent 36 hours after it was due where the store never tells, and says so", async () => {
    const signals = await listSignals([cartAt(hour(10))], hour(200));
    deepEqual(signals, [{ signal: "abandoned-cart", at: hour(70), dueAt: hour(34), certainty: "source-late" }]);
  });

  it("draws nothing when it was bought in store, whenever the till file and the stitch arrive", async () => {
    for (const stitchedAt of [9, 10.5, 20, 40]) {
      for (const recordedAt of [11, 20, 34, 40, 69]) {
        const bought = tell(
          "store",
          "order-placed",
          hour(11),
          { card: "2099-marie" },
          order("bought"),
          hour(recordedAt),
        );
        const events = [loginAt(hour(9.5)), cartAt(hour(10)), cardAt(hour(stitchedAt)), bought];
        const signals = await listSignals(events, hour(200));
        deepEqual(signals, [], `stitched at ${stitchedAt}, recorded at ${recordedAt}`);
      }
    }
  });

  it("is due later when there is later activity, and not at all when it is emptied", async () => {
    const emptied = tell(
      "web",
      "product-removed",
      hour(12),
      { cookie: "c-marie" },
      { cart: { currency: "EUR", totalMinor: 0, lines: [] } },
    );
    deepEqual(await listSignals([cartAt(hour(10)), emptied], hour(200)), []);
    const signals = await listSignals([cartAt(hour(10)), cartAt(hour(20))], hour(200));
    deepEqual(
      signals.map(({ dueAt }) => dueAt),
      [hour(44)],
    );
  });

  it("is sent once, and again only after new activity", async () => {
    const signals = await listSignals(
      [cartAt(hour(10)), tillAt(hour(40)), loginAt(hour(50)), cartAt(hour(60)), tillAt(hour(90))],
      hour(200),
    );
    deepEqual(
      signals.map(({ dueAt }) => dueAt),
      [hour(34), hour(84)],
    );
  });

  it("of loaded history draws nothing (O5)", async () => {
    const history = [cartAt(hour(10)), tillAt(hour(40))].map((event) => ({ ...event, backfill: true }));
    equal((await listSignals(history, hour(200))).length, 0);
  });

  it("is followed by a purchase on any channel, by when it happened and not by when it was told", async () => {
    const phoned = tell("call-centre", "order-placed", hour(33), { customer: "C-marie" }, order("phoned"));
    deepEqual(await listSignals([loginAt(hour(9)), cartAt(hour(10)), phoned, tillAt(hour(35))], hour(200)), []);
    const before = tell("call-centre", "order-placed", hour(9.5), { customer: "C-marie" }, order("before"), hour(12));
    equal((await listSignals([loginAt(hour(9)), cartAt(hour(10)), before, tillAt(hour(35))], hour(200))).length, 1);
  });
});
