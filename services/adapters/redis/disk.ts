// What Redis keeps on its disk. The append-only file holds what was overwritten and deleted, and keys that were destroyed, until it
// is written anew; by itself Redis does that when the file has grown, so a quiet one never does. It is asked for by whoever of us
// comes first in REWRITE_EVERY_MS. Replicas write files of their own, which they are to be told of by their keeper.

import { REWRITE_EVERY_MS } from "#ports/store.ts";
import { type ConnectionOptions, openConnection } from "./connection.ts";
import { listMasters } from "./link.ts";

/** Answers of a server that is at it, or about to be. */
const UNDER_WAY = /already in progress|scheduled/i;

/** Null: asked for, or not due. Else one line: why it is not done. Throws StoreUnavailable. */
export async function rewriteDisk(options: ConnectionOptions & { readonly prefix: string }): Promise<string | null> {
  const connection = openConnection(options);
  try {
    return await connection.run(async (redis) => {
      const refusals = await Promise.all(
        listMasters(redis).map(async (server) => {
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
  } finally {
    await connection.close();
  }
}
