// Which adapters stand behind the ports: Kafka and a registry, or one SQLite file. Loaded when needed, so that
// `weft --help` does not wait for clients it never uses.

import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Codec } from "#ports/codec.ts";
import type { Index } from "#ports/index.ts";
import type { Log } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { findUnregistered, nameSource, outputTopics } from "#services/config/topics.ts";

export const SCHEMAS_FOLDER = resolve(import.meta.dirname, "../../schemas");

export interface Wires {
  readonly log: Log;
  readonly codec: Codec;
  /** True where nobody but Weft owns the topics, so that they are made when missing. */
  readonly embedded: boolean;
  /** The embedded file's own store and index. */
  readonly state?: { readonly store: Store; readonly index: Index };
  close(): Promise<void>;
}

export async function openWires(
  loaded: LoadedConfiguration,
  { embedded = false, now, onWait = reportWait, isProcess = false }: WiringOptions = {},
): Promise<Wires> {
  if (embedded) return openEmbeddedWires(loaded, now);
  requireTransport(loaded);
  return openServerWires(loaded, { onWait, patienceMs: patienceOf(loaded, isProcess) });
}

export interface WiringOptions {
  readonly embedded?: boolean;
  /** It waits for as long as it takes; a verb that asks once gives up after `timeout`. */
  readonly isProcess?: boolean;
  /** The embedded log's clock; servers have their own. */
  readonly now?: () => number;
  /** One clear line when something cannot be reached, and one when it is back. */
  onWait?(line: string): void;
}

function patienceOf({ deployment }: LoadedConfiguration, isProcess = false): number {
  return isProcess ? Number.POSITIVE_INFINITY : deployment.timeoutMs;
}

function reportWait(line: string): void {
  process.stderr.write(`${line}\n`);
}

export interface State {
  readonly store: Store;
  readonly index: Index;
  /** Throws UnsafeStore where the store may lose what it acknowledges; on this machine's own it only says so. */
  requireSafety(): Promise<void>;
  /** Asks for what was overwritten and deleted to go from the disk too, where that is due. */
  rewriteDisk(): Promise<void>;
  close(): Promise<void>;
}

export class UnsafeStore extends Error {
  readonly code = "unsafe-store";
}

export class UnsafeLog extends Error {
  readonly code = "unsafe-log";
}

export class InsecureTransport extends Error {
  readonly code = "insecure-transport";
}

export class UnregisteredTopic extends Error {
  readonly code = "unregistered-topic";
}

/** Throws UnregisteredTopic where the log has a channel topic of which nobody has said whose it is and what for. */
export function requireRegistration(loaded: LoadedConfiguration, topics: readonly string[]): void {
  const unregistered = findUnregistered(loaded, topics);
  if (unregistered.length === 0) return;
  const names = unregistered.map((topic) => nameSource(loaded, topic));
  throw new UnregisteredTopic(
    `no source reads ${unregistered.join(", ")}: declare under \`sources\` of ${loaded.file} ${names.map((name) => `{ name: ${name}, owner: …, purpose: …, legalBasis: … }`).join(" and ")}`,
  );
}

/** The store and the index: in the embedded file, or in Redis. */
export async function openState(
  loaded: LoadedConfiguration,
  wires: Pick<Wires, "state">,
  given: Pick<WiringOptions, "onWait" | "isProcess"> = {},
): Promise<State> {
  const { deployment } = loaded;
  const onWait = given.onWait ?? reportWait;
  if (wires.state !== undefined)
    return { ...wires.state, requireSafety: async () => {}, rewriteDisk: async () => {}, close: async () => {} };
  const [
    { createTroubles },
    { findLuaHoles, findUnsafeSettings },
    { rewriteDisk },
    { openRedisStore },
    { openRedisIndex },
  ] = await Promise.all([
    import("#adapters/redis/trouble.ts"),
    import("#adapters/redis/safety.ts"),
    import("#adapters/redis/disk.ts"),
    import("#adapters/redis/store.ts"),
    import("#adapters/redis/index.ts"),
  ]);
  const shared = {
    ...deployment.redis,
    prefix: `${deployment.kafka.topicPrefix}weft:`,
    onWait,
    // Store and index are a connection each, and have the same things to say.
    troubles: createTroubles(),
    patienceMs: patienceOf(loaded, given.isProcess),
  };
  const store = openRedisStore({ ...shared, shards: deployment.engine.shards });
  const index = openRedisIndex(shared);
  return {
    store,
    index,
    async requireSafety() {
      for (const line of await findUnsafeSettings(shared)) judgeSafety(shared.url, line, onWait, deployment.dev);
      // Nobody else reaches this machine's own.
      if (!LOOPBACK.has(new URL(shared.url).hostname))
        for (const line of await findLuaHoles(shared)) onWait(`Redis: ${line}`);
    },
    async rewriteDisk() {
      const refusal = await rewriteDisk(shared);
      if (refusal !== null) onWait(`Redis: ${refusal}`);
    },
    async close() {
      await store.close();
      await index.close();
    },
  };
}

/** Throws InsecureTransport: profiles, schemas, and a password if there is one, would be there for all to read or to write. */
export function requireTransport({ deployment }: LoadedConfiguration): void {
  const { dev, kafka, redis, registry } = deployment;
  if (dev) return;
  const broker = kafka.brokers.find((one) => !isOwnBroker(one));
  if (broker !== undefined && kafka.tls === undefined)
    throw new InsecureTransport(`Kafka at ${broker} would be spoken to in the clear: give kafka.tls`);
  const schemas = new URL(registry.url);
  if (schemas.protocol !== "https:" && !LOOPBACK.has(schemas.hostname))
    throw new InsecureTransport(`the registry at ${schemas.host} would be spoken to in the clear: https://`);
  const { protocol, hostname, host, password } = new URL(redis.url);
  if (LOOPBACK.has(hostname)) return;
  if (protocol !== "rediss:")
    throw new InsecureTransport(`Redis at ${host} would be spoken to in the clear: rediss://`);
  if (password === "" && redis.password === undefined && redis.tls?.cert === undefined)
    throw new InsecureTransport(`Redis at ${host} would let anybody in: give redis.passwordFile`);
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** As for Redis: throws UnsafeLog unless all brokers are this machine's own, where it only says so. */
export function judgeLogSafety(
  brokers: readonly string[],
  finding: string,
  onWait: (line: string) => void,
  dev = false,
): void {
  const line = `Kafka at ${brokers[0]}: ${finding}`;
  if (!dev && !brokers.every(isOwnBroker)) throw new UnsafeLog(line);
  onWait(line);
}

function isOwnBroker(broker: string): boolean {
  return LOOPBACK.has(broker.slice(0, broker.lastIndexOf(":")));
}

/** A Redis of this machine alone is for trying things out; anywhere else, save with `dev`, people's profiles depend on it. */
export function judgeSafety(url: string, finding: string, onWait: (line: string) => void, dev = false): void {
  const { hostname, host } = new URL(url);
  const line = `Redis at ${host}: ${finding}`;
  if (!dev && !LOOPBACK.has(hostname)) throw new UnsafeStore(line);
  onWait(line);
}

async function openEmbeddedWires({ deployment }: LoadedConfiguration, now: (() => number) | undefined): Promise<Wires> {
  const [{ openEmbedded }, { openLocalCodec }] = await Promise.all([
    import("#adapters/embedded/embedded.ts"),
    import("#adapters/registry/local.ts"),
  ]);
  const file = resolve(deployment.embedded.file);
  mkdirSync(dirname(file), { recursive: true });
  const opened = openEmbedded({ file, ...(now === undefined ? {} : { now }) });
  const codec = await openLocalCodec({
    schemasDirectory: SCHEMAS_FOLDER,
    keptDirectory: join(dirname(file), "schemas"),
  });
  return { log: opened.log, codec, embedded: true, state: opened, close: () => opened.close() };
}

async function openServerWires(
  loaded: LoadedConfiguration,
  waiting: { onWait(line: string): void; readonly patienceMs: number },
): Promise<Wires> {
  const { engine, kafka, registry } = loaded.deployment;
  const [{ openKafkaLog }, { INPUT_COMPATIBILITY, OUTPUT_COMPATIBILITY, openRegistryCodec }] = await Promise.all([
    import("#adapters/kafka/log.ts"),
    import("#adapters/registry/codec.ts"),
  ]);
  const outputs = new Set(outputTopics(loaded).map(({ name }) => name));
  const codec = await openRegistryCodec({
    url: registry.url,
    schemasDirectory: SCHEMAS_FOLDER,
    autoRegister: registry.autoRegister,
    compatibilityOf: (topic) => (outputs.has(topic) ? OUTPUT_COMPATIBILITY : INPUT_COMPATIBILITY),
  });
  const log = await openKafkaLog({
    ...kafka,
    transactionTimeoutMs: engine.transactionTimeoutMs,
    ...waiting,
  });
  return { log, codec, embedded: false, close: () => log.close() };
}
