// Rungs that hold whoever is on them: hysteresis, a minimum stay, allowed moves. What happens depends on the path, so it
// follows the recorded order (O2), and still everybody is in exactly one segment at every instant (S44, S48).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Configuration, SegmentRule } from "#core/configuration.ts";
import type { SegmentTransition } from "#core/effect.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { configuration, hash, history, historyOf } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { recomputePeople } from "#support/oracle.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 5);
const at = (hours: number) => START_MS + hours * HOUR_MS;

function tell(hours: number, orders: readonly [type: string, orderId: string] | null): FoldEvent {
  const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 1_000 }];
  const order = orders === null ? null : { orderId: orders[1], lines, currency: "EUR", totalMinor: 1_000 };
  return {
    source: "web",
    recordedAt: at(hours),
    event: {
      eventId: `e${hours}`,
      type: orders?.[0] ?? "page-viewed",
      occurredAt: at(hours),
      identifiers: [{ namespace: "customer", value: "c-ana" }],
      order,
    },
  };
}

function withLadder(ladder: readonly SegmentRule[]): Configuration {
  return { ...configuration, rules: { ...configuration.rules, ladder, signals: [] } };
}

async function listMoves(ladder: readonly SegmentRule[], events: readonly FoldEvent[], untilHours: number) {
  const fold = new Fold({ configuration: withLadder(ladder), hash });
  for (const event of events) await fold.add([event]);
  await fold.advance(at(untilHours));
  return fold.outputs
    .filter((one): one is SegmentTransition => one.kind === "transition")
    .map(({ to, by, cause }) => `${to} ${(by.at - START_MS) / HOUR_MS}${cause === "schedule" ? " by time" : ""}`);
}

const place = (hours: number, orderId: string) => tell(hours, ["order-placed", orderId]);
const cancel = (hours: number, orderId: string) => tell(hours, ["order-cancelled", orderId]);

/** Three rungs by how many valid orders there are. */
function rungs(top: Partial<SegmentRule>, middle: Partial<SegmentRule> = {}): SegmentRule[] {
  return [
    { segment: "top", when: "orders.valid >= 3", ...top },
    { segment: "middle", when: "orders.valid >= 1", ...middle },
    { segment: "bottom", when: "true" },
  ];
}

describe("a rung that holds whoever is on it", () => {
  const three = [place(0, "a"), place(1, "b"), place(2, "c")];

  it("with leaveWhen lets her down only where that holds, and never keeps her from going up", async () => {
    const down = [...three, cancel(3, "a"), cancel(4, "b"), place(5, "d"), cancel(6, "c"), cancel(7, "d")];
    deepEqual(await listMoves(rungs({ leaveWhen: "orders.valid < 2" }), down, 10), [
      "middle 0",
      "top 2",
      "middle 4",
      "bottom 7",
    ]);
    deepEqual(await listMoves(rungs({}), down.slice(0, 4), 10), ["middle 0", "top 2", "middle 3"], "without it");
    deepEqual(await listMoves(rungs({}, { leaveWhen: "orders.valid < 0" }), three, 10), ["middle 0", "top 2"]);
  });

  it("with holdFor lets her down after as long below, without any event, and not if she comes back in between (T2)", async () => {
    const ladder = rungs({ holdForMs: 5 * HOUR_MS });
    const below = [...three, cancel(3, "a"), tell(6, null)];
    deepEqual(await listMoves(ladder, below, 100), ["middle 0", "top 2", "middle 8 by time"]);
    deepEqual(await listMoves(ladder, [...below, place(7, "d")], 100), ["middle 0", "top 2"]);
    const again = [...below, place(7, "d"), cancel(9, "d")];
    deepEqual(await listMoves(ladder, again, 100), ["middle 0", "top 2", "middle 14 by time"]);
    deepEqual(await listMoves(ladder, below, 7.9), ["middle 0", "top 2"]);
  });

  it("with stayFor keeps her for as long, up or down, and then lets her go where the rules say", async () => {
    const ladder = rungs({}, { stayForMs: 10 * HOUR_MS });
    deepEqual(await listMoves(ladder, three, 100), ["middle 0", "top 10 by time"]);
    deepEqual(await listMoves(ladder, [...three, cancel(3, "a")], 100), ["middle 0"]);
    const none = [place(0, "a"), cancel(1, "a"), tell(12, null)];
    deepEqual(await listMoves(ladder, none, 100), ["middle 0", "bottom 10 by time"]);
  });

  it("with `to` lets her go nowhere else", async () => {
    const ladder = [
      { segment: "top", when: "orders.valid >= 3", to: ["bottom"] },
      { segment: "middle", when: "orders.valid >= 1" },
      { segment: "bottom", when: "orders.valid >= 0", to: ["middle"] },
      { segment: "none", when: "true" },
    ];
    const down = [...three, cancel(3, "a"), cancel(4, "b"), cancel(5, "c")];
    // From the top she may only go to the bottom, and at once to where she may go from there.
    deepEqual(await listMoves(ladder, [tell(-1, null), ...down], 100), [
      "bottom -1",
      "middle 0",
      "top 2",
      "bottom 3",
      "middle 3",
      "bottom 5",
    ]);
  });
});

/** The slow way: step by step over the valid orders after each event, hour by hour in between. */
function relive(ladder: readonly SegmentRule[], counts: ReadonlyMap<number, number>, untilHours: number): string[] {
  const needs: Readonly<Record<string, number>> = { top: 3, middle: 1, bottom: 0 };
  const order = ["top", "middle", "bottom"];
  const moves: string[] = [];
  let [segment, since, below, valid] = ["", 0, null as number | null, 0];
  for (let hour = 0; hour <= untilHours; hour += 1) {
    valid = counts.get(hour) ?? valid;
    if (segment === "" && !counts.has(hour)) continue;
    // At one instant time comes first: what is due is due before what is recorded then.
    for (const isEvent of counts.has(hour) ? [false, true] : [false]) {
      const now = isEvent ? valid : ([...counts].filter(([known]) => known < hour).at(-1)?.[1] ?? 0);
      if (segment === "" && !isEvent) continue;
      for (;;) {
        const rule = ladder.find((one) => one.segment === segment);
        const open = (name: string) => rule?.to === undefined || name === segment || rule.to.includes(name);
        const target = order.find((name) => open(name) && now >= (needs[name] ?? 0)) ?? segment;
        const isDown = segment !== "" && order.indexOf(target) > order.indexOf(segment);
        const leaveAt = rule?.leaveWhen === undefined ? Infinity : Number(rule.leaveWhen.split("< ")[1]);
        const kept = isDown && now >= leaveAt && rule?.leaveWhen !== undefined;
        below = isDown && !kept ? (below ?? hour) : null;
        if (target === segment || kept) break;
        if (rule?.stayForMs !== undefined && hour < since + rule.stayForMs / HOUR_MS) break;
        if (below !== null && rule?.holdForMs !== undefined && hour < below + rule.holdForMs / HOUR_MS) break;
        [segment, since, below] = [target, hour, null];
        moves.push(`${target} ${hour}`);
      }
    }
  }
  return moves;
}

const options = fc.record(
  {
    leaveWhen: fc.constantFrom("orders.valid < 1", "orders.valid < 2"),
    holdForMs: fc.constantFrom(1, 3, 6).map((hours) => hours * HOUR_MS),
    stayForMs: fc.constantFrom(1, 4, 9).map((hours) => hours * HOUR_MS),
    to: fc.constantFrom<string[][]>(["bottom"], ["middle", "top"], ["top"]),
  },
  { requiredKeys: [] },
);

describe("a ladder with rungs that hold", () => {
  it("moves as one who lives through it hour by hour would (O2, T2)", async () => {
    const steps = fc
      .uniqueArray(fc.nat(40), { minLength: 1, maxLength: 12 })
      .map((hours) => hours.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(
        options,
        options,
        steps,
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        async (top, middle, hours, ups) => {
          const without = (name: string, one: Partial<SegmentRule>): Partial<SegmentRule> => ({
            ...one,
            ...(one.to === undefined ? {} : { to: one.to.filter((to) => to !== name) }),
          });
          const ladder = rungs(without("top", top), without("middle", middle));
          const open: string[] = [];
          const counts = new Map<number, number>();
          const events = hours.map((hour, place) => {
            const isUp = ups[place] === true || open.length === 0;
            const orderId = isUp ? `o${hour}` : (open.pop() ?? "");
            if (isUp) open.push(orderId);
            counts.set(hour, open.length);
            return tell(hour, [isUp ? "order-placed" : "order-cancelled", orderId]);
          });
          const told = await listMoves(ladder, events, 80);
          deepEqual(
            told.map((move) => move.replace(" by time", "")),
            relive(ladder, counts, 80),
          );
        },
      ),
      runs(3_000),
    );
  });

  it("has everybody in exactly one segment at every instant, merges and splits among what happens (S44)", async () => {
    let held = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(history(2, 14), historyOf("orders", 8, 20)),
        options,
        options,
        fc.nat(4),
        async ({ events }, first, second, hours) => {
          const names = configuration.rules.ladder.map(({ segment }) => segment);
          const told = withLadder(
            configuration.rules.ladder.map((rung, place): SegmentRule => {
              const { to: _to, leaveWhen, ...times } = place % 2 === 0 ? first : second;
              if (rung.segment === "prospect") return { ...rung, stayForMs: 9 * HOUR_MS };
              if (rung.segment === "visitor") return { ...rung, ...times, to: ["prospect"] };
              return place < 2 && leaveWhen !== undefined ? { ...rung, ...times, leaveWhen } : { ...rung, ...times };
            }),
          );
          const fold = new Fold({ configuration: told, hash });
          const segments = new Map<string, string | null>();
          let read = 0;
          const follow = () => {
            for (const output of fold.outputs.slice(read)) {
              if (output.kind === "identity-changed" && output.change === "alias" && output.otherProfileId !== null) {
                segments.set(output.profileId, segments.get(output.otherProfileId) ?? null);
                segments.set(output.otherProfileId, null);
              }
              if (output.kind !== "transition") continue;
              equal(output.from, segments.get(output.profileId) ?? null, "from is where she was");
              ok(output.to === null || names.includes(output.to));
              segments.set(output.profileId, output.to);
            }
            read = fold.outputs.length;
          };
          for (const event of events.toSorted((a, b) => a.recordedAt - b.recordedAt)) {
            await fold.add([event]);
            follow();
            for (const { profileId, segment } of (await fold.readPeople()).profiles) {
              ok(segment !== null);
              equal(segments.get(profileId), segment);
            }
          }
          const last = Math.max(...events.map(({ recordedAt }) => recordedAt));
          await fold.advance(last + hours * HOUR_MS);
          follow();
          const people = await fold.readPeople();
          const natural = recomputePeople(events, configuration, hash).profiles;
          deepEqual(
            people.profiles.map(({ profileId }) => profileId),
            natural.map(({ profileId }) => profileId),
          );
          for (const [place, { profileId, segment }] of people.profiles.entries()) {
            equal(segments.get(profileId), segment);
            if (segment !== natural[place]?.segment) held += 1;
          }
        },
      ),
      { ...runs(600), numRuns: Math.max(60, runs(600).numRuns) },
    );
    checkMet(held > 0, "somebody was held");
  });
});
