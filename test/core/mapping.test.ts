// CSV files through a declared mapping: rows to events, exact money, local times, and refusals that keep an event whole.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { minorDigits, parseDecimal, parseWhole, roundToMinor } from "#services/channel/decimal.ts";
import { readChannelFile, readChannelFiles } from "#services/channel/file.ts";
import { createTimeReader } from "#services/channel/instant.ts";
import { ChannelFileError, type Reading } from "#services/channel/reading.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { makeFolder } from "#support/folder.ts";

const folder = makeFolder("mapping");
const EXAMPLE = resolve(import.meta.dirname, "../../infra/examples/online-retail.weft.yaml");
const retail = loadConfiguration(EXAMPLE, {});
const HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}

async function readRows(rows: readonly string[], name = "rows.csv"): Promise<Reading[]> {
  return collect(readChannelFile(write(name, [HEADER, ...rows, ""].join("\n")), retail));
}

test("rows of one invoice become one order, wherever in the file they stand", async () => {
  const readings = await readRows([
    "536365,85123A,HEART,6,2010-12-01 08:27:00,2.55,17850.0,United Kingdom",
    'C536379,D,"Discount, manual",-1,2010-12-01 09:41:00,27.5,14527.0,United Kingdom',
    "536365,71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom",
    "536365,71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom",
  ]);
  assert.deepEqual(readings, [
    {
      ok: true,
      line: 2,
      source: "shop",
      recordedAt: Date.UTC(2010, 11, 1, 8, 26),
      recordedAtGiven: false,
      event: {
        eventId: "536365",
        type: "order-placed",
        occurredAt: Date.UTC(2010, 11, 1, 8, 26),
        identifiers: [{ namespace: "customer", value: "17850" }],
        order: {
          orderId: "536365",
          currency: "GBP",
          totalMinor: 5598,
          lines: [
            { productId: "85123A", quantity: 6, unitPriceMinor: 255 },
            { productId: "71053", quantity: 6, unitPriceMinor: 339 },
            { productId: "71053", quantity: 6, unitPriceMinor: 339 },
          ],
        },
      },
    },
    {
      ok: true,
      line: 3,
      source: "shop",
      recordedAt: Date.UTC(2010, 11, 1, 9, 41),
      recordedAtGiven: false,
      event: {
        eventId: "C536379",
        type: "order-returned",
        occurredAt: Date.UTC(2010, 11, 1, 9, 41),
        identifiers: [{ namespace: "customer", value: "14527" }],
        order: {
          orderId: "C536379",
          currency: "GBP",
          totalMinor: -2750,
          lines: [{ productId: "D", quantity: -1, unitPriceMinor: 2750 }],
        },
      },
    },
  ]);
});

test("an invoice without a customer is an order that names nobody", async () => {
  const [reading] = await readRows(["1,A,x,1,2010-12-01 08:26:00,1.0,,France"]);
  assert.ok(reading?.ok);
  assert.deepEqual(reading.event.identifiers, []);
  assert.equal(reading.event.order?.orderId, "1");
});

test("a total is the exact sum rounded once, and a price is rounded by itself", async () => {
  const row = (price: string, quantity: number) => `1,A,x,${quantity},2010-12-01 08:26:00,${price},,France`;
  const [reading] = await readRows([row("0.004", 1), row("0.004", 1), row("1.005", 3), row("0.004", 1)]);
  assert.ok(reading?.ok);
  // 0.004 + 0.004 + 3.015 + 0.004 = 3.027; rounded line by line it would be 302.
  assert.equal(reading.event.order?.totalMinor, 303);
  assert.deepEqual(
    reading.event.order?.lines?.map((line) => line.unitPriceMinor),
    [0, 0, 101, 0],
  );
  const [returned] = await readRows([row("1.005", -3)]);
  assert.equal(returned?.ok && returned.event.order?.totalMinor, -302);
});

test("halves round away from zero, and amounts that no safe integer holds are none", () => {
  const minor = (text: string, digits = 2) => {
    const value = parseDecimal(text);
    return value && roundToMinor(value, digits);
  };
  assert.deepEqual(
    ["2.55", "0.005", "-0.005", "0.0049", "1", "-11062.06", "1.5"].map((text) => minor(text)),
    [255, 1, -1, 0, 100, -1_106_206, 150],
  );
  assert.equal(minor("12.5", minorDigits("JPY")), 13);
  assert.equal(minor("1.2345", minorDigits("KWD")), 1235);
  assert.equal(minor("99999999999999999"), undefined);
  for (const wrong of ["", "1e3", "1,5", "0x10", "NaN", " 1", "1.", ".5", "١"])
    assert.equal(parseDecimal(wrong), undefined, wrong);
  assert.deepEqual(["6", "6.0", "-1", "1.5", ""].map(parseWhole), [6, 6, -1, undefined, undefined]);
});

test("local times become UTC: the earlier one where clocks go back, moved on where they go forward", () => {
  const london = createTimeReader("yyyy-MM-dd HH:mm:ss", "Europe/London");
  assert.equal(london("2011-01-15 12:00:00"), Date.UTC(2011, 0, 15, 12));
  assert.equal(london("2011-07-15 12:00:00"), Date.UTC(2011, 6, 15, 11));
  assert.equal(london("2011-10-30 01:30:00"), Date.UTC(2011, 9, 30, 0, 30));
  assert.equal(london("2011-03-27 01:30:00"), Date.UTC(2011, 2, 27, 1, 30));
  assert.equal(london("2011-02-30 01:30:00"), undefined);
  assert.equal(createTimeReader("d/M/yyyy H:mm", "UTC")("1/12/2010 8:26"), Date.UTC(2010, 11, 1, 8, 26));
  assert.equal(createTimeReader("yyyy-MM-dd", "UTC")("2010-12-01 08:26"), undefined);
});

test("a till of another habit reads as well: semicolons, decimal commas, day and hour apart, letters of windows-1252", async () => {
  const config = write(
    "till.weft.yaml",
    `sources:
  - name: till
    delivery: files
    mapping:
      format: csv
      delimiter: ";"
      encoding: windows-1252
      decimalMark: ","
      columns: [Ticket, Jour, Heure, Article, Qté, Prix, Prénom]
      groupBy: [Ticket, Jour]
      eventId: { cel: 'row.Jour + "/" + row.Ticket' }
      type: { constant: order-placed }
      occurredAt: { cel: 'row.Jour + " " + row.Heure', format: d/M/yyyy HH:mm, zone: Europe/Paris, pick: latest }
      traits: { firstName: { column: Prénom } }
      order:
        orderId: { column: Ticket }
        lines: { productId: { column: Article }, quantity: { cel: 'row["Qté"]' }, unitPrice: { column: Prix } }
`,
  );
  const rows = [
    "Ticket;Jour;Heure;Article;Qté;Prix;Prénom",
    "1;2/1/2024;10:00;A;1;12,50;Zoë",
    "1;2/1/2024;10:02;B;2;0,995;Zoë",
    "1;3/1/2024;09:00;A;1;1,00;",
    "",
  ];
  const path = write("till.csv", Buffer.from(rows.join("\r\n"), "latin1"));
  const readings = await collect(readChannelFile(path, loadConfiguration(config, {})));
  assert.deepEqual(
    readings.map((reading) => reading.ok && { ...reading.event, traits: { ...reading.event.traits } }),
    [
      {
        eventId: "2/1/2024/1",
        type: "order-placed",
        occurredAt: Date.UTC(2024, 0, 2, 9, 2),
        identifiers: [],
        traits: { firstName: "Zoë" },
        order: {
          orderId: "1",
          currency: "EUR",
          totalMinor: 1449,
          lines: [
            { productId: "A", quantity: 1, unitPriceMinor: 1250 },
            { productId: "B", quantity: 2, unitPriceMinor: 100 },
          ],
        },
      },
      {
        eventId: "3/1/2024/1",
        type: "order-placed",
        occurredAt: Date.UTC(2024, 0, 3, 8),
        identifiers: [],
        traits: {},
        order: {
          orderId: "1",
          currency: "EUR",
          totalMinor: 100,
          lines: [{ productId: "A", quantity: 1, unitPriceMinor: 100 }],
        },
      },
    ],
  );
});

test("one bad row refuses its whole event and no other, without telling the value", async () => {
  const readings = await readRows([
    "1,A,x,1,2010-12-01 08:26:00,1.0,7.0,France",
    "1,B,x,1,2010-12-01 08:26:00,secret,7.0,France",
    "2,A,x,1.5,2010-12-01 08:26:00,1.0,7.0,France",
    "3,A,x,1,01/12/2010,1.0,7.0,France",
    "4,A,x,1,2010-12-01 08:26:00,1.0",
    "5,A,x,1,2010-12-01 08:26:00,1.0,7.0,France",
  ]);
  assert.deepEqual(
    readings.map((reading) =>
      reading.ok
        ? `${reading.line} accepted`
        : `${reading.line} ${reading.eventId} ${reading.reason}: ${reading.detail}`,
    ),
    [
      "2 1 contract-violation: order.lines.unitPrice: expected a decimal number",
      "4 2 contract-violation: order.lines.quantity: expected a whole number",
      "5 3 contract-violation: occurredAt: expected a time as yyyy-MM-dd HH:mm:ss",
      "6 4 contract-violation: line 6 has 6 values, the header 8",
      "7 accepted",
    ],
  );
});

test("a packed file reads as the plain one, and several files merge into the order of recording", async () => {
  const text = [HEADER, "1,A,x,1,2010-12-01 08:26:00,1.0,7.0,France"].join("\n");
  const packed = write("packed.csv.gz", gzipSync(text));
  const events = write(
    "events.jsonl",
    '{"source":"shop","eventId":"j","type":"store-visited","occurredAt":1000000000000}\n{\n{"source":"shop","eventId":"k","type":"store-visited","occurredAt":1700000000000}\n',
  );
  const readings = await collect(readChannelFiles([packed, events], retail));
  assert.deepEqual(
    readings.map((reading) => [reading.ok ? reading.event.eventId : reading.reason, reading.file]),
    [
      ["j", events],
      ["undecodable", events],
      ["1", packed],
      ["k", events],
    ],
  );
});

test("a file that no mapping fits, that is broken off, or that is too long is refused as a whole", async () => {
  const code = async (path: string, loaded = retail) => {
    try {
      await collect(readChannelFile(path, loaded));
      return "read";
    } catch (error) {
      return error instanceof ChannelFileError ? error.code : String(error);
    }
  };
  assert.equal(await code(write("other.csv", "a,b\n1,2\n")), "file-mapping-unclear");
  assert.equal(await code(join(folder, "missing.csv")), "file-unreadable");
  assert.equal(await code(write("cut.jsonl.gz", gzipSync("x".repeat(100_000)).subarray(0, 60))), "file-unreadable");
  assert.equal(
    await code(
      write("latin.csv", Buffer.from(`${HEADER}\n1,A,caf\xe9,1,2010-12-01 08:26:00,1.0,7.0,France\n`, "latin1")),
    ),
    "file-unreadable",
  );
  const mapping = retail.deployment.mappings.get("shop");
  assert.ok(mapping);
  const tight = {
    ...retail,
    deployment: { ...retail.deployment, mappings: new Map([["shop", { ...mapping, rowsMax: 1 }]]) },
  };
  const row = "1,A,x,1,2010-12-01 08:26:00,1.0,7.0,France";
  assert.equal(await code(write("long.csv", [HEADER, row, row].join("\n")), tight), "file-too-long");
});

test("a quote that never closes is refused and does not take the process down", async () => {
  const readings = await readRows([
    "1,A,x,1,2010-12-01 08:26:00,1.0,7.0,France",
    '2,A,"x,1,2010-12-01 08:26:00,1.0,7.0,France',
  ]);
  assert.deepEqual(readings.map((reading) => (reading.ok ? reading.event.eventId : reading.reason)).toSorted(), [
    "1",
    "undecodable",
  ]);
});
