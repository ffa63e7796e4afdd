// One portion of a campaign in a process of its own: the seeds that it is told, one message for each failure, and the tally
// at the end. main.ts runs as many at once as --jobs says; which process runs a seed changes nothing about it.

import { createTally, runCampaign, type Seeds, type Tally } from "./campaign.ts";
import type { Outcome } from "./run.ts";

export type PortionNews =
  | { readonly kind: "failed"; readonly outcome: Outcome }
  | { readonly kind: "done"; readonly tally: Tally; readonly cpuSeconds: number };

export async function runPortion(order: Seeds): Promise<PortionNews[]> {
  const news: PortionNews[] = [];
  const tally = createTally();
  const before = process.cpuUsage();
  await runCampaign(order, tally, (outcome) => {
    if (outcome.failure !== null) news.push({ kind: "failed", outcome });
  });
  const { user, system } = process.cpuUsage(before);
  return [...news, { kind: "done", tally, cpuSeconds: (user + system) / 1e6 }];
}

/** As a child: orders come as messages. */
if (process.send !== undefined && process.argv[1] === import.meta.filename)
  process.on("message", (order: Seeds) => {
    void runPortion(order).then((news) => process.send?.(news));
  });
