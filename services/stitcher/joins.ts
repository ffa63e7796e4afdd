// Joins that stitchers make in the index, and the items that tell the homes of them. The index may lose a join before its
// item is on the log, where whoever puts the index back would find it (S2). So an item that tells of a join is committed only
// in the life of the index in which the join was made, or found; what is told again is joined again where it was lost.

import type { AbsorbItem, Carried } from "#core/item.ts";
import type { NewRecord } from "#ports/log.ts";
import { type BundleValue, encodeBundles, readBundle } from "../wire/bundle.ts";
import { BLIND } from "../wire/sealing.ts";
import type { StitcherServices } from "./loop.ts";
import { groupByHome } from "./shard.ts";

export interface JoiningServices extends StitcherServices {
  rejoin(absorbs: readonly AbsorbItem[]): Promise<Carried[]>;
  /** Every join since the take-over is in the index still. */
  isSound(): Promise<boolean>;
}

export function watchJoins(services: StitcherServices): JoiningServices {
  const { keeper, keys } = services;
  const lives = new Set<string>();
  const note = async (): Promise<string> => {
    const life = (await keeper?.check()) ?? "";
    if (keeper !== undefined) lives.add(life);
    return life;
  };
  return {
    ...services,
    // So it is with a key, which another may draw again where the index has lost it, or that it was destroyed.
    ...(keys === undefined
      ? {}
      : {
          sealing: async (names) => keys.toSeal(names, await note()),
          keys: {
            toOpen: (names) => keys.toOpen(names),
            doubt: (names) => keys.doubt(names),
            toSeal: (names, life) => keys.toSeal(names, life),
            destroy: async (names) => {
              await note();
              return await keys.destroy(names);
            },
            destroyAgain: async (records) => {
              await note();
              await keys.destroyAgain(records);
            },
          },
        }),
    async join(request) {
      await note();
      return await services.join(request);
    },
    async rejoin(absorbs) {
      if (keeper === undefined || absorbs.length === 0) return [];
      await note();
      const roots = await services.findRoots(absorbs.flatMap(({ component, into }) => [component, into]));
      const lost = absorbs.filter(({ component, into }) => roots.get(component) !== roots.get(into));
      const told: Carried[] = [];
      for (const { component, into, cause } of lost)
        told.push(...(await services.join({ a: component, b: into, cause })));
      return told;
    },
    async isSound() {
      const [life] = lives;
      return life === undefined || (lives.size === 1 && keeper !== undefined && (await keeper.isStill(life)));
    },
  };
}

/** Of what an earlier owner has not told yet, what is to be told beside. */
export async function joinAgain(services: JoiningServices, unpublished: readonly NewRecord[]): Promise<NewRecord[]> {
  const { codec, resolvedTopic, encodeBundle, shards } = services;
  const values = unpublished.flatMap(({ topic, value }) => (topic === resolvedTopic ? [value] : []));
  await codec.prepare(values);
  const absorbs = values.flatMap((value) => {
    const decoded = codec.decode(value);
    if (!decoded.ok) throw new Error(`an item that waits to be published cannot be read: ${decoded.reason}`);
    return readBundle(decoded.value as BundleValue, BLIND).flatMap(({ item }) =>
      item.kind === "absorb" ? [item] : [],
    );
  });
  return [...groupByHome(await services.rejoin(absorbs), shards)].flatMap(([partition, items]) =>
    encodeBundles(encodeBundle, -1, 0, items).map((value) => ({ topic: resolvedTopic, partition, key: null, value })),
  );
}
