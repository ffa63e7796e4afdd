// Portions of a campaign, shared out among child processes: each takes the next one, if there still is one, when it has
// done one.

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Seeds } from "./campaign.ts";
import { runPortion, type PortionNews } from "./portion.ts";

export async function runPortions(
  orders: Iterator<Seeds>,
  jobs: number,
  onPortion: (order: Seeds, news: readonly PortionNews[]) => Promise<void>,
): Promise<void> {
  const next = () => orders.next().value as Seeds | undefined;
  // What a portion tells is worked up one after the other: a failure is shrunk here.
  let telling = Promise.resolve();
  const tell = (order: Seeds, news: readonly PortionNews[]) => {
    telling = telling.then(() => onPortion(order, news));
    return telling;
  };
  if (jobs === 1) {
    for (let order = next(); order !== undefined; order = next()) await tell(order, await runPortion(order));
    return;
  }
  const children = Array.from({ length: jobs }, () =>
    fork(join(import.meta.dirname, "portion.ts"), { serialization: "advanced" }),
  );
  try {
    await Promise.all(
      children.map(async (child) => {
        for (let order = next(); order !== undefined; order = next()) await tell(order, await askFor(child, order));
      }),
    );
  } finally {
    for (const child of children) child.kill();
  }
}

function askFor(child: ChildProcess, order: Seeds): Promise<PortionNews[]> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`seeds from ${order.from}: the process ended (${code})`));
    child.once("exit", onExit);
    child.once("message", (news) => {
      child.off("exit", onExit);
      resolve(news as PortionNews[]);
    });
    child.send(order);
  });
}
