// The rules in force, and putting others there: checked as `weft rules check` does, then one record of the log.

import { FINGERPRINTED } from "#services/config/fingerprint.ts";
import { ConfigurationError } from "#services/config/problem.ts";
import { parseRules } from "#services/config/rules-file.ts";
import { topicNames } from "#services/config/topics.ts";
import {
  applyRuleSet,
  ConfigurationDiffers,
  countShards,
  readRulesLog,
  type RulesEntry,
  RulesRefused,
} from "#services/wire/rules.ts";
import { requireLog, sendCommand } from "../command.ts";
import type { Handlers } from "../handler.ts";
import { formatRulesPosition } from "../position.ts";
import { ApiProblem } from "../problem.ts";
import { type ApiServices, read } from "../services.ts";

export function createRulesRoutes(services: ApiServices): Pick<Handlers, "readRules" | "applyRules"> {
  const { loaded, foldedWith } = services;
  const topic = topicNames(loaded).rules;
  const place = { topic, schema: "RulesRecord" };
  return {
    async readRules() {
      const entries = await requireLog(services, place, () => readRulesLog(services, topic));
      const inForce = entries.at(-1);
      if (inForce === undefined) throw new ApiProblem("not-found");
      const shards = await read(services, undefined, () =>
        countShards(services.store, services.shards, inForce.sequence),
      );
      const { author, reason, rules, recordedAt } = inForce;
      return { ...name(inForce), author, reason, at: new Date(recordedAt).toISOString(), rules, shards };
    },
    async applyRules({ body, caller, record }) {
      const request = { rules: readFile(body.file), author: caller.author, reason: body.reason };
      await record([]);
      let applied: Awaited<ReturnType<typeof applyRuleSet>> | undefined;
      try {
        await sendCommand(services, { ...place, id: request.rules.version }, async () => {
          // What else of a configuration counts is for whoever has the files.
          applied = await applyRuleSet(services, topic, foldedWith, request, FINGERPRINTED);
        });
      } catch (error) {
        const isRefusal = error instanceof RulesRefused || error instanceof ConfigurationDiffers;
        throw isRefusal ? new ApiProblem("request-refused", { detail: error.message }) : error;
      }
      if (applied === undefined) throw new ApiProblem("outcome-unknown");
      const { entry, former, isNew } = applied;
      return { ...name(entry), position: formatRulesPosition(entry.sequence), isNew, former: name(former) };
    },
  };
}

function name({ sequence, version, digest }: RulesEntry) {
  return { sequence, version, digest };
}

function readFile(text: string) {
  try {
    return parseRules("rules", text);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    // What it says of a rule quotes it: `weft rules check` is for that.
    const errors = error.problems.map(({ code, line, column }) => ({
      path: `body.file:${line}:${column}`,
      message: code,
    }));
    throw new ApiProblem("malformed-request", { errors });
  }
}
