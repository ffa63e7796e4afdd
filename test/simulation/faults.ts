// The faults that can befall a simulated deployment, by kind. Hard ones take a process, an owner or acknowledged state
// away, or leave the outcome of a transaction unknown; the others delay, refuse or repeat.

export const HARD_KINDS = [
  /** The process dies; its requests under way still take effect. Timed, and just before or after an effect. */
  "crash",
  "crash-before",
  "crash-after",
  /** It dies between two steps of one bundle: K stands inside it. */
  "crash-inside-a-bundle",
  /** Paused past its session, then resumed without knowing. */
  "zombie",
  /** Slots move although everybody lives. */
  "rebalance",
  /** A shard's store comes back without its last commits and epochs. */
  "failover",
  /** So does one shard, right behind a write of it: without that write, or the last few. */
  "failover-at-a-write",
  /** Redis loses all that it holds, index and epochs included. */
  "flushall",
  /** A part of a shard is gone; or one of the keys beside the parts: outbox, timers, names, head. */
  "lost-part",
  "lost-key",
  /** A part is gone as it is about to be read: whoever reads it remembers nothing of it. */
  "lost-part-at-a-read",
  /** The index comes back without its last writes, from another server; at any time, or right behind a request to it. */
  "index-failover",
  "index-failover-at-a-request",
  /** The reply to EndTxn is lost. */
  "end-lost",
  /** EndTxn takes effect long after its caller has given up. */
  "end-late",
] as const;

const SOFT_KINDS = [
  /** A process leaves in order and comes back. */
  "drain",
  "store-refused",
  "store-lost",
  "store-late",
  "index-refused",
  "index-lost",
  /** The first keys of a set-if-absent are set, and no answer comes. */
  "index-partial",
  "registry-refused",
  "log-refused",
  "log-lost",
  "log-late",
  "slow",
  /** InitProducerId takes long to take effect: the old owner goes on meanwhile. */
  "coordinator-slow",
  /** A producer sends the same record again. */
  "duplicate",
  /** A channel producer's transaction that is aborted, or that hangs until its time is over. */
  "input-aborted",
  "input-hanging",
  /** One that is open for a while, and has others write behind it; then it is aborted, or committed. */
  "input-open",
  /** Channel records that every group has passed are deleted. */
  "retention",
] as const;

/** Of these: acknowledged state is gone that no fail-over brings back. */
export const LOSS_KINDS: readonly FaultKind[] = [
  "flushall",
  "lost-part",
  "lost-key",
  "lost-part-at-a-read",
  "index-failover",
  "index-failover-at-a-request",
];
export const FAULT_KINDS = [...HARD_KINDS, ...SOFT_KINDS] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
