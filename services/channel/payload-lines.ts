// Payloads of a foreign topic as JSON lines, for `fold` and `import`: one value of the topic a line, read by the mapping
// of its source. The line's own bytes are what belongs into the topic.

import type { SourceConfiguration } from "#core/configuration.ts";
import type { PayloadMapping } from "#services/config/payload-mapping.ts";
import { LINE_BYTES_MAX, splitLines } from "./lines.ts";
import { parsePayload } from "./payload.ts";
import { createPayloadReader } from "./payload-event.ts";
import type { Reading } from "./reading.ts";

export async function* readPayloadLines(
  chunks: AsyncIterable<Buffer>,
  source: SourceConfiguration,
  mapping: PayloadMapping,
): AsyncGenerator<Reading> {
  const read = createPayloadReader(mapping, source.currency);
  for await (const { line, bytes } of splitLines(chunks)) {
    const about = { line, source: source.name };
    if (bytes === undefined) {
      const detail = `the line is longer than ${LINE_BYTES_MAX} bytes`;
      yield { ok: false, ...about, reason: "undecodable", detail };
      continue;
    }
    const payload = parsePayload(bytes);
    const mapped = payload.ok ? read(payload.value) : payload;
    if (!mapped.ok) {
      yield { ...mapped, ...about };
      continue;
    }
    const { event } = mapped;
    yield { ok: true, ...about, recordedAt: event.occurredAt, recordedAtGiven: false, event, payload: bytes };
  }
}
