// Channel events to their topics: encode, batch, append, count. Shared by `produce` (now) and `import` (history).

import type { NewRecord } from "#ports/log.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { FileReading } from "#services/channel/file.ts";
import { ChannelFileError } from "#services/channel/reading.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { channelTopics } from "#services/config/topics.ts";
import { BACKFILL_HEADER } from "#services/wire/headers.ts";
import type { Wires } from "./wiring.ts";

const BATCH_RECORDS_MAX = 500;
const BATCH_BYTES_MAX = 512 * 1024;
/** A reader that waits for more input does not keep what it has. */
const BATCH_WAIT_MS = 200;

export interface PublicationOptions {
  /** history: stamped with the time of recording, marked as a backfill where asked. live: stamped by the log where the line does not say. */
  readonly timestamps: "history" | "live";
  readonly backfill: boolean;
  onRefused(reading: FileReading & { ok: false }): void;
  onPublished(total: number): void;
}

export interface PublicationCounts {
  readonly published: number;
  readonly refused: number;
}

export async function publishReadings(
  readings: AsyncGenerator<FileReading>,
  wires: Wires,
  loaded: LoadedConfiguration,
  options: PublicationOptions,
): Promise<PublicationCounts> {
  if (wires.embedded) await wires.log.createTopics(channelTopics(loaded));
  const topicOf = new Map(loaded.configuration.sources.map((source) => [source.name, source.topic]));
  const encoders = new Map<string, (value: unknown) => Uint8Array>();
  const headers = options.backfill ? { [BACKFILL_HEADER]: "1" } : undefined;
  let batch: NewRecord[] = [];
  let batchBytes = 0;
  let deadline = wait(BATCH_WAIT_MS);
  let published = 0;
  let refused = 0;

  const flush = async () => {
    if (batch.length === 0) return;
    const records = batch;
    batch = [];
    batchBytes = 0;
    await wires.log.append(records);
    published += records.length;
    options.onPublished(published);
  };

  const encodeEvent = async (topic: string, event: ChannelEvent): Promise<Uint8Array> => {
    let encode = encoders.get(topic);
    if (!encode) {
      encode = await wires.codec.encoder(topic, "ChannelEvent");
      encoders.set(topic, encode);
    }
    return encode(event);
  };

  let pending = readings.next();
  for (;;) {
    const next = batch.length === 0 ? await pending : await Promise.race([pending, deadline]);
    if (next === "waited") {
      await flush();
      continue;
    }
    if (next.done) break;
    pending = readings.next();
    // Awaited at the next turn; a failure in between must not count as unhandled.
    pending.catch(() => undefined);
    const reading = next.value;
    if (!reading.ok) {
      refused += 1;
      options.onRefused(reading);
      continue;
    }
    const topic = topicOf.get(reading.source) ?? "";
    requireJson(reading, loaded);
    const value = reading.payload ?? (await encodeEvent(topic, reading.event));
    const stamped = options.timestamps === "history" || reading.recordedAtGiven;
    if (batch.length === 0) deadline = wait(BATCH_WAIT_MS);
    // The key is the event's own id: it spreads evenly, says nothing about a person, and a second run lands where the first did.
    batch.push({
      topic,
      key: reading.event.eventId,
      value,
      ...(headers ? { headers } : {}),
      ...(stamped ? { timestampMs: reading.recordedAt } : {}),
    });
    batchBytes += value.length;
    if (batch.length >= BATCH_RECORDS_MAX || batchBytes >= BATCH_BYTES_MAX) await flush();
  }
  await flush();
  return { published, refused };
}

/** What stands in a foreign topic is what its sender writes: JSON can be passed on from a file, Avro is his to write. */
function requireJson({ source, payload }: FileReading & { ok: true }, { deployment }: LoadedConfiguration): void {
  const format = deployment.payloadMappings.get(source)?.format;
  if (format === undefined || (format === "json" && payload !== undefined)) return;
  throw new ChannelFileError(
    "file-mapping-unclear",
    format === "avro"
      ? `the topic of ${source} holds Avro of its sender's, which no file can be written as`
      : `the topic of ${source} holds payloads: name the file ${source}=FILE, or give --source ${source}`,
  );
}

function wait(ms: number): Promise<"waited"> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, "waited").unref();
  });
}
