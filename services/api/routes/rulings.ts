// Operators' commands: judged first, then one record of the log, then the position at which it is in effect. A command is
// refused, written, or, where the log goes away in between, said to be unknown: never half done.

import { randomUUID } from "node:crypto";
import { RegistryUnavailable } from "#ports/codec.ts";
import { LogError } from "#ports/log.ts";
import { judgeRuling, operatorTopic, publishRuling, RulingRefused } from "#services/wire/ruling.ts";
import type { Handlers } from "../handler.ts";
import { formatRulingPosition } from "../position.ts";
import { ApiProblem } from "../problem.ts";
import { type ApiServices, read } from "../services.ts";
import { identify } from "./explanation.ts";

export function createRulingRoutes(services: ApiServices): Pick<Handlers, "rule"> {
  const { log, codec, logGate, loaded, country } = services;
  const topic = operatorTopic(loaded);

  /** Whether the log and the registry answer; until they do nothing is sent. */
  async function requireLog(): Promise<void> {
    await logGate.pass(async () => {
      try {
        await codec.encoder(topic, "ChannelEvent");
        await log.endOffsets([topic]);
      } catch (error) {
        throw isOutage(error) ? new ApiProblem("log-unavailable", {}, { cause: error }) : error;
      }
    });
  }

  return {
    async rule({ body, caller }) {
      const { id = randomUUID(), verdict, identifiers, reason } = body;
      const located = await read(services, undefined, async () => {
        try {
          return await judgeRuling(services, verdict, identifiers, country);
        } catch (error) {
          throw error instanceof RulingRefused ? new ApiProblem("ruling-refused", { detail: error.message }) : error;
        }
      });
      await requireLog();
      const ruling = { id, verdict, identifiers, author: caller.author, reason, at: Date.now() };
      try {
        await logGate.pass(() => publishRuling({ codec, log }, topic, ruling));
      } catch (error) {
        if (error instanceof ApiProblem || isOutage(error))
          throw new ApiProblem("outcome-unknown", { detail: `the ruling's id is ${id}` }, { cause: error });
        throw error;
      }
      const [a, b] = located;
      const position = formatRulingPosition(id, [a.entry.key, b.entry.key]);
      return { id, verdict, position, profiles: located.map(identify) };
    },
  };
}

function isOutage(error: unknown): boolean {
  return error instanceof LogError || error instanceof RegistryUnavailable;
}
