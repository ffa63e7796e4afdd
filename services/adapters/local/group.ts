// How the members of a consumer group inside one process share out whole slots.
//
//   join, leave, throw ──► share() gives each slot an owner ──► settle(): abort the run of a former owner,
//   and start the new owner's only once that run has returned. So a slot never has two runs at a time.
//
// Sharing is sticky and even: nobody holds two slots more than another, and no slot moves without need.

import type { GroupOptions, Membership, OwnedSlot } from "#ports/log.ts";

interface Member {
  readonly options: GroupOptions;
  readonly runs: Set<Promise<void>>;
  readonly closed: PromiseWithResolvers<void>;
  leaving: Promise<void> | null;
}

interface Seat {
  readonly slot: number;
  owner: Member | null;
  run: { readonly member: Member; readonly revoke: AbortController } | null;
  /** An owner whose run returned by itself: it is not started again until the slot has moved. */
  rested: Member | null;
}

export interface Group {
  join(options: GroupOptions): Membership;
  close(): Promise<void>;
}

export function openGroup(
  slots: number,
  openSlot: (slot: number, options: GroupOptions, revoked: AbortSignal) => OwnedSlot,
): Group {
  const members: Member[] = [];
  const seats: Seat[] = Array.from({ length: slots }, (_, slot) => ({ slot, owner: null, run: null, rested: null }));

  function share(): void {
    const held = new Map<Member, Seat[]>(members.map((member) => [member, []]));
    for (const seat of seats) {
      if (seat.owner !== null && held.has(seat.owner)) held.get(seat.owner)?.push(seat);
      else seat.owner = null;
    }
    // Those who hold most keep the odd slots, so that a join moves as few as can be.
    const byHolding = members.toSorted((a, b) => (held.get(b)?.length ?? 0) - (held.get(a)?.length ?? 0));
    const free = seats.filter((seat) => seat.owner === null);
    const wanting: { member: Member; missing: number }[] = [];
    byHolding.forEach((member, rank) => {
      const quota = Math.floor(slots / members.length) + (rank < slots % members.length ? 1 : 0);
      const own = held.get(member) ?? [];
      for (const seat of own.slice(quota)) {
        seat.owner = null;
        free.push(seat);
      }
      wanting.push({ member, missing: quota - own.length });
    });
    free.sort((a, b) => a.slot - b.slot);
    for (const { member, missing } of wanting) {
      for (let count = 0; count < missing; count++) {
        const seat = free.shift();
        if (seat !== undefined) seat.owner = member;
      }
    }
    for (const seat of seats) settle(seat);
  }

  function settle(seat: Seat): void {
    if (seat.rested !== seat.owner) seat.rested = null;
    if (seat.run !== null) {
      if (seat.run.member !== seat.owner) seat.run.revoke.abort();
    } else if (seat.owner !== null && seat.rested === null) {
      start(seat, seat.owner);
    }
  }

  function start(seat: Seat, member: Member): void {
    const revoke = new AbortController();
    seat.run = { member, revoke };
    const work = drive().finally(() => {
      member.runs.delete(work);
      seat.run = null;
      settle(seat);
    });
    member.runs.add(work);

    async function drive(): Promise<void> {
      await Promise.resolve(); // joinGroup returns before its first run begins
      if (revoke.signal.aborted) return;
      try {
        await member.options.run(openSlot(seat.slot, member.options, revoke.signal));
        if (!revoke.signal.aborted) seat.rested = member;
      } catch (error) {
        member.closed.reject(error);
        void leave(member);
      }
    }
  }

  function leave(member: Member): Promise<void> {
    member.leaving ??= (async () => {
      members.splice(members.indexOf(member), 1);
      share();
      await Promise.all(member.runs);
      member.closed.resolve();
    })();
    return member.leaving;
  }

  return {
    join(options) {
      if (options.slots !== slots) {
        throw new Error(`group ${options.group} has ${slots} slots; a member came with ${options.slots}`);
      }
      const member: Member = { options, runs: new Set(), closed: Promise.withResolvers(), leaving: null };
      member.closed.promise.catch(() => {}); // a caller that never looks at `closed` must not bring the process down
      members.push(member);
      share();
      return { closed: member.closed.promise, close: () => leave(member) };
    },
    async close() {
      await Promise.all([...members].map(leave));
    },
  };
}
