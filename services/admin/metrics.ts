// What a process counts, as Prometheus reads it. Beside our own there are prom-client's metrics of the process and of Node.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { type Labels, METRICS, type MetricName, type NameOf, type Stage } from "./catalogue.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Metrics {
  readonly #registry = new Registry();
  readonly #known = new Map<string, Counter | Gauge | Histogram>();
  readonly #scrapes: (() => Promise<void>)[] = [];

  constructor(stages: readonly Stage[], { withDefaults = false } = {}) {
    if (withDefaults) collectDefaultMetrics({ register: this.#registry });
    for (const [name, { kind, help, labels, stages: of }] of Object.entries(METRICS)) {
      if (!of.some((stage) => stages.includes(stage))) continue;
      const options = { name, help, labelNames: [...labels], registers: [this.#registry] };
      const made =
        kind === "counter"
          ? new Counter(options)
          : kind === "gauge"
            ? new Gauge(options)
            : new Histogram({ ...options, buckets: SECONDS });
      this.#known.set(name, made);
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** With 0 it is shown before it has happened. */
  count<Name extends NameOf<"counter">>(name: Name, labels: Labels<Name>, by = 1): void {
    (this.#known.get(name) as Counter | undefined)?.inc(labels, by);
  }

  set<Name extends NameOf<"gauge">>(name: Name, labels: Labels<Name>, value: number): void {
    (this.#known.get(name) as Gauge | undefined)?.set(labels, value);
  }

  observe<Name extends NameOf<"histogram">>(name: Name, labels: Labels<Name>, value: number): void {
    (this.#known.get(name) as Histogram | undefined)?.observe(labels, value);
  }

  /** Nothing is shown of it until it is set again. */
  forget(name: MetricName): void {
    this.#known.get(name)?.reset();
  }

  /** Done before what is asked for is told. It must not throw, nor take long. */
  beforeTelling(work: () => Promise<void>): void {
    this.#scrapes.push(work);
  }

  async tell(): Promise<string> {
    await Promise.all(this.#scrapes.map((work) => work()));
    return await this.#registry.metrics();
  }
}
