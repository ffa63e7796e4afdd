// Variables of the environment: one that is called as if it were Weft's, and is not, is told.

import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { describeUnknown } from "#services/config/environment.ts";
import { explainKeys } from "#services/config/explanation.ts";
import { listFiles, readSource } from "#support/source.ts";

const END = ": `weft config explain` prints the variables";

test("a misspelt variable is told, with the nearest that there is when one is near", () => {
  deepEqual(describeUnknown({ WEFT_KAFKA_BROKER: "secret:9092", WEFT_REDIS: "x", HOME: "/", KAFKA_BROKERS: "y" }), [
    `nothing reads WEFT_KAFKA_BROKER (did you mean "WEFT_KAFKA_BROKERS"?)${END}`,
    `nothing reads WEFT_REDIS${END}`,
  ]);
});

test("neither a key's variable, nor what Kubernetes says of a service, nor anything that is read elsewhere is unknown", () => {
  const keys = explainKeys().flatMap(({ environment }) => environment ?? []);
  equal(keys.includes("WEFT_KAFKA_BROKERS") && keys.includes("WEFT_DEV"), true);
  const links = [
    ["WEFT_API_SERVICE_HOST", "10.0.0.1"],
    ["WEFT_API_SERVICE_PORT_HTTP", "8480"],
    ["WEFT_API_PORT", "tcp://10.0.0.1:8480"],
    ["WEFT_API_PORT_8480_TCP_ADDR", "10.0.0.1"],
  ] as const;
  const read = listFiles()
    .filter((path) => /^(services|test|infra)\/.*\.(ts|js)$/.test(path))
    .flatMap((path) => [...readSource(path).matchAll(/\benv\["(WEFT_\w+)"\]|_VARIABLE = "(WEFT_\w+)"/g)])
    .map(([, one, other]) => one ?? other ?? "");
  equal(read.includes("WEFT_PROPERTY_SEED"), true);
  deepEqual(describeUnknown(Object.fromEntries([...links, ...[...keys, ...read].map((name) => [name, "1"])])), []);
});
