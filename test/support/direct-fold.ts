// The engine alone, driven in one call: a log folded over plain maps whose parts are never encoded, in a fraction of the
// time of a Fold. The door, the routes and the engine are those of production; what they stand on (index, store, wire,
// loops) is left to the tests that fold over it.

import { acceptEvent } from "#core/acceptance.ts";
import type { Component, Forwarder } from "#core/component.ts";
import type { Configuration } from "#core/configuration.ts";
import type { EventOutcome, Output } from "#core/effect.ts";
import { createEngine, type Engine } from "#core/engine.ts";
import { type ErasureRequest, Erasures } from "#core/erasure.ts";
import type { ChannelEvent } from "#core/event.ts";
import { GROUP_PARTS, groupOf, type GroupState } from "#core/group.ts";
import { NO_HOLDS, type Holds } from "#core/hold.ts";
import { isToldEvent, type Carried } from "#core/item.ts";
import type { Order } from "#core/order.ts";
import { publishChanges } from "#core/publication.ts";
import { routeEvent } from "#core/routing.ts";
import { applyItem } from "#core/step.ts";
import { type Need, type Reply, Workspace } from "#core/workspace.ts";
import { openTimeline } from "#adapters/memory/timeline.ts";
import type { FoldEvent, FoldOptions } from "#services/fold/fold.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { routeErasure } from "#services/wire/erasure.ts";
import { gatherPeople, type People } from "#services/wire/profile-reader.ts";
import { configuration, hash } from "./histories.ts";
import { PlainIndex } from "./plain-index.ts";

const DUE_MAX = 1_000;

export class DirectFold {
  readonly engine: Engine;
  readonly outputs: Output[] = [];
  readonly outcomes: Pick<EventOutcome, "source" | "eventId" | "outcome" | "reason">[] = [];
  readonly #index = new PlainIndex();
  readonly #parts = new Map<string, unknown>();
  readonly #timers = { time: openTimeline(), completeness: openTimeline() };
  readonly #recent = new RecentEvents();
  readonly #erasures = new Erasures();
  readonly #events: ChannelEvent[] = [];
  #queue: Carried[][] = [];
  #timeMs = 0;

  readonly #holds: Holds;

  constructor({ configuration, hash, holds = NO_HOLDS }: FoldOptions) {
    this.#holds = holds;
    const decode = (bytes: Uint8Array) => this.#events[new DataView(bytes.buffer).getUint32(0)] as ChannelEvent;
    this.engine = createEngine({ configuration, hash, resolverSlots: 1, decode });
  }

  /** Events that share a micro-batch, with all their consequences; time passes to the earliest of them first. */
  add(batch: readonly FoldEvent[]): void {
    if (batch.length === 0) return;
    this.advance(Math.min(...batch.map(({ recordedAt }) => recordedAt)));
    const { registry } = this.engine;
    const items: Carried[] = [];
    const told: Record<string, number> = {};
    const recent = this.#recent.open();
    for (const { source, recordedAt, event, backfill = false } of batch) {
      const acceptance = acceptEvent(registry, source, recordedAt, event, this.#holds);
      const named = { source, eventId: event.eventId };
      if (!acceptance.ok) {
        this.outcomes.push({ ...named, outcome: "dead-lettered", reason: acceptance.reason });
        continue;
      }
      if (recent.isDuplicate(acceptance.accepted)) {
        this.outcomes.push({ ...named, outcome: "duplicate", reason: null });
        continue;
      }
      const accepted = this.#erasures.apply(registry, acceptance.accepted);
      if (registry.sources.get(source)?.delivery === "files")
        told[source] = Math.max(told[source] ?? 0, accepted.event.occurredAt);
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, this.#events.push(accepted.lawful) - 1);
      const routing = routeEvent(registry, this.#index, accepted, { backfill, traceparent: null });
      items.push(...routing.absorbs.map((item) => ({ item, event: null })));
      items.push(
        ...routing.items.map((item) => {
          return { item, event: isToldEvent(item) ? bytes : null };
        }),
      );
    }
    this.#recent.keep(recent);
    this.#fold(items);
    if (Object.keys(told).length > 0) this.#fold([this.#progress(told)]);
  }

  erase(request: ErasureRequest): void {
    this.#erasures.add(request);
    this.#fold(routeErasure(this.engine.registry.hash, this.#erasures, this.#index, request));
  }

  advance(timeMs: number): void {
    if (timeMs <= this.#timeMs) return;
    this.#timeMs = timeMs;
    this.#fold([this.#progress({})]);
  }

  readPeople(): People {
    const orders: Order[] = [];
    for (const [key, value] of this.#parts) if (value !== null && key.startsWith("o/")) orders.push(value as Order);
    const groups = new Map<string, GroupState>();
    for (const [key, value] of this.#parts)
      if (value !== null && key.startsWith(GROUP_PARTS)) groups.set(groupOf(key), value as GroupState);
    return gatherPeople(this.engine, [{ components: this.listComponents(), orders, groups }]);
  }

  listComponents(): Component[] {
    const components: Component[] = [];
    for (const [key, value] of this.#parts)
      if (value !== null && key.startsWith("c/") && (value as Component | Forwarder).forward === undefined)
        components.push(value as Component);
    return components;
  }

  #progress(completeUpToMs: Readonly<Record<string, number>>): Carried {
    return { item: { kind: "progress", slot: 0, timeMs: this.#timeMs, completeUpToMs }, event: null };
  }

  #fold(items: Carried[]): void {
    this.#queue.push(items);
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift())
      if (next.length > 0) this.#apply(next);
  }

  #apply(items: readonly Carried[]): void {
    const workspace = new Workspace(this.#parts);
    for (const carried of items) {
      const steps = applyItem(this.engine, workspace, carried);
      for (let next = steps.next(); next.done !== true; ) next = steps.next(this.#answer(workspace, next.value));
    }
    publishChanges(this.engine, workspace);
    for (const [key, component] of workspace.dirty)
      if (component === null && workspace.parts.get(key) === undefined) workspace.parts.delete(key);
    for (const [name, atMs] of workspace.timers) {
      const [queue, ...ref] = name.split(" ");
      const timeline = this.#timers[queue as "time" | "completeness"];
      if (atMs === null) timeline.remove(ref.join(" "));
      else timeline.add(atMs, ref.join(" "));
    }
    this.#tell(workspace);
  }

  #answer({ parts, timers }: Workspace, need: Need): Reply {
    if (need.kind === "timers")
      return this.#timers[need.queue]
        .due(need.upToMs, DUE_MAX)
        .filter(({ ref }) => !timers.has(`${need.queue} ${ref}`));
    if (need.kind === "components")
      return [...parts.keys()]
        .filter((key) => key.startsWith("c/") && key > need.after)
        .sort()
        .slice(0, need.max);
    // A step that is cut goes on at once: nothing else comes between.
    if (need.kind === "parts") for (const key of need.keys) if (!parts.has(key)) parts.set(key, null);
    return undefined;
  }

  /** An old id is told once a bundle, where it leads in the end; a status goes to the present root of whom it is for. */
  #tell({ effects, joins, sends }: Workspace): void {
    const aliases = new Map<string, Output>();
    for (const effect of effects) if (effect.kind === "alias") aliases.set(effect.oldProfileId, effect);
    for (const effect of effects) {
      if (effect.kind === "outcome") this.outcomes.push(effect);
      else if (effect.kind === "limit" || effect.kind === "keys-forgotten") continue;
      else if (effect.kind !== "alias" || aliases.get(effect.oldProfileId) === effect) this.outputs.push(effect);
    }
    const absorbs = joins.flatMap((request) => this.#index.join(request));
    const routed = sends.map(({ item, event }): Carried => {
      return { item: item.kind === "status" ? { ...item, component: this.#index.root(item.component) } : item, event };
    });
    this.#queue.push([...absorbs.map((item) => ({ item, event: null })), ...routed]);
  }
}

export function foldBatchesDirectly(
  batches: readonly (readonly FoldEvent[])[],
  told: Configuration = configuration,
  holds: Holds = NO_HOLDS,
): DirectFold {
  const fold = new DirectFold({ configuration: told, hash, holds });
  for (const batch of batches) fold.add(batch);
  return fold;
}

export function foldDirectly(events: readonly FoldEvent[], told?: Configuration): DirectFold {
  return foldBatchesDirectly(
    events.map((event) => [event]),
    told,
  );
}
