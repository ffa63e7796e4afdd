// What agents note and ask for, and what is done at a person's request: judged first, then one record of the log.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { topicNames } from "#services/config/topics.ts";
import { draftErasure, isErased, publishErasure } from "#services/wire/erasure.ts";
import { operatorTopic } from "#services/wire/ruling.ts";
import { judgeStatement, publishStatement, restrict, type Statement } from "#services/wire/statement.ts";
import { sendCommand } from "../command.ts";
import type { Answer, Handlers, Request } from "../handler.ts";
import type { CONTRACT } from "../contract.ts";
import { formatStatementPosition } from "../position.ts";
import { ApiProblem } from "../problem.ts";
import { type ApiServices, read } from "../services.ts";
import { identify } from "./explanation.ts";

const PAUSE_MS = 50;

type Correction = Request<(typeof CONTRACT)["correct"]>["body"]["correction"];

export function createStatementRoutes(services: ApiServices): Pick<Handlers, "note" | "correct" | "erase"> {
  const { loaded, country, waitMs } = services;

  async function state(
    id: string,
    author: string,
    statement: Pick<Statement, "identifier" | "text" | "said">,
  ): Promise<Answer<(typeof CONTRACT)["note"]>> {
    const judged = await read(services, undefined, () => judgeStatement(services, statement.identifier, country));
    if (!judged.ok) throw new ApiProblem("request-refused", { detail: judged.reason });
    const at = Date.now();
    const topic = operatorTopic(loaded);
    await sendCommand(services, { id, topic, schema: "ChannelEvent" }, () =>
      publishStatement(services, topic, { id, author, at, ...statement }),
    );
    const { located } = judged;
    return { id, position: formatStatementPosition(id, located.entry.key, at), profiles: [identify(located)] };
  }

  return {
    note({ body: { id = randomUUID(), identifier, type, text }, caller }) {
      return state(id, caller.author, { identifier, text, said: { type } });
    },
    correct({ body: { id = randomUUID(), identifier, correction, reason }, caller }) {
      return state(id, caller.author, { identifier, text: reason, said: writeCorrection(id, correction) });
    },
    async erase({ body: { id = randomUUID(), identifier, reason }, caller }) {
      const { namespace, value } = identifier;
      const draft = await read(services, undefined, () => draftErasure(services, namespace, value, country));
      if (!draft.ok) throw new ApiProblem("request-refused", { detail: draft.reason });
      const topic = topicNames(loaded).privacy;
      const request = { requestId: id, author: caller.author, reason, ...draft.keys };
      await sendCommand(services, { id, topic, schema: "PrivacyRequest" }, () =>
        publishErasure(services, topic, request),
      );
      const look = () => isErased({ ...services, index: services.index.anew() }, draft.lives);
      const deadline = performance.now() + waitMs;
      let isEffective = await read(services, undefined, look);
      while (!isEffective && performance.now() + PAUSE_MS < deadline) {
        await sleep(PAUSE_MS);
        isEffective = await read(services, undefined, look);
      }
      const { own, claimed, shared, orders } = draft.keys;
      return {
        id,
        profileId: draft.profileId,
        identifiers: own.length + claimed.length,
        shared: shared.length,
        orders: orders.length,
        state: isEffective ? ("effective" as const) : ("written" as const),
      };
    },
  };
}

function writeCorrection(id: string, correction: Correction): Statement["said"] {
  if (correction.kind === "restriction") return restrict(id, false);
  if (correction.kind === "lifting") return restrict(correction.restrictionId, true);
  if (correction.kind === "traits")
    return {
      type: "traits-changed",
      traits: Object.fromEntries(correction.traits.map(({ name, value }) => [name, value])),
    };
  const { purpose, channel = null, proof = null } = correction;
  return {
    type: "consent-changed",
    consents: [{ purpose, channel, granted: correction.kind === "consent", proof }],
  };
}
