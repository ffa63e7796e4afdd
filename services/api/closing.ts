// How the server stops: what has begun is answered, what only waits is given up, what comes is sent elsewhere; and then the
// connections close, also those on which nobody finishes.

import { finished } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { ApiProblem } from "./problem.ts";

/** For what has begun. */
export const DRAIN_MS = 10_000;
/** For what has been sent and not been read yet, and then for connections on which half a request has come. */
const LINGER_MS = 500;

/** signal: aborted once the process is being stopped, for whatever waits. */
export function drainOnClose(app: FastifyInstance, closing: AbortController): void {
  const begun = new Set<unknown>();
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  app.addHook("onRequest", async (request, reply) => {
    closing.signal.throwIfAborted();
    begun.add(request);
    finished(reply.raw, () => {
      begun.delete(request);
      if (closing.signal.aborted && begun.size === 0) settle();
    });
  });
  app.addHook("onSend", async (_request, reply) => {
    if (closing.signal.aborted) reply.header("connection", "close");
  });
  app.addHook("preClose", async () => {
    closing.abort(new ApiProblem("closing"));
    const timer = new AbortController();
    if (begun.size > 0) await Promise.race([settled, sleep(DRAIN_MS, null, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
    if (app.server.listening) await sleep(LINGER_MS);
    setTimeout(() => app.server.closeAllConnections(), begun.size > 0 ? 0 : LINGER_MS).unref();
  });
}

/** What the work comes to, unless the process is stopped before. Throws ApiProblem. */
export async function unlessClosing<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: given, reject: giveUp } = Promise.withResolvers<never>();
  const onAbort = (): void => giveUp(signal.reason);
  given.catch(() => {});
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, given]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
