// The bench's load: page views and log-ins of a web shop, seeded. About 250 bytes and 1.75 identifiers an event.

import type { ChannelEvent } from "#core/event.ts";
import { createDice } from "./dice.ts";

export interface LoadOptions {
  readonly events: number;
  readonly people: number;
  readonly seed: number;
  /** uniform: every person alike. zipf: a few do most (exponent 1.1). */
  readonly shape: "uniform" | "zipf";
}

const START_MS = Date.UTC(2026, 0, 5);
const TYPES = ["page-viewed", "product-viewed", "product-viewed", "searched"] as const;

function choosePerson(roll: number, { people, shape }: LoadOptions): number {
  if (shape === "uniform") return Math.floor(roll * people);
  // The inverse of the continuous power law with exponent 1.1 over ranks 1 to people.
  const s = 1.1;
  const rank = (1 - roll * (1 - people ** (1 - s))) ** (1 / (1 - s));
  return Math.min(people, Math.floor(rank)) - 1;
}

export function* createLoad(options: LoadOptions): Generator<ChannelEvent> {
  const roll = createDice(options.seed);
  for (let i = 0; i < options.events; i += 1) {
    const person = choosePerson(roll(), options);
    const type = TYPES[Math.floor(roll() * TYPES.length)] as string;
    const product = `SKU-${Math.floor(roll() * 5000)}`;
    yield {
      eventId: `018f2b7c-9d3e-7a41-8${options.seed}00-${String(i).padStart(12, "0")}`,
      type,
      occurredAt: START_MS + i * 5,
      identifiers: [
        {
          namespace: "cookie",
          value: `7f3a9c52-1d0e-4b6a-9c1f-${String(options.seed * 1e9 + person).padStart(12, "0")}`,
        },
        ...(roll() < 0.75
          ? [{ namespace: "customer", value: `C-${String(options.seed * 1e9 + person).padStart(12, "0")}` }]
          : []),
      ],
      ...(type === "product-viewed"
        ? { product: { productId: product, category: "home/kitchen/table-linen", priceMinor: 1990, currency: "EUR" } }
        : {}),
      touch: { channel: "web", campaignId: "spring-collection-2026-homepage", medium: "organic-search" },
    };
  }
}
