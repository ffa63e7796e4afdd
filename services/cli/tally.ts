// What the processes count of what they resolve and fold: in sum for their log lines, by source and code as metrics.

import { setTimeout as delay } from "node:timers/promises";
import { DEAD_LETTER_REASONS, type DeadLetterReason } from "#core/acceptance.ts";
import { IDENTITY_CHANGE_KINDS, type IdentityChangeKind } from "#core/effect.ts";
import { LIMIT_KINDS, type LimitKind } from "#core/limit.ts";
import type { Stage } from "#services/admin/catalogue.ts";
import { Metrics } from "#services/admin/metrics.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { LOOP_EVENTS } from "#services/wire/patience.ts";
import { addCounts } from "./counts.ts";
import { readLag } from "./lag.ts";
import type { Runtime, RuntimeOptions } from "./runtime.ts";

/** Whoever asks often shall not keep the log and the store busy. */
const LAG_KEPT_MS = 5_000;
const LAG_WAIT_MS = 2_000;

type Hooks = Required<Pick<RuntimeOptions, "onBatch" | "onOutcome" | "onOutputs" | "onLimit" | "onStopped" | "onLoop">>;

export class Tally {
  readonly metrics: Metrics;
  readonly counts = {
    records: 0,
    accepted: 0,
    duplicates: 0,
    suppressed: 0,
    clamped: 0,
    identifiersLeftOut: { junk: 0, unknownNamespace: 0 },
    fieldsDropped: {} as Record<string, number>,
    heldBack: {} as Record<string, number>,
    deadLetters: {} as Partial<Record<DeadLetterReason, number>>,
    folded: 0,
    limits: {} as Partial<Record<LimitKind, number>>,
    identityChanges: {} as Partial<Record<IdentityChangeKind, number>>,
    outputs: 0,
    shardsStopped: 0,
  };
  readonly hooks: Hooks;

  constructor({ configuration }: LoadedConfiguration, stages: readonly Stage[]) {
    this.metrics = new Metrics(stages, { withDefaults: true });
    const { metrics, counts } = this;
    for (const limit of LIMIT_KINDS) metrics.count("weft_limits_reached_total", { limit }, 0);
    for (const change of IDENTITY_CHANGE_KINDS) metrics.count("weft_identity_changes_total", { change }, 0);
    for (const event of LOOP_EVENTS) metrics.count("weft_loop_events_total", { event }, 0);
    for (const { name: source } of configuration.sources)
      for (const reason of DEAD_LETTER_REASONS) metrics.count("weft_dead_letters_total", { source, reason }, 0);
    const stopped = new Set<number>();
    const reasons: ReadonlySet<string> = new Set(DEAD_LETTER_REASONS);
    this.hooks = {
      onBatch(batch) {
        counts.records += batch.records;
        counts.accepted += batch.accepted;
        counts.duplicates += batch.duplicates;
        counts.suppressed += batch.suppressed;
        counts.clamped += batch.clamped;
        counts.identifiersLeftOut.junk += batch.leftOut.junk;
        counts.identifiersLeftOut.unknownNamespace += batch.leftOut.unknownNamespace;
        addCounts(counts.fieldsDropped, batch.dropped);
        addCounts(counts.heldBack, batch.held);
        for (const [reason, count] of batch.deadLetters)
          counts.deadLetters[reason] = (counts.deadLetters[reason] ?? 0) + count;
        for (const [name, count] of batch.outcomes) {
          const [source = "", said = ""] = name.split(" ");
          const outcome = reasons.has(said) ? "dead-lettered" : said;
          metrics.count("weft_records_total", { source, outcome }, count);
          if (reasons.has(said)) metrics.count("weft_dead_letters_total", { source, reason: said }, count);
        }
        metrics.count("weft_events_clamped_total", {}, batch.clamped);
        metrics.count("weft_identifiers_left_out_total", { why: "junk" }, batch.leftOut.junk);
        metrics.count("weft_identifiers_left_out_total", { why: "unknown-namespace" }, batch.leftOut.unknownNamespace);
        // Not by field: the name of a trait is whatever a record says.
        for (const [name, count] of batch.dropped)
          metrics.count("weft_fields_dropped_total", { source: name.split(" ")[0] ?? "" }, count);
        for (const [source, count] of batch.held) metrics.count("weft_events_held_back_total", { source }, count);
      },
      onOutcome({ source, outcome }) {
        metrics.count("weft_events_total", { source, outcome });
        if (outcome === "folded") counts.folded += 1;
        else if (outcome === "suppressed") counts.suppressed += 1;
        else counts.duplicates += 1;
      },
      onLimit(limit) {
        metrics.count("weft_limits_reached_total", { limit });
        counts.limits[limit] = (counts.limits[limit] ?? 0) + 1;
      },
      onStopped(shard) {
        counts.shardsStopped += 1;
        metrics.set("weft_stopped_shards", {}, stopped.add(shard).size);
      },
      onOutputs(outputs) {
        counts.outputs += outputs.length;
        for (const output of outputs) {
          metrics.count("weft_outputs_total", { kind: output.kind });
          if (output.kind !== "identity-changed") continue;
          metrics.count("weft_identity_changes_total", { change: output.change });
          counts.identityChanges[output.change] = (counts.identityChanges[output.change] ?? 0) + 1;
        }
      },
      onLoop: (event) => metrics.count("weft_loop_events_total", { event }),
    };
  }

  /** From here on metrics tell how far the deployment is behind, where log and store answer. */
  watchLag(loaded: LoadedConfiguration, { wires: { log }, store }: Pick<Runtime, "wires" | "store">): void {
    const { metrics } = this;
    let readAtMs = Number.NEGATIVE_INFINITY;
    let isReading = false;
    const read = async (): Promise<void> => {
      try {
        for (const { topic, shard, records } of await readLag(loaded, { log, store }, new Set(await log.listTopics())))
          metrics.set("weft_waiting_records", { topic, shard: String(shard ?? "") }, records);
      } catch {
        // Nothing is told of it.
      } finally {
        isReading = false;
      }
    };
    metrics.beforeTelling(async () => {
      if (isReading || performance.now() - readAtMs < LAG_KEPT_MS) return;
      isReading = true;
      readAtMs = performance.now();
      metrics.forget("weft_waiting_records");
      await Promise.race([read(), delay(LAG_WAIT_MS, undefined, { ref: false })]);
    });
  }
}
