// One shard of a stitcher: folds bundles of the inner log through the engine, over the parts in the store (parts.ts), and
// commits them in one fenced step: parts, timers, outbox and position together (S1).
// A step ends behind whole bundles, or inside one, where an item of it has fired as many timers as a step may: then R is
// (offset, step), and the next step begins with that item again. Where that is follows from the log and the state alone,
// so outputs are the same whoever makes the steps.

import type { EventOutcome, Output } from "#core/effect.ts";
import type { LimitKind } from "#core/limit.ts";
import type { Component } from "#core/component.ts";
import type { Engine } from "#core/engine.ts";
import type { AbsorbItem, Carried, ComponentId } from "#core/item.ts";
import { shardOf } from "#core/item.ts";
import { applyItem, partsOf } from "#core/step.ts";
import { publishChanges } from "#core/publication.ts";
import { Workspace, type JoinRequest, type Need, type Reply, type Steps, type TimerQueue } from "#core/workspace.ts";
import { comparePositions, type NewRecord, type Position } from "#ports/log.ts";
import { type CommitOutcome, type Store, StoreDamaged, type Timer } from "#ports/store.ts";
import { encodeBundles, type EncodeBundle, listSealed } from "../wire/bundle.ts";
import type { OutputEncoder } from "../wire/output.ts";
import type { PayloadKeys, Seals } from "../wire/payload-keys.ts";
import { type PartServices, ShardParts } from "./parts.ts";

/** A step inside a bundle says how many items of it are done, and how many steps the one after them has had. */
const STEPS_PER_ITEM = 1_000_000;

export interface ShardServices extends PartServices {
  readonly engine: Engine;
  readonly store: Store;
  readonly shards: number;
  readonly resolvedTopic: string;
  readonly encodeBundle: EncodeBundle;
  readonly encodeOutput: OutputEncoder;
  /** Where items for a component go now: its root as the index knows it. */
  findRoots(components: readonly ComponentId[]): Promise<ReadonlyMap<ComponentId, ComponentId>>;
  /** Joins the two in the index; returns the absorb items to send. */
  join(request: JoinRequest): Promise<Carried[]>;
  /** Joins again what is told again, where the index has lost it; returns what to send beside. Absent: it loses nothing. */
  rejoin?(absorbs: readonly AbsorbItem[]): Promise<Carried[]>;
  /** What is said of people is sealed under these. Absent: it stands on the inner log in the clear. */
  readonly keys?: Pick<PayloadKeys, "toOpen" | "doubt" | "toSeal" | "destroy" | "destroyAgain">;
  /** Of these names, over the index as it is (joins.ts). */
  sealing?(names: readonly string[]): Promise<Seals>;
  onOutputs?(outputs: readonly Output[]): void;
  onOutcome?(outcome: EventOutcome): void;
  onLimit?(limit: LimitKind): void;
}

/** One bundle as it stands on the inner log. */
export interface Bundle {
  readonly offset: number;
  readonly items: readonly Carried[];
  /** Keys that it is sealed under and that are destroyed: whoever sealed it may have put them on the log once more. */
  readonly shredded?: readonly string[];
}

export interface Step {
  readonly outcome: CommitOutcome;
  readonly records: readonly NewRecord[];
  /** Inside a bundle where the step was cut: the rest, from that bundle on, is to be applied next. */
  readonly to: Position;
}

/** Another owner has the shard, another server answers for it, or it is at another R. Everything held in memory is void. */
export class CommitRefused extends Error {}

export class ShardStitcher {
  readonly shard: number;
  readonly #services: ShardServices;
  readonly #epoch: number;
  readonly #parts: ShardParts;
  #position: Position;
  /** No stored timer of the queue is due before. */
  readonly #earliestMs: Record<TimerQueue, number> = { time: 0, completeness: 0 };

  constructor(services: ShardServices, shard: number, epoch: number, position: Position) {
    this.#services = services;
    this.shard = shard;
    this.#epoch = epoch;
    this.#position = position;
    this.#parts = new ShardParts(services, shard);
  }

  /** All of it, in as many steps as it takes; ends with one that is not committed. */
  async *applyAll(
    bundles: readonly Bundle[],
    published: () => Position,
    suppressBelow: Position,
  ): AsyncGenerator<Step, void, void> {
    for (let rest = bundles; rest.length > 0; ) {
      const step = await this.apply(rest, published(), suppressBelow);
      yield step;
      if (step.outcome !== "committed") return;
      rest = rest.filter(({ offset }) => offset >= step.to.offset);
    }
  }

  /** Applies bundles in order and commits them as one step. Below `suppressBelow` nothing is published (a refold). */
  async apply(bundles: readonly Bundle[], published: Position, suppressBelow: Position): Promise<Step> {
    const { engine } = this.#services;
    const timers = new Map<string, number | null>();
    const records: NewRecord[] = [];
    const last = bundles.at(-1);
    if (last === undefined) throw new Error("a step needs a bundle");
    if (this.#position.step > 0 && bundles[0]?.offset !== this.#position.offset)
      throw new Error(`shard ${this.shard} has not done with ${this.#position.offset}`);
    let to: Position = { offset: last.offset + 1, step: 0 };
    await this.#parts.load(listParts(bundles));
    await this.#services.prepareEvents(listEvents(bundles));
    const changed = new Map<string, Component | null>();
    const changes = new Map<ComponentId, Set<string>>();
    for (const bundle of bundles) {
      const workspace = new Workspace(this.#parts.values, timers);
      const begun = bundle.offset === this.#position.offset ? this.#position.step : 0;
      const cut = await this.#applyItems(workspace, bundle.items, begun);
      publishChanges(engine, workspace);
      for (const [key, component] of workspace.dirty) changed.set(key, component);
      for (const [id, keys] of workspace.changes) changes.set(id, addAll(changes.get(id), keys));
      const silent = comparePositions({ offset: bundle.offset, step: begun }, suppressBelow) < 0;
      const produced = await this.#collect(workspace, { offset: bundle.offset, step: begun }, silent, bundle.shredded);
      if (!silent) records.push(...produced);
      if (cut === null) continue;
      to = { offset: bundle.offset, step: cut };
      break;
    }
    const parts = this.#parts.encode(changed, changes);
    const { timersAdded, timersRemoved } = splitTimers(timers);
    const outcome = await this.#services.store.commit({
      shard: this.shard,
      epoch: this.#epoch,
      from: this.#position,
      to,
      parts,
      absent: this.#parts.absent,
      timersAdded,
      timersRemoved,
      outbox: records,
      published,
    });
    for (const { queue, atMs } of timersAdded) this.#earliestMs[queue] = Math.min(this.#earliestMs[queue], atMs);
    if (outcome === "committed") {
      this.#position = to;
      this.#parts.settle();
    }
    return { outcome, records, to };
  }

  /** From the item on that has not been done; the step at which the bundle was cut, null where all of it is done. */
  async #applyItems(workspace: Workspace, items: readonly Carried[], begun: number): Promise<number | null> {
    const done = Math.floor(begun / STEPS_PER_ITEM);
    for (const [place, carried] of items.entries()) {
      if (place < done) continue;
      // Most items need nothing more, and are applied without waiting.
      const steps = applyItem(this.#services.engine, workspace, carried);
      const first = steps.next();
      if (first.done !== true && (await this.#drive(steps, first.value)))
        return Math.max(begun, place * STEPS_PER_ITEM) + 1;
    }
    return null;
  }

  /** Answers what the engine needs, first and then, until the item is applied, or cut (true). */
  async #drive(steps: Steps<void>, first: Need): Promise<boolean> {
    for (let need = first; ; ) {
      let reply: Reply;
      if (need.kind === "cut") return true;
      if (need.kind === "parts") await this.#parts.load(need.keys);
      else if (need.kind === "components") reply = await this.#parts.listComponents(need.after, need.max);
      else reply = await this.#findDue(need.queue, need.upToMs, need.max);
      const next = steps.next(reply);
      if (next.done === true) return false;
      need = next.value;
    }
  }

  /** Time passes far more often than a timer falls due, so the store is asked only where one can. */
  async #findDue(queue: TimerQueue, upToMs: number, max: number): Promise<readonly Timer[]> {
    if (upToMs < this.#earliestMs[queue]) return [];
    const { store } = this.#services;
    const due = await store.dueTimers(this.shard, queue, upToMs, max);
    if (due.length === 0) {
      const [next] = await store.dueTimers(this.shard, queue, Number.MAX_SAFE_INTEGER, 1);
      this.#earliestMs[queue] = next?.atMs ?? Number.POSITIVE_INFINITY;
    }
    return due;
  }

  /** The records of one bundle, or of a step of it: outputs first, then items for other homes. */
  async #collect(
    workspace: Workspace,
    at: Position,
    silent: boolean,
    shredded: readonly string[] = [],
  ): Promise<NewRecord[]> {
    const { encodeOutput, encodeBundle, resolvedTopic, onOutputs, onOutcome, onLimit } = this.#services;
    // What a refold says was said, and counted, before.
    if (silent) return [];
    const outputs: Output[] = [];
    const forgotten = new Set<string>(shredded);
    const lastAliases = new Map<string, Output>();
    for (const effect of workspace.effects) if (effect.kind === "alias") lastAliases.set(effect.oldProfileId, effect);
    for (const effect of workspace.effects) {
      if (effect.kind === "outcome") onOutcome?.(effect);
      else if (effect.kind === "limit") onLimit?.(effect.limit);
      else if (effect.kind === "keys-forgotten") for (const key of effect.keys) forgotten.add(key);
      // An old id is told once a bundle, where it leads in the end: ids of outputs say the bundle, so two would be one.
      else if (effect.kind !== "alias" || lastAliases.get(effect.oldProfileId) === effect) outputs.push(effect);
    }
    onOutputs?.(outputs);
    const position = { shard: this.shard, ...at };
    const records = outputs.map((output) => encodeOutput(output, position));
    const sends: Carried[] = [];
    const absorbs = workspace.sends.flatMap(({ item }) => (item.kind === "absorb" ? [item] : []));
    if (workspace.joins.length + absorbs.length + forgotten.size > 0) await this.#requireWhole();
    for (const request of workspace.joins) sends.push(...(await this.#services.join(request)));
    sends.push(...workspace.sends, ...((await this.#services.rejoin?.(absorbs)) ?? []));
    const destroyed = forgotten.size === 0 ? [] : ((await this.#services.keys?.destroy(forgotten)) ?? []);
    records.push(...destroyed);
    if (sends.length === 0) return records;
    const routed = await this.#route(sends);
    const sealed = listSealed(sends);
    const seals = sealed.length === 0 ? undefined : await this.#services.sealing?.(sealed);
    records.push(...(seals?.records ?? []));
    for (const [shard, items] of routed) {
      for (const value of encodeBundles(encodeBundle, -1, 0, items, seals))
        records.push({ topic: resolvedTopic, partition: shard, key: null, value });
    }
    return records.map((record) => (record.topic === resolvedTopic ? { ...record, key: `${this.shard}` } : record));
  }

  /**
   * The index forgets no join and no key comes back, so neither may follow from what the store has lost, nor from what another
   * owner or another server had when it was read: the commit would notice too late, when nobody sends the absorb, or can read
   * what the shard is folded anew from. Throws StoreDamaged, CommitRefused.
   */
  async #requireWhole(): Promise<void> {
    const { store } = this.#services;
    const isMissing = await store.hasLost(this.shard, [...this.#parts.absent]);
    // Last: all that was read before was then read of this owner's shard.
    const standing = await store.standing(this.shard);
    if (standing?.epoch !== this.#epoch) throw new CommitRefused(`shard ${this.shard}: another owner has it`);
    if (isMissing || comparePositions(standing.position, this.#position) !== 0)
      throw new StoreDamaged(
        `shard ${this.shard}: what components are to be joined or keys to be destroyed by is not in the store`,
      );
  }

  /** Statuses are addressed to a birth; they go straight to its present root. Everything else says itself where it goes. */
  async #route(sends: readonly Carried[]): Promise<Map<number, Carried[]>> {
    const statuses = sends.flatMap(({ item }) => (item.kind === "status" ? [item.component] : []));
    const roots =
      statuses.length === 0
        ? new Map<ComponentId, ComponentId>()
        : await this.#services.findRoots([...new Set(statuses)]);
    const addressed = sends.map(({ item, event }) => ({
      item: item.kind === "status" ? { ...item, component: roots.get(item.component) ?? item.component } : item,
      event,
    }));
    return groupByHome(addressed, this.#services.shards);
  }
}

export function groupByHome(sends: readonly Carried[], shards: number): Map<number, Carried[]> {
  const homes = new Map<number, Carried[]>();
  for (const carried of sends) {
    const { item } = carried;
    const shard = shardOf(item.kind === "progress" || item.kind === "rules" ? "" : item.component, shards);
    const items = homes.get(shard) ?? [];
    items.push(carried);
    homes.set(shard, items);
  }
  return homes;
}

function addAll(present: Set<string> | undefined, keys: Set<string>): Set<string> {
  if (present === undefined) return keys;
  for (const key of keys) present.add(key);
  return present;
}

function listEvents(bundles: readonly Bundle[]): Uint8Array[] {
  const events: Uint8Array[] = [];
  for (const { items } of bundles) {
    for (const { event } of items) if (event !== null) events.push(event);
  }
  return events;
}

function listParts(bundles: readonly Bundle[]): string[] {
  const keys = new Set<string>();
  for (const { items } of bundles) for (const { item } of items) for (const key of partsOf(item)) keys.add(key);
  return [...keys];
}

function splitTimers(timers: ReadonlyMap<string, number | null>): { timersAdded: Timer[]; timersRemoved: Timer[] } {
  const timersAdded: Timer[] = [];
  const timersRemoved: Timer[] = [];
  for (const [name, atMs] of timers) {
    const cut = name.indexOf(" ");
    const queue = name.slice(0, cut) as Timer["queue"];
    const ref = name.slice(cut + 1);
    if (atMs === null) timersRemoved.push({ queue, atMs: 0, ref });
    else timersAdded.push({ queue, atMs, ref });
  }
  return { timersAdded, timersRemoved };
}
