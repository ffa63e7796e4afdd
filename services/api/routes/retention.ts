// Who is due to be forgotten: shard by shard, as each has to be read whole.

import { compareText } from "#core/comparison.ts";
import { listDueOfShard } from "#services/wire/retention.ts";
import { describeInstant } from "#services/wire/instant.ts";
import { unlessClosing } from "../closing.ts";
import type { Handlers } from "../handler.ts";
import { Gate } from "../outage.ts";
import { ApiProblem, refuse } from "../problem.ts";
import { DUE_CURSOR, DUE_PAGE_MAX } from "../sent.ts";
import { type ApiServices, translateStore } from "../services.ts";

/** For one shard. */
const READING_MS = 60_000;
const WAITING_MAX = 4;
const RETRY_AFTER_S = 10;

export function createRetentionRoutes(services: ApiServices): Pick<Handlers, "listDue"> {
  const { loaded, shards, closing } = services;
  const gate = new Gate("store-unavailable", READING_MS);
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** One at a time: a shard is held whole while it is looked through. */
  async function take<T>(work: () => Promise<T>): Promise<T> {
    if (waiting === WAITING_MAX) throw new ApiProblem("too-many-requests", { retryAfter: RETRY_AFTER_S });
    waiting += 1;
    const mine = turn.then(() => gate.pass(work));
    turn = Promise.allSettled([mine]);
    try {
      return await unlessClosing(closing, mine);
    } catch (error) {
      throw translateStore(error);
    } finally {
      waiting -= 1;
    }
  }

  return {
    async listDue({ query: { from = "0", limit = DUE_PAGE_MAX } }) {
      const [, number = "0", behind = ""] = DUE_CURSOR.exec(from) ?? [];
      const shard = Number(number);
      if (shard >= shards) throw refuse("query.from", "no such shard");
      const { asOfMs, due } = await take(() => listDueOfShard(services, loaded.deployment.retention, shard));
      const rest = due
        .filter(({ profileId }) => compareText(profileId, behind) > 0)
        .sort((a, b) => compareText(a.profileId, b.profileId));
      const shown = rest.slice(0, limit);
      const last = rest.length > limit ? shown.at(-1) : undefined;
      const following = shard + 1 < shards ? String(shard + 1) : null;
      return {
        shard,
        shards,
        asOf: describeInstant(asOfMs),
        due: shown.map(({ profileId, whom, purpose, sinceMs, dueAtMs }) => {
          return { profileId, whom, purpose, since: describeInstant(sinceMs), dueAt: describeInstant(dueAtMs) };
        }),
        next: last === undefined ? following : `${shard}.${last.profileId}`,
      };
    },
  };
}
