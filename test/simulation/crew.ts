// Portions of a campaign, shared out among child processes: each takes the next one when it has done one.

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { runPortion, type PortionNews, type PortionOrder } from "./portion.ts";

export async function runPortions(
  orders: readonly PortionOrder[],
  jobs: number,
  onPortion: (order: PortionOrder, news: readonly PortionNews[]) => Promise<void>,
): Promise<void> {
  const left = [...orders];
  // What a portion tells is worked up one after the other: a failure is shrunk here.
  let telling = Promise.resolve();
  const tell = (order: PortionOrder, news: readonly PortionNews[]) => {
    telling = telling.then(() => onPortion(order, news));
    return telling;
  };
  if (jobs === 1) {
    for (const order of left) await tell(order, await runPortion(order));
    return;
  }
  const children = Array.from({ length: Math.min(jobs, left.length) }, () =>
    fork(join(import.meta.dirname, "portion.ts"), { serialization: "advanced" }),
  );
  try {
    await Promise.all(
      children.map(async (child) => {
        for (let order = left.shift(); order !== undefined; order = left.shift())
          await tell(order, await askFor(child, order));
      }),
    );
  } finally {
    for (const child of children) child.kill();
  }
}

function askFor(child: ChildProcess, order: PortionOrder): Promise<PortionNews[]> {
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
