// How often a property is run, and what its histories are drawn from. Every property takes runs(): a build machine fixes the
// seed, so that a red build is the commit's own doing.

import { ok } from "node:assert/strict";

/** WEFT_PROPERTY_RUNS=10 runs every property ten times as often; WEFT_PROPERTY_SEED repeats a run. */
export const FACTOR = Number(process.env["WEFT_PROPERTY_RUNS"] ?? 1);
export const seed = Number(process.env["WEFT_PROPERTY_SEED"] ?? Date.now() % 2_147_483_648);

export function runs(count: number): { readonly numRuns: number; readonly seed: number } {
  return { numRuns: Math.max(1, Math.round(count * FACTOR)), seed };
}

/** What a run must have met to mean something: asked of a whole one, for of few histories none may have met it. */
export function checkMet(condition: boolean, message?: string): void {
  if (FACTOR >= 1) ok(condition, message);
}
