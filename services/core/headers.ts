// Headers of what the product publishes: CloudEvents 1.0 in binary mode as its Kafka binding says, so that the value
// stays plain Avro, and the trace context of the causing record.

export interface CloudEvent {
  /** The deterministic id of the output: a repeated publication has the same. */
  readonly id: string;
  /** Who says it: a URI reference, the same for every instance of a deployment. */
  readonly source: string;
  /** Reverse-domain and versioned by meaning, e.g. dev.weft.segment-transition. */
  readonly type: string;
  /** Business time of what is told, epoch milliseconds. */
  readonly timeMs: number;
  /** The profile id. */
  readonly subject: string;
  /** URI of the schema, e.g. of its subject at the registry. */
  readonly dataschema: string;
  /** W3C trace context of the cause, as it came. */
  readonly traceparent?: string | null;
}

/** Outputs of one event are told one after the other, at one instant. */
let written = { timeMs: Number.NaN, text: "" };

function writeTime(timeMs: number): string {
  if (written.timeMs !== timeMs) written = { timeMs, text: new Date(timeMs).toISOString() };
  return written.text;
}

export function cloudEventHeaders(event: CloudEvent): Record<string, string> {
  const headers: Record<string, string> = {
    ce_specversion: "1.0",
    ce_id: event.id,
    ce_source: event.source,
    ce_type: event.type,
    ce_time: writeTime(event.timeMs),
    ce_subject: event.subject,
    ce_dataschema: event.dataschema,
    "content-type": "application/avro",
  };
  if (event.traceparent !== undefined && event.traceparent !== null) headers["traceparent"] = event.traceparent;
  return headers;
}
