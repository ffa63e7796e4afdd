// What kafkajs says when a broker is away, in our words: whoever must go on waits and tries again (O1).

import { equal, rejects } from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { isPassing } from "#adapters/kafka/failure.ts";

interface Broker {
  metadata(topics: readonly string[]): Promise<unknown>;
}
type BrokerClass = new (options: object) => Broker;

/** Not exported: what it throws is a bare Error, and only its words tell it from others. */
const Broker = createRequire(import.meta.url)("kafkajs/src/broker/index.js") as BrokerClass;

test("a broker whose connection went before it was asked is waited for, as one that is away (O1)", async () => {
  const connectionPool = { host: "127.0.0.1", port: 1, connectionTimeout: 1 };
  const broker = new Broker({ connectionPool, logger: { namespace: () => ({}) } });
  await rejects(
    () => broker.metadata(["any"]),
    (error: Error) => {
      equal(isPassing(error), true, error.message);
      equal(isPassing(new Error("what asked", { cause: error })), true);
      return true;
    },
  );
  equal(isPassing(new Error("anything else")), false);
});
