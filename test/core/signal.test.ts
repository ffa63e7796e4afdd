// The shipped signals, told by what comes out (T2, O5; S36, the story of a cart that was bought in store).

import { deepEqual, equal } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import type { ProfileSignal } from "#core/effect.ts";
import type { ChannelEvent } from "#core/event.ts";
import { answerPurchases } from "#core/purchase.ts";
import { loadConfiguration, SHIPPED_FILE } from "#services/config/configuration.ts";
import { loadRules } from "#services/config/rules-file.ts";
import { compareFoldEvents, Fold, type FoldEvent } from "#services/fold/fold.ts";
import { createHash } from "#services/wire/hash.ts";
import { makeFolder } from "#support/folder.ts";

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
  told = configuration,
): Promise<Pick<ProfileSignal, "signal" | "at" | "dueAt" | "certainty">[]> {
  const fold = new Fold({ configuration: told, hash: createHash("a key for tests") });
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

describe("the other signals that are shipped, once they are enabled", () => {
  const text = readFileSync(join(dirname(SHIPPED_FILE), "rules.yaml"), "utf8");
  const folder = makeFolder("signals");
  const file = join(folder, "rules.yaml");
  writeFileSync(file, text.replaceAll("enabled: false", "enabled: true"));
  const enabled = { ...configuration, rules: loadRules(file) };
  const DAYS = 24;
  const sent = async (events: readonly FoldEvent[], days: number) =>
    (await listSignals(events, hour(days * DAYS), enabled)).map(
      ({ signal, dueAt, certainty }) => `${signal} day ${(dueAt - DAY) / (DAYS * HOUR_MS)} ${certainty}`,
    );
  const orderAt = (day: number, orderId: string, type = "order-placed") =>
    tell("call-centre", type, hour(day * DAYS), { customer: "C-marie" }, order(orderId));

  /** Somebody else's visits: what the till has told up to then. */
  const tills = [30, 90, 110].map((day) =>
    tell("store", "store-visited", hour(day * DAYS + 10), { card: "2099-other" }),
  );

  it("second-purchase and win-back wait for an order on any channel, by the day of the one before", async () => {
    deepEqual(await sent([orderAt(0, "o1"), ...tills], 201), [
      "second-purchase day 30 complete",
      "win-back day 90 complete",
    ]);
    deepEqual(await sent([orderAt(0, "o1"), orderAt(20, "o2"), ...tills], 201), ["win-back day 110 complete"]);
    // The second one is cancelled: the first is again the only one, and its window is still open.
    const cancelled = [orderAt(0, "o1"), orderAt(20, "o2"), orderAt(25, "o2", "order-cancelled")];
    deepEqual(await sent([...cancelled, ...tills], 201), [
      "second-purchase day 30 complete",
      "win-back day 90 complete",
    ]);
  });

  it("win-back waits for a till that could refute it, and says when it waited in vain (U10)", async () => {
    const bought = tell("store", "order-placed", hour(80 * DAYS), { card: "2099-marie" }, order("t"), hour(91 * DAYS));
    const events = [cardAt(hour(0)), orderAt(0, "o1"), orderAt(1, "o2"), bought];
    deepEqual(await sent(events, 120), []);
    deepEqual(await sent(events.slice(0, 3), 120), ["win-back day 91 source-late"]);
  });

  it("back-in-contact comes after the last open complaint is closed, unless she is heard of", async () => {
    const caseAt = (day: number, type: string, caseId: string) =>
      tell("call-centre", type, hour(day * DAYS), { customer: "C-marie" }, { case: { caseId } });
    const closed = [caseAt(0, "case-opened", "k1"), caseAt(2, "case-opened", "k2"), caseAt(3, "case-closed", "k1")];
    deepEqual(await sent(closed, 60), [], "one is still open");
    const settled = [...closed, caseAt(5, "case-closed", "k2")];
    deepEqual(await sent(settled, 60), ["back-in-contact day 19 source-late"]);
    const called = tell("call-centre", "called", hour(8 * DAYS), { customer: "C-marie" });
    deepEqual(await sent([...settled, called], 60), []);
    deepEqual(await sent([...settled, caseAt(8, "case-opened", "k1")], 60), [], "it is open again");
  });

  it("birthday comes each year, of those born on 29 February on the 28th where there is none", async () => {
    const born = (birthDate: string, at = hour(0)) =>
      tell("crm", "traits-changed", at, { customer: "C-marie" }, { traits: { birthDate } });
    const days = async (events: readonly FoldEvent[], until: number) =>
      (await listSignals(events, until, enabled)).map(({ dueAt }) => new Date(dueAt).toISOString().slice(0, 13));
    deepEqual(await days([born("1980-02-29")], Date.UTC(2029, 5, 1)), [
      "2027-02-28T08",
      "2028-02-29T08",
      "2029-02-28T08",
    ]);
    // Corrected after it was sent: not twice a year. Told on the day itself: not too late.
    const corrected = [born("1980-03-05"), born("1980-04-05", Date.UTC(2026, 2, 20))];
    deepEqual(await days(corrected, Date.UTC(2027, 5, 1)), ["2026-03-05T08", "2027-04-05T08"]);
    deepEqual(await days([born("1980-03-02", hour(20))], hour(30)), ["2026-03-02T08"]);
    deepEqual(await days([born("1980-03-01", hour(1))], hour(30)), []);
    // Told as people write it, and under another name of the field.
    const written = tell(
      "crm",
      "traits-changed",
      hour(0),
      { customer: "C-marie" },
      { traits: { birthday: "5 mars 1980" } },
    );
    for (const one of [born("05/03/1980"), born("1980-03-05T10:00:00Z"), born("--03-05"), written])
      deepEqual(await days([one], Date.UTC(2026, 5, 1)), ["2026-03-05T08"], JSON.stringify(one.event.traits));
    for (const text of ["05/03/80", "1900-01-01", "2030-03-05", "soon"])
      deepEqual(await days([born(text)], Date.UTC(2027, 5, 1)), [], text);
    deepEqual(await days([{ ...born("1980-03-05"), backfill: true }], Date.UTC(2028, 0, 1)), [], "history (O5)");
  });

  it("are several at once for one person, and each is sent once", async () => {
    const events = [loginAt(hour(-2)), orderAt(0, "o1"), cartAt(hour(24)), ...tills];
    deepEqual(await sent(events, 201), [
      "abandoned-cart day 2 source-late",
      "second-purchase day 30 complete",
      "win-back day 90 complete",
    ]);
  });
});

describe("whether she has bought in store (U10)", () => {
  const at = (hours: number) => ({ from: hour(10), to: hour(hours) });
  const orders = (source: string, atMs: number, valid = true) => [
    {
      orderId: "o",
      status: "placed",
      source,
      currency: "EUR",
      totalMinor: 1,
      lines,
      valid,
      spentMinor: 1,
      at: atMs,
      backfill: false,
    } as const,
  ];
  const told = [
    { source: "store", upToMs: hour(14) },
    { source: "web", upToMs: hour(20) },
  ];
  const ask = (watermarks: typeof told, list: ReturnType<typeof orders>, to: number, source = "store") =>
    answerPurchases(configuration, watermarks, list, at(to)).find((answer) => answer.source === source)?.bought;

  it("is yes where the till has told of it, no where it has told all up to then, else not known yet", () => {
    equal(ask(told, orders("store", hour(11)), 20), "yes");
    equal(ask(told, orders("store", hour(9)), 14), "no", "before the span");
    equal(ask(told, orders("store", hour(11), false), 14), "no", "cancelled");
    equal(ask(told, orders("web", hour(11)), 14), "no", "elsewhere");
    equal(ask(told, [], 14), "no");
    equal(ask(told, [], 14.1), "not-known-yet");
    equal(ask([], [], 14), "not-known-yet");
    equal(ask(told, [], 20, "web"), "no", "a live source is complete up to now");
  });
});
