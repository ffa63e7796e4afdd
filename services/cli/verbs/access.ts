// weft access: the rights of each process at Kafka and Redis, as the commands that give them.

import type { Command } from "commander";
import { listRedisRules, REDIS_USERS, type RedisUser } from "#adapters/redis/access.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { formatGrant, listGrants } from "../access.ts";
import type { CommonOptions } from "../program.ts";

const USER_PREFIX = "weft-";

export function registerAccess(program: Command): void {
  const access = program
    .command("access")
    .description("the rights that each process needs, as commands; none is given");
  access
    .command("kafka")
    .description("as arguments of kafka-acls: to topics, groups and transactional ids")
    .action((_options: unknown, command: Command) => {
      const { config, json } = command.optsWithGlobals<CommonOptions>();
      const grants = listGrants(loadConfiguration(config));
      const line = (grant: (typeof grants)[number]) =>
        json === true ? JSON.stringify(grant) : `kafka-acls ${CONNECTION} ${formatGrant(grant, USER_PREFIX)}`;
      process.stdout.write(grants.map((grant) => `${line(grant)}\n`).join(""));
    });
  access
    .command("redis")
    .description("as lines of Redis' ACL file: one user for resolvers and stitchers, one for the API and look-ups")
    .action((_options: unknown, command: Command) => {
      const { config, json } = command.optsWithGlobals<CommonOptions>();
      const prefix = `${loadConfiguration(config).deployment.kafka.topicPrefix}weft:`;
      for (const user of Object.keys(REDIS_USERS) as RedisUser[]) {
        const rules = listRedisRules(user, prefix);
        const text =
          json === true
            ? JSON.stringify({ user, rules })
            : `user ${USER_PREFIX}${user} on ${PASSWORD} ${rules.join(" ")}`;
        process.stdout.write(`${text}\n`);
      }
    });
}

const CONNECTION = "--bootstrap-server $KAFKA --command-config admin.properties";
const PASSWORD = "#SHA256-OF-THE-PASSWORD";
