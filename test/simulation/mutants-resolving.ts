// Planted bugs of the resolver and of the identity index as it uses it, and of what it is told of records that are hidden.
import type { FaultKind } from "./faults.ts";
import { type Mutant, patch } from "./mutant.ts";

const RESOLVER = "resolver/loop.ts";
const RESOLVE = "resolver/resolver.ts";
const INDEX = "wire/component-index.ts";
const QUEUE = "adapters/kafka/slot-queue.ts";

/** Only a transaction of a channel producer hides what others have written. */
const OPENING: readonly FaultKind[] = ["input-open", "input-hanging", "input-aborted"];

const HIDING = [
  patch("hidden-is-ignored", RESOLVER, "isKnown ? readUpToMs", 'rest === "hidden" ? clockMs : isKnown ? readUpToMs'),
  patch(
    "hidden-since-unknown-is-now",
    RESOLVER,
    "isKnown ? readUpToMs",
    'rest === "hidden" && !isKnown ? clockMs : isKnown ? readUpToMs',
  ),
  patch("hidden-source-is-complete", RESOLVER, '?.rest !== "none"', '?.rest === "waiting"'),
  patch(
    "hidden-since-the-last-look",
    QUEUE,
    "known.looks.findLast((one) => one.high <= takenTo)",
    "known.looks.at(-1)",
  ),
  patch("hidden-is-nothing", QUEUE, 'takenTo < high ? "hidden"', 'takenTo > high ? "hidden"'),
];

export const RESOLVING: readonly Mutant[] = [
  patch(
    "position-before-resolving",
    RESOLVER,
    "      const out = await this.#resolve(",
    "      for (const one of records) this.#positions.set(partitionKey(one), { offset: one.offset + 1, step: 0 });\n      if (records.length > 0) await this.#slot.publish([], new Map(this.#positions));\n      const out = await this.#resolve(",
  ),
  patch(
    "resolver-position-skips-one",
    RESOLVER,
    "{ offset: record.offset + 1, step: 0 }",
    "{ offset: record.offset + 2, step: 0 }",
  ),
  patch(
    "resolver-position-stays",
    RESOLVER,
    "{ offset: record.offset + 1, step: 0 }",
    "{ offset: record.offset, step: 0 }",
  ),
  ...HIDING.map((mutant): Mutant => ({ ...mutant, needs: OPENING })),
  patch("time-passes-before-the-end", RESOLVER, "Math.max(readUpToMs, byRecords)", "clockMs"),
  patch("source-is-complete-before-the-end", RESOLVER, '?.rest !== "none"', '?.rest === "hidden"'),
  patch(
    "batch-in-the-order-of-partitions",
    RESOLVER,
    "    arrivals.sort((a, b) => a.recordedAt - b.recordedAt);\n",
    "",
  ),
  patch("resolver-starts-at-the-beginning", RESOLVER, "      slot.seek(positions);\n", "      slot.seek(new Map());\n"),
  patch(
    "resolver-unknown-is-success",
    RESOLVER,
    "      await publishing;\n      if (out",
    "      await publishing.catch(() => {});\n      if (out",
  ),
  patch(
    "refusals-not-written",
    RESOLVER,
    "      bury((arrival as (typeof arrivals)[number]).record, reason, detail);",
    "      if (detail.length > 1_000_000) bury((arrival as (typeof arrivals)[number]).record, reason, detail);",
  ),
  patch(
    "outage-is-a-refusal",
    "wire/patience.ts",
    "if (!(error instanceof RegistryUnavailable) && !(error instanceof StoreUnavailable)) throw error;",
    "if (!(error instanceof RegistryUnavailable)) throw error;",
  ),
  patch(
    "remembered-before-it-is-resolved",
    RESOLVE,
    "  await index.prefetch([...keys]);\n  // Joins",
    "  recent.keep(batch);\n  await index.prefetch([...keys]);\n  // Joins",
  ),
  patch(
    "earlier-copy-is-a-duplicate",
    "resolver/recent-events.ts",
    "seen !== undefined && (seen.recordedAt <= recordedAt || seen.said !== said)",
    "seen !== undefined",
  ),
  patch("stale-index-read", INDEX, "const winner = held[i] ?? value;", "const winner = value;"),
  patch("lost-race-unnoticed", INDEX, "if (winner !== value) first = false;", ""),
  patch("join-by-arrival", INDEX, "compareText(ra, rb) < 0 ? [ra, rb] : [rb, ra]", "[ra, rb]"),
];
