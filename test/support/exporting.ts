// What a person of a cluster in one process would be given: the log of record is read there as on any other.

import { type LoadedConfiguration, loadConfiguration } from "#services/config/configuration.ts";
import type { PayloadKeys } from "#services/wire/payload-keys.ts";
import { exportSubject } from "#services/wire/subject-export.ts";
import type { Codec } from "#ports/codec.ts";
import type { LogRecord } from "#ports/log.ts";
import type { Cluster } from "./cluster.ts";
import { configuration } from "./histories.ts";

export const loaded: LoadedConfiguration = { ...loadConfiguration(undefined, {}), configuration };
const RESOLVED = "weft.resolved";
/** Bytes of a record, in place of the bundle: no event of a cluster has as many. */
const RECORD_BYTES = 8;

export function exportFrom(cluster: Cluster, keys: PayloadKeys, namespace: string, value: string) {
  const bundles = cluster.listBundles();
  const codec: Pick<Codec, "prepare" | "decode"> = {
    prepare: async () => {},
    decode: (bytes) => {
      if (bytes === null) return { ok: false, reason: "undecodable", detail: "" };
      const isRecord = bytes.length === RECORD_BYTES;
      return {
        ok: true,
        schemaId: 0,
        value: isRecord ? bundles[new DataView(bytes.buffer).getUint32(0)] : cluster.readEvent(bytes),
      };
    },
  };
  const log = {
    async *read(): AsyncGenerator<LogRecord> {
      for (const offset of bundles.keys()) {
        const bytes = new Uint8Array(RECORD_BYTES);
        new DataView(bytes.buffer).setUint32(0, offset);
        yield { topic: RESOLVED, partition: 0, offset, key: null, value: bytes, timestampMs: 0, headers: {} };
      }
    },
  };
  const services = { ...cluster.lookups, loaded, log, codec: codec as Codec, keys, resolvedTopic: RESOLVED };
  return exportSubject(services, namespace, value, "FR");
}
