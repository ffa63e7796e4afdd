// Readers of profiles beside the owners: none is served a shard that has lost what the world was told of, before it stands
// there again (S2).

import type { Store } from "#ports/store.ts";
import { NAMES } from "./kit.ts";
import type { WorkerGround } from "./worker.ts";

const READ_MS = 60;

export class Readers {
  readonly #ground: Pick<WorkerGround, "world" | "kit" | "state" | "broker">;

  constructor(ground: Pick<WorkerGround, "world" | "kit" | "state" | "broker">) {
    this.#ground = ground;
    const { broker, kit, state } = ground;
    state.publishedUpTo = (shard) => broker.positionOf(kit.system.stitcherGroup, `${NAMES.resolved}/${shard}`);
  }

  start(): void {
    const { world } = this.#ground;
    if (!world.faultsOn) return;
    world.after(READ_MS, "read", () => {
      const shard = Math.floor(world.draw(world.number("reader")) * world.plan.shards);
      void this.#read(shard);
      this.start();
    });
  }

  async #read(shard: number): Promise<void> {
    const { world, kit, state } = this.#ground;
    try {
      const { offset } = await kit.system.requireStanding(state.readAll() as Store, shard);
      const owed = state.owedBy(shard);
      if (offset < owed)
        world.fail(`a reader is served shard ${shard} at ${offset}, after the world was told ${owed} (S2)`);
    } catch (error) {
      if (!(error instanceof kit.system.StoreBehind)) throw error;
      world.count("reader told to wait");
    }
  }
}
