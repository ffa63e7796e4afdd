// A connection to Redis with one rule: a call that starts while Redis is away waits for it (told once, in one line);
// a call that was under way when the connection went is rejected as StoreUnavailable, as nobody knows its outcome.

import { Redis } from "ioredis";
import { StoreUnavailable } from "#ports/store.ts";

export interface ConnectionOptions {
  /** redis:// or rediss:// */
  readonly url: string;
  /** Told once per outage, one line without secrets. */
  readonly onWait?: (line: string) => void;
}

export interface Connection {
  /** Runs commands once Redis is there. Throws StoreUnavailable, or the error of a mistaken command. */
  run<Result>(commands: (redis: Redis) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** Replies that pass by themselves: loading, failing over, out of memory (a transaction: EXECABORT), disk full, busy. */
const PASSING =
  /^(EXECABORT|LOADING|READONLY|MASTERDOWN|OOM|MISCONF|BUSY|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|NOAUTH|WRONGPASS)\b/;
const RETRY_MS_MAX = 2_000;

export function openConnection(options: ConnectionOptions): Connection {
  const redis = new Redis(options.url, {
    protocol: 2,
    enableReadyCheck: true,
    // Waiting is ours: ioredis would keep calls of an outage without telling, send commits twice, or (with null
    // retries and no resending) leave calls that were under way unsettled for ever. 0 rejects them at once.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: false,
    connectTimeout: 5_000,
    socketTimeout: 15_000,
    keepAlive: 10_000,
    noDelay: true,
    disableClientInfo: true,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), RETRY_MS_MAX),
    // After a failover the old address may lead to a replica: connect anew, and find out.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  const address = `${redis.options.host}:${redis.options.port}`;
  let gate = openGate();
  let reason = "connection closed";
  let told = false;
  let closing = false;

  redis.on("error", (error: Error) => {
    reason = "code" in error && typeof error.code === "string" ? error.code : error.message;
  });
  redis.on("ready", () => {
    told = false;
    reason = "connection closed";
    gate.open();
  });
  redis.on("close", () => {
    if (closing) return;
    if (gate.isOpen()) gate = openGate();
    if (told) return;
    told = true;
    options.onWait?.(`Redis at ${address} is not there (${reason}); waiting for it`);
  });

  return {
    async run(commands) {
      await gate.passed;
      try {
        return await commands(redis);
      } catch (error) {
        throw translate(error, address);
      }
    },
    async close() {
      if (closing) return;
      closing = true;
      const wasOpen = gate.isOpen();
      if (wasOpen) gate = openGate();
      gate.shut(new StoreUnavailable("the connection to Redis is closed"));
      // QUIT is answered after everything sent before it.
      if (wasOpen) await redis.quit().catch(() => redis.disconnect());
      else redis.disconnect();
    },
  };
}

function openGate() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => {}); // nobody may be waiting
  let opened = false;
  return {
    passed: promise,
    isOpen: () => opened,
    open() {
      opened = true;
      resolve();
    },
    shut: reject,
  };
}

function translate(error: unknown, address: string): unknown {
  if (!(error instanceof Error)) return error;
  // ioredis hangs the command with all its arguments on the error; values must not reach a log (G2).
  if ("command" in error) delete error.command;
  if ("previousErrors" in error) delete error.previousErrors;
  if (error instanceof StoreUnavailable || error instanceof RangeError || error instanceof TypeError) return error;
  if (error.name === "ReplyError" && !PASSING.test(error.message)) return error;
  return new StoreUnavailable(`Redis at ${address}: ${error.message}`, { cause: error });
}

/** The results of a pipeline or transaction; the first error among them is thrown. */
export function takeResults(results: readonly [error: Error | null, result: unknown][] | null): unknown[] {
  if (results === null) throw new StoreUnavailable("Redis dropped a transaction");
  return results.map(([error, result]) => {
    if (error !== null) throw error;
    return result;
  });
}
