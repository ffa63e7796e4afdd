// Operators' rulings: judged first, then one record of the log, then the position at which it is in effect.

import { randomUUID } from "node:crypto";
import { judgeRuling, operatorTopic, publishRuling, RulingRefused } from "#services/wire/ruling.ts";
import { nameEvent, sendCommand } from "../command.ts";
import type { Handlers } from "../handler.ts";
import { formatRulingPosition } from "../position.ts";
import { ApiProblem } from "../problem.ts";
import { type ApiServices, read, requireNamespaces } from "../services.ts";
import { identify } from "./explanation.ts";

export function createRulingRoutes(services: ApiServices): Pick<Handlers, "rule"> {
  const { loaded, country } = services;
  const topic = operatorTopic(loaded);
  return {
    async rule({ body, caller, record }) {
      const { id = randomUUID(), verdict, identifiers, reason } = body;
      requireNamespaces(services, identifiers);
      const located = await read(services, undefined, async () => {
        try {
          return await judgeRuling(services, verdict, identifiers, country);
        } catch (error) {
          throw error instanceof RulingRefused ? new ApiProblem("ruling-refused", { detail: error.message }) : error;
        }
      });
      const profiles = located.map((one) => identify(services, one));
      await record(profiles.map(({ profileId }) => profileId));
      const eventId = nameEvent(services.engine.registry.hash, id, { verdict, identifiers, reason });
      const ruling = { id: eventId, verdict, identifiers, author: caller.author, reason, at: Date.now() };
      await sendCommand(services, { id, topic, schema: "ChannelEvent" }, () => publishRuling(services, topic, ruling));
      const [a, b] = located;
      const position = formatRulingPosition(eventId, [a.entry.key, b.entry.key]);
      return { id, verdict, position, profiles };
    },
  };
}
