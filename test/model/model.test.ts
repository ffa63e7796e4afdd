// A model check of the identity protocol: the production resolver, stitcher and engine in worlds that are gone through to
// the end, all interleavings of them, with crashes and repeated messages. test/core/cluster.property.test.ts samples larger
// ones. What holds in each state: an identifier, a birth and a fragment are in one place (a home or a chunk on its way to
// one), no event is counted twice or lost, forwarders and parents lead to earlier components. Where nothing is under way,
// nobody waits, and the people are the oracle's and those that one home makes of the same events.
//
// WEFT_PROPERTY_RUNS below 1: small bounds. Above 1: large ones, for some minutes and some gigabytes.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { FACTOR } from "#support/property.ts";
import type { Exploration } from "./explorer.ts";
import type { FaultName } from "./faults.ts";
import { Moves } from "./moves.ts";
import { foldExpected, recomputeExpected } from "./predicates.ts";
import { exploreInThread } from "./thread.ts";
import { WORLDS, type Bounds, type WorldName } from "./worlds.ts";

const bounded = (crashes: number, copies: number): Bounds => ({ crashes, copies });

/** However many messages there are: each comes a second time, or does not. */
const EVERY = 99;

/** Small, usual and large. */
const BOUNDS: Readonly<Record<WorldName, readonly [readonly Bounds[], readonly Bounds[], readonly Bounds[]]>> = {
  "three people of one event": [[bounded(0, EVERY)], [bounded(2, EVERY)], [bounded(2, EVERY)]],
  "visits of two people": [[bounded(1, EVERY)], [bounded(2, EVERY)], [bounded(2, EVERY)]],
  "a chain of strong evidence": [[bounded(1, 1)], [bounded(2, 2)], [bounded(2, 3)]],
  "a chain whose middle was born last": [[bounded(1, 1)], [bounded(2, 2)], [bounded(2, 3)]],
  "a chain from nothing, in any order": [[bounded(1, 0)], [bounded(2, 0), bounded(1, 1)], [bounded(2, 1)]],
  "resolvers that are slow": [[bounded(1, 0)], [bounded(2, 0), bounded(1, 1)], [bounded(2, 1)]],
  "a resolver that joins less than the homes": [[bounded(1, 0)], [bounded(2, 0), bounded(0, 1)], [bounded(2, 1)]],
  "visits without a log-in, and then one": [[bounded(1, 0)], [bounded(2, 0), bounded(0, 1)], [bounded(2, 1)]],
  "a device that others log in on": [[bounded(0, 0)], [bounded(2, 0)], [bounded(2, 1)]],
  "a contested device": [[bounded(1, 1)], [bounded(2, 2)], [bounded(2, 3)]],
  "two ends that nobody claims": [[bounded(1, 1)], [bounded(2, 1), bounded(1, 2)], [bounded(2, 2)]],
};
const worlds = Object.keys(BOUNDS) as WorldName[];

function explain({ found }: Exploration): string {
  return found === null ? "" : `${found.what}\n${found.way.join("\n")}`;
}

describe("whatever comes in between, the people are those of one home (I1, O1, P1, S1)", () => {
  let [states, moves] = [0, 0];
  for (const name of worlds) {
    const [small, usual, large] = BOUNDS[name];
    for (const bounds of FACTOR < 1 ? small : FACTOR > 1 ? large : usual) {
      const repeated = bounds.copies === EVERY ? "every message" : `${bounds.copies} messages`;
      it(`${name}: ${bounds.crashes} crashes, ${repeated} repeated`, async (t) => {
        const exploration = await exploreInThread({ world: name, bounds });
        equal(explain(exploration), "");
        states += exploration.states;
        moves += exploration.moves;
        const { ends, movesMost, underWayMost } = exploration;
        t.diagnostic(
          `${exploration.states} states, ${ends.size} ends, at most ${movesMost} moves and ${underWayMost} under way`,
        );
      });
    }
  }

  it("in every world one home makes the people that the rule says", async () => {
    for (const world of Object.values(WORLDS)) {
      const { events } = new Moves(world, bounded(0, 0), {});
      equal(await foldExpected(events), recomputeExpected(events));
    }
  });

  it("in states enough for that to mean something", (t) => {
    t.diagnostic(`${states} states, ${moves} moves`);
    ok(states > 50_000);
  });
});

describe("the steps that are taken first because they are all the same", () => {
  for (const name of ["a chain of strong evidence", "two ends that nobody claims"] as const) {
    it(`leave out no end of ${name}`, async () => {
      const reduced = await exploreInThread({ world: name, bounds: bounded(1, 1) });
      const whole = await exploreInThread({ world: name, bounds: bounded(1, 1), isWhole: true });
      equal(explain(whole), "");
      deepEqual([...reduced.ends].toSorted(), [...whole.ends].toSorted());
      ok(reduced.states < whole.states);
    });
  }
});

const PLANTED: readonly {
  readonly fault: FaultName;
  readonly world: WorldName;
  readonly bounds: Bounds;
  readonly found: RegExp;
}[] = [
  {
    fault: "statuses are numbered by worker, not by identifier",
    world: "a contested device",
    bounds: bounded(0, 0),
    found: /^the people are/,
  },
  {
    fault: "an event that overtakes a hand-over is not parked",
    world: "a chain of strong evidence",
    bounds: bounded(0, 0),
    found: /is in two places$/,
  },
  {
    // Across an admissible strong tie. The product's resolver joins on all of them; its homes have to ask where it joins on less.
    fault: "homes ask for no joins",
    world: "a resolver that joins less than the homes",
    bounds: bounded(0, 0),
    found: /^the people are/,
  },
  {
    fault: "homes ask for no joins",
    world: "two ends that nobody claims",
    bounds: bounded(0, 0),
    found: /is pending$/,
  },
  {
    // With a far claimant that is the only one.
    fault: "homes ask for no joins",
    world: "a device that others log in on",
    bounds: bounded(0, 0),
    found: /is pending$/,
  },
  {
    fault: "a forwarder does not answer a second, different absorb",
    world: "a chain whose middle was born last",
    bounds: bounded(1, 0),
    found: /waits for a hand-over$/,
  },
  {
    fault: "whoever waits for a hand-over does not ask for it",
    world: "a chain of strong evidence",
    bounds: bounded(1, 0),
    found: /waits for a hand-over$/,
  },
];

describe("a fault of the protocol is found", () => {
  for (const { fault, world, bounds, found } of PLANTED) {
    it(`where ${fault}, in ${world}`, async (t) => {
      const exploration = await exploreInThread({ world, bounds, fault });
      t.diagnostic(`after ${exploration.states} states, ${exploration.found?.way.length} moves`);
      ok(found.test(exploration.found?.what ?? ""), explain(exploration));
    });
  }

  // An absorb into oneself is turned away at the door, and a doubled one at the forwarder: without both, the winner absorbs
  // itself as the sketch's does, and no message can bring that about. Either of the two lines is enough.
  const module = "services/core/handover.ts";
  const atTheDoor = "if (id === into || compareText(into, id) > 0) return;";
  const atTheForwarder = "if (present.forward === into) return;";
  const [world, bounds] = ["a chain of strong evidence", bounded(1, 1)] as const;

  it("where a forwarder does not ignore a doubled absorb", async (t) => {
    const exploration = await exploreInThread({
      world,
      bounds,
      without: { module, lines: [atTheDoor, atTheForwarder] },
    });
    t.diagnostic(`after ${exploration.states} states, ${exploration.found?.way.length} moves`);
    ok(/^(\S+) forwards to \1$/.test(exploration.found?.what ?? ""), explain(exploration));
  });

  it("and none where it passes it on and the winner turns it away, or the other way round", async () => {
    for (const line of [atTheDoor, atTheForwarder])
      equal(explain(await exploreInThread({ world, bounds, without: { module, lines: [line] } })), "");
  });
});
