// A Kafka whose certificate has run out, and one that is spoken to with TLS where it has none or without where it has: what is
// wrong is said, in a code or in one line. Only the first bytes count, so listeners stand in for brokers.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { before, type TestContext, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { promisify } from "node:util";
import { makeFolder } from "#support/folder.ts";
import { ROOT } from "#support/source.ts";

const folder = makeFolder("distrust");

const openssl = (...args: readonly string[]) => promisify(execFile)("openssl", args, { cwd: folder });
const skip = await openssl("version").then(
  () => false as const,
  () => "no openssl on this machine",
);

/** Self-signed, for 127.0.0.1; days below zero: it ran out so long ago. */
async function makeCertificate(name: string, days: number): Promise<void> {
  await openssl(
    ...`req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=weft-test -addext subjectAltName=IP:127.0.0.1 -keyout ${name}.key -out ${name}.csr`.split(
      " ",
    ),
  );
  await openssl(
    ...`x509 -req -in ${name}.csr -signkey ${name}.key -days ${days} -copy_extensions copy -out ${name}.pem`.split(" "),
  );
}

const read = (file: string) => readFileSync(join(folder, file), "utf8");

before(async () => {
  if (skip !== false) return;
  await makeCertificate("valid", 2);
  await makeCertificate("expired", -1);
});

async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const listenWithTls = (t: TestContext, name: string) =>
  listen(t, createTlsServer({ cert: read(`${name}.pem`), key: read(`${name}.key`) }));

/** What somebody is told who opens the log there. A process of its own, as waiting has no end. */
async function meet(broker: string, ca?: string): Promise<string> {
  const options = { brokers: [broker], clientId: "weft-test", ...(ca === undefined ? {} : { tls: { ca: read(ca) } }) };
  const program = `import { openKafkaLog } from "#adapters/kafka/log.ts";
    await openKafkaLog({ ...${JSON.stringify(options)}, onWait: console.log }).catch(({ code, message }) => console.log(code, message));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) return line;
    return "nothing";
  } finally {
    child.kill("SIGKILL");
  }
}

test("a broker whose certificate has run out is refused, and not waited for", { skip }, async (t) => {
  assert.match(
    await meet(await listenWithTls(t, "expired"), "expired.pem"),
    /^log-untrusted .*certificate has expired/,
  );
});

test("a broker that speaks TLS and is asked in the clear is waited for with a line that says what may be wrong", {
  skip,
}, async (t) => {
  assert.match(await meet(await listenWithTls(t, "valid")), /^waiting for Kafka: .*kafka\.tls is not given: .*TLS/);
});

test("a broker without TLS that is asked with it is waited for with a line that says what may be wrong", {
  skip,
}, async (t) => {
  const plain = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    // As Kafka takes what TLS begins with: a request of 350 MB.
    socket.once("data", () => socket.destroy());
  });
  assert.match(await meet(await listen(t, plain), "valid.pem"), /^waiting for Kafka: .*kafka\.tls is given: .*TLS/);
});
