// A person's requests on one machine (G1): what she is given, and that nothing of her is left, in the store and, where the
// channels are resolved anew, in the log of record.

import { deepEqual, equal, ok } from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import type { ChannelEvent } from "#core/event.ts";
import type { LogRecord, NewRecord } from "#ports/log.ts";
import { openRuntime } from "#services/cli/runtime.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { topicNames } from "#services/config/topics.ts";
import { createDeadLetter } from "#services/resolver/dead-letter.ts";
import { readLetters, redriveLetters } from "#services/resolver/redrive.ts";
import { type BundleValue, listOpened, readBundle } from "#services/wire/bundle.ts";
import { draftErasure, isErased, publishErasure } from "#services/wire/erasure.ts";
import { lookUp } from "#services/wire/lookup.ts";
import { PrivacyLedger } from "#services/wire/privacy-ledger.ts";
import { exportSubject, tabulateExport } from "#services/wire/subject-export.ts";
import { makeFolder } from "#support/folder.ts";

const WAIT_MS = 20_000;

const CONFIGURATION = (file: string) => `
embedded: { file: ${file} }
rules: ./rules.yaml
sources:
  - { name: crm, assurance: { "*": authenticated }, owner: sales, purpose: customer care, legalBasis: contract }
  - { name: web, assurance: { customer: authenticated, "*": claimed } }
`;

async function until(look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await look())) {
    ok(performance.now() < deadline, "it does not come");
    await sleep(50);
  }
}

/** Closed with the test, whatever becomes of it: what stays open keeps the file's process from ending. */
async function deploy(t: TestContext) {
  const folder = makeFolder("privacy");
  const file = join(folder, "weft.yaml");
  const rules = readFileSync(join(import.meta.dirname, "../../services/config/default/rules.yaml"), "utf8");
  writeFileSync(join(folder, "rules.yaml"), `${rules}\naudiences: [{ audience: reachable, when: profile.known }]\n`);
  writeFileSync(file, CONFIGURATION(join(folder, "weft.sqlite")));
  const loaded = loadConfiguration(file, {});
  const runtime = await openRuntime(loaded, { embedded: true });
  await runtime.createTopics();
  const memberships = [await runtime.startResolver(), await runtime.startStitcher()];
  const { engine, store, wires } = runtime;
  let closed: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    for (const membership of memberships) await membership.close();
    await runtime.close();
  };
  t.after(() => (closed ??= close()));
  const { shards } = loaded.deployment.engine;
  const names = topicNames(loaded);
  const services = () => ({
    engine,
    store,
    shards,
    index: runtime.index.anew(),
    loaded,
    log: wires.log,
    codec: wires.codec,
    keys: runtime.keys,
    resolvedTopic: names.resolved,
  });
  return {
    ...wires,
    names,
    loaded,
    services,
    async isErased(requestId: string): Promise<boolean> {
      const ledger = new PrivacyLedger(names.privacy, wires.log, wires.codec);
      await ledger.catchUp();
      return await isErased(services(), ledger, requestId);
    },
    find: async (email: string) => (await lookUp(services(), "email", email, "FR")).found,
    async tell(source: string, event: Omit<ChannelEvent, "eventId">): Promise<void> {
      const topic = loaded.configuration.sources.find(({ name }) => name === source)?.topic ?? "";
      const encode = await wires.codec.encoder(topic, "ChannelEvent");
      await wires.log.append([{ topic, key: null, value: encode({ eventId: randomUUID(), ...event }) }]);
    },
    /** What the events of the inner log say, as far as their keys are there. */
    async readInnerLog(): Promise<string> {
      let text = "";
      for await (const { value } of wires.log.read([names.resolved], { from: "start", follow: false })) {
        const decoded = wires.codec.decode(value);
        ok(decoded.ok);
        const bundle = decoded.value as BundleValue;
        for (const { item, event } of readBundle(bundle, await runtime.keys.toOpen(listOpened(bundle))))
          text += `${JSON.stringify(item)} ${Buffer.from(event ?? []).toString("latin1")}`;
      }
      return text;
    },
    /** Everything that the store holds. */
    async dump(): Promise<string> {
      let text = "";
      for (let shard = 0; shard < shards; shard += 1)
        for await (const { key, value } of store.scan(shard, ""))
          text += `${key} ${Buffer.from(value).toString("latin1")}`;
      return text;
    },
    close: () => (closed ??= close()),
  };
}

const email = "canary@ana.fr";
const now = () => Date.now();
const identifiers = [
  { namespace: "customer", value: "canary-1" },
  { namespace: "email", value: email },
];

test("she is given what is kept of her, is erased, and stays so where the channels are resolved anew (G1)", async (t) => {
  const first = await deploy(t);
  await first.tell("crm", { type: "identified", occurredAt: now(), identifiers, traits: { name: "Canary Ana" } });
  await first.tell("web", {
    type: "page-viewed",
    occurredAt: now(),
    identifiers: [
      { namespace: "cookie", value: "shared" },
      { namespace: "customer", value: "canary-1" },
    ],
  });
  await first.tell("web", {
    type: "page-viewed",
    occurredAt: now(),
    identifiers: [
      { namespace: "cookie", value: "shared" },
      { namespace: "customer", value: "ben-2" },
    ],
  });
  await first.tell("crm", {
    type: "identified",
    occurredAt: now(),
    identifiers: [
      { namespace: "customer", value: "ben-2" },
      { namespace: "email", value: "ben@example.fr" },
    ],
  });
  await until(async () => (await first.find(email)) && (await first.find("ben@example.fr")));

  const exported = await exportSubject(first.services(), "email", email, "FR");
  ok(exported.ok);
  deepEqual(
    exported.data.events.map(({ event }) => event.type),
    ["identified", "page-viewed"],
  );
  equal(exported.data.attributes.traits["name"]?.value, "Canary Ana");
  equal(exported.data.segment.name, "prospect");
  ok(exported.data.segment.rule?.includes("profile.known"));
  deepEqual(exported.data.audiences, [{ name: "reachable", rule: "profile.known" }]);
  deepEqual(
    exported.data.sources.map(({ source, owner, purpose, legalBasis }) => [source, owner, purpose, legalBasis]),
    [
      ["crm", "sales", "customer care", "contract"],
      ["web", null, null, null],
    ],
  );
  const kept = new Map(exported.data.recipients.map(({ topic, retentionMs }) => [topic, retentionMs]));
  deepEqual([kept.get("segment-transition"), kept.get("profile-state")], [30 * 86_400_000, null]);
  const text = JSON.stringify(exported.data);
  ok(!text.includes("ben"), "nothing of whoever shares a device with her");
  const tables = tabulateExport(exported.data);
  ok(tables.get("traits.csv")?.includes("Canary Ana"));
  ok(tables.get("identifiers.csv")?.startsWith("namespace,value,state\r\n"));

  const draft = await draftErasure(first.services(), "email", email, "FR");
  ok(draft.ok);
  const request = { requestId: randomUUID(), author: "dpo", reason: "R1", ...draft.keys };
  await publishErasure(first, first.names.privacy, request);
  await until(() => first.isErased(request.requestId));
  equal(await first.find(email), false);
  equal(await first.find("ben@example.fr"), true);
  equal((await first.dump()).includes("canary"), false);

  const topics = [...first.loaded.configuration.sources.map(({ topic }) => topic), first.names.privacy];
  const told: NewRecord[] = [];
  const copy = ({ topic, partition, key, value, timestampMs, headers }: LogRecord): NewRecord => ({
    topic,
    partition,
    key,
    value,
    timestampMs,
    headers,
  });
  for await (const record of first.log.read(topics, { from: "start", follow: false })) told.push(copy(record));
  ok(
    !told.some(
      ({ topic, value }) =>
        topic === first.names.privacy &&
        Buffer.from(value ?? [])
          .toString("latin1")
          .includes("canary"),
    ),
  );
  await first.close();

  const second = await deploy(t);
  // Requests first: whoever resolves knows them all before he begins.
  told.sort((a, b) => Number(b.topic === second.names.privacy) - Number(a.topic === second.names.privacy));
  await second.log.append(told);
  await until(() => second.find("ben@example.fr"));
  equal(await second.find(email), false);
  equal((await second.dump()).includes("canary"), false);
  const inner = await second.readInnerLog();
  ok(inner.includes("ben") && !inner.includes("canary"), "nor does the inner log hold a byte of her");
  await second.tell("crm", { type: "identified", occurredAt: now() + 1000, identifiers });
  await until(() => second.find(email));
});

test("a dead letter of whoever was erased since is suppressed when it is sent again, and anybody else's is folded (G1, O1)", async (t) => {
  const machine = await deploy(t);
  const ben = [
    { namespace: "customer", value: "ben-2" },
    { namespace: "email", value: "ben@example.fr" },
  ];
  for (const one of [identifiers, ben])
    await machine.tell("crm", { type: "identified", occurredAt: now(), identifiers: one });
  await until(async () => (await machine.find(email)) && (await machine.find("ben@example.fr")));
  // What was refused then, and would be taken now.
  const topic = machine.loaded.configuration.sources.find(({ name }) => name === "crm")?.topic ?? "";
  const encode = await machine.codec.encoder(topic, "ChannelEvent");
  const letters = [identifiers, ben].map((one, place) => {
    const traits = { name: place === 0 ? "canary-late" : "ben-late" };
    const event = { eventId: randomUUID(), type: "identified", occurredAt: now(), identifiers: one, traits };
    const refused = { topic, partition: 0, offset: 900 + place, key: null, value: encode(event), headers: {} };
    return createDeadLetter({ ...refused, timestampMs: now() }, `${topic}.dlq`, "contract-violation", "why", now());
  });
  await machine.log.append(letters);
  const draft = await draftErasure(machine.services(), "email", email, "FR");
  ok(draft.ok);
  const request = { requestId: randomUUID(), author: "dpo", reason: "R1", ...draft.keys };
  await publishErasure(machine, machine.names.privacy, request);
  await until(() => machine.isErased(request.requestId));

  const counts = await redriveLetters(machine.log, () => readLetters(machine.log, [`${topic}.dlq`], {}), false);
  deepEqual(counts, { redriven: 2, skipped: 0 });
  await until(async () => (await machine.dump()).includes("ben-late"));
  equal(await machine.find(email), false);
  equal((await machine.dump()).includes("canary-late"), false);
  const inner = await machine.readInnerLog();
  ok(inner.includes("ben-late") && !inner.includes("canary-late"), "nor does the inner log hold a byte of it");
});
