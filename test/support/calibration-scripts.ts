// Scripts of transactions for the calibration of the simulated log: what two transactional ids, their producers' old
// incarnations and a plain producer do to two partitions and a group's positions, one thing after the other. Drawn by seed.

export const PARTITIONS = 2;
export const IDS = ["one", "two"] as const;
export type Id = (typeof IDS)[number];

export type Act =
  /** A new incarnation under the id: fences the ones before. */
  | { readonly kind: "open"; readonly id: Id }
  /** By the incarnation of the id that is `back` before the latest; its transaction begins with positions. */
  | { readonly kind: "positions"; readonly id: Id; readonly back: number; readonly offset: number }
  | {
      readonly kind: "produce";
      readonly id: Id;
      readonly back: number;
      readonly partition: number;
      readonly text: string;
    }
  /** A request that was long under way: it asks for no place in the transaction first. */
  | {
      readonly kind: "straggle";
      readonly id: Id;
      readonly back: number;
      readonly partition: number;
      readonly text: string;
    }
  | { readonly kind: "end"; readonly id: Id; readonly back: number; readonly how: "committing" | "aborting" }
  | { readonly kind: "append"; readonly partition: number; readonly text: string }
  /** Until whatever is open has timed out. */
  | { readonly kind: "outlast" }
  | { readonly kind: "look" };

export interface Script {
  readonly name: string;
  readonly acts: readonly Act[];
  /** Transactions of the script are given up soon. */
  readonly hangs: boolean;
}

const ACTS_MIN = 8;
const ACTS_MAX = 18;
const STALE = 0.2;

/** A script is more telling where it mostly does what a producer does: positions, records, end. */
export function createScript(name: string, draw: (what: string) => number): Script {
  const among = <T>(what: string, values: readonly T[]) => values[Math.floor(draw(what) * values.length)] as T;
  const acts: Act[] = [];
  const incarnations = new Map<Id, number>();
  const isOpen = new Map<Id, boolean>();
  const hangs = draw("hangs") < 0.2;
  const count = ACTS_MIN + Math.floor(draw("count") * (ACTS_MAX - ACTS_MIN));
  for (let n = 0; acts.length < count; n += 1) {
    const id = among(`id ${n}`, IDS);
    const lives = incarnations.get(id) ?? 0;
    const luck = draw(`what ${n}`);
    const text = `${n}`;
    const partition = Math.floor(draw(`partition ${n}`) * PARTITIONS);
    if (luck < 0.06) acts.push({ kind: "append", partition, text });
    else if (luck < 0.12) acts.push({ kind: "look" });
    else if (lives === 0 || luck < 0.22) {
      acts.push({ kind: "open", id });
      incarnations.set(id, lives + 1);
      isOpen.set(id, false);
    } else if (lives > 1 && draw(`stale ${n}`) < STALE) {
      const back = 1;
      const kind = among(`stale act ${n}`, ["positions", "straggle", "end"] as const);
      if (kind === "positions") acts.push({ kind, id, back, offset: 1000 + n });
      else if (kind === "straggle") acts.push({ kind, id, back, partition, text });
      else acts.push({ kind, id, back, how: among(`how ${n}`, ["committing", "aborting"] as const) });
    } else if (isOpen.get(id) !== true) {
      if (luck > 0.9) acts.push({ kind: "straggle", id, back: 0, partition, text });
      else if (luck > 0.85) acts.push({ kind: "end", id, back: 0, how: "committing" });
      else {
        acts.push({ kind: "positions", id, back: 0, offset: n + 1 });
        isOpen.set(id, true);
      }
    } else if (luck < 0.7) acts.push({ kind: "produce", id, back: 0, partition, text });
    else {
      const how = luck < 0.87 ? "committing" : "aborting";
      acts.push({ kind: "end", id, back: 0, how });
      isOpen.set(id, false);
      if (luck > 0.96) acts.push({ kind: "end", id, back: 0, how });
    }
  }
  if (hangs) {
    // Somebody hangs, and comes back too late.
    const id = among("hanging", IDS);
    acts.push(
      { kind: "open", id },
      { kind: "positions", id, back: 0, offset: 500 },
      { kind: "produce", id, back: 0, partition: 0, text: "hanging" },
      { kind: "append", partition: 0, text: "behind it" },
      { kind: "look" },
      { kind: "outlast" },
      { kind: "end", id, back: 0, how: "committing" },
      { kind: "open", id },
      { kind: "positions", id, back: 0, offset: 501 },
      { kind: "produce", id, back: 0, partition: 0, text: "later" },
      { kind: "end", id, back: 0, how: "committing" },
    );
  }
  return { name, acts, hangs };
}
