// What is hostile before it is a request: slow ones, endless ones, packed ones, deep ones. On a real socket; after each, the
// server answers as before.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { problemSchema } from "#services/api/problem.ts";
import { openStage } from "#services/cli/stage.ts";
import { openTestApi, serveStage, type TestApi } from "#support/api.ts";

const REQUEST_TIMEOUT_MS = 1000;

let api: TestApi;
let url: URL;
serveStage(
  openStage,
  async (opened) => {
    api = opened;
    url = new URL(await api.app.listen({ host: "127.0.0.1", port: 0 }));
  },
  { limits: { requestTimeoutMs: REQUEST_TIMEOUT_MS } },
);
afterEach(async () => {
  assert.equal((await fetch(new URL("/health", url))).status, 200);
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});

async function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const response = await fetch(new URL("/profiles/lookup", url), {
    method: "POST",
    headers: { authorization: `Bearer ${api.keys.agent}`, "content-type": "application/json", ...headers },
    body,
  });
  const problem = problemSchema.parse(await response.json());
  assert.equal(problem.status, response.status);
  return problem;
}

/** Sends the text and gives back what comes until the server closes the connection. */
async function talk(
  send: (write: (text: string) => void) => () => void,
): Promise<{ readonly text: string; readonly ms: number }> {
  const startedAt = performance.now();
  return await new Promise((resolve) => {
    let text = "";
    const socket = connect(Number(url.port), url.hostname);
    const stop = send((part) => socket.writable && socket.write(part));
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      stop();
      resolve({ text, ms: performance.now() - startedAt });
    });
  });
}

test("a body with a million keys, or too deep, or too long, is refused before it becomes objects", async () => {
  const keys = `{${Array.from({ length: 30_000 }, (_, i) => `"k${i}":0`).join(",")}}`;
  assert.ok(keys.length > 256 * 1024);
  assert.equal((await post(keys)).code, "too-large");
  const million = `{${Array.from({ length: 1_000_000 }, (_, i) => `"${i}":0`).join(",")}}`;
  assert.equal((await post(million)).code, "too-large");
  const many = `{${Array.from({ length: 501 }, (_, i) => `"k${i}":0`).join(",")}}`;
  assert.match((await post(many)).errors?.[0]?.message ?? "", /more than 500 keys/);
  const deep = `${'{"a":'.repeat(20)}1${"}".repeat(20)}`;
  assert.match((await post(deep)).errors?.[0]?.message ?? "", /deeper than 16/);
  assert.match((await post("[".repeat(200_000))).errors?.[0]?.message ?? "", /deeper than 16/);
  assert.match((await post(`[${"1,".repeat(100_000)}1]`)).errors?.[0]?.message ?? "", /more than 5000 values/);
});

test("keys that reach a prototype are refused, however they are written", async () => {
  for (const key of ["__proto__", "constructor", "prototype", "\\u005f_proto__", "__pr\\u006fto__"]) {
    const problem = await post(`{"namespace":"email","value":"a@x.fr","${key}":{"polluted":1}}`);
    assert.match(problem.errors?.[0]?.message ?? "", /a key that no object may have/, key);
  }
  const inside = await post('{"namespace":"email","value":{"a":[{"__proto__":1}]}}');
  assert.match(inside.errors?.[0]?.message ?? "", /a key that no object may have/);
});

test("a packed body is not unpacked", async () => {
  const bomb = new Uint8Array(gzipSync(Buffer.alloc(50 * 1024 * 1024, " ")));
  assert.ok(bomb.length < 256 * 1024);
  const before = process.memoryUsage().rss;
  for (const encoding of ["gzip", "deflate", "br", "x-gzip", "identity, gzip"])
    assert.equal((await post(bomb, { "content-encoding": encoding })).code, "unsupported-media-type", encoding);
  assert.ok(process.memoryUsage().rss - before < 40 * 1024 * 1024);
});

test("who has no body may say of it what they like", async () => {
  const headers = { authorization: `Bearer ${api.keys.admin}`, "content-encoding": "gzip", "content-type": "x" };
  assert.equal((await api.app.inject({ url: "/shards", headers })).statusCode, 200);
});

test("a flood of headers is refused", async () => {
  const flood = await talk((write) => {
    write("GET /health HTTP/1.1\r\nhost: x\r\n");
    for (let i = 0; i < 2000; i += 1) write(`x-${i}: ${"v".repeat(50)}\r\n`);
    write("\r\n");
    return () => {};
  });
  assert.match(flood.text, /^HTTP\/1\.1 431 .*"code":"headers-too-large"/s);
});

test("who sends slowly, headers or body, is cut off", async () => {
  const drip = (start: string) =>
    talk((write) => {
      write(start);
      const timer = setInterval(() => write("x"), 50);
      return () => clearInterval(timer);
    });
  const authorization = `authorization: Bearer ${api.keys.agent}`;
  const [headers, body] = await Promise.all([
    drip("GET /health HTTP/1.1\r\nhost: x\r\nx-slow: "),
    drip(
      `POST /profiles/lookup HTTP/1.1\r\nhost: x\r\n${authorization}\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n`,
    ),
  ]);
  for (const { text, ms } of [headers, body]) {
    assert.match(text, /^HTTP\/1\.1 408 .*"code":"request-timeout"/s);
    assert.ok(ms < 5 * REQUEST_TIMEOUT_MS, `${ms} ms`);
  }
});

test("of more connections than a thousand the next is closed, and those that are there go on", async () => {
  // Who is silent is cut off later there than the rest of this takes.
  const patient = await openTestApi(api.stage);
  const { port } = new URL(await patient.app.listen({ host: "127.0.0.1", port: 0 }));
  const open = async (event: "connect" | "close"): Promise<Socket> => {
    const socket = connect(Number(port), "127.0.0.1");
    if (event === "close") socket.on("error", () => {});
    await once(socket, event, { signal: AbortSignal.timeout(8_000) });
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: 1000 }, () => open("connect")));
  try {
    await open("close");
    const [first] = sockets as [Socket];
    first.write("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
    assert.match(String(await once(first, "data")), /^HTTP\/1\.1 200 /);
  } finally {
    for (const socket of sockets) socket.destroy();
    await patient.close();
  }
});

test("what is no HTTP is refused in the same shape, and who expects more than that is answered as anybody", async () => {
  const once = (text: string) =>
    talk((write) => {
      write(text);
      return () => {};
    });
  for (const text of [
    "NONSENSE\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    "GET /health HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
    "GET /health HTTP/1.1\r\nconnection: close\r\n\r\n",
  ]) {
    const answer = await once(text);
    assert.match(answer.text, /^HTTP\/1\.1 400 .*"code":"malformed-request".*"errors":\[\{/s, text);
  }
  const expecting = await once("GET /health HTTP/1.1\r\nhost: x\r\nexpect: more\r\nconnection: close\r\n\r\n");
  assert.match(expecting.text, /^HTTP\/1\.1 200 .*x-request-id/s);
});
