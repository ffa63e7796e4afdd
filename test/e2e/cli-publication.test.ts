// What `produce` and `import` do with readings, over a log in memory: batches, keys, time stamps, refusals.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import type { NewRecord } from "#ports/log.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import type { FileReading } from "#services/channel/file.ts";
import { publishReadings } from "#services/cli/publication.ts";
import type { Wires } from "#services/cli/wiring.ts";
import { loadConfiguration } from "#services/config/configuration.ts";

const loaded = loadConfiguration(undefined, {});
const codec = await openLocalCodec({ schemasDirectory: resolve(import.meta.dirname, "../../schemas") });

/** Only `append` is used; what was appended is kept by batch. */
function openWires(append: (records: readonly NewRecord[]) => Promise<void>): Wires {
  return { log: { append } as Wires["log"], codec, embedded: false, close: async () => {} };
}

function reading(eventId: string, more: Partial<FileReading & { ok: true }> = {}): FileReading {
  const event = { eventId, type: "page-viewed", occurredAt: 1_700_000_000_000, identifiers: [] };
  return {
    ok: true,
    file: "-",
    line: 1,
    source: "web",
    recordedAt: 1_700_000_000_000,
    recordedAtGiven: false,
    event,
    ...more,
  };
}

async function* list(readings: readonly FileReading[]): AsyncGenerator<FileReading> {
  yield* readings;
}

const options = { timestamps: "live", backfill: false, onRefused() {}, onPublished() {} } as const;

test("events go to their source's topic in batches, in the order in which they came", async () => {
  const batches: (readonly NewRecord[])[] = [];
  const wires = openWires(async (records) => void batches.push(records));
  const readings = Array.from({ length: 1_201 }, (_, index) =>
    reading(`e${index}`, { source: index % 2 === 0 ? "web" : "crm" }),
  );
  assert.deepEqual(await publishReadings(list(readings), wires, loaded, options), { published: 1_201, refused: 0 });
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [500, 500, 201],
  );
  assert.deepEqual(
    batches.flat().map(({ key }) => key),
    readings.map((_, index) => `e${index}`),
  );
  assert.deepEqual(
    batches[0]?.slice(0, 2).map(({ topic }) => topic),
    ["channel-web", "channel-crm"],
  );
});

test("while more input is awaited, what was read goes out", { timeout: 10_000 }, async () => {
  let open = () => {};
  const gate = new Promise<void>((resolveGate) => {
    open = resolveGate;
  });
  async function* slow(): AsyncGenerator<FileReading> {
    yield reading("first");
    await gate;
    yield reading("second");
  }
  const keys: (string | null)[] = [];
  const wires = openWires(async (records) => {
    keys.push(...records.map(({ key }) => key));
    // Only the first batch can open the gate: were it held back, the test would time out.
    open();
  });
  // As a socket would, this keeps the process alive while nothing comes.
  const alive = setInterval(() => {}, 1_000);
  try {
    await publishReadings(slow(), wires, loaded, options);
  } finally {
    clearInterval(alive);
  }
  assert.deepEqual(keys, ["first", "second"]);
});

test("live records are stamped by the log unless the line says when; history always says when", async () => {
  const stamps = async (timestamps: "live" | "history", backfill: boolean) => {
    const records: NewRecord[] = [];
    const wires = openWires(async (batch) => void records.push(...batch));
    await publishReadings(list([reading("a"), reading("b", { recordedAtGiven: true })]), wires, loaded, {
      ...options,
      timestamps,
      backfill,
    });
    return records.map(({ timestampMs, headers }) => [timestampMs, headers]);
  };
  assert.deepEqual(await stamps("live", false), [
    [undefined, undefined],
    [1_700_000_000_000, undefined],
  ]);
  assert.deepEqual(await stamps("history", true), [
    [1_700_000_000_000, { "weft-backfill": "1" }],
    [1_700_000_000_000, { "weft-backfill": "1" }],
  ]);
});

test("a refusal is told and counted, and a failing log ends the run", async () => {
  const told: number[] = [];
  const refused: FileReading = {
    ok: false,
    file: "-",
    line: 7,
    reason: "undecodable",
    detail: "the line is not JSON in UTF-8",
  };
  const counts = await publishReadings(
    list([refused, reading("a")]),
    openWires(async () => {}),
    loaded,
    { ...options, onRefused: ({ line }) => void told.push(line) },
  );
  assert.deepEqual([counts, told], [{ published: 1, refused: 1 }, [7]]);
  const failing = openWires(async () => {
    throw new Error("the log is gone");
  });
  await assert.rejects(publishReadings(list([reading("a")]), failing, loaded, options), /the log is gone/);
});
