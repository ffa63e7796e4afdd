// A Redis Cluster: ioredis finds the node of a key and follows MOVED and ASK. The cluster is there when all of its masters
// answer and say that every slot is served; one that is not there makes everything wait, as its shards and the index are
// needed by all. A master that has gone is noticed by the call that fails on it.

import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "ioredis";
import {
  describeError,
  type Link,
  type LinkEvents,
  retryDelayMs,
  secureOptions,
  type Security,
  SERVER_OPTIONS,
} from "./link.ts";

const DEFAULT_PORT = 6379;
/** Of CLUSTER INFO; the state alone is ok with slots missing where a cluster need not cover all. */
const SERVED = ["cluster_state:ok\r\n", "cluster_slots_assigned:16384\r\n", "cluster_slots_fail:0\r\n"];

/** Begins at any of: `url` (its user, password and TLS are those of all), `nodes` (host:port). */
export function openClusterLink(url: string, nodes: readonly string[], security: Security, events: LinkEvents): Link {
  const { protocol, hostname, port, username, password } = new URL(url);
  const start = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || DEFAULT_PORT) };
  const others = nodes.map((node) => {
    const colon = node.lastIndexOf(":");
    return { host: node.slice(0, colon), port: Number(node.slice(colon + 1)) };
  });
  const cluster = new Cluster([start, ...others], {
    redisOptions: {
      ...SERVER_OPTIONS,
      ...(username === "" ? {} : { username: decodeURIComponent(username) }),
      ...(password === "" ? {} : { password: decodeURIComponent(password) }),
      ...(protocol === "rediss:" ? { tls: {} } : {}),
      ...secureOptions(security),
    },
    // Whether it is ready is asked below, of every master.
    enableReadyCheck: false,
    clusterRetryStrategy: retryDelayMs,
    slotsRefreshTimeout: SERVER_OPTIONS.connectTimeout,
    // 0: a call whose connection went is not sent again, as nobody knows its outcome; nor is one that was refused.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // The name is what a certificate is for.
    dnsLookup: (address, done) => done(null, address),
  });
  const closed = "connection closed";
  let reason = closed;
  let looking = false;

  async function look(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      cluster.refreshSlotsCache((error) => (error ? reject(error) : resolve()));
    });
    await Promise.all(
      cluster.nodes("master").map(async (master) => {
        const information = await master.cluster("INFO");
        if (!SERVED.every((line) => information.includes(line)))
          throw new Error(`${master.options.host}:${master.options.port}: not every slot is served`);
      }),
    );
  }

  /** Until the cluster is there, or until ioredis has lost all of it and begins anew. */
  async function lookUntilReady(): Promise<void> {
    if (looking) return;
    looking = true;
    for (let times = 1; cluster.status === "ready"; times++) {
      reason = closed;
      try {
        await look();
        events.onReady();
        break;
      } catch (error) {
        // A node's own error says more than that its connection is closed.
        events.onLost(reason === closed && error instanceof Error ? error.message : reason);
        // Its connections keep the process alive.
        await sleep(retryDelayMs(times), undefined, { ref: false });
      }
    }
    looking = false;
  }

  cluster.on("node error", (error: Error, address: string) => {
    reason = `${address}: ${describeError(error)}`;
  });
  cluster.on("error", () => {}); // all nodes failed, each of which was told above
  cluster.on("ready", () => void lookUntilReady());
  cluster.on("close", () => events.onLost(reason));
  return {
    client: cluster,
    name: `Redis Cluster at ${start.host}:${start.port}`,
    doubt() {
      if (cluster.status !== "ready") return; // lost, and told so
      events.onDoubt();
      void lookUntilReady();
    },
  };
}
