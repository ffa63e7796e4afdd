// What a merge costs does not grow with the history of whom it joins: the parts that it writes are bounded (P5).

import { ok } from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "#ports/store.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { configuration, hash } from "#support/histories.ts";

const START_MS = Date.UTC(2026, 0, 5);
const MERGES = 20;

/** Two people of so many events each, again and again; then one record that names both. */
async function mergeAll(eventsEach: number) {
  const fold = new Fold({ configuration, hash });
  let written = 0;
  const { commit } = fold.store;
  const counting: Store["commit"] = (step) => {
    for (const value of step.parts.values()) written += value?.length ?? 0;
    return commit(step);
  };
  Object.assign(fold.store, { commit: counting });
  let told = 0;
  const tell = (names: Readonly<Record<string, string>>): FoldEvent => {
    told += 1;
    const recordedAt = START_MS + told * 1000;
    const identifiers = Object.entries(names).map(([namespace, value]) => ({ namespace, value }));
    const event = { eventId: `e${told}`, type: "page-viewed", occurredAt: recordedAt, identifiers };
    return { source: "crm", recordedAt, event };
  };
  const spent = { bytes: 0, ms: 0 };
  for (let merge = 0; merge < MERGES; merge += 1) {
    const [customer, card] = [`c-${merge}`, `k-${merge}`];
    for (let i = 0; i < eventsEach; i += 1) await fold.add([tell({ customer }), tell({ card })]);
    const [before, startedAt] = [written, performance.now()];
    await fold.add([tell({ customer, card })]);
    spent.bytes += written - before;
    spent.ms += performance.now() - startedAt;
  }
  const { profiles } = await fold.readPeople();
  ok(profiles.length === MERGES, "all were merged");
  return { bytes: spent.bytes / MERGES, us: (spent.ms * 1000) / MERGES };
}

test("a merge of two people of 1,000 events writes what one of two people of 300 does (P5)", async (t) => {
  // Beyond the window of duplicates (256 events) nothing of a fragment grows.
  const [few, many] = [await mergeAll(300), await mergeAll(1_000)];
  for (const [events, { bytes, us }] of [
    [300, few],
    [1_000, many],
  ] as const)
    t.diagnostic(`two people of ${events} events: ${Math.round(bytes)} bytes written, ${Math.round(us)} us a merge`);
  ok(many.bytes <= few.bytes * 1.05);
});
