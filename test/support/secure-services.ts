// A Kafka that speaks TLS and SCRAM alone, and a Redis that speaks TLS and knows one ACL user, with certificates of an
// authority made for the occasion. Processes of this one, on free ports, data in a temporary folder.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { requirePrograms, ServicesUnavailable } from "../../infra/install.ts";
import { findFreePorts } from "../../infra/process.ts";
import { REDIS_SETTINGS } from "../../infra/redis.ts";
import { makeFolder } from "./folder.ts";

const run = promisify(execFile);
const WAIT_MS = 120_000;

export const USERNAME = "weft";
export const PASSWORD = "only-for-this-test";
/** What the store, the index and the check of safety send, and no more. */
export const REDIS_RULES =
  "~* &* +@read +@write +@connection +@scripting +@transaction +info +config|get -@dangerous +info +config|get";

export interface SecureServices {
  readonly broker: string;
  /** rediss://, without user and password. */
  readonly redisUrl: string;
  /** PEM texts. */
  readonly ca: string;
  readonly foreignCa: string;
  stop(): Promise<void>;
}

export interface SecureOptions {
  /** Others of Kafka, who know PASSWORD too and may do what they are allowed; none: USERNAME is alone, and may do all. */
  readonly users?: readonly string[];
}

/** Throws ServicesUnavailable where Java, Kafka, Redis or openssl are missing. */
export async function startSecureServices({ users = [] }: SecureOptions = {}): Promise<SecureServices> {
  const programs = await requirePrograms((line) => console.error(line));
  const folder = makeFolder("secure");
  const children: ChildProcess[] = [];
  const stop = async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", () => {
    for (const child of children) child.kill("SIGKILL");
  });
  try {
    await makeCertificates(folder);
    const [kafkaPort = 0, controllerPort = 0, redisPort = 0] = await findFreePorts(3);
    children.push(startRedis(programs.redis, folder, redisPort));
    children.push(await startKafka(programs, folder, kafkaPort, controllerPort, users));
    const ca = readFileSync(join(folder, "ca.pem"), "utf8");
    await Promise.all([redisPort, kafkaPort].map((port) => awaitTls(port, ca)));
    return {
      broker: `127.0.0.1:${kafkaPort}`,
      redisUrl: `rediss://127.0.0.1:${redisPort}`,
      ca,
      foreignCa: readFileSync(join(folder, "foreign.pem"), "utf8"),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** ca.pem, server.pem and server.key (for 127.0.0.1), and foreign.pem: another authority of the same name. */
export async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) =>
    run("openssl", args, { cwd: folder }).catch((error: Error) => {
      throw "code" in error && error.code === "ENOENT" ? new ServicesUnavailable("there is no openssl") : error;
    });
  const authority = (name: string) =>
    openssl(
      ..."req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=weft-test".split(" "),
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.pem`,
    );
  await authority("ca");
  await authority("foreign");
  writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1\n");
  await openssl(..."req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr".split(" "));
  await openssl(
    ..."x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem".split(
      " ",
    ),
  );
}

function startRedis(program: string, folder: string, port: number): ChildProcess {
  const settings = [
    ...Object.entries({ port: 0, "tls-port": port, bind: "127.0.0.1", dir: folder, "tls-auth-clients": "no" }),
    ["tls-cert-file", join(folder, "server.pem")],
    ["tls-key-file", join(folder, "server.key")],
    ["tls-ca-cert-file", join(folder, "ca.pem")],
    ...REDIS_SETTINGS,
  ].map(([name, value]) => `${name} ${value === "" ? '""' : value}`);
  const users = ["user default off", `user ${USERNAME} on >${PASSWORD} ${REDIS_RULES}`];
  const file = join(folder, "redis.conf");
  writeFileSync(file, `${[...settings, ...users].join("\n")}\n`);
  return spawn(program, [file], { stdio: "ignore" });
}

async function startKafka(
  programs: { readonly java: string; readonly kafkaDirectory: string },
  folder: string,
  port: number,
  controllerPort: number,
  users: readonly string[],
): Promise<ChildProcess> {
  const store = join(folder, "server-both.pem");
  // Kafka takes a key in PKCS #8, which is how openssl writes it.
  writeFileSync(
    store,
    readFileSync(join(folder, "server.key"), "utf8") + readFileSync(join(folder, "server.pem"), "utf8"),
  );
  const properties = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    listeners: `SECURE://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `SECURE://127.0.0.1:${port}`,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "SECURE",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
    "listener.name.secure.scram-sha-512.sasl.jaas.config": `org.apache.kafka.common.security.scram.ScramLoginModule required username="${USERNAME}" password="${PASSWORD}";`,
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": store,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": join(folder, "ca.pem"),
    "log.dirs": join(folder, "kafka"),
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    ...(users.length === 0
      ? {}
      : {
          "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
          // Controllers talk to each other in the clear here.
          "super.users": `User:${USERNAME};User:ANONYMOUS`,
        }),
  };
  const file = join(folder, "server.properties");
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const java = [
    "-XX:TieredStopAtLevel=1",
    "-Dorg.apache.logging.log4j.level=ERROR",
    "-cp",
    join(programs.kafkaDirectory, "*"),
  ];
  const scram = [USERNAME, ...users].flatMap((name) => [
    "--add-scram",
    `SCRAM-SHA-512=[name=${name},password=${PASSWORD}]`,
  ]);
  const id = "V2VmdFdlZnRXZWZ0V2VmdA";
  await run(programs.java, [...java, "kafka.tools.StorageTool", "format", "-t", id, "-c", file, ...scram]);
  return spawn(programs.java, ["-Xmx512m", ...java, "kafka.Kafka", file], { stdio: "ignore" });
}

async function awaitTls(port: number, ca: string): Promise<void> {
  const endMs = Date.now() + WAIT_MS;
  const isThere = () =>
    new Promise<boolean>((done) => {
      const socket = connect({ host: "127.0.0.1", port, ca }, () => {
        socket.end();
        done(true);
      });
      socket.once("error", () => done(false));
    });
  while (!(await isThere())) {
    if (Date.now() > endMs) throw new Error(`nobody speaks TLS on port ${port} within ${WAIT_MS} ms`);
    await sleep(200);
  }
}
