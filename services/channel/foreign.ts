// Foreign topics: for each that is declared with a mapping, how a value of it becomes an event.

import type { DeadLetterReason } from "#core/acceptance.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { Codec } from "#ports/codec.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { parsePayload, toPayload } from "./payload.ts";
import { createPayloadReader } from "./payload-event.ts";

type ForeignReading =
  | { readonly ok: true; readonly event: ChannelEvent }
  | { readonly ok: false; readonly reason: DeadLetterReason; readonly detail: string };
type ForeignReader = (value: Uint8Array | null) => ForeignReading;

/** By topic. The codec must have been prepared for values of Avro. */
export function createForeignReaders(
  { configuration, deployment }: LoadedConfiguration,
  codec: Pick<Codec, "decode">,
): (topic: string) => ForeignReader | undefined {
  const readers = new Map<string, ForeignReader>();
  for (const { name, topic, currency } of configuration.sources) {
    const mapping = deployment.payloadMappings.get(name);
    if (mapping === undefined) continue;
    const map = createPayloadReader(mapping, currency);
    readers.set(topic, (value) => {
      const payload = mapping.format === "json" ? parsePayload(value) : decodeAvro(codec, value);
      return payload.ok ? map(payload.value) : payload;
    });
  }
  return (topic) => readers.get(topic);
}

function decodeAvro(codec: Pick<Codec, "decode">, value: Uint8Array | null) {
  const decoded = codec.decode(value);
  return decoded.ok ? toPayload(decoded.value) : decoded;
}
