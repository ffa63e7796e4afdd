import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { gatherPartitions, toSends } from "#adapters/kafka/records.ts";
import type { NewRecord } from "#ports/log.ts";
import { runs } from "#support/property.ts";

const record = fc
  .record({
    topic: fc.constantFrom("a", "b", "c"),
    partition: fc.option(fc.nat(5), { nil: undefined }),
    key: fc.string({ maxLength: 3 }),
  })
  .map(
    ({ partition, ...rest }): NewRecord => ({
      ...rest,
      value: null,
      ...(partition === undefined ? {} : { partition }),
    }),
  );

describe("the sends of a transaction", () => {
  it("hold every record once, and those of a partition or a key in their order (O2)", () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), (records) => {
        const numbered = records.map((one, i) => ({ ...one, value: Buffer.from([i]) }));
        const sent = toSends(gatherPartitions(numbered)).flatMap((send) =>
          send.flatMap(({ topic, messages }) =>
            messages.map((message) => ({
              topic,
              partition: message.partition,
              place: (message.value as Buffer)[0] as number,
            })),
          ),
        );
        equal(sent.length, numbered.length);
        for (const { topic, partition } of numbered) {
          const places = sent
            .filter((one) => one.topic === topic && one.partition === partition)
            .map(({ place }) => place);
          deepEqual(
            places,
            places.toSorted((a, b) => a - b),
          );
        }
      }),
      runs(500),
    );
  });
});
