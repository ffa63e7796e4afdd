// The registry codec against a registry of a few lines that can be slow, wrong or gone; the real one is in
// test/integration/schemas.test.ts.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { OUTPUT_COMPATIBILITY, openRegistryCodec, READERS_MAX } from "#adapters/registry/codec.ts";
import { type Codec, RegistryUnavailable } from "#ports/codec.ts";

const SCHEMAS = join(import.meta.dirname, "../../schemas");
const SIMPLE = JSON.stringify({ type: "record", name: "Simple", fields: [{ name: "n", type: "int" }] });

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function withServer(answer: Answer, run: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function openCodec(url: string, timeoutMs = 1_000): Promise<Codec> {
  return openRegistryCodec({
    url,
    schemasDirectory: SCHEMAS,
    autoRegister: true,
    timeoutMs,
    compatibilityOf: () => OUTPUT_COMPATIBILITY,
  });
}

/** A value {n: 3} of the schema with this id. */
function valueOf(schemaId: number): Buffer {
  const bytes = Buffer.from([0, 0, 0, 0, 0, 6]);
  bytes.writeInt32BE(schemaId, 1);
  return bytes;
}

function reasonOf(codec: Codec, value: Uint8Array): string {
  const decoded = codec.decode(value);
  return decoded.ok ? "ok" : decoded.reason;
}

test("a schema is fetched once, however many values and batches ask for it at the same time", async () => {
  let requests = 0;
  const answer: Answer = (_request, response) => {
    requests += 1;
    reply(response, 200, { schema: SIMPLE });
  };
  await withServer(answer, async (url) => {
    const codec = await openCodec(url);
    assert.equal(reasonOf(codec, valueOf(1)), "unknown-schema");
    const batch = Array.from({ length: 100 }, () => valueOf(1));
    await Promise.all([
      codec.prepare(batch),
      codec.prepare(batch),
      codec.prepare([null, valueOf(1), Buffer.from("{}")]),
    ]);
    await codec.prepare(batch);
    assert.equal(requests, 1);
    assert.deepEqual(codec.decode(valueOf(1)), {
      ok: true,
      schemaId: 1,
      value: Object.assign(Object.create(prototypeOf(codec)), { n: 3 }),
    });
  });
});

function prototypeOf(codec: Codec): object {
  const decoded = codec.decode(valueOf(1));
  assert.ok(decoded.ok);
  return Object.getPrototypeOf(decoded.value) as object;
}

test("an id that the registry does not know is unknown-schema, and is not asked for again at once", async () => {
  let requests = 0;
  const answer: Answer = (_request, response) => {
    requests += 1;
    reply(response, 404, { error_code: 40403, message: "Schema not found" });
  };
  await withServer(answer, async (url) => {
    const codec = await openCodec(url);
    await codec.prepare([valueOf(7)]);
    const asked = requests;
    await codec.prepare([valueOf(7)]);
    assert.equal(requests, asked);
    assert.equal(reasonOf(codec, valueOf(7)), "unknown-schema");
  });
});

const DOWN: readonly (readonly [what: string, answer: Answer])[] = [
  [
    "answers 404 without the registry's code, as a proxy in front of a dead registry does",
    (_request, response) => response.writeHead(404, { "content-type": "text/html" }).end("<h1>not found</h1>"),
  ],
  [
    "answers 404 for a path that is no registry's",
    (_request, response) => reply(response, 404, { error_code: 404, message: "HTTP 404 Not Found" }),
  ],
  [
    "answers 200 with a page, as a log-in in front of it does",
    (_request, response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>log in</h1>"),
  ],
  ["answers 503", (_request, response) => response.writeHead(503).end()],
  ["wants credentials", (_request, response) => reply(response, 401, { error_code: 40101, message: "Unauthorized" })],
  ["closes the connection", (request) => request.socket.destroy()],
  ["does not answer", () => {}],
];

for (const [what, answer] of DOWN) {
  test(`a registry that ${what} is RegistryUnavailable, never an unknown schema`, async () => {
    await withServer(answer, async (url) => {
      const codec = await openCodec(url, 100);
      await assert.rejects(codec.prepare([valueOf(1)]), RegistryUnavailable);
      await assert.rejects(codec.encoder("identity-alias", "IdentityAlias"), RegistryUnavailable);
    });
  });
}

test("a registry that is back after a moment is asked again, and nobody notices", async () => {
  let requests = 0;
  const answer: Answer = (_request, response) => {
    requests += 1;
    if (requests < 3) response.writeHead(503).end();
    else reply(response, 200, { schema: SIMPLE });
  };
  await withServer(answer, async (url) => {
    const codec = await openCodec(url);
    await codec.prepare([valueOf(1)]);
    assert.equal(reasonOf(codec, valueOf(1)), "ok");
  });
});

test("a registered schema that is not Avro, or that avsc cannot read, is undecodable and stops nothing", async () => {
  const bodies: Record<string, unknown> = {
    "/schemas/ids/1": { schemaType: "JSON", schema: '{"type":"object"}' },
    "/schemas/ids/2": { schema: '{"type":"record","name":"X","fields":[{"name":"a","type":"Missing"}]}' },
    "/schemas/ids/3": { schema: "not JSON" },
  };
  const answer: Answer = (request, response) => reply(response, 200, bodies[request.url ?? ""]);
  await withServer(answer, async (url) => {
    const codec = await openCodec(url);
    await codec.prepare([1, 2, 3].map(valueOf));
    assert.deepEqual(
      [1, 2, 3].map((id) => reasonOf(codec, valueOf(id))),
      ["undecodable", "undecodable", "undecodable"],
    );
  });
});

test("a batch with more schemas than the cache holds is read whole", async () => {
  const answer: Answer = (_request, response) => reply(response, 200, { schema: SIMPLE });
  await withServer(answer, async (url) => {
    const codec = await openCodec(url, 5_000);
    const batch = Array.from({ length: READERS_MAX + 200 }, (_, index) => valueOf(index + 1));
    await codec.prepare(batch);
    assert.ok(batch.every((value) => reasonOf(codec, value) === "ok"));
    await codec.prepare([valueOf(1_000_000)]);
    assert.equal(batch.filter((value) => reasonOf(codec, value) === "ok").length, READERS_MAX - 1);
  });
});

test("the subject's compatibility is set before the first schema, once, and an operator's own level is left alone", async () => {
  for (const level of [undefined, "NONE", "BACKWARD"]) {
    const seen: string[] = [];
    let present = level;
    const others: string[] = [];
    const answer: Answer = (request, response) => {
      seen.push(`${request.method} ${request.url}`);
      if (request.method === "PUT") present = OUTPUT_COMPATIBILITY;
      if (request.method === "POST") reply(response, 200, { id: 5 });
      else if (present === undefined) reply(response, 404, { error_code: 40408, message: "no level" });
      else reply(response, 200, { compatibilityLevel: present });
    };
    await withServer(answer, async (url) => {
      const codec = await openRegistryCodec({
        url,
        schemasDirectory: SCHEMAS,
        autoRegister: true,
        compatibilityOf: () => OUTPUT_COMPATIBILITY,
        onOtherCompatibility: (subject, found, wanted) => others.push(`${subject} ${found} ${wanted}`),
      });
      const [encode] = await Promise.all([
        codec.encoder("identity-alias", "IdentityAlias"),
        codec.encoder("identity-alias", "IdentityAlias"),
      ]);
      assert.equal(Buffer.from(encode({ oldProfileId: "a", profileId: "b", at: 1 })).readInt32BE(1), 5);
    });
    const changes = seen.filter((line) => !line.startsWith("GET"));
    const registered = "POST /subjects/identity-alias-value/versions";
    assert.deepEqual(changes, level === "BACKWARD" ? [registered] : ["PUT /config/identity-alias-value", registered]);
    assert.deepEqual(others, level === "BACKWARD" ? ["identity-alias-value BACKWARD FULL_TRANSITIVE"] : []);
  }
});
