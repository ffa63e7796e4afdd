// What a person of a cluster in one process would be given: the log of record is read there as on any other.

import { type LoadedConfiguration, loadConfiguration } from "#services/config/configuration.ts";
import { topicNames } from "#services/config/topics.ts";
import type { PayloadKeys } from "#services/wire/payload-keys.ts";
import { exportSubject } from "#services/wire/subject-export.ts";
import type { Codec } from "#ports/codec.ts";
import type { LogRecord } from "#ports/log.ts";
import type { Cluster } from "./cluster.ts";
import { configuration } from "./histories.ts";

export const loaded: LoadedConfiguration = { ...loadConfiguration(undefined, {}), configuration };
const RESOLVED = "weft.resolved";
/** Bytes of a record, in place of what it holds: no event of a cluster has as many. */
const RECORD_BYTES = 8;
const { segmentTransition } = topicNames(loaded);

/** As their topic tells them. */
export function listTransitions({ outputs }: Cluster) {
  return outputs.flatMap((output) =>
    output.kind === "transition" || output.kind === "retraction" ? [{ ...output, ...output.by }] : [],
  );
}

export function exportFrom(cluster: Cluster, keys: PayloadKeys, namespace: string, value: string) {
  const bundles = cluster.listBundles();
  const transitions = listTransitions(cluster);
  const readRecord = (record: DataView) =>
    record.getUint32(4) === 1 ? transitions[record.getUint32(0)] : bundles[record.getUint32(0)];
  const codec: Pick<Codec, "prepare" | "decode"> = {
    prepare: async () => {},
    decode: (bytes) => {
      if (bytes === null) return { ok: false, reason: "undecodable", detail: "" };
      const isRecord = bytes.length === RECORD_BYTES;
      return {
        ok: true,
        schemaId: 0,
        value: isRecord ? readRecord(new DataView(bytes.buffer)) : cluster.readEvent(bytes),
      };
    },
  };
  const log = {
    async *read([topic = ""]: readonly string[]): AsyncGenerator<LogRecord> {
      const keys = topic === RESOLVED ? bundles.map(() => null) : transitions.map(({ profileId }) => profileId);
      for (const [offset, key] of keys.entries()) {
        const bytes = new Uint8Array(RECORD_BYTES);
        new DataView(bytes.buffer).setUint32(0, offset);
        new DataView(bytes.buffer).setUint32(4, topic === segmentTransition ? 1 : 0);
        yield { topic, partition: 0, offset, key, value: bytes, timestampMs: 0, headers: {} };
      }
    },
  };
  const services = { ...cluster.lookups, loaded, log, codec: codec as Codec, keys, resolvedTopic: RESOLVED };
  return exportSubject(services, namespace, value, "FR");
}
