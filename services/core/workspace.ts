// The working set of one step of one shard: parts as they were loaded and changed, timers, effects, items for other
// homes. The engine asks for what is missing by yielding a Need; whoever drives it (a loop over Redis, the embedded
// store, a test) answers, so one engine runs over every store.

import { componentPart, identifierPart, type Component, type Forwarder } from "./component.ts";
import type { Effect } from "./effect.ts";
import type { Carried, ComponentId, HomeItem } from "./item.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import type { Look } from "./publication.ts";

export interface DueTimer {
  readonly atMs: number;
  readonly ref: string;
}

export type TimerQueue = "time" | "completeness";

export type Need =
  | { readonly kind: "parts"; readonly keys: readonly string[] }
  | { readonly kind: "timers"; readonly queue: TimerQueue; readonly upToMs: number; readonly max: number }
  /** Keys of the parts of the shard's components behind this one, in their order; asked only where all that came before is committed. */
  | { readonly kind: "components"; readonly after: string; readonly max: number }
  /** The step ends inside the item: what was done is committed, and the item applied anew, which goes on from there. */
  | { readonly kind: "cut" };

/** What the driver resumes with, of timers and components; parts it has put into the workspace before. */
export type Reply = readonly DueTimer[] | readonly string[] | undefined;
export type Steps<T> = Generator<Need, T, Reply>;

export interface JoinRequest {
  readonly a: ComponentId;
  readonly b: ComponentId;
  readonly cause: Cause;
}

/** A profile as it was when the step first touched it. */
export interface Touched {
  readonly component: ComponentId;
  readonly naming: string;
  readonly record: ProfileRecord;
  /** Null where it was not there. */
  readonly before: Look | null;
  cause: Cause;
}

export class Workspace {
  readonly parts: Map<string, unknown>;
  /** Keys of parts that have changed, of a component what stands under no key in it, each with the component whose state of an identifier it is (else null). */
  readonly dirty = new Map<string, Component | null>();
  /** By component: the keys of what has changed in it. */
  readonly changes = new Map<ComponentId, Set<string>>();
  readonly effects: Effect[] = [];
  readonly sends: Carried<HomeItem>[] = [];
  readonly joins: JoinRequest[] = [];
  /** `<queue> <ref>` to its instant; null: taken away. */
  readonly timers: Map<string, number | null>;
  readonly touched = new Map<string, Touched>();

  /**
   * `parts` may be a cache that outlives the step: legal for the single writer of a shard. `timers` are what the bundles
   * before have set in the same step; this one adds its own.
   */
  constructor(parts: Map<string, unknown>, timers = new Map<string, number | null>()) {
    this.parts = parts;
    this.timers = timers;
  }

  read<T>(key: string): T | null {
    return (this.parts.get(key) ?? null) as T | null;
  }

  write(key: string, value: unknown): void {
    this.parts.set(key, value);
    this.dirty.set(key, null);
  }

  /** What stands in the component under this key is about to change: an entry, evidence, a birth, a far end, what one was told. */
  change({ id }: Component, key: string): void {
    const keys = this.changes.get(id);
    if (keys === undefined) this.changes.set(id, new Set([key]));
    else keys.add(key);
  }

  /** The fragment of an identifier, or the record of the profile that it names, is about to change. */
  writeState(component: Component, key: string): void {
    this.dirty.set(identifierPart(key), component);
  }

  /** An identifier's state or a component's page has gone to another home. */
  drop(part: string): void {
    this.dirty.set(part, null);
  }

  setTimer(queue: TimerQueue, ref: string, atMs: number | null): void {
    this.timers.set(`${queue} ${ref}`, atMs);
  }
}

/** Sees to it that the parts are in the workspace. */
export function* load(workspace: Workspace, keys: readonly string[]): Steps<void> {
  const missing = keys.filter((key) => !workspace.parts.has(key));
  if (missing.length > 0) yield { kind: "parts", keys: missing };
}

export function* loadComponent(workspace: Workspace, id: ComponentId): Steps<Component | Forwarder | null> {
  const key = componentPart(id);
  if (!workspace.parts.has(key)) yield { kind: "parts", keys: [key] };
  return workspace.read<Component | Forwarder>(key);
}
