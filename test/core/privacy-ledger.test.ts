// Several records of weft.privacy under one request id: two who sent it at once, or one who sent it again.

import { deepEqual, equal } from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { openMemoryLog } from "#adapters/memory/log.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import { lifeKey } from "#core/erasure.ts";
import { publishErasure, routeErasure } from "#services/wire/erasure.ts";
import { createHash } from "#services/wire/hash.ts";
import { PrivacyLedger } from "#services/wire/privacy-ledger.ts";

const TOPIC = "weft.privacy";
const codec = await openLocalCodec({ schemasDirectory: resolve(import.meta.dirname, "../../schemas") });
const hash = createHash(new Uint8Array(32));
const view = { birth: (key: string) => `birth of ${key}`, root: (id: string) => id, setBirth() {}, setParent() {} };

test("of several records of one id the first counts, at the homes as at the door, also where compaction has gone over them (G1)", async () => {
  const log = openMemoryLog();
  await log.createTopics([{ name: TOPIC, partitions: 1, config: { "cleanup.policy": "compact" } }]);
  const nobody = { orders: [], claimed: [], shared: [], objections: [], contacts: [] };
  for (const own of [["hers"], ["hers", "another's"]])
    await publishErasure({ codec, log }, TOPIC, { requestId: "one", author: "a", reason: "r", ...nobody, own });

  const ledger = new PrivacyLedger(TOPIC, log, codec);
  await ledger.catchUp();
  deepEqual(ledger.find("one")?.own, ["hers"]);
  const second = ledger.requestAt(1);
  equal(second, ledger.find("one"));
  const items = second === null ? [] : routeErasure(hash, ledger.erasures, view, second);
  const told = items.flatMap(({ item }) => (item.kind === "event" ? item.identifiers.map(({ key }) => key) : []));
  deepEqual(told, [lifeKey(hash, "hers", 0)]);

  const keys = new Set<string | null>();
  for await (const { key } of log.read([TOPIC], { from: "start", follow: false })) keys.add(key);
  equal(keys.size, 2, "of one key compaction keeps the last alone");
});
