// A script that a node lacks is loaded, and sent again.

import { deepEqual, rejects } from "node:assert/strict";
import { test } from "node:test";
import type { RedisClient } from "#services/adapters/redis/link.ts";
import { openScript } from "#services/adapters/redis/script.ts";

/** What ioredis says in the end, of the replies of a server or of a cluster. */
function clientOf(replies: readonly (string | Error)[]): { readonly client: RedisClient; readonly asked: string[] } {
  const left = [...replies];
  const asked: string[] = [];
  const client = {
    async sendCommand({ name }: { readonly name: string }) {
      asked.push(name);
      const reply = left.shift();
      if (reply instanceof Error) throw reply;
      return reply;
    },
    async script(what: string) {
      asked.push(`script ${what}`);
    },
  };
  return { client: client as unknown as RedisClient, asked };
}

const LACKING = "NOSCRIPT No matching script.";

for (const [what, message] of [
  ["a script that Redis has forgotten", LACKING],
  [
    "one that a node lacked after the last of several redirections",
    `Too many Cluster redirections. Last error: ReplyError: ${LACKING}`,
  ],
] as const)
  test(`${what} is loaded, and sent once more`, async () => {
    const { client, asked } = clientOf([new Error(message), "done"]);
    deepEqual(await openScript("return 1").call(client, ["{s00}:head"], [1]), "done");
    deepEqual(asked, ["evalsha", "script LOAD", "evalsha"]);
  });

test("any other refusal is the caller's", async () => {
  const { client, asked } = clientOf([new Error("Too many Cluster redirections. Last error: ReplyError: TRYAGAIN")]);
  await rejects(openScript("return 1").call(client, ["{s00}:head"], []), /TRYAGAIN/);
  deepEqual(asked, ["evalsha"]);
});
