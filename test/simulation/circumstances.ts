// What a request to be forgotten struck: what was going on when it was written, and whether more was said of her afterwards.

import { comparePositions } from "#ports/log.ts";
import type { FaultKind } from "./faults.ts";
import type { ServerState } from "./state.ts";
import type { World } from "./world.ts";

const SOON_MS = 200;
const PATIENCE_MS = 900;
const CRASHES: readonly FaultKind[] = ["crash", "crash-before", "crash-after", "crash-inside-a-bundle", "zombie"];
const FAILOVERS: readonly FaultKind[] = [
  "failover",
  "failover-at-a-write",
  "index-failover",
  "index-failover-at-a-request",
  "flushall",
];

/** What may be waited for, or met. */
const STRUCK = {
  refold: "erasure during a refold",
  crash: "erasure soon after a crash",
  failover: "erasure soon after a fail-over",
  merge: "erasure soon after a merge of hers",
} as const;
const BEFORE_HER_LAST = "erasure before her last event";
const AFTER_HER_LAST = "erasure after her last event";

/** Each of these must have happened. */
export const CIRCUMSTANCES: readonly string[] = [...Object.values(STRUCK), BEFORE_HER_LAST, AFTER_HER_LAST];
/** Requests that were heard, and somebody forgotten. */
export const ERASURES = "erasures";

export type Circumstance = keyof typeof STRUCK;
/** By turns: what a request waits for, or nothing. */
export const AWAITED: readonly (Circumstance | null)[] = [null, "refold", "crash", "failover", "merge", null, "refold"];

interface Waiting {
  readonly what: Circumstance;
  /** Of who asks. */
  readonly homes: readonly string[];
  readonly act: () => void;
}

export function nameOfLast(isLast: boolean): string {
  return isLast ? AFTER_HER_LAST : BEFORE_HER_LAST;
}

export class Circumstances {
  readonly #world: World;
  readonly #state: ServerState;
  /** By component: when it was last joined with another one. */
  readonly #mergedAtMs = new Map<string, number>();
  #waiting: Waiting[] = [];

  constructor(world: World, state: ServerState) {
    this.#world = world;
    this.#state = state;
    world.onFault = (kind) => {
      if (CRASHES.includes(kind)) this.#meet("crash");
      if (FAILOVERS.includes(kind)) this.#meet("failover");
    };
  }

  /** Once it comes, or when patience is over. */
  await(what: Circumstance, homes: readonly string[], name: string, act: () => void): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    void promise.then(act);
    this.#waiting.push({ what, homes, act: resolve });
    this.#world.after(PATIENCE_MS, `patience of ${name}`, resolve);
  }

  seeMerge(...components: readonly string[]): void {
    for (const component of components) this.#mergedAtMs.set(component, this.#world.nowMs);
    if (this.#waiting.length > 0) this.#meet("merge", ({ homes }) => homes.some((home) => components.includes(home)));
  }

  seeRefold(): void {
    this.#meet("refold");
  }

  /** homes: of who asks. */
  list(homes: readonly string[]): string[] {
    const { nowMs, plan } = this.#world;
    const isSoon = (kinds: readonly FaultKind[]) => kinds.some((kind) => this.#world.sinceMs(kind) <= SOON_MS);
    const isMerged = homes.some((home) => nowMs - (this.#mergedAtMs.get(home) ?? Number.NEGATIVE_INFINITY) <= SOON_MS);
    const isBehind = Array.from({ length: plan.shards }, (_, shard) => shard).some(
      (shard) => comparePositions(this.#state.appliedUpTo(shard), this.#state.reachedBy(shard)) < 0,
    );
    return [
      ...(isBehind ? [STRUCK.refold] : []),
      ...(isSoon(CRASHES) ? [STRUCK.crash] : []),
      ...(isSoon(FAILOVERS) ? [STRUCK.failover] : []),
      ...(isMerged ? [STRUCK.merge] : []),
    ];
  }

  #meet(what: Circumstance, isMeant: (waiting: Waiting) => boolean = () => true): void {
    const met = this.#waiting.filter((waiting) => waiting.what === what && isMeant(waiting));
    if (met.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !met.includes(waiting));
    for (const { act } of met)
      this.#world.after(SOON_MS * this.#world.draw(this.#world.number(what)), `erasure after a ${what}`, act);
  }
}
