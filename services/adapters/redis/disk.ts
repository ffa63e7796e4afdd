// What Redis keeps on its disk. The append-only file holds what was overwritten and deleted, and keys that were destroyed, until it
// is written anew; by itself Redis does that when the file has grown, so a quiet one never does. It is asked for by whoever of us
// comes first in REWRITE_EVERY_MS. Replicas write files of their own, which they are to be told of by their keeper.

import { Redis } from "ioredis";
import { REWRITE_EVERY_MS } from "#ports/store.ts";
import { type ConnectionOptions, openConnection } from "./connection.ts";
import { listMasters } from "./link.ts";

/** Answers of a server that is at it, or about to be. */
const UNDER_WAY = /already in progress|scheduled/i;

export interface Disk {
  /** Null: asked for, or not due. Else one line: why it is not done. Throws StoreUnavailable. */
  rewrite(): Promise<string | null>;
  close(): Promise<void>;
}

export function openDisk(options: ConnectionOptions & { readonly prefix: string }): Disk {
  const connection = openConnection(options);
  return {
    async rewrite() {
      return await connection.run(async (redis) => {
        const servers = redis instanceof Redis ? [redis] : listMasters(redis);
        const refusals = await Promise.all(
          servers.map(async (server) => {
            const key = `${options.prefix}disk:${server.options.host}:${server.options.port}`;
            if ((await redis.set(key, "asked", "PX", REWRITE_EVERY_MS, "NX")) === null) return null;
            const refusal = await server.bgrewriteaof().then(
              () => null,
              (error: Error) => (UNDER_WAY.test(error.message) ? null : error.message),
            );
            return refusal === null
              ? null
              : `its append-only file is not written anew (${refusal}): see that it is, daily`;
          }),
        );
        return refusals.find((one) => one !== null) ?? null;
      });
    },
    close: () => connection.close(),
  };
}
