// The one thing that lets time pass in a simulation: a heap of entries ordered by (virtual time, seeded tie-break,
// sequence). A request to a service becomes two entries, its effect there and its reply here, so that the effect can
// happen although the caller has died, given up or never hears of it.
// Every draw is a function of (seed, stable name), never of a running stream: a fault that is taken away moves no other
// draw, which is what lets a failing history be shrunk. After each entry the promises that it settled are drained.

import type { Plan } from "./plan.ts";
import type { Incarnation } from "./incarnation.ts";
import { FAULT_KINDS, type FaultKind } from "./faults.ts";
import { setWorldClock } from "./timers.ts";

interface Entry {
  readonly atMs: number;
  readonly tie: number;
  readonly sequence: number;
  readonly name: string;
  readonly run: () => void;
}

/** Beyond it something chases itself: no history of these sizes needs a tenth. */
const STEPS_MAX = 400_000;

export class Violation extends Error {}

export function hashText(seed: number, text: string): number {
  let hash = Math.imul(seed, 0x9e3779b1) ^ 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export class World {
  nowMs = 0;
  steps = 0;
  readonly plan: Plan;
  /** How often each fault fired, and each state of interest was reached. */
  readonly counts = new Map<string, number>();
  /** Stable names of the faults that fired, in order. */
  readonly fired: string[] = [];
  faultsOn = true;
  onFault: (kind: FaultKind) => void = () => {};
  readonly #allowed: ReadonlySet<string> | null;
  readonly #heap: Entry[] = [];
  readonly #occurrences = new Map<string, number>();
  readonly #firedAtMs = new Map<FaultKind, number>();
  #sequence = 0;
  #trace = 0;
  #violation: Error | null = null;

  /** allowed: the faults that may fire (a shrunk history); null: as the plan's rates say. */
  constructor(plan: Plan, allowed: ReadonlySet<string> | null) {
    this.plan = plan;
    this.#allowed = allowed;
  }

  get trace(): string {
    return (this.#trace >>> 0).toString(16).padStart(8, "0");
  }

  /** In [0, 1). */
  draw(name: string): number {
    return hashText(this.plan.seed, name) / 4_294_967_296;
  }

  /** The name with how often it was given before. */
  number(name: string): string {
    const count = this.#occurrences.get(name) ?? 0;
    this.#occurrences.set(name, count + 1);
    return `${name}#${count}`;
  }

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  goesWrong(kind: FaultKind, name: string): boolean {
    if (!this.faultsOn) return false;
    const rate = this.plan.rates[kind];
    if (this.#allowed === null && rate === 0) return false;
    const fault = `${kind} ${name}`;
    if (this.#allowed === null ? this.draw(fault) >= rate : !this.#allowed.has(fault)) return false;
    this.#note(kind, fault);
    return true;
  }

  /** A fault of the plan's own timetable. */
  strikes(kind: FaultKind, name: string): boolean {
    const fault = `${kind} ${name}`;
    if (!this.allows(fault)) return false;
    this.#note(kind, fault);
    return true;
  }

  /** How long ago a fault of the kind fired last. */
  sinceMs(kind: FaultKind): number {
    return this.nowMs - (this.#firedAtMs.get(kind) ?? Number.NEGATIVE_INFINITY);
  }

  #note(kind: FaultKind, fault: string): void {
    this.fired.push(fault);
    this.#firedAtMs.set(kind, this.nowMs);
    this.onFault(kind);
    this.count(kind);
  }

  allows(fault: string): boolean {
    return this.#allowed === null || this.#allowed.has(fault);
  }

  after(ms: number, name: string, run: () => void): void {
    const sequence = this.#sequence;
    this.#sequence += 1;
    const tie = hashText(this.plan.seed, `tie ${sequence}`);
    this.#push({ atMs: this.nowMs + ms, tie, sequence, name, run });
  }

  /** A broken promise of the product: the run ends with it. */
  fail(text: string): void {
    this.#violation ??= new Violation(text);
  }

  /** Runs until `isDone` or the virtual deadline; throws the first violation. True where it was done in time. */
  async run(deadlineMs: number, isDone: () => boolean): Promise<boolean> {
    setWorldClock(() => this.nowMs);
    const onUnhandled = (error: unknown) =>
      this.fail(`unhandled rejection: ${String((error as Error)?.stack ?? error)}`);
    process.on("unhandledRejection", onUnhandled);
    try {
      for (;;) {
        if (this.#violation !== null) throw this.#violation;
        if (isDone()) return true;
        const entry = this.#pop();
        if (entry === undefined || entry.atMs > deadlineMs) {
          if (entry !== undefined) this.#push(entry);
          this.nowMs = Math.max(this.nowMs, deadlineMs);
          return isDone();
        }
        this.nowMs = Math.max(this.nowMs, entry.atMs);
        this.steps += 1;
        if (this.steps > STEPS_MAX) throw new Violation(`does not come to rest: ${STEPS_MAX} steps`);
        this.#trace = hashText(this.#trace, `${entry.name} ${entry.atMs}`);
        entry.run();
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      process.off("unhandledRejection", onUnhandled);
      setWorldClock(null);
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!isBefore(entry, heap[up] as Entry)) break;
      heap[at] = heap[up] as Entry;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && isBefore(heap[down + 1] as Entry, heap[down] as Entry)) down += 1;
      if (!isBefore(heap[down] as Entry, last)) break;
      heap[at] = heap[down] as Entry;
      at = down;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.tie !== b.tie ? a.tie < b.tie : a.sequence < b.sequence;
}

export interface Request<T> {
  /** What is asked of whom, in words that stay the same when other faults are taken away. */
  readonly name: string;
  /** Kinds that may befall it; absent: it is never refused, or its reply never lost. */
  readonly refused?: FaultKind;
  readonly lost?: FaultKind;
  readonly late?: FaultKind;
  /** Its effect may be long in coming, within the caller's patience. */
  readonly held?: FaultKind;
  readonly effect: () => T | Promise<T>;
  /** What the caller gets where the service cannot be reached, or does not answer. */
  readonly error: (why: string) => Error;
}

const REPLY_WAIT_MS = 200;

/** Sends a request: effect and reply apart, each with a delay of its own. */
export function send<T>(world: World, caller: Incarnation, request: Request<T>): Promise<T> {
  const { refused, lost, late, held, error } = request;
  const name = world.number(request.name);
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const slow = world.goesWrong("slow", name) ? 20 + 130 * world.draw(`slowness ${name}`) : 0;
  const wayMs = () => world.plan.latencyMs * (0.2 + world.draw(world.number(`way ${name}`))) + slow;
  const heldMs = held !== undefined && world.goesWrong(held, name) ? 20 + 150 * world.draw(`holding ${name}`) : 0;
  const reply = (ms: number, settle: () => void) => world.after(ms, `reply ${name}`, () => caller.deliver(settle));
  if (refused !== undefined && world.goesWrong(refused, name)) {
    reply(wayMs(), () => reject(error("refused: OOM, READONLY or LOADING")));
    return promise;
  }
  const act = (answer: boolean) => {
    if (world.goesWrong("crash-before", name)) caller.crash();
    const settled = attempt(request.effect);
    settled.catch(() => {});
    if (world.goesWrong("crash-after", name)) caller.crash();
    if (!answer) return;
    const pass = () => reply(wayMs(), () => resolve(settled));
    settled.then(pass, pass);
  };
  if (late !== undefined && world.goesWrong(late, name)) {
    world.after(REPLY_WAIT_MS * (1 + 6 * world.draw(`lateness ${name}`)), `late ${name}`, () => act(false));
    reply(REPLY_WAIT_MS, () => reject(error("no answer in time")));
  } else if (lost !== undefined && world.goesWrong(lost, name)) {
    world.after(wayMs(), `effect ${name}`, () => act(false));
    reply(REPLY_WAIT_MS, () => reject(error("no answer")));
  } else {
    world.after(wayMs() + heldMs, `effect ${name}`, () => act(true));
  }
  return promise;
}

async function attempt<T>(effect: () => T | Promise<T>): Promise<T> {
  return await effect();
}

export function countFaults(counts: ReadonlyMap<string, number>): number {
  return FAULT_KINDS.reduce((sum, kind) => sum + (counts.get(kind) ?? 0), 0);
}
