// Every planted bug: each takes another guard away or bends another rule, and the simulation must notice every one.

import type { Mutant } from "./mutant.ts";
import { ENGINE } from "./mutants-engine.ts";
import { FORGETTING } from "./mutants-erasing.ts";
import { LOSING } from "./mutants-losing.ts";
import { RESOLVING } from "./mutants-resolving.ts";
import { STITCHING, STORING } from "./mutants-stitching.ts";

/** What is published first of each shard is held back: seeds 1 to 3 must fail, or the alarm does not work. */
export const CANARY: Mutant = {
  name: "canary",
  patches: [
    { file: "stitcher/shard.ts", from: "step: begun }, suppressBelow) < 0", to: "step: begun }, suppressBelow) <= 0" },
  ],
};

const BROKEN_WORD: readonly Mutant[] = [
  { name: "producers-not-fenced", sabotage: ({ broker }) => void (broker.fencesProducers = false) },
  { name: "readers-see-uncommitted", sabotage: ({ broker }) => broker.readUncommitted() },
  { name: "positions-outside-the-transaction", sabotage: ({ broker }) => void (broker.movesPositionsEarly = true) },
  { name: "positions-lost-at-the-end", sabotage: ({ broker }) => void (broker.losesPositions = true) },
  {
    name: "revocation-ignored",
    sabotage: ({ groups }) => {
      for (const group of groups) group.ignoresRevocation = true;
    },
  },
  {
    name: "two-loops-of-one-slot",
    sabotage: ({ groups }) => {
      for (const group of groups) group.doublesLoops = true;
    },
  },
];

export const MUTANTS: readonly Mutant[] = [
  ...STITCHING,
  ...STORING,
  ...LOSING,
  ...RESOLVING,
  ...ENGINE,
  ...FORGETTING,
  ...BROKEN_WORD,
];
