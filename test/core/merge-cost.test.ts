// What a merge costs does not grow with the history of whom it joins: the parts that it writes are bounded (P5).
// A thousand merges of each size take a minute, most of it for the 2.6 million events before them; in the short run a tenth.

import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "#ports/store.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { configuration, hash } from "#support/histories.ts";
import { runs } from "#support/property.ts";

const START_MS = Date.UTC(2026, 0, 5);
const MERGES = runs(1_000).numRuns;
/** People of one fold: all of its events are held in memory. */
const MERGES_PER_FOLD = 50;

interface Cost {
  readonly bytes: number;
  readonly us: number;
}

/** Two people of so many events each, again and again, each told in one batch; then one record that names both. */
async function mergeSome(eventsEach: number, merges: number): Promise<Cost[]> {
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
  const tellAll = (names: Readonly<Record<string, string>>) => Array.from({ length: eventsEach }, () => tell(names));
  const costs: Cost[] = [];
  for (let merge = 0; merge < merges; merge += 1) {
    const [customer, card] = [`c-${merge}`, `k-${merge}`];
    await fold.add(tellAll({ customer }));
    await fold.add(tellAll({ card }));
    const [before, startedAt] = [written, performance.now()];
    await fold.add([tell({ customer, card })]);
    costs.push({ bytes: written - before, us: (performance.now() - startedAt) * 1000 });
  }
  const { profiles } = await fold.readPeople();
  equal(profiles.length, merges, "all were merged");
  for (const { view } of profiles) equal(view.counters["page-viewed"], 2 * eventsEach + 1, "and nothing was lost");
  return costs;
}

async function mergeAll(eventsEach: number): Promise<Cost[]> {
  const costs: Cost[] = [];
  while (costs.length < MERGES)
    costs.push(...(await mergeSome(eventsEach, Math.min(MERGES_PER_FOLD, MERGES - costs.length))));
  return costs;
}

function summarise(costs: readonly Cost[]) {
  const times = costs.map(({ us }) => us).toSorted((a, b) => a - b);
  const percentile = (share: number) => Math.round(times[Math.floor(share * (times.length - 1))] ?? 0);
  const most = Math.max(...costs.map(({ bytes }) => bytes));
  return { most, median: percentile(0.5), slow: percentile(0.99) };
}

test("a merge of two people of 1,000 events writes what one of two people of 300 does (P5)", async (t) => {
  // Beyond the window of duplicates (256 events) nothing of a fragment grows.
  const [few, many] = [summarise(await mergeAll(300)), summarise(await mergeAll(1_000))];
  for (const [events, { most, median, slow }] of [
    [300, few],
    [1_000, many],
  ] as const)
    t.diagnostic(
      `${MERGES} merges of two people of ${events} events: at most ${most} bytes written, ${median} us (median), ${slow} us (99 %)`,
    );
  ok(many.most <= few.most * 1.05);
});
