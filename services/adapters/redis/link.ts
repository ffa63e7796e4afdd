// What leads to Redis: one server, or a cluster of them (cluster.ts). A link keeps itself up and says when it is there and
// when it is gone; what calls do meanwhile is connection.ts.

import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { Secret } from "#ports/secret.ts";
import type { TlsMaterial } from "#ports/transport.ts";

export type RedisClient = Redis | Cluster;

export interface Link {
  readonly client: RedisClient;
  /** For people: what it leads to, and where; no secrets. */
  readonly name: string;
  /** A call was refused for a passing reason, or its answer is lost. */
  doubt(): void;
}

export interface LinkEvents {
  onReady(): void;
  /** Whether it is there is being looked into; onReady or onLost follows. */
  onDoubt(): void;
  /** May come again and again until onReady. */
  onLost(reason: string): void;
}

const RETRY_MS_MAX = 2_000;

/** Of a connection to one server, alone or of a cluster. */
export const SERVER_OPTIONS = {
  protocol: 2,
  enableReadyCheck: true,
  // Waiting is ours: ioredis would send commits twice, or leave calls that were under way unsettled for ever.
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  connectTimeout: 5_000,
  socketTimeout: 15_000,
  keepAlive: 10_000,
  noDelay: true,
  disableClientInfo: true,
} as const satisfies RedisOptions;

export function retryDelayMs(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 10), RETRY_MS_MAX);
}

export function describeError(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}

/** Who we are and whom we trust; what is not here is as the URL says. */
export interface Security {
  readonly tls?: TlsMaterial;
  readonly username?: string;
  readonly password?: Secret;
}

interface SecureOptions {
  readonly tls?: TlsMaterial;
  readonly username?: string;
  readonly password?: string;
}

export function secureOptions({ tls, username, password }: Security): SecureOptions {
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.reveal() }),
  };
}

/** `url`: redis:// or rediss:// */
export function openServerLink(url: string, security: Security, events: LinkEvents): Link {
  const redis = new Redis(url, {
    ...SERVER_OPTIONS,
    ...secureOptions(security),
    // 0 rejects the calls of an outage at once; ioredis would keep them without telling.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: retryDelayMs,
    // After a failover the old address may lead to a replica: connect anew, and find out.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  const closed = "connection closed";
  let reason = closed;
  redis.on("error", (error: Error) => {
    reason = describeError(error);
  });
  redis.on("ready", () => {
    reason = closed;
    events.onReady();
  });
  redis.on("close", () => events.onLost(reason));
  return { client: redis, name: `Redis at ${redis.options.host}:${redis.options.port}`, doubt: () => {} };
}

/** What asks or tells each server something goes over these. */
export function listMasters(client: RedisClient): Redis[] {
  return client instanceof Cluster ? client.nodes("master") : [client];
}

/**
 * Who keeps what a server holds, of its INFO "server" and "replication" (as keeper.lua does): its run, and its line of replication. A
 * server that was a replica in between is another keeper in the same run: of what its master got meanwhile it may have nothing.
 */
export function nameKeeper(about: string): string {
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, "m").exec(about)?.[1] ?? "";
  return `${field("run_id")}-${field("master_replid")}`;
}
