// How the process and the shards behind it are: for orchestrators, and in detail for administrators.

import { StoreBehind } from "#ports/store.ts";
import { requireStanding } from "#services/wire/standing.ts";
import { formatPosition } from "#services/wire/location.ts";
import type { Handlers } from "../handler.ts";
import { ApiProblem } from "../problem.ts";
import { type ApiServices, read } from "../services.ts";

/** Everybody may ask, and asking costs a call for each shard. */
const KEPT_MS = 500;

interface Standing {
  readonly shard: number;
  readonly position: string | null;
  readonly standing: boolean;
}

export function createHealthRoutes(
  services: ApiServices,
): Pick<Handlers, "readHealth" | "readReadiness" | "readShards"> {
  let kept: { readonly atMs: number; readonly standings: Promise<Standing[]> } | null = null;

  async function lookAt(shard: number): Promise<Standing> {
    try {
      const { offset } = await requireStanding(services.store, shard);
      return { shard, position: formatPosition({ shard, offset }), standing: true };
    } catch (error) {
      if (!(error instanceof StoreBehind)) throw error;
      return { shard, position: null, standing: false };
    }
  }

  function lookAtAll(): Promise<Standing[]> {
    const now = performance.now();
    if (kept === null || now - kept.atMs > KEPT_MS) {
      const shards = Array.from({ length: services.shards }, (_, shard) => shard);
      const standings = read(services, undefined, () => Promise.all(shards.map(lookAt)));
      standings.catch(() => {});
      kept = { atMs: now, standings };
    }
    return kept.standings;
  }

  return {
    readHealth: async () => ({ status: "ok" }),
    async readReadiness() {
      const standings = await lookAtAll();
      const behind = standings.filter(({ standing }) => !standing).length;
      if (behind > 0) throw new ApiProblem("store-behind", { detail: `${behind} of ${services.shards} shards` });
      return { ready: true, shards: services.shards, behind };
    },
    readShards: async () => ({ shards: await lookAtAll() }),
  };
}
