// What a shard knows of time, as a part of its state: what each resolver slot has passed, and what of files was told.

import type { Workspace } from "./workspace.ts";

export const SHARD_PART = "s";

export interface ShardTime {
  timeMs: number;
  readonly slots: Record<string, number>;
  readonly completeUpToMs: Record<string, number>;
  /** What slots have said of files, until every slot has passed the instant of saying it; by instant. */
  told?: Told[];
  /** In the middle of asking what waits for completeness: the last that was asked, and how many were. */
  asked?: { readonly atMs: number; readonly ref: string; readonly count: number };
}

interface Told {
  readonly source: string;
  upToMs: number;
  asOfMs: number;
}

/** What every resolver slot has passed. Each step has loaded the part (step.ts), so it is the same after any restart. */
export function readShardTimeMs(workspace: Workspace): number {
  return workspace.read<ShardTime>(SHARD_PART)?.timeMs ?? 0;
}
