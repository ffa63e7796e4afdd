// What senders get wrong, on real services: every bad record goes aside whole and says why, and the good ones around it
// do not notice.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { type TestContext, test } from "node:test";
import kafkajs, { type IHeaders, type KafkaMessage, type Message } from "kafkajs";
import { openRegistryCodec } from "#adapters/registry/codec.ts";
import type { ChannelEvent } from "#core/event.ts";
import { Deployment } from "#support/deployment.ts";
import { servicesOrSkip } from "#support/services.ts";
import { ENDED_WELL, Worker } from "#support/workers.ts";

const { CompressionTypes } = kafkajs;

const YAML = `
sources:
  - { name: web, assurance: { customer: authenticated }, trustedForOrders: true }
  - { name: crm, assurance: { "*": authenticated }, allowedFields: [traits.firstName] }
`;
const ATTEMPT_MS = 100;
const READ_WAIT_MS = 30_000;

interface Bad {
  readonly what: string;
  readonly source: "web" | "crm";
  readonly reason: string;
  readonly value: Buffer | null;
  readonly key?: Buffer;
  readonly headers?: IHeaders;
}

function makeEvent(eventId: string, more: Partial<ChannelEvent> = {}): ChannelEvent {
  const identifiers = [{ namespace: "customer", value: `c-${eventId}` }];
  return { eventId, type: "page-viewed", occurredAt: Date.now(), identifiers, ...more };
}

/** A frame with this schema id. */
function frame(schemaId: number, payload: readonly number[]): Buffer {
  const bytes = Buffer.alloc(5 + payload.length);
  bytes.writeInt32BE(schemaId, 1);
  bytes.set(payload, 5);
  return bytes;
}

function listBad(encode: (event: ChannelEvent) => Buffer): Bad[] {
  const schemaId = encode(makeEvent("x")).readInt32BE(1);
  const many = Array.from({ length: 17 }, (_, i) => ({ namespace: "cookie", value: `ck-${i}` }));
  const order = { orderId: "o1", currency: "EUR", totalMinor: 100, lines: [] };
  return [
    { what: "random bytes", source: "web", reason: "undecodable", value: frame(schemaId, [0xff, 0x17, 0x80, 0x99]) },
    // No eventId, no type, time 0, never sent, and then an array of fifty million identifiers.
    {
      what: "an array that claims fifty million items",
      source: "web",
      reason: "undecodable",
      value: frame(schemaId, [0, 0, 0, 0, 0x80, 0xc2, 0xd7, 0x2f]),
    },
    { what: "a tombstone", source: "web", reason: "undecodable", value: null },
    { what: "a schema id that nobody has", source: "web", reason: "unknown-schema", value: frame(2_000_000_000, [2]) },
    { what: "JSON", source: "web", reason: "unsupported-framing", value: Buffer.from('{"eventId":"e"}') },
    {
      what: "more than a mebibyte, small only while it was packed",
      source: "web",
      reason: "too-large",
      value: Buffer.alloc(5 * 1024 * 1024, "x"),
    },
    { what: "nothing at all", source: "web", reason: "unsupported-framing", value: Buffer.alloc(0) },
    {
      what: "a part that the source may not send",
      source: "crm",
      reason: "contract-violation",
      value: encode(makeEvent("b1", { order })),
    },
    {
      what: "an order event without an order",
      source: "web",
      reason: "missing-order",
      value: encode(makeEvent("b2", { type: "order-placed" })),
    },
    {
      what: "nobody",
      source: "web",
      reason: "no-identifier",
      value: encode(makeEvent("b3", { identifiers: [{ namespace: "email", value: "null" }] })),
    },
    {
      what: "an identifier of a namespace that is no name, beside a good one",
      source: "web",
      reason: "malformed-identifier",
      value: encode(
        makeEvent("b6", {
          identifiers: [
            { namespace: "cookie", value: "ck-1" },
            { namespace: "__proto__", value: "C-1" },
          ],
        }),
      ),
    },
    {
      what: "an identifier of more than four hundred characters, beside a good one",
      source: "web",
      reason: "malformed-identifier",
      value: encode(
        makeEvent("b7", {
          identifiers: [
            { namespace: "cookie", value: "ck-1" },
            { namespace: "email", value: "a".repeat(401) },
          ],
        }),
      ),
    },
    {
      what: "seventeen identifiers",
      source: "web",
      reason: "too-many-identifiers",
      value: encode(makeEvent("b4", { identifiers: many })),
    },
    {
      what: "the year 1900",
      source: "web",
      reason: "occurred-at-out-of-range",
      value: encode(makeEvent("b5", { occurredAt: Date.UTC(1900, 0, 1) })),
      headers: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", kind: "test" },
    },
    // Text would not survive: neither is UTF-8, and one header is there twice.
    {
      what: "a key and headers of bytes",
      source: "web",
      reason: "undecodable",
      value: frame(schemaId, [0xff]),
      key: Buffer.from([0xc3, 0x28, 0x00, 0xff]),
      headers: { raw: Buffer.from([0xff, 0xfe, 0x00]), twice: ["one", "two"] },
    },
  ];
}

async function readAll(deployment: Deployment, topic: string, count: number): Promise<KafkaMessage[]> {
  const consumer = deployment.kafka.consumer({ groupId: `${deployment.prefix}look-${topic}` });
  const messages: KafkaMessage[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) });
  for (const deadline = Date.now() + READ_WAIT_MS; messages.length < count && Date.now() < deadline; )
    await new Promise((done) => setTimeout(done, ATTEMPT_MS));
  await consumer.disconnect();
  return messages;
}

function plainHeaders(headers: IHeaders | undefined): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [
      name,
      [value].flat().map((one) => Buffer.from(one ?? "").toString("hex")),
    ]),
  );
}

async function withDeployment(t: TestContext, use: (deployment: Deployment) => Promise<void>) {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const deployment = new Deployment(services, {
    yaml: YAML,
    engine: "{ shards: 4, stitchSlots: 1, resolverSlots: 1 }",
  });
  try {
    await deployment.open();
    await deployment.mustRun(["topics", "create"]);
    await use(deployment);
  } finally {
    await deployment.close();
  }
}

async function openEncoder(deployment: Deployment): Promise<(event: ChannelEvent) => Buffer> {
  const codec = await openRegistryCodec({
    url: deployment.loaded.deployment.registry.url,
    schemasDirectory: resolve(import.meta.dirname, "../../schemas"),
    autoRegister: true,
    compatibilityOf: () => "BACKWARD_TRANSITIVE",
  });
  const encode = await codec.encoder(deployment.channelTopic("web"), "ChannelEvent");
  return (event) => Buffer.from(encode(event));
}

function readLines<T>(text: string): T[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

/** As an operator comes to know of them: told by `doctor`, counted, looked at without a value, sent again once. */
async function checkLetters(deployment: Deployment, bad: readonly Bad[]): Promise<void> {
  const checks = readLines<{ check: string; verdict: string }>(await deployment.mustRun(["--json", "doctor"]));
  assert.deepEqual(
    checks.flatMap(({ check, verdict }) => (verdict === "fail" ? [check] : [])),
    [],
  );
  assert.equal(checks.find(({ check }) => check === "dead letters")?.verdict, "warn");

  const groups = readLines<{ topic: string; reason: string; count: number; first: { id: string } }>(
    await deployment.mustRun(["--json", "dlq", "ls"]),
  );
  const expected = Object.groupBy(bad, ({ source, reason }) => `${deployment.channelTopic(source)} ${reason}`);
  assert.deepEqual(
    Object.fromEntries(groups.map(({ topic, reason, count }) => [`${topic} ${reason}`, count])),
    Object.fromEntries(Object.entries(expected).map(([name, letters]) => [name, letters?.length])),
  );

  const nobody = groups.find(({ reason }) => reason === "no-identifier")?.first.id ?? "";
  const shown = await deployment.mustRun(["--json", "dlq", "show", nobody]);
  assert.match(shown, /"namespace":"\*\*\*"/);
  // The name of the deployment is drawn, and may have anything in it.
  assert.doesNotMatch(shown.replaceAll(deployment.prefix, ""), /page-viewed|b3/, "no value without --pii (G2)");
  assert.match(await deployment.mustRun(["--json", "dlq", "show", nobody, "--pii"]), /page-viewed/);

  const redrive = async () =>
    JSON.parse(await deployment.mustRun(["--json", "dlq", "redrive", "--id", nobody])) as unknown;
  assert.deepEqual(await redrive(), { redriven: 1, skipped: 0 });
  assert.deepEqual(await redrive(), { redriven: 0, skipped: 1 });
  await deployment.settle();
}

test("every bad record lands in the dead letters whole, with its reason, and the good ones are folded (O1)", async (t) => {
  await withDeployment(t, async (deployment) => {
    const encode = await openEncoder(deployment);
    const bad = listBad(encode);
    const worker = new Worker(deployment, "up");
    const producer = deployment.kafka.producer();
    await producer.connect();
    try {
      await worker.waitFor(/^running$/);
      const startMs = Date.now() - 3_600_000;
      const good: string[] = [];
      const sent = new Map<Bad, Message>();
      const offsets = new Map<Bad, string>();
      for (const [i, one] of bad.entries()) {
        const message: Message = {
          key: one.key ?? Buffer.from(`key-${i}`),
          value: one.value,
          timestamp: String(startMs + i),
          ...(one.headers === undefined ? {} : { headers: one.headers }),
        };
        sent.set(one, message);
        good.push(`good-${i}`);
        // In one partition, the bad one between two good ones.
        const around = [`good-${i}`, `after-${i}`].map((id) => ({ key: id, value: encode(makeEvent(id)) }));
        const messages = [around[0], message, around[1]].map((each) => ({ ...each, partition: 3 }) as Message);
        const compression = one.reason === "too-large" ? CompressionTypes.GZIP : CompressionTypes.None;
        const [answer] = await producer.send({ topic: deployment.channelTopic(one.source), messages, compression });
        offsets.set(one, String(Number(answer?.baseOffset) + 1));
        good.push(`after-${i}`);
      }
      await deployment.settle();

      for (const source of ["web", "crm"] as const) {
        const expected = bad.filter((one) => one.source === source);
        const letters = await readAll(deployment, `${deployment.channelTopic(source)}.dlq`, expected.length);
        assert.equal(letters.length, expected.length, `${source}: no more and no fewer`);
        for (const one of expected) {
          const letter = letters.find(
            ({ headers }) => String(headers?.["__connect.errors.offset"]) === offsets.get(one),
          );
          assert.ok(letter !== undefined, `${one.what}: a letter that says where it stood`);
          const message = sent.get(one) as Message;
          assert.deepEqual(letter.value, one.value, `${one.what}: its bytes`);
          assert.deepEqual(letter.key, message.key, `${one.what}: its key`);
          assert.equal(letter.timestamp, message.timestamp, `${one.what}: its timestamp`);
          const headers = plainHeaders(letter.headers);
          for (const [name, values] of Object.entries(plainHeaders(one.headers)))
            assert.deepEqual(headers[name], values, `${one.what}: its header ${name}`);
          const say = (name: string) => String(letter.headers?.[name]);
          assert.equal(say("weft.reason"), one.reason, one.what);
          assert.equal(say("__connect.errors.exception.class.name"), one.reason, one.what);
          assert.equal(say("__connect.errors.topic"), deployment.channelTopic(source));
          assert.equal(say("__connect.errors.partition"), "3");
          assert.doesNotMatch(say("__connect.errors.exception.message"), /c-b\d|ck-\d/, "no value is told (G2)");
        }
      }

      await checkLetters(deployment, bad);

      const { people } = await deployment.readStore();
      const customers = new Set(people.profiles.flatMap(({ identifiers }) => identifiers.map(({ value }) => value)));
      assert.deepEqual(
        good.filter((id) => !customers.has(`c-${id}`)),
        [],
        "good records around bad ones are folded",
      );
      assert.ok(worker.isRunning, "nothing ends");
      assert.deepEqual(await worker.stop(), ENDED_WELL);
      const counts = await worker.waitFor(/^stopped$/);
      const letters: Record<string, number> = {};
      for (const { reason } of bad) letters[reason] = (letters[reason] ?? 0) + 1;
      // Sent again, and refused again.
      letters["no-identifier"] = 2;
      assert.deepEqual(counts["deadLetters"], letters);
      assert.deepEqual(
        [counts["records"], counts["accepted"], counts["duplicates"], counts["folded"]],
        [bad.length * 3 + 1, bad.length * 2, 0, bad.length * 2],
        "each record has one outcome, counted",
      );
    } catch (error) {
      console.error(worker.describe());
      throw error;
    } finally {
      await worker.kill();
      await producer.disconnect();
    }
  });
});

test("bad records that are large, one by one or together, stop nothing (O1)", async (t) => {
  await withDeployment(t, async (deployment) => {
    const encode = await openEncoder(deployment);
    const topic = deployment.channelTopic("web");
    const producer = deployment.kafka.producer();
    await producer.connect();
    // Three megabytes in one batch of the resolver, and one record that fills what its topic allows: a dead letter is
    // larger than its record, by the headers that say why.
    const many = Array.from({ length: 300 }, (_, i) => ({ key: `m${i}`, value: Buffer.alloc(10_000, 7) }));
    for (let i = 0; i < many.length; i += 50) await producer.send({ topic, messages: many.slice(i, i + 50) });
    await producer.send({ topic, messages: [{ key: "large", value: Buffer.alloc(1_048_400, 7) }] });
    await producer.send({ topic, messages: [{ key: "good", value: encode(makeEvent("good")) }] });
    const worker = new Worker(deployment, "up");
    try {
      await worker.waitFor(/^running$/);
      await deployment.settle();
      const letters = await readAll(deployment, `${topic}.dlq`, many.length + 1);
      assert.equal(letters.length, many.length + 1);
      const sizes = new Set(letters.map(({ value }) => value?.length));
      assert.deepEqual(sizes, new Set([10_000, 1_048_400]));
      const { people } = await deployment.readStore();
      assert.equal(people.profiles.length, 1);
      assert.deepEqual(await worker.stop(), ENDED_WELL);
    } catch (error) {
      console.error(worker.describe());
      throw error;
    } finally {
      await worker.kill();
      await producer.disconnect();
    }
  });
});
