// The simulated coordinator of one consumer group, and the members' side of it: who owns which slot, told to members with
// delays of their own, so that an old owner may run on beside the new one. A member that does not answer for a session is
// out; when it is back it learns so late, and joins again. One run per slot and process: a slot that comes back waits
// for its old run to return.

import type { GroupOptions, Membership, OwnedSlot } from "#ports/log.ts";
import type { Incarnation } from "./incarnation.ts";
import { ownSignal } from "./timers.ts";
import type { World } from "./world.ts";

export const SESSION_MS = 600;

interface Run {
  readonly generation: number;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

interface Member {
  readonly incarnation: Incarnation;
  readonly options: GroupOptions;
  readonly runs: Map<number, Run>;
  /** Of each slot: the newest generation that it has heard of; older news is void. */
  readonly heard: Map<number, number>;
  readonly closed: PromiseWithResolvers<void>;
  leaving: boolean;
}

export type OpenSlot = (slot: number, options: GroupOptions, revoked: AbortSignal) => OwnedSlot;

export class Group {
  /** True plants a bug: who loses a slot goes on with it. */
  ignoresRevocation = false;
  /** True plants a bug: a slot that comes back does not wait for its old run, which is not told to end. */
  doublesLoops = false;
  readonly #world: World;
  readonly #slots: number;
  readonly #name: string;
  readonly #openSlot: (incarnation: Incarnation) => OpenSlot;
  #members: Member[] = [];
  readonly #owners: (Member | null)[];
  #generation = 0;

  constructor(world: World, name: string, slots: number, openSlot: (incarnation: Incarnation) => OpenSlot) {
    this.#world = world;
    this.#name = name;
    this.#slots = slots;
    this.#openSlot = openSlot;
    this.#owners = Array.from({ length: slots }, () => null);
  }

  join(incarnation: Incarnation, options: GroupOptions): Membership {
    if (options.slots !== this.#slots) throw new Error(`${this.#name} has ${this.#slots} slots`);
    const member: Member = {
      incarnation,
      options,
      runs: new Map(),
      heard: new Map(),
      closed: Promise.withResolvers(),
      leaving: false,
    };
    member.closed.promise.catch(() => {});
    this.#enter(member);
    return {
      closed: member.closed.promise,
      close: async () => {
        member.leaving = true;
        for (const { abort } of member.runs.values()) abort.abort();
        await Promise.all([...member.runs.values()].map(({ ended }) => ended));
        this.#leave(member);
        member.closed.resolve();
      },
    };
  }

  /** After a session without an answer a member is out. A paused one that is resumed has to learn that. */
  expire(incarnation: Incarnation): void {
    const member = this.#members.find((one) => one.incarnation === incarnation);
    if (member === undefined || incarnation.isResponsive) return;
    this.#leave(member);
    if (incarnation.isAlive) this.#tell(member, this.#world.plan.lossMs, () => this.#learnExpiry(member));
  }

  /** Somebody else gets each slot, or the same one again, as luck has it. */
  rebalance(luck: string): void {
    this.#deal((slot) => {
      const place = Math.floor(this.#world.draw(`${luck} ${this.#name} ${slot}`) * this.#members.length);
      return this.#members[place] ?? null;
    });
  }

  #learnExpiry(member: Member): void {
    if (!this.ignoresRevocation) for (const { abort } of member.runs.values()) abort.abort();
    if (!member.leaving) this.#enter(member);
  }

  #enter(member: Member): void {
    this.#members.push(member);
    this.#share();
  }

  #leave(member: Member): void {
    this.#members = this.#members.filter((one) => one !== member);
    this.#share();
  }

  /** Even, and as few moves as that takes. */
  #share(): void {
    const held = new Map(this.#members.map((member) => [member, 0]));
    const quota = Math.ceil(this.#slots / Math.max(1, this.#members.length));
    const next = this.#owners.map((owner) => {
      const count = owner === null ? undefined : held.get(owner);
      if (owner === null || count === undefined || count >= quota) return null;
      held.set(owner, count + 1);
      return owner;
    });
    this.#deal((slot) => {
      if (next[slot] !== null) return next[slot] as Member;
      const [least] = [...held].sort(([, a], [, b]) => a - b);
      if (least === undefined) return null;
      held.set(least[0], least[1] + 1);
      return least[0];
    });
  }

  #deal(choose: (slot: number) => Member | null): void {
    this.#generation += 1;
    const generation = this.#generation;
    for (let slot = 0; slot < this.#slots; slot += 1) {
      const before = this.#owners[slot] ?? null;
      const owner = choose(slot);
      this.#owners[slot] = owner;
      if (before === owner && !this.#world.plan.eager) continue;
      if (before !== null && before !== owner)
        this.#tell(before, this.#world.plan.lossMs, () => this.#revoke(before, slot, generation));
      if (owner !== null) this.#tell(owner, this.#world.plan.newsMs, () => this.#assign(owner, slot, generation));
    }
  }

  #tell(member: Member, withinMs: number, news: () => void): void {
    const name = this.#world.number(`news of ${this.#name} to ${member.incarnation.name}`);
    this.#world.after(withinMs * this.#world.draw(name), name, () => member.incarnation.deliver(news));
  }

  #revoke(member: Member, slot: number, generation: number): void {
    const run = member.runs.get(slot);
    member.heard.set(slot, Math.max(member.heard.get(slot) ?? 0, generation));
    if (run !== undefined && run.generation < generation && !this.ignoresRevocation) run.abort.abort();
  }

  #assign(member: Member, slot: number, generation: number): void {
    const before = member.runs.get(slot);
    if (member.leaving || (member.heard.get(slot) ?? 0) > generation) return;
    member.heard.set(slot, generation);
    if (!this.doublesLoops && !this.ignoresRevocation) before?.abort.abort();
    const abort = new AbortController();
    ownSignal(abort.signal, this.#world, member.incarnation);
    const run = async () => {
      try {
        if (!this.doublesLoops && !this.ignoresRevocation) await before?.ended;
        const slotOf = this.#openSlot(member.incarnation);
        if (!abort.signal.aborted) await member.options.run(slotOf(slot, member.options, abort.signal));
      } catch (error) {
        this.#world.fail(
          `${member.incarnation.name}, slot ${slot} of ${this.#name}: ${String((error as Error)?.stack ?? error)}`,
        );
      }
    };
    member.runs.set(slot, { generation, abort, ended: run() });
  }
}
