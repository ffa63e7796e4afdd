// Which adapters stand behind the ports: Kafka and a registry, or one SQLite file. Loaded when needed, so that
// `weft --help` does not wait for clients it never uses.

import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { outputTopics } from "#services/config/topics.ts";

export const SCHEMAS_FOLDER = resolve(import.meta.dirname, "../../schemas");

export interface Wires {
  readonly log: Log;
  readonly codec: Codec;
  /** True where nobody but Weft owns the topics, so that they are made when missing. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

export async function openWires(
  loaded: LoadedConfiguration,
  { embedded = false }: { readonly embedded?: boolean } = {},
): Promise<Wires> {
  return embedded ? openEmbeddedWires(loaded) : openServerWires(loaded);
}

async function openEmbeddedWires({ deployment }: LoadedConfiguration): Promise<Wires> {
  const [{ openEmbedded }, { openLocalCodec }] = await Promise.all([
    import("#adapters/embedded/embedded.ts"),
    import("#adapters/registry/local.ts"),
  ]);
  const file = resolve(deployment.embedded.file);
  mkdirSync(dirname(file), { recursive: true });
  const opened = openEmbedded({ file });
  const codec = await openLocalCodec({
    schemasDirectory: SCHEMAS_FOLDER,
    keptDirectory: join(dirname(file), "schemas"),
  });
  return { log: opened.log, codec, embedded: true, close: () => opened.close() };
}

async function openServerWires(loaded: LoadedConfiguration): Promise<Wires> {
  const { kafka, registry } = loaded.deployment;
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
  const log = await openKafkaLog({ brokers: kafka.brokers, clientId: kafka.clientId });
  return { log, codec, embedded: false, close: () => log.close() };
}
