// Time as the production code sees it during a simulation. It waits through node:timers/promises and always brings the
// signal of its slot, so the signal says whose waiting it is; it measures with performance.now. Both are led to the
// world here, without a seam in production; callers that no world knows get Node's own.

import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";
import type { Incarnation } from "./incarnation.ts";
import type { World } from "./world.ts";

const owners = new WeakMap<AbortSignal, { readonly world: World; readonly incarnation: Incarnation }>();
const realDelay = timersPromises.setTimeout;
const realNow = performance.now.bind(performance);
let worldClock: (() => number) | null = null;

export function setWorldClock(clock: (() => number) | null): void {
  worldClock = clock;
}

/** What waits under this signal waits in that world. */
export function ownSignal(signal: AbortSignal, world: World, incarnation: Incarnation): void {
  owners.set(signal, { world, incarnation });
}

function delay<T>(ms?: number, value?: T, options?: { readonly signal?: AbortSignal | undefined }): Promise<T> {
  const signal = options?.signal;
  const owner = signal === undefined ? undefined : owners.get(signal);
  if (signal === undefined || owner === undefined) return realDelay(ms, value, options);
  const { world, incarnation } = owner;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    world.after(ms ?? 1, `timer of ${incarnation.name}`, () =>
      incarnation.deliver(() => {
        signal.removeEventListener("abort", onAbort);
        resolve(value as T);
      }),
    );
  });
}

Object.assign(timersPromises, { setTimeout: delay });
syncBuiltinESMExports();
Object.defineProperty(performance, "now", { configurable: true, value: () => (worldClock ?? realNow)() });
