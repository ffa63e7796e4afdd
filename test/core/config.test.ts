// weft.yaml and its rules file: what the shipped default says, what is refused and where, what the environment changes.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfiguration, SHIPPED_FILE } from "#services/config/configuration.ts";
import { loadRules } from "#services/config/rules-file.ts";
import { explainKeys } from "#services/config/explanation.ts";
import { ConfigurationError, type Problem } from "#services/config/problem.ts";
import { allTopics, innerTopics, outputTopics } from "#services/config/topics.ts";
import { makeFolder } from "#support/folder.ts";

const folder = makeFolder("config");

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function problemsOf(path: string, environment: Record<string, string> = {}): readonly Problem[] {
  try {
    loadConfiguration(path, environment);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError, String(error));
    return error.problems;
  }
  return [];
}

const place = ({ line, column, code, path }: Problem) => `${line}:${column} ${code} ${path}`;

test("without a path, the shipped default has seven sources, the operators', and fourteen namespaces in anchor order", () => {
  const { configuration, deployment, file } = loadConfiguration(undefined, {});
  assert.equal(file, SHIPPED_FILE);
  assert.deepEqual(
    configuration.sources.map(
      (source) => `${source.name} ${source.topic} ${source.delivery} ${source.trustedForOrders}`,
    ),
    [
      "web channel-web live true",
      "app channel-app live true",
      "store channel-store files true",
      "call-centre channel-call-centre live true",
      "social channel-social live false",
      "email channel-email live false",
      "crm channel-crm live true",
      "operator weft.operator live false",
    ],
  );
  assert.deepEqual(
    configuration.namespaces.map(({ name, kind }) => `${kind} ${name}`),
    [
      "unique customer",
      "unique card",
      "unique crm-contact",
      "personal email",
      "personal email-sha256",
      "personal payment-card",
      "personal social",
      "shareable phone",
      "device device",
      "device cookie",
      "personal mailbox",
      "reference order",
      "inert ip",
      "inert household",
    ],
  );
  assert.ok(configuration.sources.every((source) => source.country === "FR" && source.currency === "EUR"));
  assert.equal(deployment.identityKey.published, true);
  assert.equal(deployment.engine.shards, 64);
});

test("what an operator corrects is before whatever any source says, also one that ranks first", () => {
  const first = write("first.yaml", "sources: [{ name: crm, rank: 0 }, { name: web, rank: 7 }]\n");
  for (const file of [undefined, first]) {
    const { sources } = loadConfiguration(file, {}).configuration;
    const [operator, ...others] = sources.toSorted((a, b) => a.rank - b.rank);
    assert.ok(operator?.name === "operator" && others.every(({ rank }) => rank > operator.rank));
  }
});

test("the shipped default authenticates log-ins, counters and clicks, and claims the rest", () => {
  const sources = new Map(
    loadConfiguration(undefined, {}).configuration.sources.map((source) => [source.name, source]),
  );
  assert.deepEqual(sources.get("web")?.assurance, { customer: "authenticated", card: "authenticated", "*": "claimed" });
  assert.deepEqual(sources.get("app")?.assurance, sources.get("web")?.assurance);
  for (const name of ["store", "call-centre", "crm"])
    assert.deepEqual(sources.get(name)?.assurance, { "*": "authenticated" });
  assert.deepEqual(sources.get("social")?.assurance, { "*": "claimed" });
  assert.deepEqual(sources.get("email")?.assurance, { "*": "claimed" });
  assert.deepEqual(sources.get("email")?.assuranceByType, { "message-clicked": { email: "authenticated" } });
});

test("the shipped ladder ends with a rung for everybody and its signal is due after a day", () => {
  const { rules } = loadConfiguration(undefined, {}).configuration;
  assert.deepEqual(
    rules.ladder.map(({ segment }) => segment),
    ["ambassador", "multi-buyer", "one-buyer", "prospect", "visitor"],
  );
  assert.equal(rules.ladder.at(-1)?.when, "true");
  assert.deepEqual(rules.signals, [
    {
      signal: "abandoned-cart",
      after: ["cart-activity"],
      unless: ["valid-order"],
      yearly: null,
      while: null,
      dueAfterMs: 24 * 3_600_000,
      sourceLateAfterMs: 36 * 3_600_000,
    },
  ]);
});

test("a file that says little keeps the shipped sources, namespaces and rules", () => {
  const path = write("little.yaml", "kafka:\n  brokers: [kafka:9092]\n  topicPrefix: acme.\nredis:\n");
  const { configuration, deployment } = loadConfiguration(path, {});
  assert.equal(configuration.sources[0]?.topic, "acme.channel-web");
  assert.equal(configuration.namespaces.length, 14);
  assert.deepEqual(deployment.kafka.brokers, ["kafka:9092"]);
  assert.deepEqual(deployment.redis, { url: "redis://127.0.0.1:6379", clusterNodes: [] });
});

test("the environment overrides brokers, registry and Redis, and is blamed for its own mistakes", () => {
  const environment = {
    WEFT_KAFKA_BROKERS: "a:1, b:2",
    WEFT_REGISTRY_URL: "https://r",
    WEFT_REDIS_URL: "rediss://x",
    WEFT_REDIS_CLUSTER_NODES: "y:1,z:2",
  };
  const { deployment } = loadConfiguration(undefined, environment);
  assert.deepEqual(deployment.kafka.brokers, ["a:1", "b:2"]);
  assert.equal(deployment.registry.url, "https://r");
  assert.deepEqual(deployment.redis, { url: "rediss://x", clusterNodes: ["y:1", "z:2"] });
  const [problem] = problemsOf(SHIPPED_FILE, { WEFT_REDIS_URL: "mailto:somebody" });
  assert.equal(problem?.file, "environment WEFT_REDIS_URL");
  assert.ok(!problem?.message.includes("somebody"));
});

test("every problem comes at once, with line, column, code and path", () => {
  write(
    "broken-rules.yaml",
    `version: "1"
ladder:
  - segment: first
    when: orders.valid >=
  - segment: second
    when: |
      orders.valid >= 5 &&
        orders.vald == 1
  - segment: second
    when: 'profile.known'
`,
  );
  const path = write(
    "broken.yaml",
    `country: FRA
kafka:
  brkers: [a]
namespaces:
  - { name: customer, kind: unique }
  - { name: customer, kind: uniqe }
sources:
  - name: web
    assurance: { custmer: authenticated }
    rank: first
  - name: web
    assuranceByType: { message-clicked: { mail: claimed } }
rules: broken-rules.yaml
engine: { shards: 10, stitchSlots: 4 }
identityKey: nowhere.key
`,
  );
  const problems = problemsOf(path);
  assert.deepEqual(problems.filter(({ file }) => file === path).map(place), [
    "1:10 wrong-value country",
    "3:3 unknown-key kafka.brkers",
    "6:13 duplicate-name namespaces[1].name",
    "6:29 wrong-value namespaces[1].kind",
    "9:18 unknown-name sources[0].assurance.custmer",
    "10:11 wrong-value sources[0].rank",
    "11:11 duplicate-name sources[1].name",
    "12:43 unknown-name sources[1].assuranceByType.message-clicked.mail",
    "14:36 wrong-value engine.stitchSlots",
    "15:14 file-unreadable identityKey",
  ]);
  assert.deepEqual(problems.filter(({ file }) => file !== path).map(place), [
    "4:26 rule-syntax ladder[0].when",
    "8:16 rule-type ladder[1].when",
    "9:14 duplicate-name ladder[2].segment",
    "10:11 rule-order ladder[2].when",
  ]);
  assert.match(problems.find(({ code }) => code === "unknown-key")?.message ?? "", /did you mean "brokers"/);
  assert.match(problems.find(({ code }) => code === "rule-type")?.message ?? "", /did you mean "valid"/);
});

test("a topic belongs to one source and to no output", () => {
  const path = write(
    "topics.yaml",
    "sources:\n  - { name: a }\n  - { name: b, topic: channel-a }\n  - { name: c, topic: profile-changed }\n  - { name: d, topic: e }\n",
  );
  assert.deepEqual(problemsOf(path).map(place), [
    "3:23 duplicate-name sources[1].topic",
    "4:23 duplicate-name sources[2].topic",
  ]);
});

test("a file that is no YAML, or not there, is one clear problem with a place", () => {
  assert.deepEqual(
    problemsOf(write("syntax.yaml", 'country: "FR\n')).map(({ code }) => code),
    ["yaml-syntax"],
  );
  assert.deepEqual(problemsOf(join(folder, "missing.yaml")).map(place), ["1:1 file-unreadable "]);
  assert.deepEqual(problemsOf(write("list.yaml", "- a\n")).map(place), ["1:1 wrong-value "]);
  for (const [text, where] of [
    ["sources: &a [*a]\n", "1:14"],
    ["api:\n  keys: &k\n    - { name: &n [1, *n] }\n", "3:22"],
    ["sources: &a\n  - &b { name: &c [x, *b] }\n", "2:23"],
    ["&a sources: *a\n", null],
  ] as const) {
    const found = problemsOf(write("self.yaml", text)).map(place);
    assert.deepEqual(found, [where === null ? "1:13 wrong-value sources" : `${where} yaml-syntax `], text);
  }
});

test("a rule knows the names and types that the engine offers, and nothing else", () => {
  const rules = (when: string) =>
    write("rules.yaml", `version: "1"\nladder:\n  - { segment: a, when: '${when}' }\n  - { segment: b, when: true }\n`);
  assert.equal(loadRules(rules('profile.known && orders.spentMinor.exists(c, c == "EUR")')).ladder[1]?.when, "true");
  for (const when of [
    "profile.email == 1",
    "orders.valid",
    'orders.valid == "1"',
    "now > 1",
    "orders.spentMinor >= 1",
  ]) {
    assert.throws(() => loadRules(rules(when)), ConfigurationError, when);
  }
});

test("an identity key shorter than 32 bytes or not there is refused with how to make one, and white space at its end does not count", () => {
  write("short.key", "0123456789\n");
  write("good.key", `${"k".repeat(32)}\r\n`);
  assert.deepEqual(
    ["short", "none"].flatMap((name) =>
      problemsOf(write(`${name}.yaml`, `identityKey: ${name}.key\n`)).map(({ code, message }) => [
        code,
        message.endsWith("openssl rand -hex 32"),
      ]),
    ),
    [
      ["secret-too-short", true],
      ["file-unreadable", true],
    ],
  );
  const { identityKey } = loadConfiguration(write("good.yaml", "identityKey: good.key\n"), {}).deployment;
  assert.equal(identityKey.bytes.length, 32);
  assert.equal(identityKey.published, false);
});

test("the API's own mistakes are refused: keys of another form, provider's keys in the clear, shared secrets", () => {
  const key = `aaaaaaaaaa:reader:${"A".repeat(43)}`;
  const oidc = (jwksUrl: string, more = "") =>
    write("api.yaml", `api:\n  oidc: { issuer: i, audience: a, jwksUrl: "${jwksUrl}"${more} }\n`);
  for (const url of ["https://login.example/keys", "http://127.0.0.1:8000/keys", "http://localhost/keys"])
    assert.deepEqual(problemsOf(oidc(url)), [], url);
  for (const url of [
    "http://login.example/keys",
    "http://127.0.0.1.example/",
    "http://localhost.example/",
    "file:///k",
  ])
    assert.equal(problemsOf(oidc(url))[0]?.path, "api.oidc.jwksUrl", url);
  assert.equal(problemsOf(oidc("https://x.example", ", algorithms: [HS256]"))[0]?.code, "wrong-value");
  const file = write("api.yaml", "api: { port: 0 }\n");
  assert.deepEqual(loadConfiguration(file, { WEFT_API_KEYS: `${key}, ${key}` }).deployment.api.keys, [key, key]);
  assert.equal(problemsOf(file, { WEFT_API_KEYS: "secret" })[0]?.file, "environment WEFT_API_KEYS");
});

test("every key is explained, with its default and what overrides it", () => {
  const keys = explainKeys();
  assert.deepEqual(
    keys.filter(({ meaning }) => meaning === "").map(({ key }) => key),
    [],
  );
  const brokers = keys.find(({ key }) => key === "kafka.brokers");
  assert.deepEqual(brokers?.default, ["127.0.0.1:9092"]);
  assert.equal(brokers?.environment, "WEFT_KAFKA_BROKERS");
  assert.ok(keys.some(({ key }) => key === "sources[].mapping(csv).order.lines.unitPrice"));
});

test("topics keep the log of record for ever and accept the timestamps of imported history", () => {
  const loaded = loadConfiguration(undefined, {});
  const [resolved] = innerTopics(loaded);
  assert.equal(resolved?.partitions, 64);
  assert.equal(resolved?.config["retention.ms"], "-1");
  assert.equal(resolved?.config["cleanup.policy"], "delete");
  const compacted = outputTopics(loaded).filter(({ config }) => config["cleanup.policy"] === "compact");
  assert.deepEqual(
    compacted.map(({ name }) => name),
    ["profile-state", "identity-alias"],
  );
  const topics = allTopics(loaded);
  assert.equal(new Set(topics.map(({ name }) => name)).size, topics.length);
  assert.ok(topics.every(({ config }) => config["message.timestamp.before.max.ms"] === "9223372036854775807"));
});

test("mailboxes are of one other namespace of addresses, and nobody is reached by one", () => {
  const ask = (mailbox: string) => {
    const addresses = "  - { name: email, kind: personal, normaliser: email }\n";
    const path = write("mailbox.yaml", `namespaces:\n${addresses}  - { name: mailbox, ${mailbox} }\n`);
    return problemsOf(path)
      .map(place)
      .filter((one) => one.includes("foldOf"));
  };
  assert.deepEqual(ask("kind: personal, normaliser: email, foldOf: email"), []);
  assert.match(ask("kind: personal, normaliser: email, foldOf: emial")[0] ?? "", /unknown-name/);
  for (const wrong of [
    "kind: unique, normaliser: email, foldOf: email",
    "kind: personal, normaliser: text, foldOf: email",
    "kind: personal, normaliser: email, foldOf: email, contact: true",
    "kind: personal, normaliser: email, foldOf: mailbox",
  ])
    assert.match(ask(wrong)[0] ?? "", /wrong-value namespaces\[1\]\.foldOf/);
});
