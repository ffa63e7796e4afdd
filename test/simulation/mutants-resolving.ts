// Planted bugs of the resolver and of the identity index as it uses it.
import { type Mutant, patch } from "./mutant.ts";

const RESOLVER = "resolver/loop.ts";
const RESOLVE = "resolver/resolver.ts";
const INDEX = "wire/component-index.ts";

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
  patch(
    "time-goes-on-over-what-is-hidden",
    RESOLVER,
    "isKnown ? Math.floor(readUpToMs - hiddenMs) : null",
    "readUpToMs",
  ),
  patch(
    "unknown-age-is-none",
    RESOLVER,
    "const hiddenMs = Math.max(0, ...hidden.values());",
    "const hiddenMs = Math.max(0, ...[...hidden.values()].filter(Number.isFinite));",
  ),
  patch("hidden-source-is-complete", RESOLVER, "if (!waiting.has(source)) complete.set", "complete.set"),
  patch("end-is-said-of-the-time-behind-it", RESOLVER, "atEnd ? clockMs : null", "clockMs"),
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
