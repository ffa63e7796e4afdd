// Cases: every cell of the table, and every order in which few steps can come (P1).

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { CASE_MOVES, viewCases, type CaseStep } from "#core/case.ts";
import { createRegistry } from "#core/registry.ts";
import { configuration, hash } from "#support/histories.ts";
import { type Fact, foldFacts, mergeFragments } from "#support/fold-facts.ts";

const AT = Date.UTC(2026, 0, 5);
const HOUR_MS = 3_600_000;
const STEPS = Object.keys(CASE_MOVES.none) as CaseStep[];

function say(step: CaseStep, hour: number, more: Partial<Fact> & { channel?: string; motive?: string } = {}): Fact {
  const { channel = null, motive = null, ...fact } = more;
  const event = {
    eventId: `${step}-${hour}`,
    type: `case-${step}`,
    occurredAt: AT + hour * HOUR_MS,
    identifiers: [],
    case: { caseId: "k", channel, motive },
  };
  return { event, ...fact };
}

function view(facts: readonly Fact[]) {
  return viewCases(foldFacts(facts).fragment.dossier?.cases ?? new Map());
}

function* permute<T>(list: readonly T[]): Generator<T[]> {
  if (list.length <= 1) return yield [...list];
  for (const [place, first] of list.entries())
    for (const rest of permute([...list.slice(0, place), ...list.slice(place + 1)])) yield [first, ...rest];
}

describe("a case", () => {
  it("of up to five steps is what its table says, in whatever order they come, copied and merged (P1)", () => {
    let sequences: CaseStep[][] = [[]];
    let checked = 0;
    for (let length = 1; length <= 5; length += 1) {
      sequences = sequences.flatMap((steps) => STEPS.map((step) => [...steps, step]));
      for (const steps of sequences) {
        const facts = steps.map((step, hour) => say(step, hour));
        let state: keyof typeof CASE_MOVES = "none";
        for (const step of steps) state = CASE_MOVES[state][step];
        // All orders of few steps; of more, backwards and halves merged.
        const orders = length <= 3 ? [...permute(facts)] : [facts, facts.toReversed()];
        for (const order of orders) equal(view([...order, ...order])[0]?.status, state, steps.join(", "));
        const [evens, odds] = [0, 1].map((rest) => foldFacts(facts.filter((_, n) => n % 2 === rest)).fragment);
        if (evens === undefined || odds === undefined) continue;
        equal(viewCases(mergeFragments(odds, evens).dossier?.cases ?? new Map())[0]?.status, state);
        checked += 1;
      }
    }
    equal(checked, 3 + 9 + 27 + 81 + 243);
  });

  it("that is opened and closed at one instant is closed, whatever the events are called", () => {
    // "closed-1" sorts before "opened-1".
    const facts = [say("opened", 1), say("closed", 1)];
    for (const order of [facts, facts.toReversed()]) equal(view(order)[0]?.status, "closed");
    const again = [say("closed", 0), ...facts];
    for (const order of [again, again.toReversed()]) equal(view(order)[0]?.status, "closed");
  });

  it("that is opened on one channel is closed on another, where their sources number cases together (S88)", () => {
    const opened = say("opened", 1, { source: "email", channel: "email", motive: "late" });
    const closed = say("closed", 2, { source: "store", channel: "store" });
    equal(view([opened, closed]).length, 2);
    const sources = configuration.sources.map((source) => ({ ...source, caseIdScope: "desk" }));
    const together = createRegistry({ ...configuration, sources }, hash);
    deepEqual(viewCases(foldFacts([opened, closed], together).fragment.dossier?.cases ?? new Map()), [
      {
        caseId: "k",
        source: "email",
        status: "closed",
        motive: "late",
        channel: "email",
        openedAt: AT + HOUR_MS,
        closedAt: AT + 2 * HOUR_MS,
        closedOn: "store",
      },
    ]);
  });

  it("is not closed by whoever only claims to be the person (I5)", () => {
    const opened = say("opened", 1);
    const claimed = say("closed", 2, { assurance: "claimed" });
    deepEqual(
      view([opened, claimed]).map(({ status }) => status),
      ["open"],
    );
    deepEqual(
      view([claimed]).map(({ status }) => status),
      ["closed"],
    );
  });
});
