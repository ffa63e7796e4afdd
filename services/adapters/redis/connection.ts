// A connection to Redis with one rule: a call that starts while Redis is away waits for it (told once, in one line), for as
// long as it takes or patience lasts; a call that was under way when the connection went is rejected as StoreUnavailable,
// as nobody knows its outcome. A cluster refuses calls on several keys of a slot that is on its way to another node
// (TRYAGAIN): those wait too.

import { StoreUnavailable } from "#ports/store.ts";
import { openClusterLink } from "./cluster.ts";
import { type LinkEvents, openServerLink, type RedisClient, type Security } from "./link.ts";
import { createTroubles, type Troubles } from "./trouble.ts";

export interface ConnectionOptions extends Security {
  /** redis:// or rediss:// */
  readonly url: string;
  /** Other nodes, host:port, of the cluster that `url` leads to; none: `url` is one Redis. */
  readonly clusterNodes?: readonly string[];
  /** After which a call that waits for Redis is given up; absent: never. */
  readonly patienceMs?: number;
  /** Told once per outage, one line without secrets. */
  readonly onWait?: (line: string) => void;
  /** Of all connections to this Redis that tell the same `onWait`; absent: this is the only one. */
  readonly troubles?: Troubles;
}

export interface Connection {
  /** Runs commands once Redis is there. Throws StoreUnavailable, or the error of a mistaken command. */
  run<Result>(commands: (redis: RedisClient) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/**
 * Replies that pass by themselves: loading, failing over, out of memory (a transaction: EXECABORT), disk full, busy, a
 * script that this node lacks once more.
 */
const PASSING =
  /^(EXECABORT|LOADING|READONLY|MASTERDOWN|OOM|MISCONF|BUSY|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|NOSCRIPT|NOAUTH|WRONGPASS)\b/;

/** The longest that a timer can be. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function openConnection(options: ConnectionOptions): Connection {
  const { url, clusterNodes = [], patienceMs = Number.POSITIVE_INFINITY, onWait = () => {} } = options;
  const { away, moving } = options.troubles ?? createTroubles();
  let gate = openGate();
  let lost = "it does not answer";
  let closing = false;
  /** As one of those that Redis is away for. */
  const gone = {};

  function shutGate(): void {
    if (!closing && gate.isOpen()) gate = openGate();
  }

  const events: LinkEvents = {
    onReady() {
      away.end(gone);
      gate.open();
    },
    onDoubt: shutGate,
    onLost(reason) {
      shutGate();
      lost = reason;
      if (!closing) away.begin(gone, () => onWait(`${link.name} is not there (${reason}); waiting for it`));
    },
  };
  const link =
    clusterNodes.length === 0
      ? openServerLink(url, options, events)
      : openClusterLink(url, clusterNodes, options, events);
  const { client } = link;

  async function passGate(deadlineMs: number): Promise<void> {
    const leftMs = deadlineMs - performance.now();
    if (leftMs > TIMER_MS_MAX) return await gate.passed;
    const { promise, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(new StoreUnavailable(`${link.name} is away, waited ${patienceMs / 1000} s: ${lost}`));
    const timer = setTimeout(giveUp, leftMs);
    try {
      await Promise.race([gate.passed, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Nothing of a call that TRYAGAIN refuses was done. ioredis pauses between its attempts, and gives up too soon. */
  async function waitForSlot<Result>(commands: () => Promise<Result>): Promise<Result> {
    const waiting = {};
    const deadlineMs = performance.now() + patienceMs;
    try {
      for (;;) {
        await passGate(deadlineMs);
        try {
          return await commands();
        } catch (error) {
          if (!(error instanceof Error) || !/\bTRYAGAIN\b/.test(error.message)) throw error;
          moving.begin(waiting, () => onWait(`${link.name} is moving a slot; waiting for it`));
        }
      }
    } finally {
      moving.end(waiting);
    }
  }

  return {
    async run(commands) {
      try {
        return await waitForSlot(() => commands(client));
      } catch (error) {
        const translated = translate(error, link.name);
        if (translated instanceof StoreUnavailable && !closing) link.doubt();
        throw translated;
      }
    },
    async close() {
      if (closing) return;
      closing = true;
      away.end(gone);
      const wasOpen = gate.isOpen();
      if (wasOpen) gate = openGate();
      gate.shut(new StoreUnavailable("the connection to Redis is closed"));
      // QUIT is answered after everything sent before it.
      if (wasOpen) await client.quit().catch(() => client.disconnect());
      else client.disconnect();
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

function translate(error: unknown, name: string): unknown {
  if (!(error instanceof Error)) return error;
  // ioredis hangs the command with all its arguments on the error; values must not reach a log (G2).
  if ("command" in error) delete error.command;
  if ("previousErrors" in error) delete error.previousErrors;
  if (error instanceof StoreUnavailable || error instanceof RangeError || error instanceof TypeError) return error;
  if (error.name === "ReplyError" && !PASSING.test(error.message)) return error;
  return new StoreUnavailable(`${name}: ${error.message}`, { cause: error });
}

/** The results of a pipeline or transaction; the first error among them is thrown. */
export function takeResults(results: readonly [error: Error | null, result: unknown][] | null): unknown[] {
  if (results === null) throw new StoreUnavailable("Redis dropped a transaction");
  return results.map(([error, result]) => {
    if (error !== null) throw error;
    return result;
  });
}
