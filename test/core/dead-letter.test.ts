import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { createDeadLetter, TIMESTAMP_KEPT_MS } from "#services/resolver/dead-letter.ts";

const NOW = Date.UTC(2026, 5, 1);

function bury(timestampMs: number) {
  const record = {
    topic: "channel-web",
    partition: 3,
    offset: 7,
    timestampMs,
    key: "k",
    value: new Uint8Array([1]),
    headers: { ce_id: "1" },
  };
  return createDeadLetter(record, "channel-web.dlq", "undecodable", "broken", NOW);
}

describe("a dead letter", () => {
  it("keeps the record's timestamp, so that it can be sent again as it was (O1)", () => {
    equal(bury(NOW - 1000).timestampMs, NOW - 1000);
  });

  it("of a record of long ago is stamped when it is written, or retention would take it at once; a header keeps the time (O1)", () => {
    const letter = bury(NOW - TIMESTAMP_KEPT_MS - 1);
    equal(letter.timestampMs, undefined);
    equal(letter.headers?.["weft.recorded-at"], new Date(NOW - TIMESTAMP_KEPT_MS - 1).toISOString());
    equal(letter.headers?.["ce_id"], "1");
  });
});
