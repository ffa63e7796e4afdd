import assert from "node:assert/strict";
import { test } from "node:test";
import { type CloudEvent, cloudEventHeaders } from "#core/headers.ts";

const event: CloudEvent = {
  id: "t-1",
  source: "/weft",
  type: "dev.weft.segment-transition",
  timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  subject: "p-1",
  dataschema: "http://registry/subjects/segment-transition-value/versions/latest",
};

test("an output carries the CloudEvents attributes of the Kafka binding's binary mode", () => {
  assert.deepEqual(cloudEventHeaders(event), {
    ce_specversion: "1.0",
    ce_id: "t-1",
    ce_source: "/weft",
    ce_type: "dev.weft.segment-transition",
    ce_time: "2026-01-02T03:04:05.006Z",
    ce_subject: "p-1",
    ce_dataschema: "http://registry/subjects/segment-transition-value/versions/latest",
    "content-type": "application/avro",
  });
});

test("the trace context of the cause is handed on as it came, and none is made up", () => {
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  assert.equal(cloudEventHeaders({ ...event, traceparent })["traceparent"], traceparent);
  assert.equal("traceparent" in cloudEventHeaders({ ...event, traceparent: null }), false);
});
