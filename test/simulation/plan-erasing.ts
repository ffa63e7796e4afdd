// Seeds that are about erasures alone: many small components, somebody who asks to be forgotten every few moments, and
// the usual mix of faults, so that requests come before, during and after all of them.

import type { Scenario } from "#support/histories.ts";
import { createPlan, type Plan } from "./plan.ts";
import { hashText } from "./world.ts";

const FEED_MS_MIN = 1_500;
const FEED_MS_MAX = 3_000;
const REQUESTS_MIN = 28;
const REQUESTS_MAX = 40;
/** Requests after the last event, which may be about what several people share. */
const SHARING = 4;
const LATE_MS = 500;
/** Histories, and events of each. */
const SHAPES = [
  { histories: 44, historyLength: 2 },
  { histories: 50, historyLength: 2 },
  { histories: 30, historyLength: 3 },
] as const;

/** A third shares devices, contests numbers or types addresses; nobody names dozens. */
const SCENARIOS: readonly Scenario[] = [
  "plain",
  "plain",
  "orders",
  "crm",
  "plain",
  "orders",
  "shared-device",
  "contested-phone",
  "typed",
];
/** A day goes by in a second or two: most of what comes after a request is also recorded after it. */
const LAPSE = 40_000;

/** sealed: erasing, with payload keys. */
export type SeedKind = "any" | "erasing" | "sealed";

export function createPlanOf(kind: SeedKind, seed: number): Plan {
  if (kind === "any") return createPlan(seed);
  return { ...createErasingPlan(seed), ...(kind === "sealed" ? { sealed: true } : {}) };
}

function createErasingPlan(seed: number): Plan {
  const plan = createPlan(seed);
  const draw = (name: string) => hashText(seed, `erasing plan ${name}`) / 4_294_967_296;
  const within = (name: string, min: number, max: number) => min + Math.floor(draw(name) * (max - min + 1));
  const feedMs = within("feed", FEED_MS_MIN, FEED_MS_MAX);
  const sooner = (atMs: number) => Math.round((atMs * feedMs) / plan.feedMs);
  // The first ones find few people who are there.
  const atRandom = Array.from({ length: within("requests", REQUESTS_MIN, REQUESTS_MAX) }, (_, i) =>
    Math.round(Math.sqrt(draw(`request at ${i}`)) * feedMs),
  );
  const late = Array.from({ length: SHARING }, (_, i) => feedMs + Math.round(draw(`late request at ${i}`) * LATE_MS));
  return {
    ...plan,
    ...(SHAPES[within("shape", 0, SHAPES.length - 1)] as (typeof SHAPES)[number]),
    scenarios: SCENARIOS,
    feedMs,
    lapse: LAPSE,
    strikes: plan.strikes.map((strike) => ({ ...strike, atMs: sooner(strike.atMs) })),
    ...(plan.rulesAtMs === undefined ? {} : { rulesAtMs: plan.rulesAtMs.map(sooner) }),
    erasuresAtMs: [...atRandom, ...late],
    sharingFromMs: feedMs,
  };
}
